import { load, LrpError } from "relprop";
import network from "relprop/demo/digits.onnx";
import { explainImage } from "relprop/image";

const loading = load(network);

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response("POST a picture of a digit", { status: 405 });
    try {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const { png } = await explainImage(await loading, bytes, { preset: "unit", maxPixels: 1e6 });
      return new Response(png, { headers: { "Content-Type": "image/png" } });
    } catch (error) {
      if (error instanceof LrpError) return new Response(error.message, { status: 400 });
      throw error;
    }
  },
};
