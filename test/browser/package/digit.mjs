import network from "../../../demo/digits.onnx?url";
import picture from "../../../demo/three.png?url";
import { decodeImage } from "../../../dist/image.js";
import { preprocess } from "../../../dist/index.js";
import { bits } from "./numbers.mjs";

const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** The bits of the drawn three's relevance. */
export async function explainThree(load, settings) {
  const given = { network: await bytes(network), picture: await bytes(picture), preset: "unit" };
  return bits({ load, preprocess, decodeImage }, given, {}, settings);
}
