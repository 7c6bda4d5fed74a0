import { describe, expect, it } from "vitest";
import { difference } from "./compare.ts";
import type { Verdict } from "./judge.ts";
import { readReport, report, worse } from "./report.ts";
import { readTar } from "./tar.ts";

/** One entry of a tar archive. */
function entry(name: string, text: string, { type = "0", size = text.length.toString(8) } = {}): Buffer {
  const block = Buffer.alloc(512 + Math.ceil(text.length / 512) * 512);
  block.write(name, 0);
  block.write(size, 124);
  block.write(type, 156);
  block.write(text, 512);
  return block;
}

const contents = (...entries: Buffer[]) =>
  [...readTar(Buffer.concat([...entries, Buffer.alloc(1024)]))].map(([name, data]) => [
    name,
    new TextDecoder().decode(data),
  ]);

describe("archives", () => {
  it("files with their whole names; folders and links are left out", () => {
    const long = `${"folder/".repeat(30)}b`;
    expect(
      contents(
        entry("folder/", "", { type: "5" }),
        entry("../a", "one"),
        entry("link", "", { type: "2" }),
        entry("././@LongLink", `${long}\0`, { type: "L" }),
        entry(long.slice(0, 99), "two"),
        entry("pax", `27 mtime=1655505120.3333333\n16 path=c/three\n`, { type: "x" }),
        entry("c/thr", "3"),
      ),
    ).toEqual([
      ["../a", "one"],
      [long, "two"],
      ["c/three", "3"],
    ]);
  });

  it.each(["77777777", "-1", "words", ""])("an entry of %j bytes, where 3 are, breaks off", (size) => {
    expect(() => contents(entry("a", "one", { size }))).toThrow(/breaks off at 0/);
  });
});

describe("comparison", () => {
  const tensor = (type: string, ...data: number[]) => ({ type, dims: [data.length], data });
  it("float32 within the tolerance, all else exactly", () => {
    expect(
      difference(tensor("float32", 1, NaN, Infinity, -0), tensor("float32", 1.000009, NaN, Infinity, 0)),
    ).toBeUndefined();
    expect(difference(tensor("float32", 1), tensor("float32", 1.00002))).toMatch(
      /expected 1.00002 at position 0, got 1/,
    );
    expect(difference(tensor("float32", 0, NaN), tensor("float32", 0, 1))).toMatch(/position 1/);
    expect(difference(tensor("float32", 9e-8, 1), tensor("float32", 0, 1))).toBeUndefined();
    expect(difference(tensor("float32", 0.00100002), tensor("float32", 0.001))).toMatch(/position 0/);
    expect(difference(tensor("float32", Infinity), tensor("float32", -Infinity))).toMatch(/position 0/);
    expect(difference(tensor("int64", 1e9), tensor("int64", 1e9 + 1))).toMatch(/position 0/);
  });

  it("types and shapes exactly", () => {
    expect(difference(tensor("float32", 1), tensor("float64", 1))).toBe("expected float64[1], got float32[1]");
    expect(difference({ ...tensor("bool", 1), dims: [] }, tensor("bool", 1))).toBe("expected bool[1], got bool[]");
    expect(difference({ ...tensor("bool", 1), data: [1, 1] }, tensor("bool", 1))).toBe("expected 1 numbers, got 2");
  });
});

describe("report", () => {
  const verdict = (name: string, status: Verdict["status"], reason = ""): Verdict => ({
    suite: name.length > 1 ? "long" : "short",
    name,
    operators: ["Add", "Conv"],
    status,
    reason,
  });
  const before = [
    verdict("a", "passed"),
    verdict("b", "passed"),
    verdict("c", "unsupported", "expected a | b"),
    verdict("long", "failed"),
  ];

  it("is read as it was written, in whatever order tests ran", () => {
    const text = report(before);
    expect(report([...before].reverse().sort((a, b) => (a.name < b.name ? -1 : 1)))).toBe(text);
    expect([...readReport(text)].sort()).toEqual([
      ["long/long", "failed"],
      ["short/a", "passed"],
      ["short/b", "passed"],
      ["short/c", "unsupported"],
    ]);
  });

  it("tells what is worse than before, and what is gone", () => {
    const now = [verdict("a", "unsupported"), verdict("c", "failed", "a crash"), verdict("long", "passed")];
    expect(worse(readReport(report(before)), now).sort()).toEqual([
      "short/a: passed before, unsupported now: ",
      "short/b: passed before, not found now",
      "short/c: unsupported before, failed now: a crash",
    ]);
  });
});
