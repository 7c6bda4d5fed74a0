import { sentence } from "../base/error.ts";
import { printable } from "../base/printable.ts";
import type { Issue, LrpError } from "../entries/index.ts";
import { issueInOwnWords } from "./words.ts";

const MOST_LINES = 12;
const MOST_NAMES = 4;
const LONGEST = 400;

/**
 * An error as at most twelve lines, without a stack. Problems that several nodes of one operator share are one line:
 * "Foo (3 nodes: a, b, c): ...".
 */
export function errorText(error: LrpError): string {
  const lines = group(error.issues.map(issueInOwnWords)).flatMap((issue) => sentence(issue).split("\n"));
  const shown =
    lines.length > MOST_LINES
      ? [...lines.slice(0, MOST_LINES - 1), `and ${lines.length - MOST_LINES + 1} more`]
      : lines;
  return shown.map((line, i) => `${i === 0 ? "relprop: " : "  "}${shorten(line)}\n`).join("");
}

function group(issues: readonly Issue[]): Issue[] {
  const groups = new Map<string, { issue: Issue; operator?: string; nodes: string[] }>();
  for (const issue of issues) {
    const [, node, operator] = /^node '(.*)' \((.*)\)$/s.exec(issue.where) ?? [];
    const key = JSON.stringify([operator ?? issue.where, issue.expected, issue.received, issue.problem, issue.fix]);
    const known = groups.get(key);
    if (known) known.nodes.push(node);
    else groups.set(key, { issue, operator, nodes: [node] });
  }
  return [...groups.values()].map(({ issue, operator, nodes }) =>
    operator && nodes.length > 1 ? { ...issue, where: `${operator} (${nodes.length} nodes: ${list(nodes)})` } : issue,
  );
}

function list(nodes: readonly string[]): string {
  return nodes.slice(0, MOST_NAMES).join(", ") + (nodes.length > MOST_NAMES ? ", ..." : "");
}

function shorten(line: string): string {
  const shown = printable(line);
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}...` : shown;
}
