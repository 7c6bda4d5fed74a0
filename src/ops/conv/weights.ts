import { type Constant, size } from "../../base/tensor.ts";
import type { Emitter } from "../../program/emitter.ts";
import type { Value } from "../../program/step.ts";
import type { Arrangement, Mapping } from "../../program/arrange.ts";
import { mapOf, type NumberMap, type WeightMap } from "../op.ts";
import { type Convolution, isHalves } from "./geometry.ts";
import { type Channels, PANEL } from "./panels.ts";
import type { Phase } from "./phases.ts";

/*
 * The weight of a convolution, f32[m, c / group, ...kernel], in the forms that kernels read.
 */

/** How far numbers lie from each other where they go. */
export interface Form {
  /** Outputs that are neighbours. */
  readonly lanes: number;
  /** From so many outputs to the next. */
  readonly panel: number;
  readonly tap: number;
  readonly input: number;
}

/** The weights of one convolution without stride, and a name for the whole. */
export interface Weights {
  readonly name: string;
  readonly source: Constant;
  readonly variant: string;
  /** Those of `groups` groups from one on. */
  arranged(group: number, groups: number, form: Form): readonly Arrangement[];
}

/** Neighbouring outputs as whole panels and as pieces of panels. */
function* pieces(first: number, count: number, { lanes, panel }: Form) {
  const end = first + count;
  for (let o = first; o < end; ) {
    const lane = o % lanes;
    const whole = lane === 0 ? Math.floor((end - o) / lanes) : 0;
    const dims = whole > 0 ? [whole, lanes] : [1, Math.min(lanes - lane, end - o)];
    yield { skipped: o - first, dims, to: Math.floor(o / lanes) * panel + lane };
    o += dims[0] * dims[1];
  }
}

const mappingOf = (map: NumberMap): Mapping => (typeof map === "string" ? mapOf(map) : map);

function sourceOf({ weight: { name, constant }, plane }: Convolution, map: WeightMap) {
  const [, inputs, ...kernel] = constant!.dims;
  const halves = isHalves(map) ? [map.plus, map.minus] : [map];
  const { d, h, w } = plane;
  const cut = [d, h, w].map(({ trimmed, kernel }) => trimmed ?? { skip: 0, kernel });
  const all = cut.reduce((product, { kernel }) => product * kernel, 1);
  const slices = d.kernel === 1 ? "" : ` of ${d.kernel} slices`;
  const few = d.kernel * h.kernel * w.kernel < all;
  return {
    name,
    source: constant!,
    variant: `${halves.join("|")}${slices}${few ? ` from ${cut.map(({ skip }) => skip)} by ${h.kernel} x ${w.kernel}` : ""}`,
    maps: halves.map(mappingOf),
    inputs,
    /** Numbers of an input, and of an output. */
    taps: size(kernel),
    row: inputs * size(kernel),
    depth: d.kernel,
    place: (z: number, y: number, x: number) =>
      ((z + cut[0].skip) * cut[1].kernel + y + cut[1].skip) * cut[2].kernel + x + cut[2].skip,
  };
}

/** As they are: from the `outputs` of each group to their inputs. Those of a slice, and of a half in it, are neighbours. */
export function forwardWeights(conv: Convolution, map: WeightMap, outputs: number): Weights {
  const { maps, inputs, taps, row, depth, place, ...named } = sourceOf(conv, map);
  const { h, w } = conv.plane;
  const blocks = function* (half: number, form: Form, from: number, count: number) {
    for (const { skipped, dims, to } of pieces(from, count, form))
      for (let z = 0; z < depth; z++)
        for (let tap = 0; tap < h.kernel * w.kernel; tap++)
          yield {
            dims: [...dims, inputs],
            from: skipped * row + place(z, Math.floor(tap / w.kernel), tap % w.kernel),
            fromStrides: [form.lanes * row, row, taps],
            to: to + tap * form.tap + (z * maps.length + half) * inputs * form.input,
            toStrides: [form.panel, 1, form.input],
          };
  };
  return {
    ...named,
    arranged: (group, groups, form) =>
      maps.map((own, half) => ({
        map: own,
        row,
        first: group * outputs,
        rows: groups * outputs,
        blocks: (from, count) => [...blocks(half, form, from, count)],
      })),
  };
}

/**
 * Those of the transposed map: from its inputs, `inputs` of each group, back to the channels that they have read, at
 * the taps of one phase of the rows and of one or several of the columns.
 */
export function transposedWeights(
  conv: Convolution,
  map: WeightMap,
  inputs: number,
  row: Phase,
  column: Phase,
): Weights {
  const { maps, inputs: channels, taps, row: length, depth, place, ...named } = sourceOf(conv, map);
  const blocks = function* (half: number, form: Form, from: number, count: number) {
    for (const [p, columns] of column.taps.entries())
      for (let z = 0; z < depth; z++) {
        const first = ((p * depth + z) * maps.length + half) * channels;
        for (const { skipped, dims, to } of pieces(first, channels, form))
          for (const [y, ky] of row.taps[0].entries())
            for (const [x, kx] of columns.entries())
              if (kx >= 0)
                yield {
                  dims: [...dims, count],
                  from: skipped * taps + place(z, ky, kx),
                  fromStrides: [form.lanes * taps, taps, length],
                  to: to + (y * column.width + x) * form.tap + from * form.input,
                  toStrides: [form.panel, 1, form.input],
                };
      }
  };
  return {
    ...named,
    // Equal taps of equal weights are packed alike, whichever convolution they belong to.
    variant: `transposed ${named.variant} taps ${row.taps[0]} x ${column.taps.join(" and ")}`,
    arranged: (group, groups, form) =>
      maps.map((own, half) => ({
        map: own,
        row: length,
        first: group * inputs,
        rows: groups * inputs,
        blocks: (from, count) => [...blocks(half, form, from, count)],
      })),
  };
}

/** Weights of one group in panels of 8 outputs: f32[ceil(outputs / 8), taps, inputs, 8]. */
export function panelsOf(e: Emitter, taps: number, g: Channels, w: Weights, group: number): Value {
  const input = PANEL;
  const tap = g.inputs * input;
  const panel = taps * tap;
  const count = Math.ceil(g.outputs / PANEL) * panel;
  const form = { lanes: PANEL, panel, tap, input };
  return e.weight(w.name, w.source, `panels ${w.variant} ${group}/${g.group}`, [count], w.arranged(group, 1, form));
}
