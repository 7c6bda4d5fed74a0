/*
 * Makes the pictures of the README, after `npm run build`:
 *   node docs/pictures.mjs [GOOGLENET.onnx PHOTO.jpg]
 * docs/three.png: the demo's digit and its heatmap under three composites. docs/flamingo.png: GoogLeNet's heatmap of a photo, without the photo.
 */
import { readFile, writeFile } from "node:fs/promises";
import { encodePng, heatmap, load, preprocess } from "../dist/index.js";
import { decodeImage } from "../build/js/cli/image.js";

/** Pictures of one height in a row, with a white gap. */
function row(pictures, gap) {
  const height = pictures[0].height;
  const width = pictures.reduce((sum, p) => sum + p.width + gap, -gap);
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  let left = 0;
  for (const p of pictures) {
    for (let y = 0; y < height; y++) data.set(p.data.subarray(y * p.width * 4, (y + 1) * p.width * 4), (y * width + left) * 4);
    left += p.width + gap;
  }
  return { data, width, height };
}

/** A grey picture of values from 0 (white) to 1 (black), enlarged. */
function ink({ data, dims: [, , h, w] }, zoom) {
  const out = new Uint8ClampedArray(h * w * zoom * zoom * 4).fill(255);
  for (let y = 0; y < h * zoom; y++) {
    for (let x = 0; x < w * zoom; x++) out.fill(255 * (1 - data[Math.floor(y / zoom) * w + Math.floor(x / zoom)]), (y * w * zoom + x) * 4, (y * w * zoom + x) * 4 + 3);
  }
  return { data: out, width: w * zoom, height: h * zoom };
}

const here = (path) => new URL(path, import.meta.url);
const image = async (path) => decodeImage(new Uint8Array(await readFile(path)), String(path));

const digits = await load(await readFile(here("../demo/digits.onnx")));
const three = preprocess(await image(here("../demo/three.png")), "unit", digits.inputs[0].dims);
const maps = ["epsilonPlus", "epsilon", "epsilonAlpha2Beta1"].map((composite) => heatmap(digits.explain(three, { composite }).relevance, { scale: 7 }));
await writeFile(here("three.png"), await encodePng(row([ink(three, 7), ...maps], 14)));

const [network, photo] = process.argv.slice(2);
if (network) {
  const googlenet = await load(await readFile(network));
  const input = preprocess(await image(photo), "caffe", googlenet.inputs[0].dims);
  await writeFile(here("flamingo.png"), await encodePng(heatmap(googlenet.explain(input).relevance, { scale: 2 })));
}
