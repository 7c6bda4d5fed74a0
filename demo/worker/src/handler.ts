import { load, preprocess } from "relprop";
import { decodeImage } from "relprop/image";
import { createService, engineOf, type Prepared, type Service } from "relprop/service";
import settings from "../../digits.relprop.json" with { type: "json" };
import { digitOf } from "./digit.ts";

const MiB = 2 ** 20;
/** The largest body, and what the bodies of all requests that are being read may hold together, in one isolate. */
export const [MAX_BODY, MAX_HELD] = [4 * MiB, 24 * MiB];
/** The largest picture, 1280 x 720 for instance: decoding takes up to 40 bytes a pixel, and an isolate has 128 MB. */
export const MAX_PIXELS = 2 ** 20;
/** Bytes of the model's memory. */
const MAX_MEMORY = 32 * MiB;

/**
 * Loads the network, once; what it returns answers requests.
 *
 * @param onnx the bytes of demo/digits.onnx
 */
export async function serviceOf(onnx: Uint8Array | ArrayBuffer): Promise<Service> {
  const model = await load(onnx, { classes: settings.classes, maxMemory: MAX_MEMORY });
  const [port] = model.inputs;
  const prepare = (image: Parameters<typeof digitOf>[0]): Prepared => {
    const { pixels, ...facts } = digitOf(image, Number(port.dims[3]));
    return { input: preprocess(pixels, settings.preprocess as "unit", port), seen: pixels, facts };
  };
  const engine = engineOf({ digits: { model, prepare } }, { decode: decodeImage, maxPixels: MAX_PIXELS });
  return createService(engine, { maxBody: MAX_BODY, maxHeld: MAX_HELD });
}
