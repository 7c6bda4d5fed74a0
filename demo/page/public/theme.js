// Before anything is drawn: the theme that was chosen here, in place of the system's.
try {
  document.documentElement.dataset.theme = localStorage.getItem("relprop-theme") ?? "system";
} catch {
  // A browser that keeps nothing of a page: the system's theme.
}
