import { Budget, type Limits } from "../base/budget.ts";
import { type Assigned, assigned, optionsKey, outputOf, rulesOf, sharesOut, valuesAt } from "./assigned.ts";
import { LrpError } from "../base/error.ts";
import type { Axes } from "../base/layout.ts";
import { canonize } from "../canonize/canonize.ts";
import type { Graph, OutputPort, Port } from "../graph/graph.ts";
import { type AxesOptions, type Batch, batchOf, checkAxes } from "../infer/axes.ts";
import { type Given, infer } from "../infer/infer.ts";
import type { SegmentRequest } from "../plan/backward.ts";
import { type Explained, scoredBy } from "../plan/explained.ts";
import { lower } from "../plan/lower.ts";
import { type Plan, place } from "../plan/place.ts";
import { printPlan } from "../plan/print.ts";
import { inspectionOf } from "./inspection.ts";
import { predictionOf } from "./prediction.ts";
import { notesOf, remarksOf } from "./notes.ts";
import { portsOf } from "./ports.ts";
import { checkedLoad, checkTargets, type ExplainOptions, type LoadOptions } from "./options.ts";
import {
  amplificationNote,
  argmaxNote,
  checkRange,
  type Explanation,
  type Inspection,
  ledgerRows,
  type Prediction,
} from "./report.ts";
import {
  checkFinite,
  type Fitted,
  fitTo,
  isFor,
  numbersOf,
  oneSample,
  planKey,
  planOf,
  samplesOf,
  shapesOf,
} from "../run/fit.ts";
import { stabilityNote, stabilityOf, sumsOf } from "./stability.ts";
import { checkInputs, type Input, type Shapes } from "../run/input.ts";
import { scoresOf } from "../run/scores.ts";
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
  /**
   * What the network takes; free dimensions are names. `batchAxis` is the axis that counts samples, null where there is
   * none; undefined where only the first call can tell. `channelAxis` says where channels are.
   */
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutputPort[];
  /** Names of the classes, if they were given. */
  readonly classes?: readonly string[];
  #graph: Graph | undefined;
  readonly #lowering: Lowering;
  readonly #limits: Required<Limits>;
  readonly #axes: AxesOptions;
  /** Axes of samples, by output: which they are does not depend on sizes. */
  readonly #batches = new Map<string, Batch>();
  /** What is worth knowing of the inputs' axes. */
  readonly #axisNotes: readonly string[];
  #engine: Engine | undefined;
  #fitted: Fitted | undefined;
  /** By their options. */
  readonly #known = new Map<string, Assigned>();

  /** @internal Made by `load`. @param forced ways of running that only tests ask for */
  constructor(graph: Graph, engine: Engine, options: Omit<LoadOptions, "relaxed">, forced: Partial<Lowering> = {}) {
    const { winograd, weights, ...limits } = checkedLoad(options);
    this.#graph = graph;
    this.#lowering = { winograd: winograd ? "paying" : "never", sparse: "paying", weights, ...forced };
    this.#engine = engine;
    this.#limits = limits;
    this.classes = options.classes;
    this.#axes = options;
    checkAxes(graph.inputs, options);
    // Whatever does not depend on a free size, or on numbers that come with the first call, is checked now.
    const given = graph.inputs.every(oneSample) ? shapesOf(graph.inputs) : undefined;
    const fitted = given && this.#tryFit(given);
    this.outputs = (fitted?.graph ?? graph).outputs;
    const batch = fitted && this.#batchOf(fitted, given, scoredBy(fitted.outputs.main));
    const { ports, notes } = portsOf(graph, batch, options);
    this.inputs = ports;
    this.#axisNotes = notes;
  }

  /**
   * Runs the network.
   * @throws LrpError "shape" when the input's dims do not fit, "usage" when it holds NaN or infinity or the model is
   * disposed
   */
  predict(input: Input): Prediction {
    const given = checkInputs(this.inputs, input);
    const fitted = this.#fit(given);
    const plan = planOf(fitted, "predict", () => this.#plan(fitted));
    const numbers = numbersOf(fitted, given);
    fitted.session.forward(plan, numbers);
    checkFinite(fitted, plan, numbers);
    return this.#outputs(fitted, plan, given, outputOf(fitted));
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
    const { graph, session } = fitted;
    checkTargets(targets, options);
    const { at = [] } = options;
    const way = this.#assignedAll(fitted, options);
    const { from, start, assignment } = way;
    const names = valuesAt(graph, way, at);
    const again = targets.length > 1;
    const request = { from, assignment, at: names };
    const plan = planOf(fitted, planKey(request, again), () => this.#plan(fitted, [request], again));
    const [segment] = plan.program.segments;
    const numbers = numbersOf(fitted, given);
    session.forward(plan, numbers);
    const logits = session.read(plan, segment.value).slice();
    if (firstNonFinite(logits) >= 0) checkFinite(fitted, plan, numbers);
    const batch = this.#batchOf(fitted, given, scoredBy(way));
    const prediction = this.#outputs(fitted, plan, given, way);
    const scores = scoresOf(prediction, options.classAxis);
    const remarks = remarksOf(fitted, way, options);
    const rules = rulesOf(fitted, way, remarks);
    const notes = [...this.#axisNotes, ...notesOf(graph, way, remarks, options)];
    const isJudged = sharesOut(fitted, way, options);
    const tensor = (value: Value): Tensor => ({ data: session.read(plan, value).slice(), dims: value.dims });
    const arrivedAt = (name: string): Tensor => {
      const value = segment.inputs.get(name);
      const dims = graph.dims.get(name)!;
      const { channelAxis } = this.inputs.find((port) => port.name === name)!;
      const { data } = value ? tensor(value) : { data: new Float32Array(size(dims)) };
      return { data, dims, batchAxis: batch.inputs.get(name), ...(channelAxis && { channelAxis }) };
    };
    return targets.map((target) => {
      const chosen = chooseTargets(target, start, scores, this.classes);
      session.backward(plan, chosen.relevance);
      const ledger = ledgerRows(segment, session.read(plan, segment.ledger));
      const [begun, arrived] = [
        sumsOf([chosen.relevance]),
        sumsOf([...segment.inputs.values()].map((value) => session.read(plan, value))),
      ];
      checkRange(arrived.size, ledger);
      const stability = stabilityOf(begun, arrived, ledger, isJudged);
      const marked = <T extends Tensor>(of: T): T =>
        stability.verdict === "amplified" ? { ...of, amplified: true } : of;
      const all = new Map(graph.inputs.map(({ name }) => [name, marked(arrivedAt(name))]));
      const inputs = Object.fromEntries(all);
      const relevance = all.get(graph.inputs.find(({ name }) => segment.inputs.has(name))!.name)!;
      return {
        ...prediction,
        targets: way.chooses ? chosen.targets.map((of) => of.map((c) => ({ ...c, value: from }))) : chosen.targets,
        start,
        relevance,
        inputs,
        at: Object.fromEntries(
          at.map((name, i) => [name, all.get(names[i]) ?? marked(tensor(segment.at.get(names[i])!))]),
        ),
        rules,
        ledger,
        stability,
        notes: [
          ...stabilityNote(stability, begun, arrived, ledger),
          ...notes,
          ...argmaxNote(target, chosen.targets, prediction.output),
          ...amplificationNote(ledger),
        ],
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
    return inspectionOf(fitted, this.#assigned(fitted, options), options, this.#axisNotes);
  }

  /** The kernel calls of an explanation, one line each: for people who want to see how it is done. */
  printPlan(dims: Shapes, options: ExplainOptions = {}): string {
    const fitted = this.#fit(shapesOf(this.inputs, dims));
    const { from, assignment } = this.#assignedAll(fitted, options);
    return printPlan(this.#plan(fitted, [{ from, assignment, at: [] }]));
  }

  /** Lets go of the memory. The model cannot be used any more. */
  dispose(): void {
    this.#engine?.end();
    this.#engine = undefined;
    this.#fitted = undefined;
    this.#graph = undefined;
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
    if (!this.#engine || !this.#graph)
      throw new LrpError("usage", {
        where: "the model",
        expected: "one that is not disposed",
        received: "a call after dispose()",
      });
    if (this.#fitted && isFor(this.#fitted, given)) return this.#fitted;
    const budget = new Budget(this.#limits);
    const graph = infer(this.#graph, given, budget);
    if (!graph) return undefined;
    this.#known.clear();
    // The numbers of an input that is a constant may decide shapes.
    if (graph.inputs.length < this.#graph.inputs.length) this.#batches.clear();
    const session = new Session(this.#engine.instance, this.#limits.maxMemory);
    this.#fitted = fitTo(canonize(graph, budget), given, session);
    return this.#fitted;
  }

  #plan({ graph, ways, given }: Fitted, segments?: readonly SegmentRequest[], again?: boolean): Plan {
    const { maxMemory, maxWork } = this.#limits;
    const budget = new Budget({ maxMemory, maxWork: maxWork * samplesOf(this.inputs, given) });
    return place(lower(graph, ways, this.#lowering, segments, budget), again);
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

  /** Which axes count samples, where this output or value is looked at. */
  #batchOf(fitted: Fitted, given: ReadonlyMap<string, Given>, name: string): Batch {
    const known = this.#batches.get(name);
    if (known) return known;
    const found = batchOf(this.#graph!, fitted.graph, name, given, this.#axes.batch, this.#limits);
    this.#batches.set(name, found);
    return found;
  }

  #outputs(fitted: Fitted, plan: Plan, given: ReadonlyMap<string, Given>, explained: Explained): Prediction {
    // A network that takes its pictures channels last gives them so.
    const channelAxis = this.inputs.some((port) => port.channelAxis === "last") ? "last" : undefined;
    const axesOf = (name: string): Axes => ({ batchAxis: this.#batchOf(fitted, given, name).output, channelAxis });
    return predictionOf(fitted, plan, explained, axesOf);
  }
}
