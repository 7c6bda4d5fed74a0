import { encodePng, heatmap, preprocess } from "relprop";
import { decodeImage } from "relprop/image";

/** What the network needs of each file, which the pool asks for when a worker is free. */
async function* prepared(pool, files) {
  for (const file of files) {
    const pixels = await decodeImage(new Uint8Array(await file.arrayBuffer()));
    yield preprocess(pixels, "unit", pool.inputs[0]);
  }
}

/** The heatmap of each file, in order, as the workers of the pool finish them. */
export async function* explained(pool, files) {
  for await (const { index, value } of pool.explain(prepared(pool, files))) {
    const png = await encodePng(heatmap(value.relevance, { scale: 8 }));
    const text = `${files[index].name}: a ${value.targets[0][0].index}`;
    yield { text, url: URL.createObjectURL(new Blob([png])) };
  }
}
