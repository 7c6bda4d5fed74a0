import { printable } from "../base/printable.ts";
import type { Inspection, NodeSettings } from "../entries/index.ts";
import { columns, listed, wrap } from "./layout.ts";

type Node = Inspection["nodes"][number];

const WIDTH = 80;
/** Rules with many parameters are cut. */
const RULE = 18;

const cut = (text: string, width: number) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** "stride 2" where all are the same, else "strides 2,1". */
function along(name: string, value: NodeSettings[string] | undefined): string[] {
  if (!Array.isArray(value)) return [];
  const [first] = value;
  return value.every((v) => v === first) ? [`${name} ${first}`] : [`${name}s ${value.join(",")}`];
}

function windowText(node: Node, { kernel, strides, dilations, pads, autoPad, group }: NodeSettings): string {
  const channels = node.outputs[0].dims[1];
  const groups = group === undefined ? [] : [group === channels ? "depthwise" : `${group} groups`];
  const size = Array.isArray(kernel) ? [kernel.join("x")] : [];
  const more = [...along("stride", strides), ...along("pad", pads), ...along("dilation", dilations)];
  return [...size, ...more, ...(autoPad === undefined ? [] : [`pads ${autoPad}`]), ...groups].join(", ");
}

function lrnText({ region, before, after, a, beta, bias }: NodeSettings): string {
  const axis = region === "spatial" ? "rows and columns" : "channels";
  return `${axis} −${before}…+${after}, a ${Number(Number(a).toPrecision(3))}, beta ${beta}, bias ${bias}`;
}

/** An operator with the parameters of its window: "Conv 3x3, stride 2, pad 1". */
function operatorText(node: Node): string {
  const { type, settings } = node;
  if (!settings) return type;
  return `${type} ${type === "LRN" ? lrnText(settings) : windowText(node, settings)}`.trimEnd();
}

/** How many there are of each, the most first. */
export function counted(types: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([type, n]) => `${n} ${type}`)
    .join(", ");
}

const shape = ({ outputs: [output] }: Node) => `[${output.dims.join(", ")}]`;

/** Operators that differ in their place alone are one line, where the first of them stands. */
export function groupLines(nodes: readonly Node[]): string {
  const groups = new Map<string, Node[]>();
  for (const node of nodes) {
    const key = JSON.stringify([node.rule, operatorText(node)]);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  const rows = [...groups.values()].map((group) => {
    const [first] = group;
    const shapes = new Set(group.map(shape));
    const more = shapes.size > 1 ? " …" : "";
    return [`${group.length}`, operatorText(first), cut(first.rule, RULE), `${shape(first)}${more}`] as const;
  });
  const [count, rule, dims] = [0, 2, 3].map((i) => Math.max(...rows.map((row) => row[i].length)));
  const room = Math.max(20, WIDTH - count - rule - dims - 8);
  const lines = rows.flatMap(([n, text, by, size]) =>
    wrap(text, room).map((part, i) => (i === 0 ? [n, part, by, size] : ["", `  ${part}`, "", ""])),
  );
  return columns(lines, [0]);
}

/** Every operator: the value that it computes, and below it its rule, and what it reads if that is not just above. */
export function fullLines(nodes: readonly Node[], inputs: readonly string[]): string {
  const computed = new Set([...inputs, ...nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name))]);
  const width = Math.max(...nodes.map(({ rule }) => cut(rule, RULE).length));
  const lines = nodes.map((node, i) => {
    const above = i === 0 ? inputs : nodes[i - 1].outputs.map(({ name }) => name);
    const read = [...new Set(node.inputs.filter((name) => computed.has(name)))];
    const from = read.length === 1 && above.includes(read[0]) ? "" : `, of ${listed(read)}`;
    const values = node.outputs.map(({ name, dims }) => `${name} [${dims.join(", ")}]`).join(", ");
    return `${printable(values)}\n  ${cut(node.rule, RULE).padEnd(width)}  ${operatorText(node)}${printable(from)}`;
  });
  return `${lines.join("\n")}\n`;
}
