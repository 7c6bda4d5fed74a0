import type { Pixels } from "relprop";
import { decodeJpeg } from "./jpeg.ts";
import { decodePng } from "./png.ts";
import { Refusal } from "./refusal.ts";

const decoders: Readonly<Record<string, (file: Uint8Array) => Pixels>> = {
  "image/png": decodePng,
  "image/jpeg": decodeJpeg,
};

/** How the body is decoded. @throws Refusal 415 */
export function decoderOf(request: Request): (file: Uint8Array) => Pixels {
  const type = request.headers.get("content-type") ?? "none";
  const [name] = type.toLowerCase().split(";");
  const types = Object.keys(decoders);
  if (!Object.hasOwn(decoders, name.trim()))
    throw new Refusal(415, "type", `Content-Type: expected ${types.join(" or ")}, got ${type}.`, {
      Accept: types.join(", "),
    });
  return (file) => {
    try {
      return decoders[name.trim()](file);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      // What jpeg-js stumbles over is not for people.
      const reason = error instanceof TypeError ? "its parts do not fit together" : (error as Error).message;
      throw new Refusal(
        422,
        "image",
        `body: expected a readable picture of type ${name}, got one that is not (${reason}).`,
      );
    }
  };
}
