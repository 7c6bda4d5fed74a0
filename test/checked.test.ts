import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { simd } from "../src/core.gen.ts";
import { compileText, type Instance, instantiate } from "../src/run/wasm.ts";
import type { Kernels } from "../src/kernels.gen.ts";
import { checkedInstance } from "./checked.ts";

type Parameter = readonly [name: string, type: string];

type Name = keyof Kernels;

/** Every kernel, and its arguments as its source declares them. */
function signatures(): [name: Name, list: readonly Parameter[]][] {
  const folder = join(import.meta.dirname, "../assembly");
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  const source = files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
  return Object.keys(checkedInstance().kernels).map((name) => {
    const [, list] = source.match(new RegExp(`^export function ${name}\\(([^)]*)\\)`, "m"))!;
    return [
      name as Name,
      [...list.matchAll(/(\w+): (\w+)/g)].map(([, parameter, type]): Parameter => [parameter, type]),
    ];
  });
}

/** What is not 1 in a call that is right. */
const VALUES: Readonly<Record<string, number>> = { top: 0, left: 0, from: 0, first: 0, bits: 8 };
const WINOGRAD: Readonly<Record<string, number>> = { c: 4, m: 4, taps: 3, yPixel: 4, some: 6 };

/** Places and distances that may be negative. */
const SIGNED = /^(top|left|[abxy][0-3])$/;

/** What kernels write, and where that may be what they read. */
const WRITTEN =
  /^((?!maxPoolVjp|recurrentVjp|recurrentTerms)\w+: y|\w+: (out|scratch|ledger|sums)|divide\w+: s|convTable: table|listNonzero: (starts|lists)|recurrentForward: (gates|c)|recurrentVjp: (s|rh0|rc0)|recurrentTerms: (kept|taken|state|before|scale|z)|recurrentSignal: (state|rz|rh0|rc0))$/;
const IN_PLACE: readonly (readonly [kernels: RegExp, on: string])[] = [
  [/^(relu|slope|clip|sigmoid|tanh|hardSwish|swish|gelu)/, "x r"],
  [/^(softmax|logSoftmax)Forward$/, "x"],
  [/^(softmax|logSoftmax)(Vjp|Taylor)$/, "r"],
  [/^(add|sub|mul|div|pow|max|pRelu)Forward$/, "a b"],
  [/^divide/, "r z"],
  [/^gate/, "r"],
  [/^multiply$/, "x c"],
];

describe("the kernels with assertions", () => {
  let checked: Instance;
  beforeAll(() => {
    checked = checkedInstance();
    checked.memory.grow(24);
  });

  /** A call that is right, of numbers that are 0; gives one that differs in an argument. */
  function calling(name: Name, list: readonly Parameter[]) {
    const kernel = checked.kernels[name] as (...args: number[]) => void;
    const args = list.map(([parameter, type], i) => {
      if (type === "usize") return 65536 * (i + 1);
      return (name === "winogradForward" ? WINOGRAD : VALUES)[parameter] ?? 1;
    });
    const call = (at: number, value: number) => () => {
      const memory = new Int32Array(checked.memory.buffer).fill(0, 16384);
      // Where the second list starts: one number has been listed.
      const listed: Partial<Record<Name, number>> = { convListForward: 8, weightedRows: 1 };
      memory[args[1] / 4 + 1] = listed[name] ?? 0;
      kernel(...args.with(at, value));
    };
    expect(call(0, args[0])).not.toThrow();
    return { args, call };
  }

  const kernels = signatures().filter(([name]) => name !== "heapBase");

  it.each(kernels)("%s asserts its pointers and sizes", (name, list) => {
    const { args, call } = calling(name, list);
    list.forEach(([parameter, type], i) => {
      if (type === "usize") {
        expect(call(i, args[i] + 2), parameter).toThrow("a pointer is no multiple of 4");
        expect(call(i, 0), parameter).toThrow("a pointer is 0");
      }
      if (type === "i32" && !SIGNED.test(parameter)) expect(call(i, -1), parameter).toThrow("abort: ");
    });
  });

  it.each(kernels)("%s keeps apart what it writes", (name, list) => {
    const { args, call } = calling(name, list);
    const [, on = ""] = IN_PLACE.find(([some]) => some.test(name)) ?? [];
    list.forEach(([parameter], i) => {
      if (!WRITTEN.test(`${name}: ${parameter}`)) return;
      list.forEach(([other, type], k) => {
        if (type !== "usize" || k === i) return;
        if (parameter !== "ledger" && on.split(" ").includes(other)) expect(call(i, args[k]), other).not.toThrow();
        else expect(call(i, args[k]), `${parameter} on ${other}`).toThrow("overlaps");
      });
    });
  });

  it("say which call broke what, and where that is asserted", () => {
    const y = checked.kernels.heapBase() + 66;
    const message =
      `fill\\(y = ${y}, count = 1, value = 0\\): abort: a pointer is no multiple of 4 at ` +
      `assembly/check.ts:\\d+:\\d+`;
    expect(() => checked.kernels.fill(y, 1, 0)).toThrow(new RegExp(`^${message}$`));
  });

  it("are not those that are shipped", async () => {
    const { kernels } = instantiate(await compileText(simd));
    expect(() => kernels.fill(kernels.heapBase() + 66, 1, 0)).not.toThrow();
  });
});
