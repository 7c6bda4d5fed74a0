import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";

/* The demo's classifiers of sentences, against their logits in double precision. */

interface Row {
  readonly text: string;
  readonly ids: readonly number[];
  readonly label: number;
  readonly transformer?: readonly number[];
  readonly lstm?: readonly number[];
  readonly gru?: readonly number[];
}

const file = (name: string) => new Uint8Array(readFileSync(new URL(`../../demo/text/${name}`, import.meta.url)));
const json = (name: string) => JSON.parse(new TextDecoder().decode(file(name)));
const rows: readonly Row[] = json("sentences.json");
const vocabulary: Readonly<Record<string, number>> = json("vocabulary.json");
const known = rows.filter((row) => row.transformer);
const [PAD, START, END] = ["[PAD]", "[CLS]", "[SEP]"].map((word) => vocabulary[word]);

/** Texts of different lengths together. */
function batch(of: readonly Row[]) {
  const longest = Math.max(...of.map(({ ids }) => ids.length));
  const padded = (value: (ids: readonly number[], i: number) => number) => ({
    data: of.flatMap(({ ids }) => Array.from({ length: longest }, (_, i) => value(ids, i))),
    dims: [of.length, longest],
  });
  return { input_ids: padded((ids, i) => ids[i] ?? PAD), attention_mask: padded((ids, i) => Number(i < ids.length)) };
}

describe("sentences", () => {
  test("a transformer, on a batch with padding", async () => {
    using model = await loadInMode(file("sentiment.onnx"));
    expectClose(
      model.predict(batch(known)).logits.data,
      known.flatMap((row) => row.transformer!),
      1e-6,
    );
  });

  test.each(["lstm", "gru"] as const)("a network with recurrent cells, %s; its default composite", async (name) => {
    using model = await loadInMode(file(`sentiment_${name}.onnx`));
    for (const row of known) {
      const e = model.explain({ data: row.ids, dims: [1, row.ids.length] });
      expectClose(e.logits.data, row[name]!, 1e-6);
      expect([e.composite, e.rules.find(({ type }) => type === name.toUpperCase())!.rule]).toEqual([
        "recurrentGamma",
        "gamma(0.25)",
      ]);
      expect(e.notes).toContain(
        "The network has recurrent cells: its rules are those of the composite recurrentGamma, unless another is named.",
      );
    }
  });

  test("the ids are those of the words, and most sentences are classified right", async () => {
    using model = await loadInMode(file("sentiment.onnx"));
    const { data } = model.predict(batch(rows)).logits;
    const right = rows.filter(({ label }, i) => Number(data[2 * i + 1] > data[2 * i]) === label);
    expect(right.length / rows.length).toBeGreaterThan(0.98);
    for (const { text, ids } of rows)
      expect(ids).toEqual([START, ...text.split(" ").map((word) => vocabulary[word]), END]);
    expect(json("tokenizer.json").model.vocab).toEqual(vocabulary);
  });
});
