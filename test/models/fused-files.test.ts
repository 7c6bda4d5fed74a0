import { join } from "node:path";
import { existsSync, readFileSync } from "node:fs";
import { test } from "vitest";
import { type ExplainOptions, load } from "../../src/entries/index.ts";
import { expectClose, largest } from "../close.ts";
import { dataRoot } from "../data-root.ts";
import { fileGraph } from "../file-graph.ts";
import { type FileGraph, type FileNode, MICROSOFT, onnx } from "../onnx-writer.ts";
import { causalMask, Writer } from "../ops/fused-cases.ts";
import { ints } from "../ops/rows.ts";
import { type Entry, numbersOf } from "../wild/judge.ts";

/*
 * A published network that onnxruntime has fused, and the same written out in ONNX's own operators.
 */

const [n, length, past, heads, size] = [1, 8, 3, 4, 8];
const width = heads * size;

/** Writes the node's operator out; its mask is all ones. */
function writeOut(w: Writer, { type, inputs, outputs, attributes = {} }: FileNode): void {
  const epsilon = (attributes.epsilon as { float: number } | undefined)?.float ?? 0;
  const is = (value: string, i: number) => outputs[i] && w.node("Identity", [value], {}, outputs[i]);
  if (type === "EmbedLayerNormalization") {
    const [ids, , words, positions, , gamma, beta, , places] = inputs;
    const sum = w.node("Add", [w.node("Gather", [words, ids]), w.node("Gather", [positions, places])]);
    is(w.layerNorm(sum, gamma, beta, epsilon), 0);
    is(sum, 2);
  } else if (type === "SkipLayerNormalization") {
    const [input, skip, gamma, beta, bias] = inputs;
    const sum = w.node("Add", [w.node("Add", [input, bias]), skip]);
    is(w.layerNorm(sum, gamma, beta, epsilon), 0);
    is(sum, 3);
  } else if (type === "FastGelu") is(w.fastGelu(w.node("Add", [...inputs])), 0);
  else {
    const [x, weight, bias, , before] = inputs;
    const all = w.node("Add", [w.node("MatMul", [x, weight]), bias]);
    const [q, ...own] = [0, 1, 2].map((i) =>
      w.heads(w.slice(all, 2, i * width, (i + 1) * width), n, length, heads, size),
    );
    const [k, v] = own.map((part, i) => {
      const half = w.reshape(w.slice(before, 0, i, i + 1), n, heads, past, size);
      return w.node("Concat", [half, part], { axis: 2 });
    });
    const mask = w.constant(causalMask(length, length + past, -1e30));
    is(w.attention(q, k, v, 1 / Math.sqrt(size), [mask], [n, length, width]), 0);
    is(
      w.node(
        "Concat",
        [k, v].map((part) => w.node("Unsqueeze", [part, w.constant(ints(0))])),
        { axis: 0 },
      ),
      1,
    );
  }
}

const folder = join(dataRoot, "wild");

test.runIf(existsSync(join(folder, "index.json")))("GPT-2, fused and written out", async () => {
  const bytes = new Uint8Array(readFileSync(join(folder, "gpt2_tiny_fused.onnx")));
  const graph = fileGraph(bytes);
  const w = new Writer();
  Object.assign(w.initializers, graph.initializers);
  for (const node of graph.nodes)
    if (node.domain === MICROSOFT) writeOut(w, node);
    else w.nodes.push(node);
  const twin: FileGraph = { ...graph, nodes: w.nodes, initializers: w.initializers };
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Entry[];
  const { inputs } = index.find(({ file }) => file === "gpt2_tiny_fused.onnx")!;
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, stored]) => [
      name,
      { dims: stored.dims, data: stored.type === "float32" ? Float32Array.from(numbersOf(stored)) : numbersOf(stored) },
    ]),
  );
  using fused = await load(bytes);
  using plain = await load(onnx(twin, 18));
  const [own, wanted] = [fused, plain].map((model) => model.predict(given as never).outputs);
  for (const [name, { data }] of Object.entries(wanted))
    expectClose(own[name].data as Float32Array, data as Float32Array, 5e-6);
  for (const composite of ["attnLrp", "cpLrp"]) {
    const options: ExplainOptions = { composite, output: "logits", target: { class: 7, position: [7] } };
    const [a, b] = [fused, plain].map((model) => model.explain(given as never, options).inputs);
    const most = Math.max(...Object.values(b).map(({ data }) => largest(data)));
    for (const [name, { data }] of Object.entries(b)) expectClose(a[name].data, data, 5e-6, most);
  }
});
