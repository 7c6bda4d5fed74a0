import { type Assigned, assigned, notesOf, optionsKey, outputOf, rulesOf, valuesAt } from "./assigned.ts";
import { LrpError, sentence } from "../base/error.ts";
import { canonize } from "../canonize/canonize.ts";
import { type Graph, type OutputPort, type Port, printGraph } from "../graph/graph.ts";
import { type Given, infer } from "../infer/infer.ts";
import { lower } from "../plan/lower.ts";
import { type Plan, place } from "../plan/place.ts";
import { printPlan } from "../plan/print.ts";
import { checkedLoad, type ExplainOptions, type LoadOptions } from "./options.ts";
import {
  amplificationNote,
  type Explanation,
  type Inspection,
  inspectionText,
  ledgerRows,
  magnitudeOf,
  type Prediction,
  shareNote,
} from "./report.ts";
import { checkFinite, type Fitted, fitTo, isFor, numbersOf, oneSample, planKey, planOf, shapesOf } from "../run/fit.ts";
import { checkInputs, type Input, type Shapes } from "../run/input.ts";
import { chooseTargets, type Target } from "../run/target.ts";
import { Session } from "../run/session.ts";
import type { Engine } from "../run/wasm.ts";
import type { Value } from "../program/step.ts";
import type { Lowering } from "../program/emitter.ts";
import { firstNonFinite, size, type Tensor } from "../base/tensor.ts";

/** How many assignments of rules are kept. */
const KEPT_ASSIGNMENTS = 16;

/** A network that is loaded: it predicts, and explains what it predicts. Made by `load`. */
export class Model {
  /** What the network takes; free dimensions are names. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutputPort[];
  /** Names of the classes, if they were given. */
  readonly classes?: readonly string[];
  readonly #graph: Graph;
  readonly #lowering: Lowering;
  readonly #maxMemory: number;
  #engine: Engine | undefined;
  #fitted: Fitted | undefined;
  /** By their options. */
  readonly #known = new Map<string, Assigned>();

  /** @internal Made by `load`. @param forced ways of running that only tests ask for */
  constructor(graph: Graph, engine: Engine, options: Omit<LoadOptions, "relaxed">, forced: Partial<Lowering> = {}) {
    const { winograd, weights, maxMemory } = checkedLoad(options);
    this.#graph = graph;
    this.#lowering = { winograd: winograd ? "paying" : "never", sparse: "paying", weights, ...forced };
    this.#engine = engine;
    this.#maxMemory = maxMemory;
    this.inputs = graph.inputs;
    this.outputs = graph.outputs;
    this.classes = options.classes;
    // Whatever does not depend on a free size, or on numbers that come with the first call, is checked now.
    if (graph.inputs.every(oneSample)) this.#tryFit(shapesOf(graph.inputs));
  }

  /**
   * Runs the network.
   * @throws LrpError "shape" when the input's dims do not fit, "usage" when it holds NaN or infinity or the model is
   * disposed
   */
  predict(input: Input): Prediction {
    const given = checkInputs(this.inputs, input);
    const fitted = this.#fit(given);
    const plan = planOf(fitted, "predict", () => place(lower(fitted.graph, fitted.ways, this.#lowering)));
    const numbers = numbersOf(fitted, given);
    fitted.session.forward(plan, numbers);
    checkFinite(fitted, plan, numbers);
    return this.#outputs(fitted, plan);
  }

  /**
   * Runs the network and decomposes one output onto its input.
   *
   *   Σ relevance = score − what the ledger says was absorbed
   *
   * @throws LrpError as `predict`, and "usage" for options, "rule" for nodes that no rule of the composite fits
   */
  explain(input: Input, options: ExplainOptions = {}): Explanation {
    const { target = "argmax", ...others } = options;
    return this.explainEach(input, [target], others)[0];
  }

  /**
   * Explains several targets of the same input, which runs through the network only once: one explanation for each
   * target.
   *
   * @example model.explainEach(image, ["tabby", "tiger cat"]).map((e) => heatmap(e.relevance));
   */
  explainEach(input: Input, targets: readonly Target[], options: Omit<ExplainOptions, "target"> = {}): Explanation[] {
    const given = checkInputs(this.inputs, input);
    const fitted = this.#fit(given);
    const { graph, ways, session } = fitted;
    if ("target" in options)
      throw new LrpError("usage", {
        where: "explainEach",
        expected: "targets as its second argument",
        received: "option 'target'",
      });
    if (!Array.isArray(targets) || targets.length === 0)
      throw new LrpError("usage", {
        where: "explainEach",
        expected: "a list of targets",
        received: JSON.stringify(targets) ?? "none",
      });
    const { at = [] } = options;
    const way = this.#assignedAll(fitted, options);
    const { from, start, assignment } = way;
    const names = valuesAt(graph, way, at);
    const again = targets.length > 1;
    const request = { from, assignment, at: names };
    const plan = planOf(fitted, planKey(request, again), () =>
      place(lower(graph, ways, this.#lowering, [request]), again),
    );
    const [segment] = plan.program.segments;
    const numbers = numbersOf(fitted, given);
    session.forward(plan, numbers);
    const logits = session.read(plan, segment.value).slice();
    if (firstNonFinite(logits) >= 0) checkFinite(fitted, plan, numbers);
    const prediction = this.#outputs(fitted, plan, options.output);
    const rules = rulesOf(fitted, way);
    const notes = notesOf(fitted, way, options);
    // A slope is no share, of which little or much could arrive.
    const isSlope = [...assignment].some(
      ([node, { kind }]) => kind === "gradient" && ways.get(node)!.kind === "linear",
    );
    const [batch = 1] = graph.dims.get(graph.inputs[0].name)!;
    const samples = segment.value.dims[0] === batch ? batch : 1;
    const tensor = (value: Value): Tensor => ({ data: session.read(plan, value).slice(), dims: value.dims });
    const arrivedAt = (name: string): Tensor => {
      const value = segment.inputs.get(name);
      const dims = graph.dims.get(name)!;
      return value ? tensor(value) : { data: new Float32Array(size(dims)), dims };
    };
    return targets.map((target) => {
      const chosen = chooseTargets(target, start, logits, samples, this.classes);
      session.backward(plan, chosen.relevance);
      const inputs = Object.fromEntries(graph.inputs.map(({ name }) => [name, arrivedAt(name)]));
      const relevance = inputs[graph.inputs.find(({ name }) => segment.inputs.has(name))!.name];
      const ledger = ledgerRows(segment, session.read(plan, segment.ledger));
      const arrived = magnitudeOf(Object.values(inputs), ledger);
      return {
        ...prediction,
        targets: chosen.targets,
        start,
        relevance,
        inputs,
        at: Object.fromEntries(at.map((name, i) => [name, tensor(segment.at.get(names[i])!)])),
        rules,
        ledger,
        notes: [...notes, ...amplificationNote(ledger), ...(isSlope ? [] : shareNote(arrived, chosen.targets, start))],
      };
    });
  }

  /**
   * The network as relprop sees it: nodes, shapes, parameters, and the rule that each node would get ("none": relevance
   * cannot pass, a note says why). Where a dimension beyond the batch is free, `dims` must say it: of the first input,
   * or of each by name.
   */
  inspect({ dims, ...options }: ExplainOptions & { readonly dims?: Shapes } = {}): Inspection {
    const fitted = this.#fit(shapesOf(this.inputs, dims));
    const { graph } = fitted;
    const way = this.#assigned(fitted, options);
    const rules = new Map(rulesOf(fitted, way).map((r) => [r.node, r]));
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
    const notes = [...way.issues.map(sentence), ...notesOf(fitted, way, options)];
    return { text: inspectionText(printGraph(graph), nodes, parameters, notes), nodes, parameters, notes };
  }

  /** The kernel calls of an explanation, one line each: for people who want to see how it is done. */
  printPlan(dims: Shapes, options: ExplainOptions = {}): string {
    const fitted = this.#fit(shapesOf(this.inputs, dims));
    const { from, assignment } = this.#assignedAll(fitted, options);
    return printPlan(place(lower(fitted.graph, fitted.ways, this.#lowering, [{ from, assignment, at: [] }])));
  }

  /** Lets go of the memory. The model cannot be used any more. */
  dispose(): void {
    this.#engine?.end();
    this.#engine = undefined;
    this.#fitted = undefined;
    this.#known.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * The graph for these inputs. New dims, or new numbers of an input that is a constant, take the place of the old in
   * memory.
   */
  #fit(given: ReadonlyMap<string, Given>): Fitted {
    const fitted = this.#tryFit(given);
    if (fitted) return fitted;
    throw new LrpError("usage", {
      where: "the model",
      expected: "a call with tensors before one with dims alone",
      received: "an input whose numbers are weights or decide shapes",
    });
  }

  #tryFit(given: ReadonlyMap<string, Given>): Fitted | undefined {
    if (!this.#engine)
      throw new LrpError("usage", {
        where: "the model",
        expected: "one that is not disposed",
        received: "a call after dispose()",
      });
    if (this.#fitted && isFor(this.#fitted, given)) return this.#fitted;
    const graph = infer(this.#graph, given);
    if (!graph) return undefined;
    this.#known.clear();
    this.#fitted = fitTo(canonize(graph), given, new Session(this.#engine.instance, this.#maxMemory));
    return this.#fitted;
  }

  /** The rules that these options give; those of the last few calls are still known. */
  #assigned(fitted: Fitted, options: ExplainOptions): Assigned {
    const key = optionsKey(options);
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known) return known;
    const found = assigned(fitted, options);
    if (this.#known.size >= KEPT_ASSIGNMENTS) this.#known.clear();
    if (key !== undefined) this.#known.set(key, found);
    return found;
  }

  /** @throws LrpError code "rule" listing every node that no rule of the composite fits */
  #assignedAll(fitted: Fitted, options: ExplainOptions): Assigned {
    const found = this.#assigned(fitted, options);
    if (found.issues.length > 0) throw new LrpError("rule", found.issues);
    return found;
  }

  #outputs(fitted: Fitted, plan: Plan, name?: string): Prediction {
    const outputs = Object.fromEntries(
      [...plan.program.outputs].map(([key, value]) => {
        const type = fitted.graph.types.get(key) ?? "float32";
        const tensor: Tensor = {
          data: fitted.session.read(plan, value).slice(),
          dims: value.dims,
          ...(type !== "float32" && { type }),
        };
        return [key, tensor];
      }),
    );
    const { logits } = plan.program;
    return {
      output: outputs[outputOf(fitted.graph, name)],
      outputs,
      logits: { data: fitted.session.read(plan, logits).slice(), dims: logits.dims },
    };
  }
}
