import { type FileGraph, type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

/*
 * Random networks of branches, loops, scans and sequences. What they compute is written beside each part, in double
 * precision.
 */

type Rows = readonly (readonly number[])[];
/** A value of dims [2, 3]: its name in the file, and its numbers. */
interface Value {
  readonly name: string;
  readonly rows: Rows;
}

const [INT64, BOOL] = [7, 9];
const map = (f: (...v: number[]) => number, ...all: readonly Rows[]): Rows =>
  all[0].map((row, i) => row.map((_, j) => f(...all.map((rows) => rows[i][j]))));

/** One network. @param seed the same gives the same */
export function controlled(seed: number): {
  readonly bytes: Uint8Array;
  readonly x: FileTensor & { data: Float32Array };
  readonly y: readonly number[];
} {
  const draws = numbers(4096, seed, 0, 1);
  let drawn = 0;
  const below = (n: number) => Math.floor(draws[drawn++ % draws.length] * n);
  let count = 0;
  const fresh = (kind: string) => `${kind}${count++}`;
  const initializers: Record<string, FileTensor> = {};
  const integer = (...data: number[]): string => {
    const name = fresh("k");
    initializers[name] = { dims: data.length === 1 ? [] : [data.length], data };
    return name;
  };
  const truth = (v: boolean): string => {
    const name = fresh("b");
    initializers[name] = { dims: [], data: [v] };
    return name;
  };

  /** Appends parts to `nodes`, which read `known`. @returns the last */
  function parts(nodes: FileNode[], known: readonly Value[], depth: number): Value {
    const all = [...known];
    const some = () => all[below(all.length)];
    const add = (type: string, inputs: string[], rows: Rows, attributes: FileNode["attributes"] = {}): Value => {
      const value = { name: fresh(type), rows };
      nodes.push({ type, inputs, outputs: [value.name], attributes });
      return value;
    };
    const simple = (): Value => {
      const [a, b] = [some(), some()];
      return [
        () =>
          add(
            "Add",
            [a.name, b.name],
            map((p, q) => p + q, a.rows, b.rows),
          ),
        () =>
          add(
            "Sub",
            [a.name, b.name],
            map((p, q) => p - q, a.rows, b.rows),
          ),
        () => add("Tanh", [a.name], map(Math.tanh, a.rows)),
        () =>
          add(
            "Relu",
            [a.name],
            map((p) => Math.max(p, 0), a.rows),
          ),
      ][below(4)]();
    };
    /** A graph of its own around such parts. */
    const inside = (inputs: readonly Value[]) => {
      const own: FileNode[] = [];
      return { own, value: parts(own, [...inputs, ...all], depth - 1) };
    };
    const choice = (): Value => {
      const then = below(2) === 1;
      const branches = [true, false].map((takes) => ({ takes, ...inside([]) }));
      const graphs = branches.map(({ own, value }): { graph: FileGraph } => ({
        graph: {
          nodes: [...own, { type: "Identity", inputs: [value.name], outputs: [`${value.name}o`] }],
          outputs: { [`${value.name}o`]: [2, 3] },
        },
      }));
      const taken = branches.find(({ takes }) => takes === then)!;
      return add("If", [truth(then)], taken.value.rows, { then_branch: graphs[0], else_branch: graphs[1] });
    };
    /** Carries c ← f(c, around it), and gathers c of every time; stops early at times. */
    const loop = (): Value => {
      const [most, last, start] = [1 + below(3), below(4), some()];
      const [i, on, goes, carried, nodesOf] = [fresh("i"), fresh("on"), fresh("goes"), fresh("c"), drawn];
      let graph: FileGraph | undefined;
      let rows = start.rows;
      const gathered: Rows[] = [];
      const [named, before] = [count, drawn];
      for (let t = 0; t < most; t++) {
        // The same draws and names for each time: only numbers differ.
        [count, drawn] = [named, before];
        const { own, value } = inside([{ name: carried, rows }]);
        const next = { name: fresh("next"), rows: map((p, q) => 0.5 * (p + q), value.rows, rows) };
        const [sum, half] = [fresh("sum"), fresh("half")];
        initializers[half] = { dims: [], data: Float32Array.of(0.5) };
        own.push(
          { type: "Add", inputs: [value.name, carried], outputs: [sum] },
          { type: "Mul", inputs: [sum, half], outputs: [next.name] },
          { type: "Less", inputs: [i, `last${nodesOf}`], outputs: [goes] },
          { type: "Identity", inputs: [next.name], outputs: [`${next.name}g`] },
        );
        initializers[`last${nodesOf}`] = { dims: [], data: [last] };
        graph ??= {
          nodes: own,
          inputs: { [i]: [], [on]: [], [carried]: [2, 3] },
          types: { [i]: INT64, [on]: BOOL, [goes]: BOOL },
          outputs: { [goes]: [], [next.name]: [2, 3], [`${next.name}g`]: [2, 3] },
        };
        rows = next.rows;
        gathered.push(rows);
        if (!(t < last)) break;
      }
      const [final, all] = [fresh("final"), fresh("gathered")];
      nodes.push({
        type: "Loop",
        inputs: [integer(most), "", start.name],
        outputs: [final, all],
        attributes: { body: { graph: graph! } },
      });
      const sums = map((...v) => v.reduce((a, b) => a + b, 0), ...gathered);
      const reduced = add("ReduceSum", [all, vector(0)], sums, { keepdims: 0 });
      return add(
        "Sub",
        [reduced.name, final],
        map((p, q) => p - q, sums, rows),
      );
    };
    const vector = (v: number): string => {
      const name = fresh("v");
      initializers[name] = { dims: [1], data: [v] };
      return name;
    };
    /** Running sums along an axis, in either direction. */
    const scan = (): Value => {
      const [x, axis, back, out] = [some(), below(2), below(2), below(2)];
      const length = axis === 0 ? 3 : 2;
      const [s, e, t, g, start] = ["s", "e", "t", "g", "start"].map(fresh);
      initializers[start] = { dims: [length], data: new Float32Array(length) };
      const sums = x.rows.map((row) => [...row]);
      const steps = Array.from({ length: axis === 0 ? 2 : 3 }, (_, k) => k);
      if (back) steps.reverse();
      for (const [n, k] of steps.entries())
        for (let j = 0; n > 0 && j < length; j++) {
          if (axis === 0) sums[k][j] += sums[steps[n - 1]][j];
          else sums[j][k] += sums[j][steps[n - 1]];
        }
      const names = [fresh("carried"), fresh("scanned")];
      nodes.push({
        type: "Scan",
        inputs: [start, x.name],
        outputs: names,
        attributes: {
          num_scan_inputs: 1,
          scan_input_axes: [axis],
          scan_output_axes: [axis],
          scan_input_directions: [back],
          scan_output_directions: [out],
          body: {
            graph: {
              nodes: [
                { type: "Add", inputs: [s, e], outputs: [t] },
                { type: "Identity", inputs: [t], outputs: [g] },
              ],
              inputs: { [s]: [length], [e]: [length] },
              outputs: { [t]: [length], [g]: [length] },
            },
          },
        },
      });
      // In the order of the steps, or the other way round.
      const order = out ? [...steps].reverse() : steps;
      const rows = axis === 0 ? order.map((k) => sums[k]) : sums.map((row) => order.map((k) => row[k]));
      return add("Identity", [names[1]], rows);
    };
    /** Rows as a sequence: one is put in somewhere, another goes, and what is left is joined. */
    const sequence = (): Value => {
      const [x, other] = [some(), some()];
      const [s, u, r, w] = ["s", "u", "r", "w"].map(fresh);
      const [into, from, of] = [below(3), below(3), below(2)];
      nodes.push(
        { type: "SplitToSequence", inputs: [x.name], outputs: [s], attributes: { axis: 0 } },
        { type: "Gather", inputs: [other.name, vector(of)], outputs: [r], attributes: { axis: 0 } },
        { type: "SequenceInsert", inputs: [s, r, integer(into)], outputs: [u] },
        { type: "SequenceErase", inputs: [u, integer(from - 3)], outputs: [w] },
      );
      const rows = [...x.rows];
      rows.splice(into, 0, other.rows[of]);
      rows.splice(from, 1);
      return add("ConcatFromSequence", [w], rows, { axis: 0 });
    };
    const kinds = depth > 0 ? [simple, choice, loop, scan, sequence] : [simple, scan];
    for (let n = 2 + below(3); n > 0; n--) all.push(kinds[below(kinds.length)]());
    return all.at(-1)!;
  }

  const x = tensor([2, 3], seed + 1) as FileTensor & { data: Float32Array };
  const input = { name: "x", rows: [0, 1].map((i) => [...x.data.subarray(3 * i, 3 * i + 3)]) };
  const nodes: FileNode[] = [];
  const last = parts(nodes, [input], 2);
  nodes.push({ type: "Identity", inputs: [last.name], outputs: ["y"] });
  return {
    bytes: onnx({ nodes, initializers, inputs: { x: [2, 3] }, outputs: { y: [2, 3] } }, 17),
    x,
    y: last.rows.flat(),
  };
}
