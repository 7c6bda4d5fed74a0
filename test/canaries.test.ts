import { expect, test } from "vitest";
import { canonize } from "../src/canonize/canonize.ts";
import { infer } from "../src/infer/infer.ts";
import { dense, relu } from "../src/entries/index.ts";
import { simd } from "../src/core.gen.ts";
import { waysOf } from "../src/ops/ways.ts";
import { lower } from "../src/plan/lower.ts";
import { place } from "../src/plan/place.ts";
import { open } from "../src/read/open.ts";
import { compileText, instantiate } from "../src/run/wasm.ts";
import { Session } from "../src/run/session.ts";
import { canaries } from "./canaries.ts";
import { network } from "./explain.ts";
import { tensor } from "./random.ts";

/** Runs relu(dense(relu(x))) with its `reluForward` exchanged for another. */
async function run(
  change: (relu: (x: number, y: number, count: number) => void, memory: Float32Array) => typeof relu,
): Promise<void> {
  const graph = await open(network([1, 5], relu(), dense({ weight: tensor([3, 5], 1) }), relu()), {});
  const given = new Map([[graph.inputs[0].name, { dims: [1, 5] }]]);
  const fitted = canonize(infer(graph, given)!);
  const plan = place(lower(fitted, waysOf(fitted), { winograd: "paying", sparse: "paying", weights: "kept" }));
  const { kernels, memory } = instantiate(await compileText(simd));
  const numbers = new Float32Array(memory.buffer);
  const faulty = change((x, y, count) => kernels.reluForward(x, y, count, 0, 0), numbers);
  const session = new Session(
    { kernels: { ...kernels, reluForward: faulty }, memory, watch: canaries(memory) },
    2 ** 20,
  );
  session.forward(plan, [tensor([1, 5], 2).data as Float32Array]);
}

test("canaries are content with a network that is right", () => run((relu) => relu));

test.each<[string, RegExp, Parameters<typeof run>[0]]>([
  [
    "a number too many",
    /reluForward writes to a place between values/,
    (relu) => (x, y, count) => relu(x, y, count + 1),
  ],
  [
    "an input",
    /reluForward writes to 'input', 0 numbers/,
    (relu, memory) => (x, y, count) => {
      relu(x, y, count);
      memory[x / 4] += 1;
    },
  ],
  [
    "a number too few",
    /denseForward reads '[^']+', of which number 4 was never written/,
    (relu) => (x, y, count) => relu(x, y, count - 1),
  ],
])("canaries notice a kernel that writes %s", async (_what, message, change) => {
  await expect(run(change)).rejects.toThrow(message);
});
