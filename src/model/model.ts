import { Budget, type Limits } from "../base/budget.ts";
import { type Assigned, assigned, optionsKey, outputOf, valuesAt } from "./assigned.ts";
import { LrpError, misuse } from "../base/error.ts";
import type { Axes } from "../base/layout.ts";
import { activationsOf } from "./activations.ts";
import { canonize } from "../canonize/canonize.ts";
import type { Graph, OutputPort, Port } from "../graph/graph.ts";
import { type AxesOptions, type Batch, batchOf, checkAxes } from "../infer/axes.ts";
import { foresee, unlessShort } from "../infer/foresee.ts";
import { type Given, infer } from "../infer/infer.ts";
import type { SegmentRequest } from "../plan/backward.ts";
import { type Explained, scoredBy } from "../plan/explained.ts";
import { lower } from "../plan/lower.ts";
import { type Plan, place } from "../plan/place.ts";
import { printPlan } from "../plan/print.ts";
import { inspectionOf } from "./inspection.ts";
import { predictionOf } from "./prediction.ts";
import { portsOf } from "./ports.ts";
import { checkedLoad, checkTargets, type ExplainOptions, type LoadOptions } from "./options.ts";
import { explainer } from "./explainer.ts";
import { type RemoteEngine, workerOf } from "./remote.ts";
import type { Explanation, Inspection, Needs, Prediction } from "./report.ts";
import {
  checkFinite,
  checkOutputs,
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
import { checkInputs, type Input, type Shapes } from "../run/input.ts";
import type { Target } from "../run/target.ts";
import { Session } from "../run/session.ts";
import type { Lowering } from "../program/emitter.ts";
import { firstNonFinite, type Tensor } from "../base/tensor.ts";

const KEPT_ASSIGNMENTS = 16;

/** A loaded network, made by `load`. It predicts, and it explains its predictions. */
export class Model {
  /**
   * The inputs of the network. A free dimension is a name. `batchAxis` is the axis that counts samples; it is null if
   * there is none, and undefined if only the first call can tell. `channelAxis` says where the channels are.
   */
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutputPort[];
  /** The metadata of the file (`metadata_props` of ONNX): names and values as the file has them. */
  readonly metadata: ReadonlyMap<string, string>;
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
  #engine: RemoteEngine | undefined;
  #fitted: Fitted | undefined;
  /** By their options. */
  readonly #known = new Map<string, Assigned>();

  /** @internal Made by `load`. @param forced ways of running that only tests ask for */
  constructor(
    graph: Graph,
    engine: RemoteEngine,
    options: Omit<LoadOptions, "relaxed">,
    forced: Partial<Lowering> = {},
  ) {
    const { winograd, weights, ...limits } = checkedLoad(options);
    this.#graph = graph;
    this.#lowering = { winograd: winograd ? "paying" : "never", sparse: "paying", weights, ...forced };
    this.#engine = engine;
    this.#limits = limits;
    this.metadata = graph.metadata ?? new Map();
    this.classes = options.classes;
    this.#axes = options;
    checkAxes(graph.inputs, options);
    // Whatever does not depend on a free size, or on numbers that come with the first call, is checked now.
    const given = graph.inputs.every(oneSample) ? shapesOf(graph.inputs) : undefined;
    const tried = given && unlessShort(graph, this.#limits, () => [this.#tryFit(given)]);
    const fitted = tried?.[0];
    this.outputs = tried ? (fitted?.graph ?? graph).outputs : foresee(graph, this.#limits);
    const batch = fitted && given && this.#batchOf(fitted, given, scoredBy(fitted.outputs.main));
    ({ ports: this.inputs, notes: this.#axisNotes } = portsOf(graph, batch, options));
  }

  /**
   * Runs the network. An input may have NaN and infinity: operators that test, select, move or compute number by number
   * take them. It is an error if they get to a layer with weights.
   * @throws LrpError "shape" when the input's dims do not fit, "usage" when numbers leave float32's range or the model
   * is disposed
   */
  predict(input: Input): Prediction {
    const given = checkInputs(this.inputs, input, "any", new Budget(this.#limits));
    const fitted = this.#fit(given);
    const plan = planOf(fitted, "predict", () => this.#plan(fitted));
    const numbers = numbersOf(fitted, given);
    fitted.session.forward(plan, numbers);
    checkOutputs(fitted, plan, numbers, given);
    return this.#outputs(fitted, plan, given, outputOf(fitted));
  }

  /**
   * The numbers of values inside the network, by the names that `inspect` lists.
   * @throws LrpError as `predict`, and "usage" for a name of no value
   * @example model.activations(image, ["conv1"]).conv1.dims; // [1, 64, 112, 112]
   */
  activations(input: Input, names: readonly string[]): Readonly<Record<string, Tensor>> {
    const given = checkInputs(this.inputs, input, "finite", new Budget(this.#limits));
    const fitted = this.#fit(given);
    return activationsOf(fitted, given, names, (graph) => this.#plan({ ...fitted, graph }));
  }

  /**
   * Runs the network and decomposes one output onto its input.
   *
   *   Σ relevance = score − what the ledger says was absorbed
   *
   * @throws LrpError as `predict`, and "usage" for NaN and infinity in the input and for options, "rule" for nodes that no rule of the composite fits
   */
  explain(input: Input, { target = "argmax", ...others }: ExplainOptions = {}): Explanation {
    return this.explainEach(input, [target], others)[0];
  }

  /**
   * Explains several targets of the same input, which runs through the network only once: one explanation for each
   * target.
   *
   * @example model.explainEach(image, ["tabby", "tiger cat"]).map((e) => heatmap(e.relevance));
   */
  explainEach(input: Input, targets: readonly Target[], options: Omit<ExplainOptions, "target"> = {}): Explanation[] {
    const given = checkInputs(this.inputs, input, "finite", new Budget(this.#limits));
    const fitted = this.#fit(given);
    const { graph, session } = fitted;
    checkTargets(targets, options);
    const { at = [] } = options;
    const way = this.#assignedAll(fitted, options);
    const { from, assignment } = way;
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
    const of = { fitted, plan, prediction, batch, ports: this.inputs, classes: this.classes, notes: this.#axisNotes };
    const explain = explainer(of, way, { ...options, at }, names);
    return targets.map(explain);
  }

  /**
   * Does what `predict` does, on a worker, so that the calling thread stays free. The first call starts the worker,
   * which gets a copy of the network. `dispose` ends it. Calls are answered in order.
   *
   * @throws LrpError as `predict`, and "unsupported" where no worker can be started
   * @example
   * const { output } = await model.predictAsync(x);
   */
  async predictAsync(input: Input): Promise<Prediction> {
    return workerOf(this.#alive().engine).predict(input);
  }

  /**
   * Does what `explain` does, on the worker of `predictAsync`, with the same options and the same result.
   *
   * @throws LrpError as `explain` and `predictAsync`, and "usage" for options that cannot be sent to a worker
   * @example
   * const { relevance } = await model.explainAsync(image, { composite: "epsilonPlus" });
   */
  async explainAsync(input: Input, options: ExplainOptions = {}): Promise<Explanation> {
    return workerOf(this.#alive().engine).explain(input, options);
  }

  /**
   * The network as relprop sees it: nodes, shapes, parameters, and the rule that each node would get. The rule "none"
   * means that relevance cannot pass; a note says why. If other dimensions than the batch are free, `dims` must give
   * them: for the first input, or for each input by name.
   */
  inspect({ dims, ...options }: ExplainOptions & { readonly dims?: Shapes } = {}): Inspection {
    const fitted = this.#fit(shapesOf(this.inputs, dims));
    return inspectionOf(fitted, this.#assigned(fitted, options), options, this.#axisNotes);
  }

  /** The kernel calls of an explanation, one line each, for people who want to see how it is computed. */
  printPlan(dims: Shapes, options: ExplainOptions = {}): string {
    return printPlan(this.#planned(dims, options).plan);
  }

  /**
   * The memory and work that an explanation of inputs of these dims needs. Nothing runs for this.
   * @throws LrpError as `explain`, code "memory" for more work than `maxWork`
   * @example model.needs([1, 3, 224, 224]).memory / 2 ** 20; // MiB
   */
  needs(dims?: Shapes, options: ExplainOptions = {}): Needs {
    const { session, plan } = this.#planned(dims, options);
    return { memory: session.needOf(plan), work: plan.program.work };
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
    const problem = "dims alone are not enough, since the numbers of an input are weights or decide shapes";
    throw misuse("the model", problem, "Call predict or explain with tensors first.");
  }

  #tryFit(given: ReadonlyMap<string, Given>): Fitted | undefined {
    const { engine, graph: whole } = this.#alive();
    if (this.#fitted && isFor(this.#fitted, given)) return this.#fitted;
    const budget = new Budget(this.#limits);
    const graph = infer(whole, given, budget);
    if (!graph) return undefined;
    this.#known.clear();
    // The numbers of an input that is a constant may decide shapes.
    if (graph.inputs.length < whole.inputs.length) this.#batches.clear();
    this.#fitted = fitTo(canonize(graph, budget), given, new Session(engine.instance, this.#limits.maxMemory));
    return this.#fitted;
  }

  /** @throws LrpError "usage" after dispose() */
  #alive() {
    const [engine, graph] = [this.#engine, this.#graph];
    if (!engine || !graph) throw misuse("the model", "it was disposed before this call", "Load it again.");
    return { engine, graph };
  }

  #planned(dims: Shapes | undefined, options: ExplainOptions): { session: Session; plan: Plan } {
    const fitted = this.#fit(shapesOf(this.inputs, dims));
    const { from, assignment } = this.#assignedAll(fitted, options);
    return { session: fitted.session, plan: this.#plan(fitted, [{ from, assignment, at: [] }]) };
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
