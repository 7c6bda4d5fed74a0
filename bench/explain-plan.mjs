import { logitsOf, resolve } from "../build/js/graph/graph.js";
import { waysOf } from "../build/js/ops/ways.js";
import { lower } from "../build/js/plan/lower.js";
import { pathTo } from "../build/js/plan/path.js";
import { place } from "../build/js/plan/place.js";
import { assign } from "../build/js/rules/assign.js";
import { compositeOf } from "../build/js/rules/composite.js";
import { canonical } from "./layers.mjs";

/** The plan by which relprop explains the first output of a network, as its Model makes it. */
export function explainPlan(bytes, dims, composite, weights = "kept") {
  const graph = canonical(bytes, dims);
  const { start } = logitsOf(graph, resolve(graph, graph.outputs[0].name));
  const ways = waysOf(graph);
  const { assignment, issues } = assign(graph, ways, pathTo(graph, ways, start).nodes, compositeOf(composite, {}));
  if (issues.length > 0) throw new Error(`${composite}: ${JSON.stringify(issues)}`);
  const lowering = { winograd: "paying", sparse: "paying", weights };
  return place(lower(graph, ways, lowering, [{ from: start, assignment, at: [] }]));
}
