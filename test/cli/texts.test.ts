import { describe, expect, test } from "vitest";
import { targetOf } from "../../src/cli/classes.ts";
import { errorText } from "../../src/cli/errors.ts";
import { columns, definition, digits, wrap } from "../../src/cli/layout.ts";
import { didYouMean, nearest } from "../../src/cli/nearest.ts";
import { ranking, sampleOf } from "../../src/cli/ranking.ts";
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

test("targets are argmax, an index, or a name that the core looks up", () => {
  expect(["argmax", "3", "-3", "crane"].map((target) => targetOf({ target }, ["crane"]))).toEqual([
    "argmax",
    3,
    -3,
    "crane",
  ]);
  expect(["3", "others", "softmax", "crane"].map((against) => targetOf({ against }, ["crane"]))).toEqual(
    [3, "others", "softmax", "crane"].map((against) => ({ class: "argmax", against })),
  );
  expect(() => targetOf({ against: "drake" }, undefined)).toThrow(
    "option '--against': expected others, softmax or a class index",
  );
  expect(() => targetOf({ target: "drake" }, undefined)).toThrow(
    "option '--target': expected argmax or a class index, as the names of the classes are not known, got " +
      "'drake'. Give them with --classes FILE.",
  );
});

test("near names", () => {
  expect(nearest("goldfihs", ["goldfish", "gold", "tench"])).toEqual(["goldfish"]);
  expect(nearest("shark", ["great white shark", "dog"])).toEqual(["great white shark"]);
  expect(didYouMean("xyz", ["abcdef"])).toBeUndefined();
});

test("the best classes of a sample of a batch", () => {
  const output = { data: Float32Array.of(9, 9, 9, 0.25, 0.5, 0.125), dims: [2, 3, 1, 1] };
  expect(ranking(sampleOf(output, 1, 2), 2, ["a", "b", "c"])).toEqual([
    { index: 1, name: "b", score: 0.5 },
    { index: 0, name: "a", score: 0.25 },
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
