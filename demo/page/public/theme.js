// Before anything is drawn: the theme that was chosen here, in place of the system's.
try {
  document.documentElement.dataset.theme = localStorage.getItem("relprop-theme") ?? "system";
} catch {
  // A browser that keeps nothing of a page: the system's theme.
}
// As a part of another page, whose theme it has: what one tries alone.
if (new URLSearchParams(location.search).has("embedded")) {
  document.documentElement.classList.add("embedded");
  document.documentElement.dataset.theme = "system";
}
