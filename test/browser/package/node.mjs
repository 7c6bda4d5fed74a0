/*
 * The numbers of Node, for the tests: relprop's plain binary, and the relaxed one if Node is started with
 * --experimental-wasm-relaxed-simd.
 *   node package/node.mjs '{"network": FILE, "picture": FILE, "preset": …, "explanations": [OPTIONS, …], "relaxed": "never"}'
 */
import { readFileSync } from "node:fs";
import { decodeImage } from "../../../dist/image.js";
import { hasRelaxedSimd, load, preprocess } from "../../../dist/index.js";
import { bits } from "./numbers.mjs";

const { network, picture, preset, explanations, relaxed } = JSON.parse(process.argv[2]);
if (relaxed === "auto" && !hasRelaxedSimd()) throw new Error("Node without relaxed SIMD");
const given = { network: readFileSync(network), picture: readFileSync(picture), preset };
const all = [];
for (const options of explanations)
  all.push(await bits({ load, preprocess, decodeImage }, given, options, { relaxed }));
console.log(JSON.stringify(all));
