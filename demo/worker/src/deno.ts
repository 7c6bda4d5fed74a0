import { serviceOf } from "./handler.ts";

const digits = await Deno.readFile(new URL("../../digits.onnx", import.meta.url));
const { fetch } = await serviceOf(digits);
Deno.serve({ port: Number(Deno.args[0] ?? 8787) }, fetch);
