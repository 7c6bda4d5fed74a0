import { readFile, writeFile } from "node:fs/promises";
import { load } from "relprop";
import { explainImage } from "relprop/image";

const demo = (name) => new URL(import.meta.resolve(`relprop/demo/${name}`));
const [network = demo("digits.onnx"), photo = demo("three.png"), preset = "unit"] = process.argv.slice(2);

const model = await load(await readFile(network));
const { explanation, png } = await explainImage(model, await readFile(photo), { preset });
const [{ index, score }] = explanation.targets[0];
console.log([`class ${index}, logit ${score.toFixed(2)}`, ...explanation.notes].join("\n"));
await writeFile("heatmap.png", png);
