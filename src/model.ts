import { type Issue, LrpError, sentence } from "./error.ts";
import { canonize } from "./graph/canonize.ts";
import { type Graph, logitsOf, type Node, type Port, printGraph, resolve, whereIs } from "./graph/graph.ts";
import { infer } from "./graph/infer.ts";
import { ops } from "./ops/index.ts";
import { ancestors, type Backward, lower } from "./plan/lower.ts";
import { type Plan, place, printPlan } from "./plan/place.ts";
import { checkOptions, type ExplainOptions, type LoadOptions } from "./options.ts";
import {
  type Explanation,
  type Inspection,
  inspectionText,
  ledgerRows,
  magnitudeOf,
  type Prediction,
  type RuleAt,
  shareNote,
} from "./report.ts";
import { type Assignment, assign, compositeOf } from "./rules/composite.ts";
import { checkDims, checkInput } from "./run/input.ts";
import { Session } from "./run/session.ts";
import { chooseTargets, type Target } from "./run/target.ts";
import type { Engine } from "./run/wasm.ts";
import type { Lowering } from "./step.ts";
import { type Dims, firstNonFinite, shapeText, type Tensor } from "./tensor.ts";

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

/** The dims of one sample, unless more than the batch is free. */
function oneSample({ dims }: Port): Dims | undefined {
  const fixed = dims.map((d, axis) => (axis === 0 && typeof d === "string" ? 1 : d));
  return fixed.every((d): d is number => typeof d === "number") ? fixed : undefined;
}

/** A network that is loaded: it predicts, and explains what it predicts. Made by `load`. */
export class Model {
  /** What the network takes; free dimensions are names. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Names of the classes, if they were given. */
  readonly classes?: readonly string[];
  readonly #graph: Graph;
  readonly #lowering: Lowering;
  #engine: Engine | undefined;
  #fitted: Fitted | undefined;

  /** @internal Made by `load`. */
  constructor(graph: Graph, engine: Engine, { classes, winograd = true, weights = "kept" }: Omit<LoadOptions, "relaxed">) {
    if (weights !== "kept" && weights !== "repacked")
      throw new LrpError("usage", { where: "option 'weights' of load", expected: "'kept' or 'repacked'", received: `'${weights}'` });
    this.#graph = graph;
    this.#lowering = { winograd, weights };
    this.#engine = engine;
    this.inputs = graph.inputs;
    this.outputs = graph.outputs;
    this.classes = classes;
    // Whatever does not depend on a free size is checked now, not at the first call.
    const dims = oneSample(graph.inputs[0]);
    if (dims) this.#fit(dims);
  }

  /**
   * Runs the network.
   * @throws LrpError "shape" when the input's dims do not fit, "usage" when it holds NaN or infinity or the model is disposed
   */
  predict(input: Tensor): Prediction {
    const fitted = this.#fit(checkInput(this.inputs[0], input));
    const plan = this.#plan(fitted, "predict", () => place(lower(fitted.graph, this.#lowering)));
    fitted.session.forward(plan, input.data);
    this.#finite(fitted, plan, input.data);
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
    const { target = "argmax", ...others } = options;
    return this.explainEach(input, [target], others)[0];
  }

  /**
   * Explains several targets of the same input, which runs through the network only once: one explanation for each target.
   *
   * @example model.explainEach(image, ["tabby", "tiger cat"]).map((e) => heatmap(e.relevance));
   */
  explainEach(input: Tensor, targets: readonly Target[], options: Omit<ExplainOptions, "target"> = {}): Explanation[] {
    const fitted = this.#fit(checkInput(this.inputs[0], input));
    const { graph, session } = fitted;
    checkOptions(options);
    if ("target" in options)
      throw new LrpError("usage", { where: "explainEach", expected: "targets as its second argument", received: "option 'target'" });
    if (!Array.isArray(targets) || targets.length === 0)
      throw new LrpError("usage", { where: "explainEach", expected: "a list of targets", received: JSON.stringify(targets) ?? "none" });
    const { start = "logit", at = [] } = options;
    const assigned = this.#assignAll(graph, options);
    const names = at.map((name) => this.#named(graph, assigned, name));
    const again = targets.length > 1;
    // Equal rules mean an equal plan, whichever composite they came from.
    const key = JSON.stringify([assigned.start, [...assigned.assignment.values()], names, again]);
    const plan = this.#plan(fitted, key, () =>
      place(lower(graph, this.#lowering, { start: assigned.start, assignment: assigned.assignment, at: names }), again),
    );
    const backward = plan.program.relevance!;
    session.forward(plan, input.data);
    const logits = session.read(plan, backward.logits).slice();
    if (firstNonFinite(logits) >= 0) this.#finite(fitted, plan, input.data);
    const prediction = this.#outputs(fitted, plan, options.output);
    const rules = this.#rules(graph, assigned);
    const notes = this.#notes(graph, assigned, options.output);
    const tensor = (value: Backward["input"]): Tensor => ({ data: session.read(plan, value).slice(), dims: value.dims });
    return targets.map((target) => {
      const chosen = chooseTargets(target, start, logits, input.dims[0], this.classes);
      session.backward(plan, chosen.relevance);
      const relevance = tensor(backward.input);
      const ledger = ledgerRows(backward, session.read(plan, backward.ledger));
      const arrived = magnitudeOf(relevance, ledger);
      return {
        ...prediction,
        targets: chosen.targets,
        start,
        relevance,
        at: Object.fromEntries(at.map((name, i) => [name, tensor(backward.at.get(names[i])!)])),
        rules,
        ledger,
        notes: [...notes, ...shareNote(arrived, chosen.targets, start)],
      };
    });
  }

  /**
   * The network as relprop sees it: nodes, shapes, parameters, and the rule that each node would get ("none": relevance cannot pass, a note says why).
   * Where a dimension beyond the batch is free, `dims` must say it.
   */
  inspect(options: ExplainOptions & { readonly dims?: Dims } = {}): Inspection {
    const wanted = options.dims ?? oneSample(this.inputs[0]);
    if (!wanted)
      throw new LrpError("usage", { where: "option 'dims'", expected: `numbers for ${shapeText(this.inputs[0].dims)}`, received: "none" });
    checkDims(this.inputs[0], wanted);
    const { graph } = this.#fit(wanted);
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
    const used = new Set(graph.nodes.flatMap((node) => node.inputs));
    const parameters = [...graph.constants]
      .filter(([name, c]) => used.has(name) && c.type === "float32")
      .reduce((sum, [, c]) => sum + c.data.length, 0);
    const notes = [...assigned.issues.map(sentence), ...this.#notes(graph, assigned, options.output)];
    return { text: inspectionText(printGraph(graph), nodes, parameters, notes), nodes, parameters, notes };
  }

  /** The kernel calls of an explanation, one line each: for people who want to see how it is done. */
  printPlan(dims: Dims, options: ExplainOptions = {}): string {
    checkDims(this.inputs[0], dims);
    const { graph } = this.#fit(dims);
    const assigned = this.#assignAll(graph, options);
    return printPlan(place(lower(graph, this.#lowering, { start: assigned.start, assignment: assigned.assignment, at: [] })));
  }

  /** Lets go of the memory. The model cannot be used any more. */
  dispose(): void {
    this.#engine?.end();
    this.#engine = undefined;
    this.#fitted = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The graph for these dims. A new shape gets a memory of its own, and the old one is let go. */
  #fit(dims: Dims): Fitted {
    if (!this.#engine)
      throw new LrpError("usage", { where: "the model", expected: "one that is not disposed", received: "a call after dispose()" });
    if (this.#fitted?.dims.join() !== dims.join()) {
      const graph = canonize(infer(this.#graph, dims));
      this.#fitted = { dims: [...dims], graph, session: new Session(this.#engine.instance()), plans: new Map() };
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

  /** Where numbers have left float32's range, says at which value. */
  #finite({ graph, session }: Fitted, plan: Plan, input: Float32Array): void {
    if ([...plan.program.outputs.values()].every((value) => firstNonFinite(session.read(plan, value)) < 0)) return;
    const first = session.firstOverflow(plan, input, new Set(graph.nodes.flatMap((node) => node.outputs)));
    throw new LrpError("usage", {
      where: `value '${first}'`,
      expected: "finite numbers",
      received: "infinity or NaN, from an input that is finite",
      fix: "Is the input scaled as the network was trained?",
    });
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

  #assignAll(graph: Graph, options: ExplainOptions): Assigned {
    const assigned = this.#assign(graph, options);
    if (assigned.issues.length > 0) throw new LrpError("rule", assigned.issues);
    return assigned;
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
    for (const node of graph.nodes.filter((n) => path.has(n))) {
      if (node.type === "BatchNormalization")
        notes.push(`${whereIs(node)} has no linear neighbour to be folded into: relevance passes it unchanged.`);
      if (node.type === "LRN" && node.note) notes.push(`${whereIs(node)} ${node.note}.`);
    }
    return notes;
  }
}
