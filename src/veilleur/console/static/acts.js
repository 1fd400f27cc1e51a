// An act from a file: its text goes into the field, where it can be read before it is sent.

const file = document.querySelector("[data-file]");
const text = document.querySelector("[data-text]");
const add = document.querySelector("[data-add]");

file?.addEventListener("change", async () => {
  if (!file.files.length) return;
  text.value = await file.files[0].text();
  text.dispatchEvent(new Event("input"));
  text.focus();
});
// What was read is put in force, and nothing else: after a change it is read anew.
text?.addEventListener("input", () => {
  if (add) add.disabled = true;
});
