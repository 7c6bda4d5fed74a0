import { describe, expect, test } from "vitest";
import { parse } from "../../src/cli/args.ts";
import { commands } from "../../src/cli/commands.ts";
import { help, overview } from "../../src/cli/help.ts";
import { options } from "../../src/cli/options.ts";
import { checkCount } from "../../src/cli/run.ts";

const known = [...(commands.find(({ name }) => name === "explain")?.options ?? []), "help"] as const;
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
  ["-h", [], { help: true }],
])("%s", (line, positionals, values) => expect(parse(words(line), known)).toEqual({ positionals, values }));

describe("wrong options are errors, all at once", () => {
  test.each([
    [
      "--tagret 3",
      "option '--tagret': expected an option of this command, got an unknown one. Did you mean '--target'?",
    ],
    ["-x", "option '-x': expected an option of this command, got an unknown one."],
    ["--top 3", "option '--top': expected an option of this command, got one of other commands."],
    ["--low", "option '--low': expected a number, or several joined by commas, got nothing."],
    ["--out --json", "option '--out': expected a text, got '--json'."],
    ["--json=1", "option '--json': expected no value, got '1'."],
    ["--epsilon 1x", "option '--epsilon': expected a number, got '1x'."],
    ["--epsilon 1/0", "got '1/0'."],
    ["--epsilon Infinity", "got 'Infinity'."],
    [
      "--epsilon= --gamma ,",
      "option '--epsilon': expected a number, got ''.\noption '--gamma': expected a number, got ','.",
    ],
    ["--zoom 0", "option '--zoom': expected a whole number from 1 on, got '0'."],
    [
      "--preset cafe",
      "option '--preset': expected one of caffe, torchvision, mobilenet, unit, raw, got 'cafe'. Did you mean 'caffe'?",
    ],
    ["--gamma 1 --gamma 2", "option '--gamma': expected it once, got it 2 times."],
    ["--constructor", "option '--constructor': expected an option of this command, got an unknown one."],
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
        checkCount(command, parse(rest, command.options).positionals);
      }
    }
  });

  test("the overview names every command, and no line of a help is wider than 100", () => {
    for (const { name } of commands) expect(overview(commands)).toContain(`\n  ${name} `);
    const lines = commands.flatMap((command) => help(command).split("\n"));
    expect(lines.filter((line) => line.length > 100 && !line.startsWith("    relprop "))).toEqual([]);
  });
});
