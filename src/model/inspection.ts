import { isFloat, size } from "../base/tensor.ts";
import { printGraph } from "../graph/graph.ts";
import type { Fitted } from "../run/fit.ts";
import { type Assigned, rulesOf } from "./assigned.ts";
import { issueNotes, notesOf, packedNotes, refusedNotes, remarksOf } from "./notes.ts";
import type { ExplainOptions } from "./options.ts";
import { type Inspection, inspectionText } from "./report.ts";
import { settingsOf } from "./settings.ts";

/** Whether relevance gets from the output to an input by rules. */
function explainableOf({ ways }: Fitted, { path, issues }: Assigned): Inspection["explainable"] {
  if (path.inputs.size === 0) return "no";
  const isRuled = [...path.nodes].every((node) => ways.get(node)!.kind !== "none");
  return isRuled && issues.length === 0 ? "yes" : "partly";
}

/** The network as it would be explained. @param axisNotes what is worth knowing of the inputs' axes */
export function inspectionOf(
  fitted: Fitted,
  way: Assigned,
  options: ExplainOptions,
  axisNotes: readonly string[],
): Inspection {
  const { graph } = fitted;
  const remarks = remarksOf(fitted, way, options);
  const rules = new Map(rulesOf(fitted, way, remarks).map((r) => [r.node, r]));
  const nodes = graph.nodes.map((node) => ({
    node: node.name,
    type: node.type,
    rule: rules.get(node.name)?.rule ?? "left out",
    note: rules.get(node.name)?.note ?? node.note,
    inputs: node.inputs,
    outputs: node.outputs.filter(Boolean).map((name) => ({ name, dims: graph.dims.get(name)! })),
    settings: settingsOf(graph, node),
  }));
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  const parameters = [...graph.constants]
    .filter(([name, c]) => used.has(name) && isFloat(c.type))
    .reduce((sum, [, c]) => sum + size(c.dims), 0);
  const notes = [
    ...issueNotes(graph, way.issues),
    ...refusedNotes(graph),
    ...axisNotes,
    ...packedNotes(graph),
    ...notesOf(graph, way, remarks, options),
  ];
  const text = inspectionText(printGraph(graph), nodes, parameters, notes);
  return { text, nodes, composite: way.composite, parameters, explainable: explainableOf(fitted, way), notes };
}
