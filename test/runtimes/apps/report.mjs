import { model, pixels } from "./demo.mjs";

const bytes = Uint8Array.from(atob(model), (letter) => letter.charCodeAt(0));
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
