import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it, test } from "vitest";
import { parse } from "../../src/cli/args.ts";
import { commands } from "../../src/cli/commands.ts";
import { help } from "../../src/cli/help.ts";
import { dashed } from "../../src/cli/option.ts";
import { inGroup } from "../../src/cli/options.ts";
import {
  baseEntries,
  type CompositeRow,
  composites,
  conv2d,
  dense,
  flatten,
  LrpError,
  lrn,
  type ParameterRow,
  type Parameters,
  parameters,
  relu,
  ruleOf,
  rules,
} from "../../src/entries/index.ts";
import { compositeOf } from "../../src/rules/composite.ts";
import { loadInMode } from "../modes.ts";
import { network } from "../explain.ts";
import { chain } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { readTable, root } from "../readme.ts";

const table: Readonly<Record<string, ParameterRow>> = parameters;
const names = Object.keys(table);
const optional = names.filter((name) => !table[name].only);

/** A value that is not the default. */
const values: Readonly<Record<ParameterRow["kind"], (row: ParameterRow) => unknown>> = {
  number: ({ from = 0 }) => from + 0.5,
  bound: () => [0.25, 0.5],
  choice: ({ choices }) => choices!.at(-1),
  flag: (row) => !row.default,
};
const other = (name: string) => values[table[name].kind](table[name]);
const NO_NUMBERS = [Number.NaN, -Infinity, -1, 1e39, "1", null, {}, Object.create(null), Symbol("s"), 1n, () => 1];
const refused: Readonly<Record<ParameterRow["kind"], readonly unknown[]>> = {
  number: NO_NUMBERS,
  bound: [...NO_NUMBERS.filter((v) => v !== -1), [], [Number.NaN], [[1]], Array(2), Float32Array.of(1)],
  choice: ["no such", "toString", 1, null, Object.create(null), Symbol("s")],
  flag: ["true", 0, null],
};

/** The error that a call ends in. */
function refusal(call: () => unknown): LrpError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    return error as LrpError;
  }
  throw new Error("nothing was refused");
}

const bounds = { low: 0, high: 1 };
type Make = (given: object) => unknown;
const makes = Object.entries(ruleOf).filter(
  ([name]) =>
    !["lrn", "product", "layerNorm", "attention"].includes(name) &&
    rules.find((r) => r.name === name)!.parameters.length > 0,
);

describe("rules", () => {
  it.each(makes as [string, Make][])(
    "%s reads what the table says it reads, and refuses all else by name",
    (name, make) => {
      const row = rules.find((r) => r.name === name)!;
      const wanted = name === "zBox" ? bounds : {};
      for (const parameter of names) {
        const given = { ...wanted, [parameter]: other(parameter) };
        if (row.parameters.some((p) => p === parameter)) expect(make(given), parameter).not.toEqual(make(wanted));
        else
          expect(refusal(() => make(given)).message).toBe(
            `rule ${name}: it has no parameter '${parameter}'. Its parameters are ${row.parameters.join(", ")}.`,
          );
      }
      expect(refusal(() => make({ ...wanted, zeta: 1 })).message).toContain("it has no parameter 'zeta'");
      for (const none of [0.1, null, "x"])
        expect(refusal(() => make(none as never)).message).toContain("expected an object with parameters");
      expect(make({ ...wanted, epsilon: undefined, zeta: undefined })).toEqual(make(wanted));
    },
  );

  it.each(makes as [string, Make][])("%s takes no value that the table does not allow", (name, make) => {
    for (const parameter of rules.find((r) => r.name === name)!.parameters)
      for (const value of refused[table[parameter].kind]) {
        const error = refusal(() => make({ ...(name === "zBox" && bounds), [parameter]: value }));
        expect(error).toMatchObject({ code: "usage", issues: [{ where: `parameter '${parameter}'` }] });
      }
  });

  it("of α and β the one that is not given follows", () => {
    expect(ruleOf.alphaBeta({ beta: 0.5 })).toEqual(ruleOf.alphaBeta({ alpha: 1.5 }));
    expect(ruleOf.alphaBeta({ beta: 0.5 })).toEqual(ruleOf.alphaBeta({ alpha: 1.5, beta: 0.5 }));
  });

  it("all that is wrong is said at once", () => {
    const { issues } = refusal(() => ruleOf.alphaBeta({ alpha: 0, epsilon: -1, bias: 1 as never }));
    expect(issues.map(({ where }) => where)).toEqual(["parameter 'epsilon'", "parameter 'alpha'", "parameter 'bias'"]);
  });

  it("lrn and baseEntries take what there is", () => {
    expect(refusal(() => ruleOf.lrn("caffe" as never)).message).toContain("parameter 'lrn': expected taylor, taylor");
    expect(refusal(() => baseEntries("taylor", "mean" as never)).message).toContain("parameter 'sum': expected norm, ");
    expect(refusal(() => baseEntries("taylor", "norm", { delta: 1 })).message).toContain("it has no parameter 'delta'");
    expect(baseEntries("taylor", "clip", { delta: 1 })[1].rule).toEqual(ruleOf.clip({ delta: 1 }));
  });
});

/** What goes with a parameter: what the composite wants, and that without which it is not read. */
function beside(name: string, { required }: CompositeRow): Parameters {
  const { beside: needs } = table[name];
  return { ...(required && bounds), ...(needs && { [needs.name]: needs.value }) };
}

const dims = [1, 2, 6, 6];
const source = network(
  dims,
  conv2d({ weight: tensor([3, 2, 3, 3], 2), bias: tensor([3], 3) }),
  relu(),
  lrn({ size: 3 }),
  conv2d({ weight: tensor([3, 3, 3, 3], 4) }),
  flatten(),
  dense({ weight: tensor([3, 12], 5) }),
);

describe("options of explain", () => {
  it.each(composites)("$name takes what its row says, and refuses all else by name", async (row) => {
    using model = await loadInMode(source);
    const x = tensor(dims, 1);
    const explained = (options: object) => model.explain(x, { composite: row.name, ...options });
    for (const name of optional) {
      const around = beside(name, row);
      const given = { ...around, [name]: other(name) };
      const where = `option '${name}'`;
      if (row.parameters.some((p) => p === name)) {
        expect(compositeOf(row.name, given), name).not.toEqual(compositeOf(row.name, around));
        expect(explained(given).relevance.data.every(Number.isFinite)).toBe(true);
        for (const bad of refused[table[name].kind])
          expect(refusal(() => explained({ ...around, [name]: bad }))).toMatchObject({
            code: "usage",
            issues: [{ where }],
          });
      } else
        expect(refusal(() => explained({ [name]: other(name) }))).toMatchObject({ code: "usage", issues: [{ where }] });
    }
  });

  it("one that does not exist is refused by name, in explain and in inspect", async () => {
    using model = await loadInMode(source);
    const says =
      `explain: there is no option 'zeta'. The options are composite, target, start, at, output, classAxis, unknown, ` +
      `${optional.join(", ")}.`;
    for (const call of [
      () => model.explain(tensor(dims, 1), { zeta: 1 } as never),
      () => model.inspect({ dims, zeta: 1 } as never),
      () => model.explain(tensor(dims, 1), { stabilizer: "add" } as never),
    ])
      expect(refusal(call).code).toBe("usage");
    expect(refusal(() => model.inspect({ dims, zeta: 1 } as never)).message).toBe(says);
  });
});

describe("delta", () => {
  const sum = chain(["n", 2, 4, 4], [{ type: "Conv", parameters: [tensor([2, 2, 1, 1], 1)] }, { type: "Flatten" }]);
  it("is that of the rule clip, for sums", () => {
    const rule = compositeOf("epsilonPlus", { sum: "clip", delta: 0.2 }).find(({ type }) => type === "sum")!.rule;
    expect(rule).toEqual(ruleOf.clip({ delta: 0.2 }));
    expect(compositeOf("epsilonPlus", { sum: "clip" }).find(({ type }) => type === "sum")!.rule).toEqual(ruleOf.clip());
  });
  it.each(["norm", "zPlus", "ratio", undefined] as const)(
    "means nothing with the rule %s, and is refused",
    async (other) => {
      using model = await loadInMode(sum);
      const error = refusal(() => model.explain(tensor([1, 2, 4, 4], 1), { sum: other, delta: 0.2 }));
      expect(error.message).toBe(
        `option 'delta': it is read only beside sum 'clip', not beside sum '${other ?? "norm"}'.`,
      );
    },
  );
});

describe("the command line", () => {
  it.each(["explain", "sheet", "inspect"])("%s has every parameter, in its help too", (command) => {
    const row = commands.find(({ name }) => name === command)!;
    const text = help(row).replace(/\s+/g, " ");
    for (const name of optional) {
      const { values: found } = parse([`--${dashed(name)}`, `${other(name)}`], row);
      expect([(found as Record<string, unknown>)[dashed(name)]].flat()).toEqual([other(name)].flat());
      expect(text).toContain(` --${dashed(name)} `);
      expect(text).toContain(table[name].summary);
    }
    expect(() => parse(["--zeta", "1"], row)).toThrow(`option '--zeta': 'relprop ${command}' has no such option`);
  });

  it("groups them with what else chooses rules", () => {
    expect(inGroup("rules")).toEqual(["composite", ...optional.map(dashed), "unknown"]);
  });
});

test("the README has a row for each", () => {
  const lines = readTable("parameters").split("\n").slice(2);
  expect(lines.map((line) => line.split("`")[1])).toEqual(names);
});

test("types are those of the table", () => {
  const file = join(root, "test/rules/parameter-types.ts");
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      target: "es2022",
      module: "nodenext",
      lib: ["es2022"],
      types: ["node"],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    },
    root,
  );
  const said = ts.getPreEmitDiagnostics(ts.createProgram([file], options));
  expect(said.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
});
