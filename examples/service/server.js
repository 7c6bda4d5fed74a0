import { readFile } from "node:fs/promises";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { encodePng, load, LrpError, preprocess, viewed } from "relprop";
import { decodeImage, drawImage } from "relprop/image";

const {
  NETWORK = new URL(import.meta.resolve("relprop/demo/digits.onnx")),
  PRESET = "unit",
  PORT = 3000,
} = process.env;
const model = await load(await readFile(NETWORK));
const [port] = model.inputs;

const app = new Hono();

app.post("/", bodyLimit({ maxSize: 8e6 }), async (c) => {
  try {
    const pixels = await decodeImage(new Uint8Array(await c.req.arrayBuffer()), { maxPixels: 1e7 });
    // On a worker: other requests are answered meanwhile.
    const explanation = await model.explainAsync(preprocess(pixels, PRESET, port));
    const picture = drawImage(explanation, viewed(pixels, PRESET, port));
    return c.body(await encodePng(picture), 200, { "Content-Type": "image/png" });
  } catch (error) {
    if (error instanceof LrpError) return c.json({ code: error.code, message: error.message }, 400);
    throw error;
  }
});

serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => console.log(`http://localhost:${port}`));
