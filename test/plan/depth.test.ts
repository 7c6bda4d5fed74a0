import { describe, expect, it } from "vitest";
import { conv2d, flatten, load, relu, sequential, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { type FileGraph, type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";

/*
 * Networks that are far deeper or wider than trained ones, whose numbers are known: nothing may follow nodes by
 * recursion. They run on a stack of a fifth of the size, which overflows at a fifth of the nodes.
 */

const MANY = 3200;
const x: Tensor = { dims: [1, 3], data: Float32Array.of(1, 2, -3) };

function node(type: string, inputs: readonly string[], output: string, attributes?: FileNode["attributes"]): FileNode {
  return { type, inputs, outputs: [output], attributes };
}

/** A network whose last node makes y. */
function file(nodes: readonly FileNode[], initializers: Readonly<Record<string, FileTensor>> = {}): Uint8Array {
  return onnx({ nodes, initializers, inputs: { x: x.dims }, outputs: { y: [] } } satisfies FileGraph);
}

/** Nodes one after the other, the first of which reads x and the last of which makes y. */
function row(count: number, nodeAt: (from: string, to: string, i: number) => FileNode): FileNode[] {
  const name = (i: number) => (i === 0 ? "x" : i === count ? "y" : `v${i}`);
  return Array.from({ length: count }, (_, i) => nodeAt(name(i), name(i + 1), i));
}

/** As many readers of x as there are names, and those. */
function fan(): { nodes: FileNode[]; names: string[] } {
  const names = Array.from({ length: MANY }, (_, i) => `v${i}`);
  return { names, nodes: names.map((name) => node("Relu", ["x"], name)) };
}

const scalar = (value: number): FileTensor => ({ dims: [1], data: Float32Array.of(value) });
const positive = [1, 2, 0];
const times = (values: readonly number[], factor: number) => values.map((v) => v * factor);
const chain = row(MANY, (from, to) => node("Relu", [from], to));
const { nodes: fanned, names } = fan();

interface Case {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  readonly output: readonly number[];
  /** Nodes that relevance passes. */
  readonly rows: number;
}

/** Every one passes all relevance of an output to the input of the same place. */
const cases: readonly Case[] = [
  { name: "a chain", bytes: () => file(chain), output: positive, rows: MANY },
  { name: "a chain from its end to its start", bytes: () => file([...chain].reverse()), output: positive, rows: MANY },
  {
    name: "a chain of nodes that do nothing",
    bytes: () => file(row(MANY, (from, to, i) => node(i < MANY - 1 ? "Identity" : "Relu", [from], to))),
    output: positive,
    rows: 1,
  },
  {
    name: "a value that is doubled and halved again and again",
    bytes: () =>
      file(
        row(MANY, (from, to, i) => (i % 2 === 0 ? node("Add", [from, from], to) : node("Mul", [from, "half"], to))),
        { half: scalar(0.5) },
      ),
    output: [...x.data],
    rows: MANY,
  },
  {
    name: "a value that is added again and again",
    bytes: () => file(row(MANY, (from, to) => node("Add", [from, "x"], to))),
    output: times([...x.data], MANY + 1),
    rows: MANY,
  },
  {
    name: "a sum of many terms",
    bytes: () => file([...fanned, node("Sum", names, "y")]),
    output: times(positive, MANY),
    rows: MANY + 1,
  },
  {
    name: "a sum of many terms, before the nodes that it reads",
    bytes: () => file([node("Sum", names, "y"), ...[...fanned].reverse()]),
    output: times(positive, MANY),
    rows: MANY + 1,
  },
  {
    name: "a mean of many terms",
    bytes: () => file([...fanned, node("Mean", names, "y")]),
    output: positive,
    rows: MANY + 1,
  },
  {
    name: "the largest of many operands",
    bytes: () => file([...fanned, node("Max", names, "y")]),
    output: positive,
    rows: MANY + 1,
  },
  {
    name: "values that wait for each other to the end",
    bytes: () => {
      const half = MANY / 2;
      const there = Array.from({ length: half }, (_, i) => node("Relu", [i === 0 ? "x" : `v${i - 1}`], `v${i}`));
      const back = Array.from({ length: half - 1 }, (_, i) => half - 2 - i).map((i) =>
        node("Add", [i === half - 2 ? `v${half - 1}` : `u${i + 1}`, `v${i}`], i === 0 ? "y" : `u${i}`),
      );
      return file([...there, ...back]);
    },
    output: times(positive, MANY / 2),
    rows: MANY - 1,
  },
  {
    name: "numbers that are added before the network runs",
    bytes: () =>
      file(
        [
          ...row(MANY, (from, to) => node("Add", [from === "x" ? "one" : from, "one"], to === "y" ? "sum" : to)),
          node("Sub", ["x", "sum"], "d"),
          node("Add", ["d", "sum"], "y"),
        ],
        { one: scalar(1) },
      ),
    output: [...x.data],
    rows: 2,
  },
  {
    name: "nodes that nobody reads",
    bytes: () => {
      const unread = row(MANY, (from, to) => node("Relu", [from], to === "y" ? "unread" : to));
      return file([...unread, node("Relu", ["x"], "y")]);
    },
    output: positive,
    rows: 1,
  },
  {
    name: "choices inside choices, as deep as they may be",
    bytes: () => {
      const branch = (nodes: readonly FileNode[]) => ({ graph: { nodes, outputs: { b: [] } } });
      const otherwise = branch([node("Tanh", ["x"], "b")]);
      const choose = (nodes: readonly FileNode[], output: string) =>
        node("If", ["yes"], output, { then_branch: branch(nodes), else_branch: otherwise });
      let nodes = [node("Relu", ["x"], "b")];
      for (let depth = 1; depth < 32; depth++) nodes = [choose(nodes, "b")];
      return file([choose(nodes, "y")], { yes: { dims: [], data: [true] } });
    },
    output: positive,
    rows: 2,
  },
  {
    name: "many choices, each known while loading",
    bytes: () =>
      file(
        row(2000, (from, to) =>
          node("If", ["yes"], to, {
            then_branch: { graph: { nodes: [node("Relu", [from], "t")], outputs: { t: [] } } },
            else_branch: { graph: { nodes: [node("Tanh", [from], "e")], outputs: { e: [] } } },
          }),
        ).map((one, i) => ({ ...one, name: `if${i}` })),
        { yes: { dims: [], data: [true] } },
      ),
    output: positive,
    rows: 2001,
  },
];

// A call that is given as many arguments overflows the stack.
const MORE = 26_000;

it("the stack is smaller than these networks are", () => {
  let frames = 0;
  const deeper = () => {
    frames++;
    deeper();
  };
  expect(deeper).toThrow(RangeError);
  expect(frames).toBeLessThan(0.8 * MANY);
  expect(() => Math.max(...new Float32Array(MORE))).toThrow(RangeError);
});

describe("deep and wide networks", () => {
  it.each(cases)("$name", async ({ bytes, output, rows }) => {
    using model = await load(bytes());
    const { relevance, ledger, output: y } = model.explain(x, { composite: "epsilon", target: 1 });
    expectClose(y.data, output, 1e-6);
    // A stabilizer keeps 2.5e-7 of 4, at each of the sums.
    expectClose(relevance.data, [0, output[1], 0], 1e-2);
    expect(ledger.length).toBe(rows);
    expect(model.inspect().nodes.length).toBe(rows);
  });

  it("more nodes than a call has room for arguments", async () => {
    using model = await load(
      sequential(
        { input: [3] },
        Array.from({ length: MORE }, () => relu()),
      ),
    );
    const { relevance, ledger } = model.explain(x, { composite: "epsilon", target: 1 });
    expect([...relevance.data]).toEqual([0, 2, 0]);
    expect(ledger.length).toBe(MORE);
    expect(model.inspect().nodes.length).toBe(MORE);
  });

  it("a stride of more columns than a call has room for arguments", async () => {
    const weight = { dims: [2, 1, 1, 2], data: Float32Array.of(1, 2, 3, 4) };
    const layers = [conv2d({ weight, strides: [1, MORE] }), flatten()];
    using model = await load(sequential({ input: [1, 1, MORE] }, layers));
    const ones = { dims: [1, 1, 1, MORE], data: new Float32Array(MORE).fill(1) };
    const { output, relevance } = model.explain(ones, { composite: "epsilon", target: 1 });
    expect([...output.data]).toEqual([3, 7]);
    expectClose(relevance.data.subarray(0, 3), [3, 4, 0], 1e-6);
  });

  it("more inputs of a node than a call has room for arguments", async () => {
    using model = await load(file([node("Sum", new Array<string>(MORE).fill("x"), "y")]));
    expect([...model.predict(x).output.data]).toEqual(times([...x.data], MORE));
  });
});
