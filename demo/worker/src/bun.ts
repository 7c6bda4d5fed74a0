import { serve } from "./handler.ts";

const digits = await Bun.file(new URL("../../digits.onnx", import.meta.url)).arrayBuffer();
const { url } = Bun.serve({ port: Number(Bun.argv[2] ?? 8787), fetch: await serve(digits) });
console.log(`Listening on ${url}`);
