import { expect, it } from "vitest";
import { bundle, compressed } from "../bench/bundle.mjs";

/**
 * All of relprop in one minified file, both binaries inside, in bytes under brotli. The goal is 60 kB; the whole of
 * ONNX's list of operators is in it, which is more, and so are the names of the kernels' arguments, the builder of
 * networks of any shape, and what is said of rules that are objects. Then came what a file says and who may give what
 * (types and counts of inputs 2.5 kB), bounds of memory and work (3), axes and places of targets (3.5), normalization
 * of the input (3), stability and smoothing (1.5), which outputs are judged, and where they start (1), a worker for
 * explainAsync (2), all element types (1), functions of files (1), tables
 * of embeddings (2), attention (1.5), LayerNormalization and its kin, their rule, kernels, and how they are found (7),
 * branches, what loops and sequences are unrolled by, and what is wrong whatever free sizes are (1.5), weights that
 * kernels make when they are read first (0.6), z⁺ as what z⁻ leaves of z (0.3), HardSwish,
 * PRelu and Resize as kernels (0.6), constants as wide as in the file, and kernels of packed weights (2), layers of
 * constants and a graph that ends where it is told (0.9), kernels of products of many rows, GELU and Swish (1.6),
 * by which numbers an activation is confirmed, a Gemm with a constant A, and which rules fit a node (0.5), both sides
 * of the bounds of a norm, zeros that a Concat adds, and relevance that is infinite at a value (0.3), exponentials in
 * the loops that read them, and rows that are copied four numbers at a time (1).
 * Whoever needs more than this raises it in the same commit, and says for what.
 */
const BUDGET = 130_200;

/** The same for relprop/image by itself: the decoders of JPEG and WebP are 75 kB of it. */
const IMAGE_BUDGET = 105_000;

/** The same for relprop/text by itself: 2.5 kB of it encode texts and give them to inputs. */
const TEXT_BUDGET = 10_000;

it(`a page that draws texts loads at most ${TEXT_BUDGET} bytes`, async () => {
  const { contents, metafile } = await bundle({ binaries: true, entry: "../picture/text/index" });
  const size = compressed(contents);
  console.log(`size of relprop/text: ${contents.length} bytes, ${size} under brotli`);
  expect(size).toBeLessThanOrEqual(TEXT_BUDGET);
  expect(Object.keys(metafile.inputs).filter((path) => path.includes("node_modules"))).toEqual([]);
});

it(`a page that decodes loads at most ${IMAGE_BUDGET} bytes`, async () => {
  const { contents } = await bundle({ binaries: true, entry: "image" });
  const size = compressed(contents);
  console.log(`size of relprop/image: ${contents.length} bytes, ${size} under brotli`);
  expect(size).toBeLessThanOrEqual(IMAGE_BUDGET);
});

it(`a page loads at most ${BUDGET} bytes`, async () => {
  const { contents } = await bundle({ binaries: true });
  const size = compressed(contents);
  console.log(`size of what a page loads: ${contents.length} bytes, ${size} under brotli`);
  expect(size).toBeLessThanOrEqual(BUDGET);
});
