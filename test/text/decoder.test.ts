import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/cli/run.ts";
import { load } from "../../src/entries/index.ts";
import { decoder, VOCABULARY } from "./decoder.ts";
import { byteLevel } from "./tokenizers.ts";

const ids = [4, 7, 1, 9, 2];
const row = (data: readonly number[]) => ({ data: Float64Array.from(data), dims: [1, data.length] });
const text = (list: readonly number[]) => ({ input_ids: row(list), position_ids: row(list.map((_, i) => i)) });
const nothing = { data: new Float32Array(0), dims: [1, 2, 0, 3] };
const past = { "past_key_values.0.key": nothing, "past_key_values.0.value": nothing };
const sum = (data: ArrayLike<number>) => Array.from(data).reduce((a, b) => a + b, 0);

describe("next tokens", () => {
  it("have the same relevance with an empty past, and without one", async () => {
    using alone = await load(decoder({ past: false }));
    using cached = await load(decoder({ past: true }));
    expect(cached.inputs.length).toBe(4);
    const target = { class: 3, position: [-1] };
    const a = alone.explain(text(ids), { target });
    const b = cached.explain({ ...text(ids), ...past }, { target });
    expect([a.composite, b.composite]).toEqual(["attnLrp", "attnLrp"]);
    for (const name of ["input_ids", "position_ids"])
      for (let i = 0; i < ids.length; i++) expect(b.inputs[name].data[i]).toBeCloseTo(a.inputs[name].data[i], 6);
    expect(sum(a.inputs.input_ids.data.map(Math.abs))).toBeGreaterThan(0.1);
  });

  it("depend on what stands before them only", async () => {
    using model = await load(decoder({ past: false }));
    const whole = model.explain(text(ids), { target: { class: 3, position: [2] } });
    const cut = model.explain(text(ids.slice(0, 3)), { target: { class: 3, position: [-1] } });
    for (let i = 0; i < 3; i++) expect(whole.inputs.input_ids.data[i]).toBeCloseTo(cut.inputs.input_ids.data[i], 6);
    expect([...whole.inputs.input_ids.data.slice(3)]).toEqual([0, 0]);
  });

  it("the chosen one is the largest there; a contrast of two is the difference of their relevance", async () => {
    using model = await load(decoder({ past: false }));
    const logits = model.predict(text(ids)).output.data as Float32Array;
    const own = [...logits.slice(4 * VOCABULARY)];
    const best = own.indexOf(Math.max(...own));
    const of = (target: object) => model.explain(text(ids), { target: { position: [-1], ...target } as never });
    const chosen = of({});
    expect(chosen.targets[0][0]).toMatchObject({ index: best, score: own[best], position: [4] });
    const other = best === 0 ? 1 : 0;
    const [a, b] = [of({ class: best }), of({ class: other })];
    const both = of({ class: best, against: other });
    for (let i = 0; i < ids.length; i++) {
      const expected = a.inputs.input_ids.data[i] - b.inputs.input_ids.data[i];
      expect(both.inputs.input_ids.data[i]).toBeCloseTo(expected, 4);
    }
  });
});

describe("next tokens on the command line", () => {
  let folder = "";
  const at = (name: string) => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-"));
    await writeFile(at("model.onnx"), decoder({ past: true }));
    const letters = ["a", "b", "c", "Ġ", "d", "e"];
    const merges = [
      ["Ġ", "a"],
      ["b", "c"],
      ["Ġ", "d"],
      ["d", "e"],
    ] as const;
    await writeFile(at("tokenizer.json"), JSON.stringify(byteLevel(letters, merges)));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function relprop(...words: string[]) {
    const [out, err]: string[][] = [[], []];
    const given = [
      at("model.onnx"),
      "--text",
      "ab a bc",
      "--tokenizer",
      at("tokenizer.json"),
      "--classes",
      at("tokenizer.json"),
    ];
    const [command, ...rest] = words;
    const code = await run([command, ...given, ...rest], {
      out: (s) => out.push(s),
      err: (s) => err.push(s),
      columns: 80,
    });
    expect({ code, err: err.join("") }).toEqual({ code: 0, err: "" });
    return out.join("");
  }

  it("are called by their tokens; the past is empty, which is said", async () => {
    const found = JSON.parse(
      await relprop("explain", "--position", "-1", "--target", "Ġd", "--against", "bc", "--json"),
    );
    expect(found.text.tokens).toEqual(["a", "b", "Ġa", "Ġ", "bc"]);
    expect(found.text.words).toEqual(["ab", "a", "bc"]);
    expect(found).toMatchObject({ target: 9, className: "Ġd", against: "bc", position: [4] });
    expect(found.input).toContain(
      "2 inputs of past keys and values are empty: past_key_values.0.key and past_key_values.0.value",
    );
    using model = await load(decoder({ past: true }));
    const logits = model.predict({ ...text(found.text.ids), ...past }).output.data as Float32Array;
    expect(found.text.score).toBeCloseTo(logits[4 * VOCABULARY + 9] - logits[4 * VOCABULARY + 8], 5);
    expect(found.text.target).toBe("Ġd against bc at 4");
    const e = model.explain({ ...text(found.text.ids), ...past }, { target: { class: 9, against: 8, position: [4] } });
    expect(found.inputs.input_ids.sum).toBeCloseTo(sum(e.inputs.input_ids.data), 5);
  });

  it("are listed with their tokens", async () => {
    expect(await relprop("predict", "--top", "55")).toMatch(/^ +-?\d\S* +9 at 4 {2}Ġd$/m);
    const rows = (await relprop("predict", "--position", "-1", "--top", "99")).match(/^ +-?\d\S* +\d+ at \d.*$/gm)!;
    expect(rows.length).toBe(VOCABULARY);
    expect(rows.every((row) => row.includes(" at 4"))).toBe(true);
  });
});
