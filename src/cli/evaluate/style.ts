import { html } from "../../base/html.ts";

/** The style of report.html, which stands in the page: it is one file. */
export const style = html`
:root {
  color-scheme: light dark;
  --ink: #1b1c1e; --soft: #5a5e65; --paper: #fff; --fill: #f3f4f6; --line: #d5d8dd;
  --good: #0a6238; --good-fill: #dff3e7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e7e9; --soft: #a2a7af; --paper: #16181b; --fill: #212429; --line: #3a3f46;
    --good: #8fdcb0; --good-fill: #173d28;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 66rem; padding: 1rem;
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
}
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: 0.25rem; }
h3 { margin-top: 2rem; }
p, li, dd { max-width: 48rem; overflow-wrap: anywhere; }
a { color: inherit; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0; list-style: none; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre {
  padding: 0.75rem; border-radius: 0.4rem; background: var(--fill);
  white-space: pre-wrap; overflow-wrap: anywhere;
}
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.95rem; }
caption { text-align: left; color: var(--soft); padding-bottom: 0.5rem; }
caption > span { display: block; max-width: min(48rem, 100vw - 2rem); }
th, td { padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { vertical-align: bottom; }
tbody th { font-weight: 500; }
th bdi { display: block; width: max-content; max-width: 18rem; overflow-wrap: break-word; }
th.number bdi { max-width: 10rem; margin-left: auto; }
tbody th { position: sticky; left: 0; background: var(--paper); }
td.number, th.number { text-align: right; white-space: nowrap; }
td.best { background: var(--good-fill); }
.warning { border-left: 0.4em solid #fc0; padding-left: 0.6em; font-weight: 600; }
.interval, .note { display: block; color: var(--soft); font-size: 0.85em; font-weight: 400; }
.mark { color: var(--good); font-weight: 600; font-size: 0.85em; }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: 0.85rem; overflow-wrap: anywhere; }
.plot { margin: 1.5rem 0; }
.plot img { display: block; width: 100%; min-width: 34rem; max-width: 45rem; border-radius: 0.4rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1rem; }
.pictures img { width: 100%; image-rendering: pixelated; background: var(--fill); outline: 1px solid var(--line); }
@media (max-width: 36rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
  table { font-size: 0.85rem; }
  th bdi { max-width: 9rem; }
  .pictures { grid-template-columns: 1fr 1fr; }
}
`;
