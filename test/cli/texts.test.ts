import { describe, expect, test } from "vitest";
import { targetOf } from "../../src/cli/classes.ts";
import { errorText } from "../../src/cli/errors.ts";
import { columns, definition, digits, wrap } from "../../src/cli/layout.ts";
import { didYouMean, nearest } from "../../src/cli/nearest.ts";
import type { Values } from "../../src/cli/options.ts";
import { ranking } from "../../src/run/ranking.ts";
import { LrpError } from "../../src/base/error.ts";

describe("errors", () => {
  const node = (name: string, operator: string) => ({
    where: `node '${name}' (${operator})`,
    expected: "a supported operator",
    received: operator,
  });

  test("one problem is one line", () => {
    expect(
      errorText(new LrpError("shape", { where: "input", expected: "f32[1]", received: "f32[2]", fix: "Cut it." })),
    ).toBe("relprop: input: expected f32[1], got f32[2]. Cut it.\n");
  });

  test("unsupported nodes are grouped by operator", () => {
    const issues = [
      node("a", "Foo"),
      node("x", "Bar"),
      node("b", "Foo"),
      ..."cdef".split("").map((name) => node(name, "Foo")),
    ];
    expect(errorText(new LrpError("unsupported", issues))).toBe(
      "relprop: Foo (6 nodes: a, b, c, d, ...): expected a supported operator, got Foo.\n  node 'x' (Bar): " +
        "expected a supported operator, got Bar.\n",
    );
  });

  test("at most twelve lines, none endless", () => {
    const issues = Array.from({ length: 40 }, (_, i) => ({
      where: `line ${i}`,
      expected: "a\nb",
      received: "c".repeat(999),
    }));
    const lines = errorText(new LrpError("usage", issues)).trimEnd().split("\n");
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe("  and 69 more");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(420);
  });
});

test("targets are argmax, an index, or a name that the core looks up", async () => {
  const of = (values: Values) => targetOf(values, ["crane"]);
  for (const [text, meant] of [
    ["argmax", "argmax"],
    ["3", 3],
    ["-3", -3],
    ["crane", "crane"],
  ] as const)
    expect(await of({ target: text })).toBe(meant);
  for (const [text, against] of [
    ["3", 3],
    ["others", "others"],
    ["softmax", "softmax"],
    ["crane", "crane"],
  ] as const)
    expect(await of({ against: text })).toEqual({ class: "argmax", against });
  await expect(targetOf({ against: "drake" }, undefined)).rejects.toThrow(
    "option '--against': expected others, softmax or a class index",
  );
  await expect(targetOf({ target: "drake" }, undefined)).rejects.toThrow(
    "option '--target': expected argmax or a class index, as the names of the classes are not known, got " +
      "'drake'. Give them with --classes FILE.",
  );
});

test("where a target is in an output of several axes", async () => {
  expect(await targetOf({ target: "2", position: [3, 4] }, undefined)).toEqual({ class: 2, position: [3, 4] });
  expect(await targetOf({ against: "0", position: [3] }, undefined)).toEqual({
    class: "argmax",
    against: 0,
    position: [3],
  });
  expect(await targetOf({ area: "all" }, undefined)).toEqual({ class: "argmax", area: "all" });
  expect(await targetOf({ area: "0,1,2,3" }, undefined)).toEqual({ class: "argmax", area: { box: [0, 1, 2, 3] } });
  expect(await targetOf({ index: [1, 2, 3] }, undefined)).toEqual({ index: [1, 2, 3] });
  for (const [values, says] of [
    [
      { index: [1], target: "2" },
      "option '--index': it names one number by itself, and cannot be combined with --target",
    ],
    [{ area: "all", position: [1] }, "option '--area': it cannot be combined with --position"],
    [
      { area: "some" },
      "option '--area': expected all, a .npy or .npz file, or the corners Y0,X0,Y1,X1 of a box, got 'some'",
    ],
  ] as const)
    await expect(targetOf(values, undefined)).rejects.toThrow(says);
});

test("near names", () => {
  expect(nearest("goldfihs", ["goldfish", "gold", "tench"])).toEqual(["goldfish"]);
  expect(nearest("shark", ["great white shark", "dog"])).toEqual(["great white shark"]);
  expect(didYouMean("xyz", ["abcdef"])).toBeUndefined();
});

test("the best classes of a sample of a batch", () => {
  const output = { data: Float32Array.of(9, 9, 9, 0.25, 0.5, 0.125), dims: [2, 3, 1, 1] };
  expect(ranking({ ...output, batchAxis: 0 }, 1, 2, ["a", "b", "c"])).toEqual([
    { index: 1, name: "b", score: 0.5 },
    { index: 0, name: "a", score: 0.25 },
  ]);
  const map = { data: Float32Array.of(1, 5, 3, 2), dims: [1, 2, 1, 2], batchAxis: 0 };
  expect(ranking(map, 0, 2)).toEqual([
    { index: 0, name: undefined, score: 5, position: [0, 1] },
    { index: 1, name: undefined, score: 3, position: [0, 0] },
  ]);
});

test("layout", () => {
  expect([0, 19.4249, -1.23456e-5, 123456.7, 0.001].map(digits)).toEqual([
    "0",
    "19.42",
    "-1.23e-5",
    "123457",
    "0.001000",
  ]);
  expect(
    columns(
      [
        ["a", "1"],
        ["bbb", "22"],
      ],
      [1],
    ),
  ).toBe("  a     1\n  bbb  22\n");
  expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
  expect(definition("--x", "one two three", 6, 13)).toBe("--x   one two\n      three\n");
  expect(definition("--longer", "one", 6, 13)).toBe("--longer\n      one\n");
});
