import { type Issue, LrpError, sentence } from "./error.ts";
import { canonize } from "./graph/canonize.ts";
import { type Graph, type Node, type Port, printGraph, producers, resolve, whereIs } from "./graph/graph.ts";
import { infer } from "./graph/infer.ts";
import { ops } from "./ops/index.ts";
import { ancestors, type Backward, lower } from "./plan/lower.ts";
import { type Plan, place, printPlan } from "./plan/place.ts";
import { type Explanation, type Inspection, ledgerRows, type Prediction, type RuleAt } from "./report.ts";
import { type Assignment, assign, type Composite, compositeOf, type Parameters } from "./rules/composite.ts";
import { Session } from "./run/session.ts";
import { type Chosen, chooseTargets, type Target } from "./run/target.ts";
import { instantiate } from "./run/wasm.ts";
import { type Dims, shapeText, size, type Tensor } from "./tensor.ts";

/** How a network is loaded. */
export interface LoadOptions {
  /** Names of the classes, in order: then targets may be given, and are reported, by name. */
  readonly classes?: readonly string[];
  /** Fused multiply-adds where the runtime has them (default "auto"); "never" gives the same bits everywhere. */
  readonly relaxed?: "auto" | "never";
  /** 3x3 convolutions by Winograd's method (default true): twice to three times as fast, rounded to about 1e-5 of the largest value. */
  readonly winograd?: boolean;
}

/** How a network is explained. */
export interface ExplainOptions extends Parameters {
  /** A name from `composites`, or a list of entries of your own. Default "epsilonPlus". */
  readonly composite?: string | Composite;
  /** Default "argmax". */
  readonly target?: Target;
  /** Whether relevance starts from the logit (default) or from 1. */
  readonly start?: "logit" | "one";
  /** Names of values at which relevance is wanted as well. */
  readonly at?: readonly string[];
  /** Which output is explained, when the network has several. Default: the first. */
  readonly output?: string;
}

/** A graph for one shape of input, with the memory and the plans that belong to it. */
interface Fitted {
  readonly dims: Dims;
  readonly graph: Graph;
  readonly session: Session;
  readonly plans: Map<string, Plan>;
}

/** What relevance needs to know before any number is computed. */
interface Assigned {
  readonly start: string;
  readonly assignment: Assignment;
  readonly path: ReadonlySet<Node>;
  /** Nodes that have no rule, or one that does not fit. */
  readonly issues: readonly Issue[];
}

const KEPT_PLANS = 8;
const SQUASHING = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);
const RESHAPING = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"]);

/** The value before a softmax, log-softmax or sigmoid at the end, and that node. */
function logitsOf(graph: Graph, output: string): { start: string; skipped?: Node } {
  const by = producers(graph);
  for (let name = output; ; ) {
    const node = by.get(name);
    if (node && SQUASHING.has(node.type)) return { start: node.inputs[0], skipped: node };
    if (!node || !RESHAPING.has(node.type)) return { start: output };
    name = node.inputs[0];
  }
}

/** A network that is loaded: it predicts, and explains what it predicts. Made by `load`. */
export class Model {
  /** What the network takes; free dimensions are names. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Names of the classes, if they were given. */
  readonly classes?: readonly string[];
  readonly #graph: Graph;
  readonly #winograd: boolean;
  #module: WebAssembly.Module | undefined;
  #fitted: Fitted | undefined;

  /** @internal */
  constructor(graph: Graph, module: WebAssembly.Module, { classes, winograd = true }: Pick<LoadOptions, "classes" | "winograd">) {
    this.#graph = graph;
    this.#winograd = winograd;
    this.#module = module;
    this.inputs = graph.inputs;
    this.outputs = graph.outputs;
    this.classes = classes;
    // Whatever does not depend on a free size is checked now, not at the first call.
    const dims = graph.inputs[0].dims.map((d, axis) => (axis === 0 && typeof d === "string" ? 1 : d));
    if (dims.every((d) => typeof d === "number")) this.#fit(dims as number[]);
  }

  /**
   * Runs the network.
   * @throws LrpError "shape" when the input's dims do not fit, "usage" when it holds NaN or infinity or the model is disposed
   */
  predict(input: Tensor): Prediction {
    const fitted = this.#fit(this.#checked(input));
    const plan = this.#plan(fitted, "predict", () => place(lower(fitted.graph, this.#winograd)));
    fitted.session.run(plan, input.data);
    return this.#outputs(fitted, plan);
  }

  /**
   * Runs the network and decomposes one output onto its input.
   *
   *   Σ relevance = score − what the ledger says was absorbed
   *
   * @throws LrpError as `predict`, and "usage" for options, "rule" for nodes that no rule of the composite fits
   */
  explain(input: Tensor, options: ExplainOptions = {}): Explanation {
    const fitted = this.#fit(this.#checked(input));
    const { graph, session } = fitted;
    const { target = "argmax", start = "logit", at = [] } = options;
    if (start !== "logit" && start !== "one")
      throw new LrpError("usage", { where: "option 'start'", expected: "'logit' or 'one'", received: `'${start}'` });
    const assigned = this.#assign(graph, options);
    if (assigned.issues.length > 0) throw new LrpError("rule", assigned.issues);
    const names = at.map((name) => this.#named(graph, assigned, name));
    // Equal rules mean an equal plan, whichever composite they came from.
    const key = JSON.stringify([assigned.start, [...assigned.assignment.values()], names]);
    const plan = this.#plan(fitted, key, () => place(lower(graph, this.#winograd, { start: assigned.start, assignment: assigned.assignment, at: names })));
    const backward = plan.program.relevance!;
    const samples = input.dims[0];
    let targets: Chosen[][] = [];
    session.run(plan, input.data, (logits) => {
      const chosen = chooseTargets(target, start, logits, samples, this.classes);
      targets = chosen.targets;
      return chosen.relevance;
    });
    const tensor = (value: Backward["input"]): Tensor => ({ data: session.read(plan, value).slice(), dims: value.dims });
    return {
      ...this.#outputs(fitted, plan, options.output),
      targets,
      start,
      relevance: tensor(backward.input),
      at: Object.fromEntries(at.map((name, i) => [name, tensor(backward.at.get(names[i])!)])),
      rules: this.#rules(graph, assigned),
      ledger: ledgerRows(backward, session.read(plan, backward.ledger)),
      notes: this.#notes(graph, assigned, options.output),
    };
  }

  /**
   * The network as relprop sees it: nodes, shapes, parameters, and the rule that each node would get ("none": relevance cannot pass, a note says why).
   * Where a dimension beyond the batch is free, `dims` must say it.
   */
  inspect(options: ExplainOptions & { readonly dims?: Dims } = {}): Inspection {
    const wanted = options.dims ?? this.inputs[0].dims.map((d, axis) => (axis === 0 && typeof d === "string" ? 1 : d));
    if (!wanted.every((d) => typeof d === "number"))
      throw new LrpError("usage", { where: "option 'dims'", expected: `numbers for ${shapeText(this.inputs[0].dims)}`, received: "none" });
    const { graph } = this.#fit(wanted as number[]);
    const assigned = this.#assign(graph, options);
    const rules = new Map(this.#rules(graph, assigned).map((r) => [r.node, r]));
    const nodes = graph.nodes.map((node) => ({
      node: node.name,
      type: node.type,
      rule: rules.get(node.name)?.rule ?? "left out",
      note: rules.get(node.name)?.note ?? node.note,
      inputs: node.inputs,
      outputs: node.outputs.filter(Boolean).map((name) => ({ name, dims: graph.dims.get(name)! })),
    }));
    const parameters = [...graph.constants.values()].filter((c) => c.type === "float32").reduce((sum, c) => sum + c.data.length, 0);
    const width = Math.max(...nodes.map((n) => n.rule.length));
    const byNode = new Map(nodes.map((n) => [n.outputs[0].name, n.rule]));
    const lines = printGraph(graph)
      .split("\n")
      .map((line) => {
        const rule = byNode.get(line.slice(0, line.indexOf(": ")));
        return `${(rule && line.includes(" = ") ? rule : "").padEnd(width)}  ${line}`;
      });
    const notes = [...assigned.issues.map(sentence), ...this.#notes(graph, assigned, options.output)];
    return { text: [...lines, "", `${parameters} parameters`, ...notes].join("\n"), nodes, parameters, notes };
  }

  /** The kernel calls of an explanation, one line each: for people who want to see how it is done. */
  printPlan(dims: Dims, options: ExplainOptions = {}): string {
    const { graph } = this.#fit(dims);
    const assigned = this.#assign(graph, options);
    if (assigned.issues.length > 0) throw new LrpError("rule", assigned.issues);
    return printPlan(place(lower(graph, this.#winograd, { start: assigned.start, assignment: assigned.assignment, at: [] })));
  }

  /** Lets go of the memory. The model cannot be used any more. */
  dispose(): void {
    this.#module = undefined;
    this.#fitted = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checked(input: Tensor): Dims {
    const [{ name, dims }] = this.inputs;
    const { data, dims: given } = input;
    const fits =
      Array.isArray(given) &&
      given.length === dims.length &&
      given.every((d, i) => Number.isInteger(d) && d > 0 && (typeof dims[i] === "string" || d === dims[i]));
    if (!fits) throw new LrpError("shape", { where: `input '${name}'`, expected: shapeText(dims), received: shapeText(given ?? ["?"]) });
    if (!(data instanceof Float32Array) || data.length !== size(given)) {
      throw new LrpError("shape", {
        where: `input '${name}'`,
        expected: `a Float32Array of ${size(given)} numbers`,
        received: `${data?.constructor?.name ?? typeof data} of ${data?.length ?? 0}`,
      });
    }
    const bad = data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw new LrpError("usage", { where: `input '${name}'`, expected: "finite numbers", received: `${data[bad]} at position ${bad}` });
    return given;
  }

  /** The graph for these dims. A new shape gets a memory of its own, and the old one is let go. */
  #fit(dims: Dims): Fitted {
    if (!this.#module)
      throw new LrpError("usage", { where: "the model", expected: "one that is not disposed", received: "a call after dispose()" });
    if (this.#fitted?.dims.join() !== dims.join()) {
      const graph = canonize(infer(this.#graph, dims));
      this.#fitted = { dims: [...dims], graph, session: new Session(instantiate(this.#module)), plans: new Map() };
    }
    return this.#fitted!;
  }

  #plan({ plans }: Fitted, key: string, make: () => Plan): Plan {
    const plan = plans.get(key) ?? make();
    // The one used last stands last; the first is forgotten.
    plans.delete(key);
    plans.set(key, plan);
    if (plans.size > KEPT_PLANS) plans.delete(plans.keys().next().value!);
    return plan;
  }

  #output(name?: string): string {
    const output = name ?? this.outputs[0].name;
    if (!this.outputs.some((o) => o.name === output))
      throw new LrpError("usage", {
        where: "option 'output'",
        expected: this.outputs.map((o) => `'${o.name}'`).join(", "),
        received: `'${output}'`,
      });
    return output;
  }

  #assign(graph: Graph, options: ExplainOptions): Assigned {
    const { epsilon, gamma, alpha, beta, low, high, lrn } = options;
    const composite = compositeOf(options.composite ?? "epsilonPlus", { epsilon, gamma, alpha, beta, low, high, lrn });
    const { start } = logitsOf(graph, resolve(graph, this.#output(options.output)));
    const path = ancestors(graph, start);
    return { start, path, ...assign(graph, path, composite) };
  }

  /** The value of that name on the way of relevance. */
  #named(graph: Graph, { path, start }: Assigned, name: string): string {
    const value = resolve(graph, name);
    const known = [...graph.inputs.map((i) => i.name), ...[...path].flatMap((node) => node.outputs)];
    if (known.includes(value)) return value;
    const order = graph.nodes.filter((node) => path.has(node)).map((node) => `'${node.outputs[0]}'`);
    const shown = order.length > 12 ? [...order.slice(0, 6), "…", ...order.slice(-5)] : order;
    throw new LrpError("usage", {
      where: "option 'at'",
      expected: `a value on the way from the input to '${start}': ${shown.join(", ")}`,
      received: `'${name}'`,
      fix: "inspect() lists them all; values inside folded layers no longer exist.",
    });
  }

  #outputs(fitted: Fitted, plan: Plan, name?: string): Prediction {
    const outputs = Object.fromEntries(
      [...plan.program.outputs].map(([key, value]) => [key, { data: fitted.session.read(plan, value).slice(), dims: value.dims }]),
    );
    return { output: outputs[this.#output(name)], outputs };
  }

  #rules(graph: Graph, { assignment, path }: Assigned): RuleAt[] {
    return graph.nodes
      .filter((node) => path.has(node))
      .map((node) => ({
        node: node.name,
        type: node.type,
        rule: assignment.get(node)?.name ?? (ops.get(node.type)!.relevance?.kind === "route" ? "route" : "none"),
        note: node.note,
      }));
  }

  #notes(graph: Graph, { path }: Assigned, output?: string): string[] {
    const { skipped } = logitsOf(graph, resolve(graph, this.#output(output)));
    const notes = skipped ? [`${whereIs(skipped)} at the end is left out: relevance starts from the value before it.`] : [];
    for (const node of path) {
      if (node.type === "BatchNormalization")
        notes.push(`${whereIs(node)} has no linear neighbour to be folded into: relevance passes it unchanged.`);
      if (node.type === "LRN" && node.note) notes.push(`${whereIs(node)} ${node.note}.`);
    }
    return notes;
  }
}
