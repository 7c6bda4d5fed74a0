import { expect, test } from "vitest";
import { fromText, toText } from "../../src/queue/json.ts";

test("a value comes back to the last bit", () => {
  const value = {
    floats: Float32Array.of(0.1, -0, Number.NaN, 1e-45),
    doubles: Float64Array.of(Math.PI),
    bytes: new Uint8Array(Uint8Array.of(9, 1, 2, 9).buffer, 1, 2),
    integers: Int32Array.of(-5),
    numbers: [-0, Number.NaN, Number.POSITIVE_INFINITY, 0.1 + 0.2, null, true],
    text: 'a "quoted" text\u2028',
  };
  const back = fromText(toText(value, "it"), "it");
  expect(back).toStrictEqual(value);
  expect(Object.is((back as typeof value).numbers[0], -0)).toBe(true);
});

test.each([
  ["a function", () => 0],
  ["an object of a class", new Date()],
  ["an array of another type", BigInt64Array.of(1n)],
  ["a mark", { $: "NaN" }],
])("%s does not travel", (_, value) => {
  expect(() => toText({ value }, "the options")).toThrow("the options: it holds what cannot travel through a queue");
});

test.each([
  ["{", "it is no text that relprop has written"],
  ['{"$":"Function","base64":"AA=="}', "a mark of no value (Function)"],
  ['{"$":"__proto__"}', "a mark of no value"],
  ['{"$":"Float32Array","base64":7}', "a mark of no value"],
  ['{"$":"Float32Array","base64":"AAA="}', "2 bytes for a Float32Array"],
])("%s is refused", (text, problem) => {
  expect(() => fromText(text, "the items")).toThrow(problem);
});
