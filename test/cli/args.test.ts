import { describe, expect, test } from "vitest";
import { parse } from "../../src/cli/args.ts";
import { commands } from "../../src/cli/commands.ts";
import { help, overview } from "../../src/cli/help.ts";
import { readValue } from "../../src/base/written.ts";
import { type Option, optionExample } from "../../src/cli/option.ts";
import { options } from "../../src/cli/options.ts";
import { checkGiven } from "../../src/cli/run.ts";

const known = commands.find(({ name }) => name === "explain")!;
const words = (line: string) => line.split(" ");

test.each([
  ["m.onnx x.npy", ["m.onnx", "x.npy"], {}],
  ["--low -1 m.onnx --high -.5", ["m.onnx"], { low: -1, high: -0.5 }],
  ["--mean -1,0,1 --std=1,2,4", [], { mean: [-1, 0, 1], std: [1, 2, 4] }],
  ["--scale 1/255 --epsilon 1e-6", [], { scale: 1 / 255, epsilon: 1e-6 }],
  ["--out a.png --out b.npy --at conv1", [], { out: ["a.png", "b.npy"], at: ["conv1"] }],
  ["--json --show m.onnx", ["m.onnx"], { json: true, show: true }],
  ["--resize exact --crop", [], { resize: "exact", crop: true }],
  ["--resize 256 --target -3", [], { resize: 256, target: "-3" }],
  ["--out=-x.png -- --json", ["--json"], { out: ["-x.png"] }],
  ["--max-memory 512MB --max-work 1e9", [], { "max-memory": 512e6, "max-work": 1e9 }],
  ["--max-memory 1.5GiB", [], { "max-memory": 1.5 * 2 ** 30 }],
  ["--max-memory 6e7", [], { "max-memory": 6e7 }],
  ["-h", [], { help: true }],
])("%s", (line, positionals, values) => expect(parse(words(line), known)).toEqual({ positionals, values }));

describe("wrong options are errors, all at once", () => {
  test.each([
    ["--tagret 3", "option '--tagret': 'relprop explain' has no such option. Did you mean '--target'?"],
    [
      "--frobnicate",
      "option '--frobnicate': 'relprop explain' has no such option. 'relprop help explain' lists its options.",
    ],
    [
      "-o x.png",
      "option '-o': 'relprop explain' has no such option. Options have no short names: --output, --outputs, --out, --over.",
    ],
    ["--top 3", "option '--top': it belongs to 'relprop predict', and 'relprop explain' does not take it."],
    ["--composites epsilon", "option '--composites': it belongs to 'relprop sheet'"],
    ["--low", "option '--low': its value is missing: a number, or several joined by commas. For example: --low -1."],
    ["--out --json", "option '--out': its value is missing: a text. For example: --out heat.png."],
    ["--json=1", "option '--json': it takes no value, but has the value '1'."],
    ["--epsilon 1x", "option '--epsilon': expected a number, got '1x'. For example: --epsilon 0.000001."],
    ["--max-memory 0", "option '--max-memory': expected a number of bytes, also with a unit of kB, MB or GB, got '0'."],
    ["--max-memory 2TB", "got '2TB'. For example: --max-memory 512MB."],
    ["--composite occlusion", "got 'occlusion'. Did you mean '--method occlusion'?"],
    ["--method epsilonPlus", "got 'epsilonPlus'. Did you mean '--composite epsilonPlus'?"],
    ["--method smoothgrad", "got 'smoothgrad'. Did you mean 'smoothGrad'?"],
    ["--composite EPSILON", "got 'EPSILON'. Did you mean 'epsilon'"],
    ["--epsilon 1/0", "got '1/0'."],
    ["--epsilon Infinity", "got 'Infinity'."],
    [
      "--epsilon= --gamma ,",
      "option '--epsilon': expected a number, got ''. For example: --epsilon 0.000001.\n" +
        "option '--gamma': expected a number, got ','. For example: --gamma 0.25.",
    ],
    ["--zoom 0", "option '--zoom': expected a whole number from 1 on, got '0'."],
    [
      "--preset cafe",
      "option '--preset': expected one of caffe, torchvision, mobilenet, unit, raw, got 'cafe'. Did you mean 'caffe'?",
    ],
    ["--gamma 1 --gamma 2", "option '--gamma': it may be given once, but is given 2 times."],
    ["--constructor", "option '--constructor': 'relprop explain' has no such option."],
  ])("%s", (line, message) => expect(() => parse(words(line), known)).toThrow(message));
});

describe("help", () => {
  test("every option of a command is in its help, and every option belongs to a command", () => {
    for (const command of commands) {
      for (const name of command.options) expect(help(command)).toMatch(new RegExp(`^  --${name}\\b`, "m"));
    }
    const used = new Set<string>(["help", ...commands.flatMap((command) => command.options)]);
    expect(Object.keys(options).filter((name) => !used.has(name))).toEqual([]);
  });

  test("every example of the help is valid", () => {
    for (const command of commands) {
      for (const [, line] of command.examples) {
        const [program, name, ...rest] = words(line);
        expect([program, name]).toEqual(["relprop", command.name]);
        checkGiven(command, parse(rest, command));
      }
    }
  });

  test("every option that takes a value has an example of one", () => {
    const values = Object.entries<Option>(options).filter(([, { kind }]) => kind !== "flag");
    for (const [name, option] of values)
      expect([name, readValue(option, optionExample(option))]).not.toContain(undefined);
    expect(values.filter(([, option]) => optionExample(option) === "TEXT")).toEqual([]);
  });

  test("the overview names every command, and fits a screen of 24 lines; no line of a help is wider than 80", () => {
    const screen = overview(commands);
    for (const { name } of commands) expect(screen).toContain(`\n  ${name} `);
    expect(screen.trimEnd().split("\n").length).toBeLessThan(24);
    const lines = [screen, ...commands.map(help)].flatMap((text) => text.split("\n"));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });
});
