import { logitsOf, resolve } from "../build/js/graph/graph.js";
import { lower, pathTo } from "../build/js/plan/lower.js";
import { place } from "../build/js/plan/place.js";
import { assign } from "../build/js/rules/assign.js";
import { compositeOf } from "../build/js/rules/composite.js";
import { canonical } from "./layers.mjs";

/** The plan by which relprop explains the first output of a network, as its Model makes it. */
export function explainPlan(bytes, dims, composite, weights = "kept") {
  const graph = canonical(bytes, dims);
  const { start } = logitsOf(graph, resolve(graph, graph.outputs[0].name));
  const { assignment, issues } = assign(graph, pathTo(graph, start).nodes, compositeOf(composite, {}));
  if (issues.length > 0) throw new Error(`${composite}: ${JSON.stringify(issues)}`);
  return place(lower(graph, { winograd: "paying", sparse: "paying", weights }, { start, assignment, at: [] }));
}
