import { byId } from "./dom.ts";

const THEMES = ["system", "light", "dark"];

const { dataset } = document.documentElement;
const button = byId("theme");
const show = () => {
  button.textContent = `Theme: ${dataset.theme ?? THEMES[0]}`;
};

// From the system's theme to light, to dark, and back; kept for the next visit (public/theme.js).
button.addEventListener("click", () => {
  dataset.theme = THEMES[(THEMES.indexOf(dataset.theme ?? THEMES[0]) + 1) % THEMES.length];
  try {
    localStorage.setItem("relprop-theme", dataset.theme);
  } catch {
    // It is not kept.
  }
  show();
});
show();
