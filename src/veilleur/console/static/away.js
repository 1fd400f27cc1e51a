// The key that stops, on pages without the console's dialogs: it goes where they are.

import { key } from "./keys.js";

const halt = document.querySelector("[data-halt]");
if (halt) key("x", () => halt.click() ?? true);
