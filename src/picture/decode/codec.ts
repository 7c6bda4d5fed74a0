import { LrpError } from "../../base/error.ts";

/** A WebAssembly.Module: a name that TypeScript knows only with the libraries of a page. */
type Module = object;

/** Decoders that are WebAssembly, and where they come from: each is asked for at the first picture of its kind. */
export interface Codecs {
  /** libjpeg-turbo. */
  readonly jpeg: () => Module;
  /** libwebp. */
  readonly webp: () => Module;
}

/** What every decoder exports: the memory of a C program. */
export interface Decoder {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(bytes: number): number;
}

const giveUp = () => {
  throw new Error("its parts do not fit together");
};
/** What the decoders ask a system for: only when they give up. */
const system = {
  env: { setjmp: () => 0, longjmp: giveUp },
  wasi_snapshot_preview1: {
    environ_sizes_get: () => 0,
    environ_get: giveUp,
    proc_exit: giveUp,
    fd_close: giveUp,
    fd_seek: giveUp,
    fd_write: giveUp,
  },
};

/** A decoder that runs, and its memory. */
export interface Running<D extends Decoder> {
  readonly decoder: D;
  /** The address of a copy of bytes, or of a number of them that are free. @throws LrpError code "memory" */
  room(content: Uint8Array | number): number;
  /** A copy of so many pixels, RGBA. */
  pixels(address: number, count: number): Uint8ClampedArray<ArrayBuffer>;
}

/** Starts a decoder, for one picture: what a damaged file does to its memory ends there. */
export function started<D extends Decoder>(module: Module): Running<D> {
  const decoder = new WebAssembly.Instance(module as WebAssembly.Module, system).exports as unknown as D;
  return {
    decoder,
    room(content) {
      const size = typeof content === "number" ? content : content.length;
      // Addresses above 2 GiB come as negative numbers.
      const address = decoder.malloc(size) >>> 0;
      if (address === 0)
        throw new LrpError("memory", { where: "the decoder", expected: `room for ${size} bytes`, received: "none" });
      if (typeof content !== "number") new Uint8Array(decoder.memory.buffer, address, size).set(content);
      return address;
    },
    pixels: (address, count) => new Uint8ClampedArray(decoder.memory.buffer, address, 4 * count).slice(),
  };
}
