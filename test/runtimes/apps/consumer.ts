import {
  type Composite,
  dense,
  type Explanation,
  heatmap,
  load,
  LrpError,
  type Model,
  ruleOf,
  sequential,
} from "relprop";
import { decodeImage, explainImage } from "relprop/image";
import { linePlot } from "relprop/plots";
import { createPool } from "relprop/pool";
import { createService, engineOf } from "relprop/service";
import { load as slim } from "relprop/slim";
import { mergeSubwords, textHtml } from "relprop/text";
import { load as threaded } from "relprop/threads";

const weight = { data: Float32Array.of(3, 1), dims: [1, 2] };
const composite: Composite = [{ type: "dense", rule: ruleOf.epsilon({ epsilon: 0.25 }) }];

export async function main(wasm: Uint8Array): Promise<Explanation> {
  using model: Model = await load(sequential({ input: [2] }, [dense({ weight })]));
  // @ts-expect-error: an option that does not exist
  await load(new Uint8Array(), { relaxd: "never" });
  // @ts-expect-error: kernels are never a number
  await slim(new Uint8Array(), { wasm: 5 });
  (await slim(new Uint8Array(), { wasm })).dispose();
  (await threaded(new Uint8Array(), { threads: 2 })).dispose();
  await using pool = await createPool(new Uint8Array(), { size: 2 });
  for await (const { error, value } of pool.predict([])) if (error || value.output.dims.length !== 2) throw error;
  const explanation = model.explain({ data: Float32Array.of(1, 2), dims: [1, 2] }, { composite });
  if (heatmap(explanation.relevance).width !== 2) throw new LrpError("usage", []);
  const { width, data } = decodeImage(wasm, { maxPixels: 9 });
  if ((await explainImage(model, { width, data, height: 1 }, { preset: "unit" })).png.length > width)
    return explanation;
  if (!linePlot({ title: "", x: { label: "x" }, y: { label: "y" }, series: [{ name: "", x: [1], y: [2] }] }))
    throw new LrpError("usage", []);
  const engine = engineOf({ one: { model } }, { decode: decodeImage, maxPixels: 9 });
  await createService(engine, { maxBody: 9 }).close();
  const { words: tokens, ...rest } = mergeSubwords(["a"], [1], { style: "bytes" });
  if (!textHtml({ tokens, ...rest, score: 1 }, { page: true })) throw new LrpError("usage", []);
  return explanation;
}
