/*
 * Makes the pictures of the README and the guides, after `npm run build`:
 *   node docs/pictures.mjs [GOOGLENET.onnx PHOTO.jpg]
 * docs/three.png: the demo's digit and its heatmap under three composites, the default first.
 * docs/flamingo.png: GoogLeNet's heatmap of a photo, without the photo.
 * docs/guides/pictures: the digit, and its heatmap under every composite, every rule for linear layers (everywhere),
 * and every way through LRN.
 */
import { readFile, writeFile } from "node:fs/promises";
import { baseEntries, composites, encodePng, heatmap, load, lrnModes, preprocess, ruleOf } from "../dist/index.js";
import { contactSheet } from "../dist/plots/index.js";
import { decodeImage } from "../dist/image.js";

/** A grey picture of values from 0 (white) to 1 (black), enlarged. */
function ink({ data, dims: [, , h, w] }, zoom) {
  const out = new Uint8ClampedArray(h * w * zoom * zoom * 4).fill(255);
  for (let y = 0; y < h * zoom; y++) {
    for (let x = 0; x < w * zoom; x++)
      out.fill(
        255 * (1 - data[Math.floor(y / zoom) * w + Math.floor(x / zoom)]),
        (y * w * zoom + x) * 4,
        (y * w * zoom + x) * 4 + 3,
      );
  }
  return { data: out, width: w * zoom, height: h * zoom };
}

const here = (path) => new URL(path, import.meta.url);
const image = async (path) => decodeImage(new Uint8Array(await readFile(path)), { name: String(path) });

const guide = await readFile(here("guides/choosing-a-rule.md"), "utf8");
const isShown = ({ name }) => guide.includes(`pictures/${name}.png`);

const digits = await load(await readFile(here("../demo/digits.onnx")));
const three = preprocess(await image(here("../demo/three.png")), "unit", digits.inputs[0]);
const shown = { epsilonPlusFlat: "epsilonPlusFlat (default)", epsilonPlus: "epsilonPlus", epsilon: "epsilon" };
const maps = Object.entries(shown).map(([composite, label]) => ({
  label,
  picture: heatmap(digits.explain(three, { composite }).relevance, { scale: 7 }),
}));
const tiles = [{ label: "what the network saw: three", picture: ink(three, 7) }, ...maps];
await writeFile(here("three.png"), await encodePng(contactSheet(tiles, { columns: tiles.length })));

const linear = [
  "lrp0",
  "epsilon",
  "alphaBeta",
  "zPlus",
  "gamma",
  "wSquare",
  "flat",
  "zBox",
  "ratio",
  "clip",
  "gradient",
];
const bounds = { low: 0, high: 1 };
const everywhere = (name) => [
  { type: ["convolution", "dense"], rule: ruleOf[name](name === "zBox" ? bounds : {}) },
  ...baseEntries(),
];
const options = {
  // Those for attention and recurrence draw the same of a network of convolutions.
  ...Object.fromEntries(
    composites.filter(isShown).map(({ name, required }) => [name, { composite: name, ...(required && bounds) }]),
  ),
  ...Object.fromEntries(linear.map((name) => [`rule-${name}`, { composite: everywhere(name) }])),
  "rule-epsilon-relative": {
    composite: [
      { type: ["convolution", "dense"], rule: ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" }) },
      ...baseEntries(),
    ],
  },
  ...Object.fromEntries(Object.keys(lrnModes).map((lrn) => [`lrn-${lrn}`, { composite: "epsilonPlus", lrn }])),
};
const guides = {
  digit: ink(three, 4),
  ...Object.fromEntries(
    Object.entries(options).map(([name, o]) => [name, heatmap(digits.explain(three, o).relevance, { scale: 4 })]),
  ),
};
for (const [name, picture] of Object.entries(guides))
  await writeFile(here(`guides/pictures/${name}.png`), await encodePng(picture));

const [network, photo] = process.argv.slice(2);
if (network) {
  const googlenet = await load(await readFile(network));
  const input = preprocess(await image(photo), "caffe", googlenet.inputs[0]);
  await writeFile(
    here("flamingo.png"),
    await encodePng(heatmap(googlenet.explain(input, { composite: "epsilonPlus" }).relevance, { scale: 2 })),
  );
}
