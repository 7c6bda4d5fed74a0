import { count, type Dims, place, positions } from "./linear.ts";
import { axisOf, type Definition, type Meaning, numbersOf, one } from "./meaning.ts";

/*
 * Nodes that move numbers, literally.
 */

/** y[p] = x[source(p)]; nowhere: `fill`. */
function moved(dims: Dims, source: (p: number[]) => number | undefined, terms = [0], fill = 0): Meaning {
  const candidates = positions(dims).map((p) => {
    const from = source(p);
    return from === undefined ? [] : [from];
  });
  return { dims, family: "route", terms, does: { kind: "route", candidates, fill } };
}

const reshaped = (dims: Dims): Meaning => moved(dims, (p) => place(dims, p));

export const moves: Readonly<Record<string, Definition>> = {
  Identity: ([x]) => reshaped(x!.dims),
  Dropout: ([x]) => reshaped(x!.dims),
  Flatten: ([x], read) => {
    const axis = axisOf(read.int("axis", 1), x!.dims);
    return reshaped([count(x!.dims.slice(0, axis)), count(x!.dims.slice(axis))]);
  },
  Reshape: ([x, shape]) => {
    const given = numbersOf(shape)!.map((d, i) => (d === 0 ? x!.dims[i] : d));
    const known = given.filter((d) => d !== -1);
    return reshaped(given.map((d) => (d === -1 ? count(x!.dims) / count(known) : d)));
  },
  Unsqueeze: ([x, axes]) => {
    const dims = [...x!.dims];
    for (const axis of numbersOf(axes)!) dims.splice(axis, 0, 1);
    return reshaped(dims);
  },
  Squeeze: ([x, axes]) => reshaped(x!.dims.filter((_, i) => !numbersOf(axes)!.includes(i))),
  Transpose: ([x], read) => {
    const perm = read.ints("perm")!;
    return moved(
      perm.map((axis) => x!.dims[axis]),
      (p) =>
        place(
          x!.dims,
          x!.dims.map((_, axis) => p[perm.indexOf(axis)]),
        ),
    );
  },
  Concat: (inputs, read) => {
    const shapes = inputs.map((x) => x!.dims);
    const axis = axisOf(read.int("axis", 0), shapes[0]);
    const ends = shapes.map((_, t) => shapes.slice(0, t + 1).reduce((at, s) => at + s[axis], 0));
    const starts = shapes.map((_, t) => shapes.slice(0, t).reduce((at, s) => at + count(s), 0));
    return moved(
      shapes[0].map((d, i) => (i === axis ? ends.at(-1)! : d)),
      (p) => {
        const t = ends.findIndex((end) => p[axis] < end);
        return (
          starts[t] +
          place(
            shapes[t],
            p.map((at, i) => (i === axis ? at - (ends[t - 1] ?? 0) : at)),
          )
        );
      },
      shapes.map((_, t) => t),
    );
  },
  Compress: ([x, condition], read) => {
    const axis = read.int("axis", 0);
    const taken = numbersOf(condition)!.flatMap((v, i) => (v ? [i] : []));
    return moved(
      x!.dims.map((d, i) => (i === axis ? taken.length : d)),
      (p) =>
        place(
          x!.dims,
          p.map((at, i) => (i === axis ? taken[at] : at)),
        ),
    );
  },
  /** Along one axis. */
  Slice: ([x, starts, ends, axes, steps]) => {
    const [from, to, axis, step] = [starts, ends, axes, steps].map((v) => numbersOf(v)![0]);
    const taken: number[] = [];
    for (let at = from; step > 0 ? at < Math.min(to, x!.dims[axis]) : at > Math.max(to, -1); at += step) taken.push(at);
    return moved(
      x!.dims.map((d, i) => (i === axis ? taken.length : d)),
      (p) =>
        place(
          x!.dims,
          p.map((at, i) => (i === axis ? taken[at] : at)),
        ),
    );
  },
  Pad: ([x, pads, value], read) => {
    const { dims } = x!;
    const by = numbersOf(pads)!;
    const mode = read.text("mode", "constant");
    const within = (at: number, d: number) =>
      mode === "edge" ? Math.min(Math.max(at, 0), d - 1) : at < 0 ? -at : at < d ? at : 2 * (d - 1) - at;
    return moved(
      dims.map((d, i) => d + by[i] + by[dims.length + i]),
      (p) => {
        const at = p.map((v, i) => v - by[i]);
        if (mode === "constant") return at.every((v, i) => v >= 0 && v < dims[i]) ? place(dims, at) : undefined;
        return place(
          dims,
          at.map((v, i) => within(v, dims[i])),
        );
      },
      [0],
      one(value, 0),
    );
  },
};
