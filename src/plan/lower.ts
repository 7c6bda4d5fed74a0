import { assert, LrpError } from "../base/error.ts";
import { type Graph, logitsOf, type Node, operandsOf, resolve, whereIs } from "../graph/graph.ts";
import { zip, reduceTo } from "../ops/arithmetic.ts";
import { ops } from "../ops/index.ts";
import type { Call, Linear } from "../ops/op.ts";
import type { Assignment } from "../rules/assign.ts";
import type { Ref, Step, Value } from "../program/step.ts";
import { Emitter, type Lowering } from "../program/emitter.ts";
import { isExact } from "../base/tensor.ts";
import { gradient, redistribute } from "./redistribute.ts";

/** Everything that is computed for one shape of input, as a list without numbers. */
export interface Program {
  readonly steps: readonly Step[];
  /** In the order of the graph's inputs. */
  readonly inputs: readonly Value[];
  /** Row-major. */
  readonly outputs: ReadonlyMap<string, Value>;
  /**
   * What a softmax, log-softmax or sigmoid before the output takes: of the output that is explained, else of the first.
   */
  readonly logits: Value;
  readonly relevance?: Backward;
}

/** The second half of a program: from the chosen logits back to the input. */
export interface Backward {
  /** How many of the steps belong to the forward pass; after them the start is chosen. */
  readonly begin: number;
  readonly logits: Value;
  readonly start: Value;
  /** Relevance of the graph's inputs, where it reaches them. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Relevance at the values asked for by name. */
  readonly at: ReadonlyMap<string, Value>;
  readonly ledger: Value;
  readonly accounts: readonly Account[];
}

/** Which sums of the ledger belong to a node; offsets in float64 elements. */
export interface Account {
  readonly node: Node;
  readonly rule: string;
  /** Offsets of pairs (Σ R, Σ |R|). */
  readonly received: readonly number[];
  readonly passed: readonly number[];
  /** Pairs of what went to constant inputs. */
  readonly constants: readonly number[];
  /** Triple (bias, stabilizer, dead). */
  readonly absorbed: number;
  /** A gradient rule, or an operator that drops some of the output: received − passed is accounted for as `other`. */
  readonly open: boolean;
}

export interface BackwardRequest {
  /** The value at which relevance starts. */
  readonly start: string;
  readonly assignment: Assignment;
  readonly at: readonly string[];
}

/** Which values are known to be ≥ 0. */
function nonnegativeValues(graph: Graph): ReadonlySet<string> {
  const known = new Set<string>();
  for (const [name, constant] of graph.constants) if (constant.data.every((v) => v >= 0)) known.add(name);
  for (const node of graph.nodes) {
    if (
      ops.get(node.type)!.nonnegative?.(
        node.inputs.map((name) => known.has(name)),
        node.attributes,
      )
    )
      known.add(node.outputs[0]);
  }
  return known;
}

/** The way of relevance. */
export interface Path {
  readonly nodes: ReadonlySet<Node>;
  /** The graph's inputs that it reaches. */
  readonly inputs: ReadonlySet<string>;
}

/** What `value` depends on, other than for what is chosen. */
export function pathTo(graph: Graph, value: string): Path {
  const reached = new Set([value]);
  const nodes = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => reached.has(name))) continue;
    nodes.add(node);
    const { relevance } = ops.get(node.type)!;
    const computed = node.inputs.map((input) => input !== "" && !graph.constants.has(input));
    const steers = relevance?.kind === "route" ? relevance.steers?.(computed) : undefined;
    for (const [i, input] of node.inputs.entries()) if (input !== "" && !steers?.includes(i)) reached.add(input);
  }
  return { nodes, inputs: new Set(graph.inputs.map((port) => port.name).filter((name) => reached.has(name))) };
}

/** Lowers the forward pass and hands out each node as a call that both passes share. */
function lowerForward(
  e: Emitter,
  graph: Graph,
): { values: Map<string, Value>; calls: Map<Node, Call<unknown>>; inputs: readonly Value[] } {
  const inputs = graph.inputs.map(({ name }) => e.temp(name, graph.dims.get(name)!));
  const values = new Map(inputs.map((input) => [input.name, input]));
  const calls = new Map<Node, Call<unknown>>();
  for (const node of graph.nodes) {
    const operands = operandsOf(graph, node);
    const call: Call<unknown> = {
      node,
      attributes: node.attributes,
      inputs: operands,
      outputs: node.outputs
        .filter((name) => graph.dims.has(name))
        .map((name) => ({ name, dims: graph.dims.get(name)!, type: graph.types.get(name) ?? "float32" })),
      x(i) {
        const { name, constant } = operands[i]!;
        if (!constant) return values.get(name)!;
        if (isExact(constant)) return e.constant(name, constant);
        throw new LrpError("unsupported", {
          where: whereIs(node),
          expected: "integers up to 2^24 beside computed ones",
          received: `larger ones in '${name}'`,
        });
      },
      y: (i) => values.get(node.outputs[i])!,
    };
    calls.set(node, call);
    ops.get(node.type)!.forward!(e, call).forEach((y, i) => {
      values.set(node.outputs[i], y);
    });
  }
  return { values, calls, inputs };
}

/** Books of the backward pass: places for sums, and relevance that waits for its node. */
class Ledger {
  readonly value: Value;
  readonly accounts: Account[] = [];
  readonly #e: Emitter;
  readonly #sums = new Map<number, number>();
  #next = 0;

  constructor(e: Emitter, entries: number) {
    this.#e = e;
    this.value = e.scratch("ledger", 2 * entries);
  }

  #take(count: number): number {
    const at = this.#next;
    this.#next += count;
    assert(2 * this.#next <= this.value.count, "the ledger is too short");
    return at;
  }

  /** Sums relevance, once for each value. */
  sum(r: Value): number {
    let at = this.#sums.get(r.id);
    if (at === undefined) {
      at = this.#take(2);
      this.#sums.set(r.id, at);
      this.#e.emit("sum", { x: r, sums: { value: this.value, offset: 2 * at }, count: r.count });
    }
    return at;
  }

  absorbed(): { at: number; ref: Ref } {
    const at = this.#take(3);
    return { at, ref: { value: this.value, offset: 2 * at } };
  }
}

/** What each input of a node receives; undefined where it has none to receive. */
function passBack(
  e: Emitter,
  call: Call<unknown>,
  assignment: Assignment,
  r: Value,
  nonnegative: ReadonlySet<string>,
  ledger: Ref,
): { rule: string; open: boolean; inputs: readonly (Value | undefined)[] } {
  const relevance = ops.get(call.node.type)!.relevance!;
  const rule = assignment.get(call.node);
  const computed = call.inputs.findIndex((x) => x && !x.constant);
  const toComputed = (value: Value) => call.inputs.map((_, i) => (i === computed ? value : undefined));
  if (relevance.kind === "route")
    return { rule: "route", open: relevance.drops?.(call) ?? false, inputs: relevance.vjp(e, call, r) };
  assert(rule, `no rule at ${call.node.name}`);
  if (relevance.kind === "none") return { rule: rule.name, open: true, inputs: relevance.vjp!(e, call, r) };
  const product = (relevance.kind === "linear" || relevance.kind === "pass") && relevance.product;
  if (product && call.inputs.filter((x) => x && !x.constant).length > 1)
    return { rule: rule.name, open: true, inputs: product(e, call, r) };
  if (relevance.kind === "linear") {
    const linear = relevance as Linear<unknown>;
    const data = linear.data(call);
    const isNonnegative = data.map((i) => nonnegative.has(call.inputs[i]!.name));
    const values =
      rule.kind === "linear"
        ? redistribute(e, call, linear, rule, r, isNonnegative, ledger)
        : gradient(e, call, linear, r);
    const inputs = call.inputs.map((): Value | undefined => undefined);
    for (const [k, i] of data.entries()) inputs[i] = values[k];
    return { rule: rule.name, open: rule.kind === "gradient", inputs };
  }
  if (relevance.kind === "pass") {
    if (rule.kind === "gradient") return { rule: rule.name, open: true, inputs: toComputed(relevance.vjp(e, call, r)) };
    if (rule.kind === "own")
      return { rule: rule.name, open: true, inputs: toComputed(relevance.rules![rule.mode](e, call, r, ledger)) };
    return { rule: rule.name, open: false, inputs: toComputed(reduceTo(e, r, call.x(computed))) };
  }
  const mode = rule.kind === "own" ? rule.mode : "gradient";
  return {
    rule: mode,
    open: !relevance.conserves(mode),
    inputs: toComputed(relevance.rules[mode](e, call, r, ledger)),
  };
}

function lowerBackward(
  e: Emitter,
  graph: Graph,
  values: Map<string, Value>,
  calls: Map<Node, Call<unknown>>,
  request: BackwardRequest,
): Backward {
  const nonnegative = nonnegativeValues(graph);
  const { nodes: path } = pathTo(graph, request.start);
  const logits = e.as(values.get(request.start)!, "first");
  const begin = e.steps.length;
  const start = e.temp("R start", logits.dims);
  const edges = graph.nodes.reduce((count, node) => count + node.inputs.length + 2, 2);
  const ledger = new Ledger(e, 5 * edges);
  e.fill(ledger.value, 0);

  const waiting = new Map<string, Value[]>([[request.start, [start]]]);
  const totals = new Map<string, Value>();
  const total = (name: string): Value => {
    let sum = totals.get(name);
    if (!sum) {
      const parts = waiting.get(name)!;
      sum = parts.reduce((a, b) => zip(e, "addForward", `R ${name}`, a, e.as(b, a.layout), a.dims));
      totals.set(name, sum);
    }
    return sum;
  };

  for (const node of [...graph.nodes].reverse()) {
    const stuck = node.outputs.slice(1).find((name) => waiting.has(name));
    if (stuck)
      throw new LrpError("rule", {
        where: whereIs(node),
        expected: "relevance that arrives at its first output",
        received: `some at '${stuck}'`,
        fix: "No rule for it is known to relprop.",
      });
    if (!path.has(node) || !waiting.has(node.outputs[0])) continue;
    const call = calls.get(node)!;
    const parts = waiting.get(node.outputs[0])!;
    const received = parts.map((part) => ledger.sum(part));
    const absorbed = ledger.absorbed();
    const { rule, open, inputs } = passBack(
      e,
      call,
      request.assignment,
      total(node.outputs[0]),
      nonnegative,
      absorbed.ref,
    );
    const [passed, constants]: number[][] = [[], []];
    inputs.forEach((r, i) => {
      if (!r) return;
      const { name, constant } = call.inputs[i]!;
      (constant ? constants : passed).push(ledger.sum(r));
      if (constant) return;
      const others = waiting.get(name);
      if (others) others.push(r);
      else waiting.set(name, [r]);
    });
    ledger.accounts.push({ node, rule, received, passed, constants, absorbed: absorbed.at, open });
  }

  const arrived = (names: readonly string[]) => new Map(names.map((name) => [name, e.as(total(name), "first")]));
  const inputs = arrived(graph.inputs.map((port) => port.name).filter((name) => waiting.has(name)));
  return { begin, logits, start, inputs, at: arrived(request.at), ledger: ledger.value, accounts: ledger.accounts };
}

/** An output that was known while loading, in a place of its own. */
function constantOutput(e: Emitter, graph: Graph, name: string): Value {
  const constant = graph.constants.get(name)!;
  const y = e.temp(name, constant.dims);
  e.host("constant", [y], (to) => to.set(constant.data));
  return y;
}

/** The graph as one straight list of kernel calls: forward, then, if asked for, relevance. */
export function lower(graph: Graph, lowering: Lowering, request?: BackwardRequest): Program {
  const e = new Emitter(lowering);
  const { values, calls, inputs } = lowerForward(e, graph);
  const result = (name: string) => e.as(values.get(name) ?? constantOutput(e, graph, name), "first");
  const outputs = new Map(graph.outputs.map(({ name }) => [name, result(name)]));
  if (request) {
    const relevance = lowerBackward(e, graph, values, calls, request);
    return Object.freeze({ steps: e.steps, inputs, outputs, logits: relevance.logits, relevance });
  }
  const [first] = graph.outputs;
  const { start, skipped } = logitsOf(graph, resolve(graph, first.name));
  return Object.freeze({ steps: e.steps, inputs, outputs, logits: skipped ? result(start) : outputs.get(first.name)! });
}
