import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const here = import.meta.dirname;
const data = process.env.RELPROP_DATA ?? resolve(here, "../../shared/data");

/** The demo's network, which every clone has, and well-known ones where their files are found. */
const known = [
  { name: "digits", path: join(here, "../demo/digits.onnx") },
  { name: "AlexNet with LRN", path: join(data, "onnx_backend_tests/light/light_bvlc_alexnet.onnx") },
  { name: "GoogLeNet", path: join(data, "models/bvlc_googlenet/bvlc_googlenet.onnx") },
  { name: "SqueezeNet 1.1", path: join(data, "models/squeezenet_v1.1/squeezenet_v1.1.onnx") },
  { name: "MobileNet 0.25", path: join(data, "models/mobilenet_v1_025_224/mobilenet_v1_025_224.onnx") },
  { name: "ResNet50", path: join(data, "onnx_backend_tests/light/light_resnet50.onnx") },
  { name: "VGG19", path: join(data, "onnx_backend_tests/light/light_vgg19.onnx") },
];

/** The networks to measure: the files given, or all known ones that are there. */
export function networks(files) {
  const wanted = files.length > 0 ? files.map((path) => ({ name: path.split("/").at(-1), path })) : known;
  return wanted.flatMap(({ name, path }) => {
    if (existsSync(path)) return [{ name, bytes: new Uint8Array(readFileSync(path)) }];
    console.log(`skipped: ${name}, whose file is not there (RELPROP_DATA says where to look)`);
    return [];
  });
}
