import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { architectures, onnxOf } from "./architectures.mjs";
import { transformers } from "./transformers.mjs";

const here = import.meta.dirname;
const data = process.env.RELPROP_DATA ?? resolve(here, "../../shared/data");

/** Where what the bench generates lies: networks with random weights, plans for other processes. */
export const scratch = join(tmpdir(), "relprop-bench");

/**
 * The networks that are measured. `file`: real weights, used where they are found; `architecture`: what is written with
 * random weights otherwise. `photo`: what networks with real weights look at.
 */
const known = [
  {
    key: "digits",
    name: "demo",
    path: join(here, "../demo/digits.onnx"),
    preset: "unit",
    photo: join(here, "../demo/three.png"),
  },
  { key: "alexnet", name: "AlexNet with LRN", preset: "caffe" },
  { key: "googlenet", name: "GoogLeNet", file: "models/bvlc_googlenet/bvlc_googlenet.onnx", preset: "caffe" },
  { key: "vgg16", name: "VGG16", preset: "caffe" },
  { key: "resnet50", name: "ResNet50", preset: "torchvision" },
  { key: "squeezenet", name: "SqueezeNet 1.1", file: "models/squeezenet_v1.1/squeezenet_v1.1.onnx", preset: "caffe" },
  {
    key: "mobilenet",
    name: "MobileNet 0.25",
    file: "models/mobilenet_v1_025_224/mobilenet_v1_025_224.onnx",
    preset: "mobilenet",
  },
  { key: "minilm", name: "MiniLM-L6, 128 tokens", words: 30522 },
  { key: "vit", name: "ViT-B/16" },
  { key: "gpt2", name: "GPT-2 small, 64 tokens", words: 50257 },
];
/**
 * Published networks of today, with the sizes of phones and browsers; measured where they are found. `dims`: of an input
 * that takes any size.
 */
export const wild = {
  nanodet: { file: "nanodet_m_320" },
  face_landmark: { file: "face_landmark" },
  selfie: { file: "selfie_segmentation" },
  yolox: { file: "yolox_nano" },
  ppocr_cls: { file: "ppocr_mobile_v2_cls", dims: [1, 3, 48, 192] },
  blazeface: { file: "blazeface_back" },
  basic_pitch: { file: "basic_pitch" },
  ultraface: { file: "ultraface_rfb_320" },
  pfld: { file: "pfld" },
  fastestdet: { file: "fastestdet" },
  squeezenet_fp16: { file: "squeezenet_fp16" },
  dtln_1: { file: "dtln_1" },
  openwakeword: { file: "openwakeword_hello" },
};
for (const [key, { file, dims }] of Object.entries(wild)) {
  const path = `wild/${file}.onnx`;
  if (existsSync(join(data, path))) known.push({ key, name: key, file: path, dims });
}
const PHOTO = join(data, "images/flamingo.jpg");

/** The bytes of an architecture with random weights; written once, as they take seconds and hundreds of megabytes. */
function written(key) {
  const transformer = transformers[key];
  const architecture = architectures[key];
  const source = transformer ? readFileSync(join(here, "transformers.mjs"), "utf8") : onnxOf;
  const version = createHash("sha256")
    .update(`${JSON.stringify(architecture)}${source}`)
    .digest("hex")
    .slice(0, 8);
  const path = join(scratch, `${key}-${version}.onnx`);
  if (!existsSync(path)) {
    mkdirSync(scratch, { recursive: true });
    // Under another name until it is whole: a run that was stopped leaves no half of a network.
    writeFileSync(`${path}.part`, transformer ? transformer() : onnxOf(architecture));
    renameSync(`${path}.part`, path);
  }
  return path;
}

function located(row) {
  if (row.path) return { ...row, weights: "real" };
  const path = row.file && join(data, row.file);
  if (path && existsSync(path)) return { ...row, path, photo: existsSync(PHOTO) ? PHOTO : undefined, weights: "real" };
  return { ...row, path: written(row.key), weights: "random" };
}

/** A network by its key, or a file of one's own by its path: { key, name, path, preset, photo, weights }. */
export function networkOf(name) {
  const row = known.find(({ key }) => key === name);
  if (row) return located(row);
  if (existsSync(name)) return { key: name, name: basename(name, ".onnx"), path: name, weights: "own" };
  throw new Error(`network: expected a file or one of ${known.map((k) => k.key).join(", ")}, received '${name}'`);
}

/** The keys of the networks to measure: those of `--networks a,b` and the files given, or all that are known. */
export function chosen(networks, files) {
  const keys = [...(networks?.split(",") ?? []), ...files.map((file) => resolve(file))];
  return keys.length > 0 ? keys : known.map(({ key }) => key);
}

export const bytesOf = ({ path }) => new Uint8Array(readFileSync(path));
