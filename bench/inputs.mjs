import { readFileSync } from "node:fs";
import { decodeImage } from "../dist/image.js";
import { preprocess } from "../dist/index.js";
import { normal, uniform } from "./random.mjs";

/**
 * A random picture that is as smooth as photos are: six octaves of noise, each twice as fine and half as strong as the
 * one before. White noise would make every neuron fire alike.
 */
function smoothImage(seed, side = 256) {
  const next = uniform(seed);
  const data = new Uint8ClampedArray(side * side * 3);
  for (let channel = 0; channel < 3; channel++) {
    const plane = new Float32Array(side * side).fill(118);
    for (let octave = 1; octave <= 6; octave++) {
      const cells = 2 ** octave;
      const grid = Float32Array.from({ length: (cells + 1) ** 2 }, () => (next() - 0.5) * (512 / 2 ** octave));
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const [gy, gx] = [(y * cells) / side, (x * cells) / side];
          const [top, left] = [Math.floor(gy), Math.floor(gx)];
          const corner = top * (cells + 1) + left;
          const row = (at) => grid[at] + (gx - left) * (grid[at + 1] - grid[at]);
          plane[y * side + x] += row(corner) + (gy - top) * (row(corner + cells + 1) - row(corner));
        }
      }
    }
    plane.forEach((v, i) => {
      data[3 * i + channel] = v;
    });
  }
  return { data, width: side, height: side };
}

/** Random ids of words, of 64 bits. */
const idsOf = (words, dims) => {
  const next = uniform(1);
  const data = BigInt64Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () =>
    BigInt(Math.floor(next() * words)),
  );
  return { data, dims };
};

/** Ids of words, the network's photo, or a smooth random picture, prepared as the network was trained. */
function tensorFor({ preset, photo, words, dims: chosen }, port) {
  const [, ...dims] = chosen ?? port.dims.map((d) => (typeof d === "number" ? d : 1));
  if (words) return idsOf(words, [1, ...dims]);
  const count = dims.reduce((a, b) => a * b, 1);
  const isPicture = dims.length === 3 && (dims[0] === 1 || dims[0] === 3);
  if (!isPicture) return { data: new Float32Array(count).map(normal(1)), dims: [1, ...dims] };
  const usual = dims[0] === 3 ? "torchvision" : "unit";
  const picture = photo ? decodeImage(new Uint8Array(readFileSync(photo)), { name: photo }) : smoothImage(1);
  return preprocess(picture, preset ?? usual, [1, ...dims]);
}

/**
 * What a network is run on: a tensor, or tensors by name where it has several inputs. What takes no picture gets
 * normally distributed numbers.
 *
 * @param ports the model's inputs
 */
export const inputOf = (network, ports) =>
  ports.length === 1
    ? tensorFor(network, ports[0])
    : Object.fromEntries(ports.map((port) => [port.name, tensorFor(network, port)]));

/** Tensors by name, also of a network with one input. */
export const byName = (input, ports) => (input.data ? { [ports[0].name]: input } : input);
