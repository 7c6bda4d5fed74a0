import { load, LrpError } from "relprop";
import network from "relprop/demo/digits.onnx";
import { explainImage } from "relprop/image";

/** The network is fetched once, when the worker is installed, and kept: from then on nothing needs a connection. */
const cached = async () => (await caches.open("networks")).match(network);
/** A service worker is ended and started again at any time, so the model is loaded with the first request. */
let loading;
const model = () => (loading ??= cached().then(async (file) => load(await file.arrayBuffer())));

addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open("networks")
      .then((cache) => cache.add(network))
      .then(skipWaiting),
  );
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "POST" && url.endsWith("/explain")) event.respondWith(answer(event.request));
});

async function answer(request) {
  try {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const { png } = await explainImage(await model(), bytes, { preset: "unit", maxPixels: 1e6 });
    return new Response(png, { headers: { "Content-Type": "image/png" } });
  } catch (error) {
    if (error instanceof LrpError) return new Response(error.message, { status: 400 });
    throw error;
  }
}
