import { serviceOf } from "./handler.ts";

const digits = await Bun.file(new URL("../../digits.onnx", import.meta.url)).arrayBuffer();
const { fetch } = await serviceOf(digits);
const { url } = Bun.serve({ port: Number(Bun.argv[2] ?? 8787), fetch });
console.log(`Listening on ${url}`);
