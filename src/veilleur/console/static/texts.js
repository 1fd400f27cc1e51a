// The words of scripts, in the visitor's language: they stand in the page (parts/texts.html).

const known = new Map();
for (const one of document.querySelector("#texts").content.querySelectorAll("[data-key]"))
  known.set(one.dataset.key, one.textContent);

/** The text of a key, its {braces} filled in. */
export function say(key, values = {}) {
  if (!known.has(key)) throw new Error(`no text: ${key}`);
  return known.get(key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Is there such a text? */
export const has = (key) => known.has(key);
