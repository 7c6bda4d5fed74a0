import { describe, test } from "vitest";
import { type Composite, ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { type Golden, golden, tensorOf } from "../golden/read.ts";
import { tolerance } from "../golden/tolerance.ts";
import { type FileNode, onnx } from "../onnx-writer.ts";

/*
 * What LXT (AttnLRP) says of the parts of a transformer. LXT adds its stabilizer without a sign, which these cases do not
 * show.
 */

interface Case {
  readonly inputs: readonly Golden[];
  readonly output: Golden;
  readonly R_out: Golden;
  readonly R_in: readonly Golden[];
  readonly weight?: Golden;
  readonly bias?: Golden;
  readonly eps?: number;
}

const file: {
  ops: Record<string, Case>;
  block: { params: Record<string, Golden>; x: Golden; logits: Golden; target: number; R_x: Golden };
} = golden("attnlrp");

/** The node of each case, and which of relprop's rules is the same. */
const nodes: Readonly<
  Record<string, Omit<FileNode, "inputs" | "outputs"> & { readonly rule: Composite[number]["rule"] }>
> = {
  softmax: { type: "Softmax", rule: { kind: "own", name: "taylor", mode: "taylor" } },
  matmul: { type: "MatMul", rule: ruleOf.product("half") },
  mul2: { type: "Mul", rule: ruleOf.product("half") },
  add2: { type: "Add", rule: ruleOf.epsilon({ epsilon: file.ops.add2.eps }) },
  mean: { type: "ReduceMean", attributes: { axes: [-1] }, rule: ruleOf.epsilon({ epsilon: file.ops.mean.eps }) },
  layer_norm: { type: "LayerNormalization", rule: ruleOf.layerNorm() },
  rms_norm: { type: "RMSNormalization", rule: ruleOf.layerNorm() },
  linear_epsilon: {
    type: "Gemm",
    attributes: { transB: 1 },
    rule: ruleOf.epsilon({ epsilon: file.ops.linear_epsilon.eps }),
  },
};

const dimsOf = (tensors: Record<string, Golden>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t.shape]));
const tensorsOf = (tensors: Record<string, Golden>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, tensorOf(t)]));

/** The case as a network; a Relu behind it, which passes, keeps a softmax from ending it. */
function networkOf(name: string, behind: readonly FileNode[] = []) {
  const { inputs, weight, bias } = file.ops[name];
  const given = { a: inputs[0], ...(inputs[1] && { b: inputs[1] }) };
  const constants = { ...(weight && { w: weight }), ...(bias && { bias }) };
  const { type, attributes } = nodes[name];
  const node = { type, attributes, inputs: [...Object.keys(given), ...Object.keys(constants)], outputs: ["y"] };
  const outputs = { y: [], ...Object.fromEntries(behind.map((n) => [n.outputs[0], []])) };
  const bytes = onnx(
    { nodes: [node, ...behind], initializers: tensorsOf(constants), inputs: dimsOf(given), outputs },
    name === "rms_norm" ? 23 : 17,
  );
  return { bytes, input: tensorsOf(given) };
}

describe("AttnLRP's parts", () => {
  test.each(Object.keys(file.ops))("%s", async (name) => {
    const { output, R_in, R_out } = file.ops[name];
    const { rule, type } = nodes[name];
    const { bytes, input } = networkOf(name, [{ type: "Relu", inputs: ["y"], outputs: ["z"] }]);
    using model = await loadInMode(bytes);
    expectClose(model.predict(input).outputs.y.data, output.data, 1e-6);
    const { inputs } = explainFrom(model, input as never, R_out.data, {
      composite: [{ type: "Relu", rule: ruleOf.pass() }, { rule }],
      output: "z",
    });
    R_in.forEach((expected, i) => {
      // The golden's ε has no sign and stays outside of products, 1.7e-5 from the limit.
      expectClose(
        inputs["ab"[i]].data,
        expected.data,
        ["MatMul", "LayerNormalization"].includes(type) ? 5e-5 : tolerance.epsilon,
      );
    });
  });

  test("a whole block", async () => {
    const { params, x, logits, target, R_x } = file.block;
    const linear = (from: string, w: string, b: string, to: string): FileNode[] => [
      { type: "Gemm", attributes: { transB: 1 }, inputs: [from, w, b], outputs: [to] },
    ];
    const node = (type: string, inputs: string[], to: string, attributes?: FileNode["attributes"]): FileNode[] => [
      { type, inputs, outputs: [to], attributes },
    ];
    const bytes = onnx(
      {
        nodes: [
          ...node("LayerNormalization", ["x", "g1", "g1b"], "n1"),
          ...["q", "k", "v"].flatMap((to) => linear("n1", `w${to}`, `b${to}`, to)),
          ...node("Transpose", ["k"], "kt"),
          ...node("MatMul", ["q", "kt"], "scores"),
          ...node("Div", ["scores", "root"], "scaled"),
          ...node("Softmax", ["scaled"], "attention"),
          ...node("MatMul", ["attention", "v"], "av"),
          ...linear("av", "wo", "bo", "o"),
          ...node("Add", ["x", "o"], "r1"),
          ...node("LayerNormalization", ["r1", "g2", "g2b"], "n2"),
          ...linear("n2", "w1", "b1", "h"),
          ...node("Gelu", ["h"], "g"),
          ...linear("g", "w2", "b2", "m"),
          ...node("Add", ["r1", "m"], "r2"),
          ...node("ReduceMean", ["r2", "zero"], "mean"),
          ...linear("mean", "wc", "bc", "logits"),
        ],
        initializers: {
          ...tensorsOf(params),
          root: { dims: [], data: Float32Array.of(Math.sqrt(x.shape[1])) },
          zero: { dims: [1], data: [0] },
        },
        inputs: { x: x.shape },
        outputs: { logits: [] },
      },
      20,
    );
    using model = await loadInMode(bytes);
    const { output, relevance } = model.explain(tensorOf(x), { composite: "attnLrp", target });
    expectClose(output.data as Float32Array, logits.data, 1e-6);
    // The golden's ε has no sign, and is 1e-6 at every layer.
    expectClose(relevance.data, R_x.data, 5e-4);
  });
});
