import { jpeg, model, pixels, png, webp } from "./demo.mjs";

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const bytes = bytesOf(model);
const input = { data: Float32Array.from(pixels), dims: [1, 1, 28, 28] };

/** What the demo image is, and the bits of its relevance, for each of the ways to load the network. */
export async function report({ load, hasRelaxedSimd }, ways = { plain: { relaxed: "never" }, best: {} }) {
  const answer = { relaxed: hasRelaxedSimd() };
  for (const [way, options] of Object.entries(ways)) {
    const network = await load(bytes, options);
    const { relevance, targets } = await network.explain(input);
    answer[way] = { digit: targets[0][0].index, bits: [...new Uint32Array(relevance.data.slice().buffer)] };
    await network.dispose();
  }
  return `answer: ${JSON.stringify(answer)}`;
}

/** The same for `relprop/evaluate`: the bits of a method's relevance, and behind them those of a metric's curve. */
export async function reportEvaluate({ load, hasRelaxedSimd }, { attribute, perturbation }) {
  const attributed = async (bytes, options) => {
    const network = await load(bytes, options);
    const explain = async (x) => {
      const { relevance, targets } = await attribute(network, x, { method: "occlusion", window: 7 });
      const { values } = await perturbation(network, x, relevance, { step: 98, replacement: { kind: "noise" } });
      const data = new Float32Array(relevance.data.length + values.length);
      data.set(relevance.data);
      data.set(values, relevance.data.length);
      return { targets, relevance: { data } };
    };
    return { explain, dispose: () => network.dispose() };
  };
  return report({ load: attributed, hasRelaxedSimd });
}

/** The same for `relprop/image`: the bits of a picture's relevance, and behind them pixels of other formats. */
export async function reportImage({ load, hasRelaxedSimd, preprocess }, { decodeImage }) {
  const explained = async (bytes, options) => {
    const network = await load(bytes, options);
    const explain = async () => {
      const seen = preprocess(decodeImage(bytesOf(png)), "unit", network.inputs[0]);
      const { targets, relevance } = network.explain(seen);
      const pixels = [jpeg, webp].flatMap((file) => [...decodeImage(bytesOf(file)).data]);
      return { targets, relevance: { data: Float32Array.from([...relevance.data, ...pixels]) } };
    };
    return { explain, dispose: () => network.dispose() };
  };
  return report({ load: explained, hasRelaxedSimd });
}
