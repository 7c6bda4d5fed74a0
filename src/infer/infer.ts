import { Budget, HOST } from "../base/budget.ts";
import { Complaint, demand, insist, needsNumbers } from "../base/complaint.ts";
import { ops } from "../ops/index.ts";
import { type Constant, type Dims, isFloat, numbersFor, size, type Wide, widened } from "../base/tensor.ts";
import { settledConstant } from "../ops/integers.ts";
import { checkTypes } from "../ops/takes.ts";
import { DAMAGED } from "../read/attributes.ts";
import { behind, type Graph, type Node, type Operands, spread, whereIs } from "../graph/graph.ts";
import { sourceOf } from "./source.ts";
import { type Problem, Problems } from "../base/problems.ts";
import { know, operandOf, type State } from "./state.ts";
import { unroller } from "./unroll.ts";

/** What the caller has of one input: its dims, and its numbers once it runs the network. */
export interface Given {
  readonly dims: Dims;
  readonly data?: Float32Array;
}

/** A graph that was walked through, and values that cannot be computed, with the reasons. */
type Walked = State & { readonly wrong: ReadonlyMap<string, readonly Problem[]> };

/** Axes of a value. */
const MOST_AXES = 64;

const withoutNumbers = ({ dims, type }: Pick<Constant, "dims" | "type">): Wide => ({
  dims,
  type,
  data: numbersFor(type, 0),
});

function operands(node: Node, state: State): Operands | undefined {
  const list = node.inputs.map((name) => (name === "" ? undefined : operandOf(state, name)));
  return list.every((x, i) => x || node.inputs[i] === "") ? list : undefined;
}

function visit(node: Node, state: State): void {
  const inputs = operands(node, state);
  if (!inputs) return;
  const row = ops.get(node.type)!;
  checkTypes(row, state.opset, inputs);
  const { budget } = state;
  budget.where = whereIs(node);
  const sequence = inputs.find((x) => x?.items !== undefined);
  if (row.unroll && (sequence || !row.infer)) {
    row.unroll(
      unroller(node, state, (part) => attempt(part, state)),
      inputs,
      node.attributes,
      node,
    );
    return;
  }
  insist(!sequence, "unsupported", `'${sequence?.name}' is a sequence, but this operator takes tensors`);
  const instead = row.instead?.(inputs, node.attributes, node, budget);
  if (instead) {
    for (const part of instead) attempt(part, state);
    return;
  }
  const { dims, types = [], attributes = node.attributes, work = 0 } = row.infer!(inputs, node.attributes, budget);
  const type = inputs.find((x) => x)?.type ?? "float32";
  const constant = row.shapeOnly || inputs.every((x) => !x || x.constant);
  const infinite = inputs.find((x) => x?.constant?.infinite);
  const isMask = constant || row.family === "route";
  demand(!infinite || isMask, "invalid-model", "finite numbers", `infinity in '${infinite?.name}'`, DAMAGED);
  for (const [i, d] of dims.entries()) {
    demand(d.length <= MOST_AXES, "unsupported", `at most ${MOST_AXES} axes`, `${d.length}`);
    demand(
      d.every((v) => Number.isSafeInteger(v) && v >= 0),
      "shape",
      "output dims ≥ 1",
      `[${d}]`,
    );
    const bytes = size(d) * (constant && !isFloat(types[i] ?? type) ? 8 : 4);
    if (!constant) budget.fits(bytes);
    else if (!row.renames) budget.take(bytes, HOST * size(d));
  }
  if (constant) budget.take(0, HOST * (work + inputs.reduce((sum, x) => sum + (x ? size(x.dims) : 0), 0)));
  // What is empty is known, whatever it is computed from.
  const made = dims.map((d, i) => ({ dims: d, type: types[i] ?? type }));
  const empty = made.map((value) => (value.dims.includes(0) ? withoutNumbers(value) : undefined));
  const isEmpty = empty.every(Boolean);
  // Only what renames numbers leaves them as they are kept.
  const given = inputs.map((x) => x?.constant && (row.renames ? (x.constant as Wide) : widened(x.constant)));
  const folded = constant && !isEmpty && row.fold?.(given, attributes, dims);
  const values = folded && (row.family === "route" || row.renames ? folded : folded.map(settledConstant));
  made.forEach((value, i) => {
    const name = node.outputs[i];
    const known = values ? values[i] : empty[i];
    if (name) know(state, name, known ?? value, known);
    const source = values && isFloat(value.type) && sourceOf(node, attributes, inputs, value.dims, state.sources);
    if (source) state.sources.set(name, source);
  });
  if (values && (row.shapeOnly || inputs.some((x) => x && state.sized.has(x.name))))
    for (const name of node.outputs) state.sized.add(name);
  if (values || isEmpty) return;
  insist(!constant, "unsupported", "all its inputs are constants, and relprop cannot compute it while loading");
  if (!row.node) {
    const computed = inputs.flatMap((x) => (x && !x.constant ? [x.name] : []));
    const problem = "its inputs must be constants, but one of them is computed from the network's input";
    throw needsNumbers({ problem }, computed);
  }
  for (const x of inputs) {
    const fits = !x || x.constant || isFloat(x.type) || row.anyType;
    const problem = `'${x?.name}' is computed from the network's input and is ${x?.type}, but this operator takes floating point`;
    insist(fits, "unsupported", problem);
  }
  state.nodes.push(Object.freeze({ ...node, attributes: Object.freeze(attributes) }));
}

/**
 * The inputs that a value is computed from, if the caller's numbers may stand for them: an input itself, or integers
 * and booleans, which relevance does not need.
 */
function sources(name: string, { free, nodes, types }: State): readonly string[] {
  if (free.has(name)) return [name];
  const read = new Set(behind(nodes, [name]).flatMap((node) => node.inputs));
  const found = [...free].filter((input) => read.has(input));
  return found.some((input) => isFloat(types.get(input)!)) ? [] : found;
}

/** Where only the values of inputs are missing, which the caller can give, that is no complaint yet. */
function attempt(node: Node, state: State): void {
  const before = state.problems.count;
  state.problems.attempt(whereIs(node), () => {
    try {
      visit(node, state);
    } catch (error) {
      const wanted = error instanceof Complaint ? error.wanted.map((name) => sources(name, state)) : [];
      if (wanted.length === 0 || wanted.some((found) => found.length === 0)) throw error;
      for (const name of wanted.flat()) state.wanted.add(name);
    }
  });
  if (state.problems.count > before && node.inputs.some((name) => state.sized.has(name)))
    for (const problem of state.problems.since(before)) state.bySize.add(problem);
}

/** One walk through the graph, with the values of some inputs as constants, which only collects what is wrong. */
export function survey(
  graph: Graph,
  given: ReadonlyMap<string, Given>,
  fixed: ReadonlySet<string>,
  budget: Budget,
): Walked {
  const free = new Set(graph.inputs.map((i) => i.name).filter((name) => !fixed.has(name)));
  const state: State = {
    opset: graph.opset,
    constants: new Map(),
    dims: new Map(),
    types: new Map(),
    sources: new Map(),
    sequences: new Map(),
    nodes: [],
    problems: new Problems(),
    sized: new Set(),
    bySize: new Set(),
    free,
    wanted: new Set(),
    budget,
    names: new Set([...graph.constants.keys(), ...free, ...fixed, ...graph.nodes.flatMap((node) => node.outputs)]),
    unrolled: { nodes: 0, items: 0 },
  };
  for (const [name, value] of graph.constants) know(state, name, value, value);
  for (const { name, type } of graph.inputs) {
    const { dims, data } = given.get(name)!;
    budget.where = `input '${name}'`;
    budget.fits(4 * size(dims));
    const value = { type, dims: [...dims], data: data && isFloat(type) ? data : numbersFor(type, data ?? []) };
    know(state, name, value, fixed.has(name) || dims.includes(0) ? value : undefined);
  }
  const found = new Map<string, readonly Problem[]>();
  for (const node of graph.nodes) {
    const before = state.problems.count;
    attempt(node, state);
    if (state.problems.count === before) continue;
    for (const output of node.outputs) found.set(output, state.problems.since(before));
  }
  return { ...state, wrong: spread(graph.nodes, found) };
}

/** @throws LrpError with everything that is wrong where no output can be computed, or where the caller's dims are wrong */
function walk(graph: Graph, given: ReadonlyMap<string, Given>, fixed: ReadonlySet<string>, budget: Budget): Walked {
  const walked = survey(graph, given, fixed, budget);
  const { problems, wrong } = walked;
  // Outputs that depended on the dims of a call would answer something else without a word.
  const isAtFault = problems.since(0).some(({ code }) => code === "shape");
  if (isAtFault || graph.outputs.every(({ name }) => wrong.has(name))) problems.raise();
  return walked;
}

/** Which of the outputs can be computed, and why the others cannot. @throws LrpError where none can */
function judgedOutputs(
  { outputs, refused }: Graph,
  { dims, types, constants, sequences, problems, wrong }: Walked,
): Pick<Graph, "outputs" | "refused"> {
  const no = new Map(refused);
  const found = outputs.filter(({ name, type }) => {
    const before = problems.count;
    if (!wrong.has(name))
      problems.attempt(`output '${name}'`, () => {
        insist(!sequences.has(name), "unsupported", "it is a sequence, and relprop gives tensors");
        insist(dims.has(name), "invalid-model", "no node computes it");
        const constant = constants.get(name);
        const fits = !constant || isFloat(constant.type) || constant.data.every(Number.isSafeInteger);
        demand(fits, "unsupported", "integers up to 2^53", "larger ones");
        const computed = types.get(name)!;
        const agrees = (type ?? computed) === computed;
        insist(agrees, "unsupported", `the file declares it as ${type}, but the nodes compute ${computed}`);
      });
    const reasons = wrong.get(name) ?? problems.since(before);
    if (reasons.length > 0) no.set(name, reasons);
    return reasons.length === 0;
  });
  if (found.length === 0) problems.raise();
  return { outputs: found, refused: no };
}

/**
 * Fills in the dims of every value for one shape of each input, and folds what depends only on constants and shapes.
 * Inputs whose numbers decide shapes or are weights become constants too, and are no longer inputs of the graph.
 * @returns undefined where such numbers are not given
 * @throws LrpError listing every node whose inputs do not fit, where no output can be computed without them, or the
 * dims are at fault; "memory" at the first that has no room
 */
export function infer(
  graph: Graph,
  given: ReadonlyMap<string, Given>,
  budget: Budget = new Budget(),
): Graph | undefined {
  const fixed = new Set<string>();
  let state = walk(graph, given, fixed, budget);
  while (state.wanted.size > 0) {
    for (const name of state.wanted) {
      if (!given.get(name)!.data) return undefined;
      fixed.add(name);
    }
    state = walk(graph, given, fixed, budget);
  }
  const { outputs, refused } = judgedOutputs(graph, state);
  // Values that nobody reads any more would be computed for nothing.
  const names = outputs.map((o) => o.name);
  const nodes = behind(state.nodes, names);
  const wanted = new Set([...names, ...nodes.flatMap((node) => node.inputs)]);
  const constants = new Map([...state.constants].filter(([name]) => wanted.has(name)));
  const inputs = graph.inputs.filter(({ name }) => !fixed.has(name));
  const { dims, types, sources } = state;
  return Object.freeze({ ...graph, inputs, outputs, refused, nodes, constants, sources, dims, types });
}
