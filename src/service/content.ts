import { formatOf } from "../picture/decode/decode.ts";
import { holdsArray, isNpz } from "../read/npz.ts";
import { Refusal } from "./refusal.ts";

/** What a body may hold. */
export type Content = "picture" | "array" | "json";

interface Row {
  readonly name: string;
  readonly content: Content;
  /** Its types; the first is its own. */
  readonly types: readonly string[];
  readonly is: (bytes: Uint8Array) => boolean;
}

const isFormat = (name: string) => (bytes: Uint8Array) => formatOf(bytes)?.name === name;

/** What bodies hold, by their first bytes: the first that fits. */
const rows: readonly Row[] = [
  { name: "a PNG picture", content: "picture", types: ["image/png"], is: isFormat("PNG") },
  { name: "a JPEG picture", content: "picture", types: ["image/jpeg", "image/jpg"], is: isFormat("JPEG") },
  { name: "a WebP picture", content: "picture", types: ["image/webp"], is: isFormat("WebP") },
  { name: "a .npz archive", content: "array", types: ["application/x-npz", "application/zip"], is: isNpz },
  { name: "a .npy array", content: "array", types: ["application/x-npy"], is: holdsArray },
  // fetch() sends a string as plain text.
  { name: "JSON", content: "json", types: ["application/json", "text/plain"], is: isJson },
];

/** The types that bodies may have. */
export const TYPES: readonly string[] = rows.map(({ types }) => types[0]);

/** These say nothing: programs send them unasked, curl the last. */
const UNSAID = ["", "application/octet-stream", "application/x-www-form-urlencoded"];

function isJson(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte));
  return first === 0x7b || first === 0x5b;
}

/**
 * What a body holds, by its bytes.
 *
 * @param type what Content-Type says
 * @throws Refusal 415 where nothing is known of it, and where Content-Type says something else; 400 where it is empty
 */
export function contentOf(bytes: Uint8Array, type: string | null): Content {
  if (bytes.length === 0) throw new Refusal(400, "body", "body: expected an input, got nothing.");
  const said = (type ?? "").split(";")[0].trim().toLowerCase();
  const row = rows.find(({ is }) => is(bytes));
  const refuse = (expected: string, received: string, fix = "") =>
    new Refusal(415, "type", `body: expected ${expected}, got ${received}.${fix}`, { Accept: TYPES.join(", ") });
  if (said === "multipart/form-data")
    throw refuse("the file itself", "a form", " With curl, that is --data-binary @FILE.");
  if (!row) throw refuse(rows.map(({ name }) => name).join(", "), formatOf(bytes)?.name ?? "other content");
  if (UNSAID.includes(said) || row.types.includes(said)) return row.content;
  throw refuse(`what Content-Type says, ${said}`, row.name);
}
