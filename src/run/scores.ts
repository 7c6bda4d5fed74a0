import { type Dims, isFloat, normalizeAxis, shapeText, size, type Tensor } from "../base/tensor.ts";
import { usage } from "../base/error.ts";
import { along, offsetsOf } from "../base/layout.ts";

/** What targets choose from: the numbers before a softmax at the end, with the dims of the output that is explained. */
export interface Scores extends Tensor {
  readonly batchAxis: number | null;
  /** The axis of the classes; left out, that of the channels of a picture, and the last of a sequence. */
  readonly classAxis?: number;
}

/** @internal What targets choose from. @param output it need not say which axis counts samples: then it is the first */
export function scoresOf({ logits, output = logits }: Predicted, classAxis?: number): Scores {
  // An output of integers was chosen by the logits, whose axes are others.
  const { dims, batchAxis = dims.length > 1 ? 0 : null, channelAxis } = isFloat(output.type) ? output : logits;
  return { data: logits.data, dims, batchAxis, channelAxis, classAxis };
}

interface Predicted {
  readonly output?: Omit<Tensor, "data">;
  readonly logits: Tensor;
}

/** @internal How the numbers of an output lie: classes at places, for every sample. */
export interface ScoreLayout {
  readonly text: string;
  readonly samples: number;
  readonly classes: number;
  /** Dims of the places: [h, w] of [n, c, h, w]; [1, 1] of [n, c, 1, 1]. */
  readonly places: Dims;
  readonly count: number;
  /** Whether there is but one place, so that a class alone says what is meant. */
  readonly plain: boolean;
  /** Axes of a sample, in their order, without that of the samples. */
  readonly inner: Dims;
  /** Which of the inner axes has the classes; undefined where there is none. */
  readonly classAmong: number | undefined;
  /** Where the number of a class at a place of a sample is. */
  at(sample: number, index: number, place: number): number;
}

function classAxisOf({ dims, classAxis, channelAxis }: Scores, axes: readonly number[]): number | undefined {
  if (classAxis !== undefined) {
    const axis = normalizeAxis(classAxis, dims.length);
    if (axis !== undefined && axes.includes(axis)) return axis;
    throw usage("option 'classAxis'", `one of the axes ${axes.join(", ")} of the output ${shapeText(dims)}`, classAxis);
  }
  const long = axes.filter((axis) => dims[axis] > 1);
  if (long.length < 2) return long[0] ?? axes[0];
  return axes.length > 2 && channelAxis !== "last" ? axes[0] : axes.at(-1);
}

/** @internal @throws LrpError "usage" for a class axis that the output does not have */
export function scoreLayout(scores: Scores): ScoreLayout {
  const { dims, batchAxis } = scores;
  const axes = [...dims.keys()].filter((axis) => axis !== batchAxis);
  const own = classAxisOf(scores, axes);
  const others = axes.filter((axis) => axis !== own);
  const offsets = offsetsOf(dims, others);
  const [[samples, sampleStep], [classes, classStep]] = [along(dims, batchAxis), along(dims, own)];
  return {
    text: shapeText(dims),
    samples,
    classes,
    places: others.map((axis) => dims[axis]),
    count: size(dims) / samples / classes,
    plain: offsets.length === 1,
    inner: axes.map((axis) => dims[axis]),
    classAmong: own === undefined ? undefined : axes.indexOf(own),
    at: (sample, index, place) => sample * sampleStep + index * classStep + offsets[place],
  };
}
