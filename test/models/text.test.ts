import { describe, expect, it } from "vitest";
import type { Explanation, InputTensor } from "../../src/entries/index.ts";
import "../../src/entries/operators.ts";
import { expectClose, total } from "../close.ts";
import { dataFile, dataJson, hasData } from "../data.ts";
import { golden } from "../golden/read.ts";
import { loadInMode } from "../modes.ts";
import { type Entry, numbersOf } from "../wild/judge.ts";

const entries = hasData ? dataJson<readonly Entry[]>("wild/index.json") : [];

/** A published network, and the inputs that its numbers are of. */
async function published(file: string) {
  const { inputs } = entries.find((entry) => entry.file === file)!;
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, input]): [string, InputTensor] => {
      const numbers = numbersOf(input);
      return [name, { dims: input.dims, data: input.type === "int64" ? numbers : Float32Array.from(numbers) }];
    }),
  );
  return { model: await loadInMode(dataFile(`wild/${file}`)), given };
}

const isBooked = ({ ledger }: Explanation) =>
  ledger.every(({ gap, magnitude }) => Math.abs(gap) <= 1e-5 * Math.max(magnitude, 1e-3));

describe.skipIf(!hasData)("text", () => {
  const [{ file, target, logits, embeddings }] = golden("modern").cases;
  const POSITIONS = "distilbert.embeddings.position_embeddings.weight";
  const words: readonly number[] = embeddings["distilbert.embeddings.word_embeddings.weight"];

  it("DistilBERT: words and positions are AttnLRP's in double precision, and come to the logit", async () => {
    const { model, given } = await published(file);
    const e = model.explain(given, { composite: "attnLrp", target });
    expectClose(e.logits.data, logits, 1e-5);
    const all = [...words, ...embeddings[POSITIONS]];
    expectClose([...e.inputs.input_ids.data, ...e.shares[POSITIONS].data], all, 2e-5);
    expect(Object.keys(e.shares)).toEqual([POSITIONS]);
    expect(e.inputs.attention_mask.data).toEqual(new Float32Array(16));
    const arrived = total(e.inputs.input_ids.data) + total(e.shares[POSITIONS].data);
    expect(Math.abs(arrived / logits[target] - 1)).toBeLessThan(1e-3);
    expect(isBooked(e)).toBe(true);
    model.dispose();
  });

  it("DistilBERT: two texts of another length have what each has alone", async () => {
    const { model, given } = await published(file);
    const of = (name: string, rows: readonly (readonly [from: number, to: number])[]) => ({
      dims: [rows.length, rows[0][1] - rows[0][0]],
      data: rows.flatMap(([from, to]) => Array.from(given[name].data as number[]).slice(from, to)),
    });
    const texts = (...rows: [number, number][]) =>
      Object.fromEntries(model.inputs.map(({ name }) => [name, of(name, rows)]));
    const rows: [number, number][] = [
      [0, 7],
      [3, 10],
    ];
    const both = model.explain(texts(...rows), { composite: "attnLrp", target: [0, 1] });
    for (const [i, row] of rows.entries()) {
      const alone = model.explain(texts(row), { composite: "attnLrp", target: i });
      for (const [got, want] of [
        [both.inputs.input_ids, alone.inputs.input_ids],
        [both.shares[POSITIONS], alone.shares[POSITIONS]],
      ])
        expectClose(got.data.subarray(7 * i, 7 * i + 7), want.data, 2e-5);
    }
    model.dispose();
  });

  it("an encoder whose ids are computed of three inputs: all goes to the first, and a note says so", async () => {
    const { model, given } = await published("vespa_transformer.onnx");
    const e = model.explain(given);
    expect(total(e.inputs.input_ids.data)).not.toBe(0);
    for (const name of ["attention_mask", "token_type_ids"]) expect(e.inputs[name].data).toEqual(new Float32Array(16));
    expect(e.notes.join()).toMatch(/'input_ids', 'attention_mask' and 'token_type_ids' choose together/);
    expect(isBooked(e)).toBe(true);
    model.dispose();
  });

  it("a decoder: relevance of words, and of what the encoder has made, and none of the mask", async () => {
    const { model, given } = await published("vespa_decoder.onnx");
    const e = model.explain(given);
    const [ids, states] = [e.inputs.input_ids, e.inputs.encoder_hidden_states].map(({ data }) => total(data));
    expect(ids * states).not.toBe(0);
    expect(e.inputs.encoder_attention_mask.data).toEqual(new Float32Array(16));
    expect(e.stability.arrived).toBeCloseTo((ids + states) / total(e.targets.flat().map(({ score }) => score)), 5);
    expect(isBooked(e)).toBe(true);
    model.dispose();
  });
});
