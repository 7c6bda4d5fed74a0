import { serve } from "./handler.ts";

const digits = await Deno.readFile(new URL("../../digits.onnx", import.meta.url));
Deno.serve({ port: Number(Deno.args[0] ?? 8787) }, await serve(digits));
