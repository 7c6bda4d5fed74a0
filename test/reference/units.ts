import { apply, count, type Dims, type LinearMap } from "./linear.ts";
import { type Action, type Literal, reader, type Stage } from "./meaning.ts";

/*
 * What the numbers of a network are numbers of, literally: where a scale and shift is a change of units, where it is a
 * layer's bias, and what bounds of the input are further on.
 */

const RENAMING = ["Identity", "Dropout", "Flatten", "Reshape", "Squeeze", "Unsqueeze"];
const MOVING = [...RENAMING, "Transpose", "Slice", "Pad", "Gather"];

const makerOf = (net: Literal, name: string) => net.stages.find((s) => s.output === name);
const dimsOf = (net: Literal, name: string): Dims => makerOf(net, name)?.dims ?? net.x;
const computed = (net: Literal, { inputs }: Stage) => inputs.filter((name) => !net.constants.has(name));

/** What a value was before it was only moved, scaled and shifted. */
export function originOf(net: Literal, name: string): "input" | "activation" | "layer" | "else" {
  const stage = makerOf(net, name);
  if (!stage) return "input";
  if (stage.scaling) return originOf(net, stage.scaling.input);
  if (MOVING.includes(stage.type)) return originOf(net, stage.inputs[0]);
  if (stage.family === "activation" || ["Max", "Min"].includes(stage.type)) return "activation";
  if (["convolution", "dense"].includes(stage.family)) return "layer";
  if (!["route", "average"].includes(stage.family)) return "else";
  const from = computed(net, stage).map((input) => originOf(net, input));
  if (from.every((origin) => origin === "input")) return "input";
  return from.some((origin) => origin === "layer" || origin === "else") ? "else" : "activation";
}

/** Where an axis is among other dims of the same numbers; −1: nowhere. */
function renamed(from: Dims, to: Dims, axis: number): number {
  if (from[axis] === 1) return -1;
  return to.findIndex((d, i) => d === from[axis] && count(to.slice(0, i)) === count(from.slice(0, axis)));
}

/** Which axis of an input the layers behind a value tell apart; undefined where none tells, or not all the same. */
function channelsOf(net: Literal, name: string): number | undefined {
  const told = net.stages
    .filter((stage) => stage.inputs.includes(name))
    .flatMap((stage): (number | undefined)[] => {
      if (stage.does.kind === "linear" && stage.does.channels !== undefined) return [stage.does.channels];
      if (stage.type === "BatchNormalization") return [1];
      const axis = channelsOf(net, stage.output);
      if (axis === undefined) return [];
      const [from, to] = [dimsOf(net, name), stage.dims];
      if (stage.type === "Transpose") return [reader(stage.node).ints("perm")![axis]];
      if (!RENAMING.includes(stage.type)) return from.length === to.length ? [axis] : [];
      const own = renamed(to, from, axis);
      return own < 0 ? [] : [own];
    });
  return told.every((axis) => axis === told[0]) ? told[0] : undefined;
}

/** The axes that may be channels: the second, and what the layers behind tell, or else what looks like it. */
function channelAxes(net: Literal, name: string): number[] {
  const dims = dimsOf(net, name);
  const told = channelsOf(net, name);
  const last = dims.length - 1;
  return [
    1,
    told ?? (last === 2 || (last > 2 && [1, 3].includes(dims[last]) && ![1, 3, 4].includes(dims[1])) ? last : 1),
  ];
}

/** Scales and shifts of the input, or behind an activation, pass; behind a layer a shift is its bias. */
export function withUnits(net: Literal): Literal {
  const constants = new Map(net.constants);
  const stages = net.stages.flatMap((stage): Stage[] => {
    const { scaling } = stage;
    if (!scaling) return [stage];
    const { input, scale, shift, axis } = scaling;
    const origin = originOf(net, input);
    if (origin === "input" || origin === "activation") {
      if (axis === undefined || (axis !== "none" && !channelAxes(net, input).includes(axis))) return [stage];
      const lipschitz = Math.max(...scale.map(Math.abs));
      const f = (v: number, i: number) => scale[i] * v + shift[i];
      const does = { kind: "pointwise", f, slope: (_: number, i: number) => scale[i], lipschitz, scaling } as const;
      return [{ ...stage, family: "normalization", inputs: [input], does }];
    }
    if (origin !== "layer" || stage.type !== "BatchNormalization") return [stage];
    const scaled = `${stage.name}:scaled`;
    const connections = scale.map((_, i) => [
      { i, w: 1 },
      { i: i + scale.length, w: 1 },
    ]);
    const map: LinearMap = { dims: stage.dims, inputs: 2 * scale.length, connections, bias: shift.map(() => 0) };
    const none = { ...scaling, shift: shift.map(() => 0) };
    const slope = (_: number, i: number) => scale[i];
    const parts = { kind: "pointwise", f: (v: number, i: number) => scale[i] * v, slope, scaling: none } as const;
    const lipschitz = Math.max(...scale.map(Math.abs));
    constants.set(`${stage.name}:shift`, shift);
    return [
      { ...stage, name: scaled, type: "Mul", output: scaled, does: { ...parts, lipschitz }, scaling: none },
      {
        ...stage,
        type: "Add",
        family: "sum",
        inputs: [scaled, `${stage.name}:shift`],
        does: { kind: "linear", map },
        scaling: { ...scaling, scale: scale.map(() => 1), input: scaled },
      },
    ];
  });
  return { ...net, stages, constants };
}

/** A value as another one with zeros around it. */
interface Border {
  readonly inside: string;
  /** Which number of it each number is; −1: none, a zero. */
  readonly from: readonly number[];
  /** The axes that have zeros. */
  readonly axes: readonly number[];
}

function borderOf(net: Literal, name: string): Border | undefined {
  const stage = makerOf(net, name);
  if (stage?.does.kind !== "route") return undefined;
  const from = stage.does.candidates.map(([at = -1]) => at);
  if (stage.type === "Pad") {
    const isZero = reader(stage.node).text("mode", "constant") === "constant" && stage.does.fill === 0;
    const [inside] = stage.inputs;
    const before = dimsOf(net, inside);
    return isZero ? { inside, from, axes: stage.dims.flatMap((d, i) => (d === before[i] ? [] : [i])) } : undefined;
  }
  if (stage.type !== "Transpose" && !RENAMING.includes(stage.type)) return undefined;
  const border = borderOf(net, stage.inputs[0]);
  const perm = reader(stage.node).ints("perm");
  const axes = border?.axes.map((axis) =>
    perm ? perm.indexOf(axis) : renamed(dimsOf(net, stage.inputs[0]), stage.dims, axis),
  );
  return border && axes!.every((axis) => axis >= 0)
    ? { ...border, from: from.map((at) => border.from[at]), axes: axes! }
    : undefined;
}

/** Zeros that a Pad puts around a picture are padding of the convolution that reads it. */
export function withPads(net: Literal): Literal {
  const found = net.stages.map((stage) => (stage.type === "Conv" ? borderOf(net, stage.inputs[0]) : undefined));
  const k = found.findIndex((border) => border?.axes.every((axis) => axis >= 2));
  if (k < 0) return net;
  const [stage, { inside, from }] = [net.stages[k], found[k]!];
  const does = stage.does as Extract<Action, { kind: "linear" }>;
  const connections = does.map.connections.map((list) =>
    list.flatMap(({ i, w }) => (from[i] < 0 ? [] : [{ i: from[i], w }])),
  );
  const map = { ...does.map, inputs: count(dimsOf(net, inside)), connections };
  const unpadded = does.unpadded && from.every((at) => at >= 0);
  const folded: Stage = { ...stage, inputs: [inside], does: { ...does, map, unpadded } };
  let stages = net.stages.map((s) => (s === stage ? folded : s));
  for (let dead = true; dead; ) {
    const read = new Set([net.output, ...stages.flatMap((s) => s.inputs)]);
    dead = stages.some((s) => !read.has(s.output));
    stages = stages.filter((s) => read.has(s.output));
  }
  // Between the zeros and the layer what had them has none any more.
  return withPads({ ...net, stages });
}

/** The least and the largest that numbers of a value can be, given the bounds of the input, where it is made of that. */
export function boundsAt(
  net: Literal,
  name: string,
  [low, high]: readonly [number, number],
): readonly [low: readonly number[], high: readonly number[]] {
  const stage = makerOf(net, name);
  const ends = (n: number) => [new Array<number>(n).fill(low), new Array<number>(n).fill(high)] as const;
  if (!stage || originOf(net, name) !== "input") return ends(count(dimsOf(net, name)));
  if (stage.scaling) {
    const { scale, shift, input } = stage.scaling;
    const sides = boundsAt(net, input, [low, high]).map((side) => side.map((v, i) => scale[i] * v + shift[i]));
    return [sides[0].map((v, i) => Math.min(v, sides[1][i])), sides[0].map((v, i) => Math.max(v, sides[1][i]))];
  }
  const parts = computed(net, stage).map((input) => boundsAt(net, input, [low, high]));
  const [lows, highs] = [0, 1].map((side) => {
    const read = parts.flatMap((part) => part[side]);
    const { does } = stage;
    if (does.kind === "linear") return Array.from(apply(does.map, read));
    if (does.kind !== "route") throw new Error(`bounds through ${stage.type}`);
    return does.candidates.map((list) => (list.length === 0 ? does.fill : Math.max(...list.map((i) => read[i]))));
  });
  return [lows, highs];
}
