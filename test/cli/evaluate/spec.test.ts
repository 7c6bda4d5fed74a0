import { expect, test } from "vitest";
import { dashed } from "../../../src/cli/option.ts";
import { methodsOf, replacementOf } from "../../../src/cli/evaluate/spec.ts";
import { parameters } from "../../../src/entries/index.ts";

test("methods with what they take, and their text as label", () => {
  expect(
    methodsOf(
      "gradient,paperEpsilon:lrn=identity:layer-norm=gradient:epsilon=1/4,epsilonGammaBox:low=-1/-2/-3:high=1,occlusion:window=2/3:keep=true,epsilon:sum=clip:delta=0.2",
    ),
  ).toEqual([
    { method: "gradient", label: "gradient" },
    {
      method: "paperEpsilon",
      lrn: "identity",
      layerNorm: "gradient",
      epsilon: 0.25,
      label: "paperEpsilon:lrn=identity:layer-norm=gradient:epsilon=1/4",
    },
    { method: "epsilonGammaBox", low: [-1, -2, -3], high: 1, label: "epsilonGammaBox:low=-1/-2/-3:high=1" },
    { method: "occlusion", window: [2, 3], keep: true, label: "occlusion:window=2/3:keep=true" },
    { method: "epsilon", sum: "clip", delta: 0.2, label: "epsilon:sum=clip:delta=0.2" },
  ]);
});

test("replacements", () => {
  expect(replacementOf("linear")).toEqual({ kind: "linear" });
  expect(replacementOf("noise:low=-1/-2/-3.5:high=1")).toEqual({ kind: "noise", low: [-1, -2, -3.5], high: 1 });
  expect(() => replacementOf("blur:sigma=big")).toThrow(
    "option '--replacement', 'sigma': expected a number, or several joined by /, got 'big'.",
  );
});

test("every problem of a list at once, with the nearest name", () => {
  const rules = Object.entries(parameters).flatMap(([name, row]) => ("only" in row ? [] : [dashed(name)]));
  const methods = ["steps", "baseline", "samples", "noise", "seed", "window", "strides", "fill", "keep"];
  const taken = [...rules, "unknown", ...methods];
  expect(() =>
    methodsOf("epsilonPlu,epsilon:lrn=taylr,epsilon:window,smoothGrad:colour=1,smoothGrad:samples=0,occlusion:keep=no"),
  ).toThrow(
    [
      "option '--methods', 'epsilonPlu': expected a composite or a method, got 'epsilonPlu'. Did you mean " +
        "'epsilonPlus' or 'epsilonPlusFlat' or 'epsilon'?",
      "option '--methods', 'epsilon:lrn=taylr', 'lrn': expected one of taylor, taylor-uniform, identity, " +
        "beta, gradient, unnormalised, got 'taylr'. Did you mean 'taylor'?",
      "option '--methods', 'epsilon:window': expected NAME, or NAME:option=value:option=value, got 'epsilon:window'.",
      `option '--methods', 'smoothGrad:colour=1': expected one of the options ${taken.join(", ")}, got 'colour'.`,
      "option '--methods', 'smoothGrad:samples=0', 'samples': expected a whole number from 1 on, got '0'.",
      "option '--methods', 'occlusion:keep=no', 'keep': expected true, got 'no'.",
    ].join("\n"),
  );
});
