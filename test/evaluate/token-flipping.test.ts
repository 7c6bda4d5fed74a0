import { describe, expect, test } from "vitest";
import { load, type Model } from "../../src/entries/index.ts";
import { areaUnder, relevanceGain, tokenFlipping, type TokenFlippingOptions } from "../../src/evaluate/index.ts";
import { onnx } from "../onnx-writer.ts";
import { refusal } from "./refusal.ts";

/* f_0 = Σ mask · word and f_1 = the last word, of five ids and a mask of floats. */

const WORDS = [0, 1, 2, 4, 8, 16, 32];
const bytes = onnx({
  nodes: [
    { type: "Gather", inputs: ["words", "ids"], outputs: ["rows"] },
    { type: "Mul", inputs: ["rows", "mask"], outputs: ["seen"] },
    { type: "MatMul", inputs: ["seen", "classes"], outputs: ["y"] },
  ],
  initializers: {
    words: { dims: [7], data: Float32Array.from(WORDS) },
    classes: { dims: [5, 2], data: Float32Array.of(1, 0, 1, 0, 1, 0, 1, 0, 1, 1) },
  },
  inputs: { ids: ["n", 5], mask: ["n", 5] },
  types: { ids: 7 },
  outputs: { y: ["n", 2] },
});
const dims = [1, 5];
const input = {
  ids: { data: [6, 1, 3, 2, 5], dims },
  mask: { data: new Float32Array(5).fill(1), dims },
};
const relevance = { data: [9, 1, 3, 3.5, -2], dims };
const using = async <T>(use: (model: Model) => Promise<T>): Promise<T> => {
  using model = await load(bytes);
  return await use(model);
};
const curveOf = (options: Partial<TokenFlippingOptions>) =>
  using((model) => tokenFlipping(model, input, relevance, { target: 0, flip: { ids: 0 }, ...options }));

describe("by hand", () => {
  // The words are 32, 1, 4, 2, 16: 55 together.
  test.each<[string, Partial<TokenFlippingOptions>, number[]]>([
    ["most relevant first", {}, [55, 23, 21, 17, 16, 0]],
    ["least relevant first", { order: "lerf" }, [55, 39, 38, 34, 32, 0]],
    ["the first and the last are kept", { keep: [0, 4] }, [55, 53, 49, 48]],
    ["two at a time", { step: 2 }, [55, 21, 16, 0]],
    ["by the id of another word", { flip: { ids: 4 }, steps: 2 }, [55, 31, 37]],
    ["by hiding", { flip: { mask: 0 }, steps: 2 }, [55, 23, 21]],
    ["by both", { flip: { ids: 4, mask: 0.5 }, steps: 1 }, [55, 27]],
    ["another class", { target: 1 }, [16, 16, 16, 16, 16, 0]],
    ["one text at a time", { batch: 1 }, [55, 23, 21, 17, 16, 0]],
  ])("%s", async (_name, options, expected) => expect((await curveOf(options)).values).toEqual(expected));

  test("a gain, and curves that do not belong together", async () => {
    const [lerf, morf] = [await curveOf({ order: "lerf" }), await curveOf({})];
    expect(relevanceGain(lerf, morf)).toBe(areaUnder(lerf) - areaUnder(morf));
    expect([morf.flip, morf.replaced]).toEqual([{ ids: 0 }, [0, 1, 2, 3, 4, 5]]);
    const other = await curveOf({ flip: { mask: 0 } });
    expect(await refusal(() => relevanceGain(lerf, other))).toContain("two curves that differ only in their order");
  });

  test("of what attribute has found, with a note where it explains another class", () =>
    using(async (model) => {
      const explained = model.explain(input, { target: 1, composite: "epsilon" });
      const own = { flip: { ids: 0 }, steps: 1 };
      const same = await tokenFlipping(model, input, explained, { target: 1, ...own });
      expect([same.values, same.notes]).toEqual([[16, 0], []]);
      const { notes } = await tokenFlipping(model, input, explained, { target: 0, ...own });
      expect(notes.join()).toContain("explains class 1");
    }));
});

test.each<[string, unknown, string]>([
  ["no flip", {}, "option 'flip'"],
  ["a flip of nothing", { flip: {} }, "option 'flip'"],
  ["an input that is none", { flip: { id: 0 } }, "inputs of the network (ids, mask)"],
  ["no number", { flip: { ids: "0" } }, "a finite number"],
  ["places that are none", { flip: { ids: 0 }, keep: [5] }, "places of tokens, from 0 to 4"],
  ["nothing left", { flip: { ids: 0 }, keep: [0, 1, 2, 3, 4] }, "some tokens that may be flipped"],
  ["an option of perturbation", { flip: { ids: 0 }, region: 2 }, "region"],
])("is refused: %s", async (_name, options, message) => {
  expect(await refusal(() => curveOf({ flip: undefined, ...(options as object) }))).toContain(message);
});

test("relevance of another length is refused", async () => {
  const other = { data: [1, 2], dims: [1, 2] };
  expect(await refusal(() => using((model) => tokenFlipping(model, input, other, { flip: { ids: 0 } })))).toContain(
    "an input [1, 2] with a number for each token, got [1, 5]",
  );
});
