import { hasRelaxedSimd, load as loadModel } from "relprop";
import { decodeImage } from "relprop/image";
import { createService, engineOf } from "relprop/service";
import { report } from "./report.mjs";

/** A service as if it were a model: what it answers to numbers. */
async function load(bytes, options) {
  const model = await loadModel(bytes, options);
  const engine = engineOf({ digits: { model } }, { decode: decodeImage, maxPixels: 1e6 });
  const service = createService(engine, { maxBody: 1e6 });
  const explain = async ({ data, dims }) => {
    const body = JSON.stringify({ inputs: { [model.inputs[0].name]: { dims, data: [...data] } } });
    const answer = await service.fetch(new Request("http://localhost/explain/digits", { method: "POST", body }));
    const { targets, relevance } = await answer.json();
    return { targets, relevance: { data: Float32Array.from(Object.values(relevance)[0].data) } };
  };
  return { explain, dispose: () => model.dispose() };
}

report({ load, hasRelaxedSimd }).then(console.log);
