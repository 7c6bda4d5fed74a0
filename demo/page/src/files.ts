import { LrpError } from "relprop";

/** What the page takes, in the order in which files that come together are opened. */
export const kinds = ["network", "classes", "picture"] as const;

/** By the end of the name, or by what the browser makes of it. */
export function kindOf({ name, type }: File): (typeof kinds)[number] | undefined {
  if (/\.onnx$/i.test(name)) return "network";
  if (/\.(txt|json)$/i.test(name)) return "classes";
  return type.startsWith("image/") ? "picture" : undefined;
}

/** For files that are none of these. */
export function unknownKind({ name, type }: File): LrpError {
  const received = type || "a file of unknown type";
  const expected = "a picture, a network (.onnx) or class names (.txt, .json)";
  return new LrpError("usage", { where: `file '${name}'`, expected, received });
}

/** Class names: a JSON list, or one a line; of a synset, its first name. */
export async function classNames(file: File): Promise<readonly string[]> {
  const text = (await file.text()).trimEnd();
  if (!/^\s*\[/.test(text)) return text.split(/\r?\n/).map((line) => line.replace(/^n\d{8}\s+([^,]*).*/, "$1").trim());
  const names = parsed(text);
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw new LrpError("usage", {
    where: `file '${file.name}'`,
    expected: "a JSON list of class names, or one a line",
    received: "other text",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const wrongNames = (network: string, expected: number, received: number) =>
  new LrpError("usage", {
    where: "class names",
    expected: `${expected}, one for each output of '${network}'`,
    received: `${received}`,
  });

/** Files that are dropped anywhere on the page, or chosen with one of these inputs. */
export function onFiles(inputs: readonly HTMLInputElement[], take: (files: readonly File[]) => void): void {
  for (const input of inputs)
    input.addEventListener("change", () => {
      take([...(input.files ?? [])]);
      input.value = "";
    });
  const { body } = document;
  const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    body.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    take([...event.dataTransfer!.files]);
  });
}
