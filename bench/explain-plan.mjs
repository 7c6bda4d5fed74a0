import { waysOf } from "../build/js/ops/ways.js";
import { explainedOutputs } from "../build/js/plan/explained.js";
import { lower } from "../build/js/plan/lower.js";
import { pathTo } from "../build/js/plan/path.js";
import { place } from "../build/js/plan/place.js";
import { assign } from "../build/js/rules/assign.js";
import { compositeOf } from "../build/js/rules/composite.js";
import { canonical } from "./layers.mjs";

/** The plan by which relprop explains a network, as its Model makes it. */
export function explainPlan(bytes, input, composite, weights = "kept") {
  const graph = canonical(bytes, input);
  const ways = waysOf(graph);
  const { from } = explainedOutputs(graph, ways).main;
  const { assignment, issues } = assign(graph, ways, pathTo(graph, ways, from).nodes, compositeOf(composite, {}));
  if (issues.length > 0) throw new Error(`${composite}: ${JSON.stringify(issues)}`);
  const lowering = { winograd: "paying", sparse: "paying", weights };
  return place(lower(graph, ways, lowering, [{ from, assignment, at: [] }]));
}
