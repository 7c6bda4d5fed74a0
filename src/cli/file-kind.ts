/** What a file is that is not what was wanted, and what to do about it. */
export interface FileKind {
  readonly name: string;
  readonly fix?: string;
  /** Whether it stands in the place of the file that was meant. */
  readonly instead?: true;
}

interface Row extends FileKind {
  readonly is: (bytes: Uint8Array, start: string) => boolean;
}

/** As many bytes are looked at: names of an archive's files stand at its beginning and at its end. */
const LOOK = 2 ** 16;
const EXPORT = "Export the network in Python: torch.onnx.export(model, example, 'model.onnx').";
const convert = (option: string) => `Convert it: python -m tf2onnx.convert --${option} FILE --output model.onnx.`;

const latin1 = ({ buffer, byteOffset, length }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, length).toString("latin1");
const begins = (...magic: string[]) => ({
  is: (_: Uint8Array, start: string) => magic.some((m) => start.startsWith(m)),
});
const holds = (name: RegExp) => ({
  is: (bytes: Uint8Array, start: string) =>
    start.startsWith("PK\x03\x04") && (name.test(start) || name.test(latin1(bytes.subarray(-LOOK)))),
});
const identified = (name: string) => ({ is: (_: Uint8Array, start: string) => start.slice(4, 8) === name });

/** Safetensors begin with the length of their header, which is JSON. */
function isSafetensors(bytes: Uint8Array, start: string): boolean {
  if (start[8] !== "{" || bytes.length < 16) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  return length >= 2n && length <= BigInt(bytes.length - 8);
}

/** Text has no other control characters, and is UTF-8; a character may be cut at the end. */
function isText(bytes: Uint8Array): boolean {
  const part = bytes.subarray(0, 512);
  if (part.some((b) => b < 32 && b !== 9 && b !== 10 && b !== 13)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(part, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** From the particular to the general: the first that fits is said. */
const rows: readonly Row[] = [
  {
    name: "a Git LFS pointer, which stands for the file",
    instead: true,
    fix: "Fetch the file itself: git lfs pull.",
    ...begins("version https://git-lfs.github.com/"),
  },
  {
    name: "a model in ONNX Runtime's own format (.ort)",
    fix: "Use the .onnx file it was made from.",
    ...identified("ORTM"),
  },
  { name: "a TensorFlow Lite model (.tflite)", fix: convert("tflite"), ...identified("TFL3") },
  { name: "a Keras model (.keras)", fix: convert("keras"), ...holds(/model\.weights\.h5|config\.json/) },
  { name: "an HDF5 file, such as a Keras model (.h5)", fix: convert("keras"), ...begins("\x89HDF\r\n") },
  { name: "a PyTorch file (.pt, .pth)", fix: EXPORT, ...holds(/\/data\.pkl|\/constants\.pkl/) },
  { name: "numpy arrays (.npz)", ...holds(/\.npy/) },
  {
    name: "a Python pickle, such as a PyTorch file (.pt, .pth)",
    fix: EXPORT,
    ...begins("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"),
  },
  { name: "weights without their network (.safetensors)", fix: EXPORT, is: isSafetensors },
  { name: "a zip archive", fix: "Unpack it.", ...begins("PK\x03\x04") },
  { name: "a gzip archive", fix: "Unpack it: gunzip FILE.", ...begins("\x1f\x8b") },
  {
    name: "a compressed archive",
    fix: "Unpack it.",
    ...begins("BZh", "\xfd7zXZ", "7z\xbc\xaf", "\x28\xb5\x2f\xfd", "Rar!"),
  },
  { name: "a tar archive", fix: "Unpack it.", is: (_, start) => start.slice(257, 262) === "ustar" },
  { name: "a PNG picture", ...begins("\x89PNG") },
  { name: "a JPEG picture", ...begins("\xff\xd8\xff") },
  { name: "a WebP picture", is: (_, start) => /^RIFF....WEBP/s.test(start) },
  { name: "a numpy array (.npy)", ...begins("\x93NUMPY") },
  { name: "a PDF", ...begins("%PDF") },
  {
    name: "a web page",
    instead: true,
    fix: "The download failed: fetch the file itself, not the page that shows it.",
    is: (_, start) => /^(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body|!--)/i.test(start),
  },
  { name: "XML", is: (bytes, start) => /^(\xef\xbb\xbf)?\s*</.test(start) && isText(bytes) },
  { name: "JSON", is: (bytes, start) => /^(\xef\xbb\xbf)?\s*[{[]/.test(start) && isText(bytes) },
  { name: "text", is: isText },
];

/**
 * What a file is, by its content, if it is something known.
 *
 * @example fileKind(Buffer.from("<!DOCTYPE html><title>404</title>"))?.name; // "a web page"
 */
export function fileKind(bytes: Uint8Array): FileKind | undefined {
  const start = latin1(bytes.subarray(0, LOOK));
  return rows.find(({ is }) => is(bytes, start));
}
