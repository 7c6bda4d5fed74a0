import { type Issue, LrpError } from "relprop";
import { byId, el } from "./dom.ts";

/** Where an error came from: it goes when the same is tried again. */
type Source = "file" | "explain";

const PATIENCE = 500;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says it to those who listen, once things have settled. */
export function say(text: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    byId("said").textContent = text;
  }, PATIENCE);
}

const fields = ["where", "problem", "expected", "received", "fix"] as const;

function issueList(issue: Issue): HTMLElement {
  const list = el("dl");
  for (const name of fields) {
    const text = issue[name];
    if (text) list.append(el("dt", {}, name === "fix" ? "what helps" : name), el("dd", {}, text));
  }
  return list;
}

/** More would fill the page; the rest is counted. */
const MOST = 5;

/** Shows what went wrong, in words. */
export function showError(source: Source, title: string, error: unknown): void {
  const box = byId(`error-${source}`);
  const close = el("button", { type: "button", className: "close", onclick: () => clearError(source) }, "Close");
  const known = error instanceof LrpError;
  const issues = known
    ? error.issues
    : [{ where: "the page", problem: error instanceof Error ? error.message : String(error) }];
  const rest = issues.length > MOST ? [el("p", {}, `And ${issues.length - MOST} more.`)] : [];
  box.replaceChildren(el("h2", {}, title), ...issues.slice(0, MOST).map(issueList), ...rest, close);
  box.hidden = false;
}

export function clearError(source: Source): void {
  const box = byId(`error-${source}`);
  box.hidden = true;
  box.replaceChildren();
}
