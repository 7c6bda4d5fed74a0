import { encodePng, heatmap, preprocess } from "relprop";
import { decodeImage } from "relprop/image";

/** The heatmap of each file, in order, as the workers of the pool finish them. */
export async function* explained(pool, files) {
  const prepared = async (file) => {
    const pixels = await decodeImage(new Uint8Array(await file.arrayBuffer()));
    return preprocess(pixels, "unit", pool.inputs[0]);
  };
  for await (const { index, value } of pool.explain(files.map(prepared))) {
    const png = await encodePng(heatmap(value.relevance, { scale: 8 }));
    const text = `${files[index].name}: a ${value.targets[0][0].index}`;
    yield { text, url: URL.createObjectURL(new Blob([png])) };
  }
}
