import { encodePng, type ExplainOptions, heatmap } from "relprop";
import { el } from "./dom.ts";
import type { Answer } from "./protocol.ts";

function save(data: BlobPart, type: string, name: string): void {
  const href = URL.createObjectURL(new Blob([data], { type }));
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** So wide are saved pictures, at least. */
const WIDTH = 448;

export async function savePicture({ map: { relevance, picture }, seen }: Answer): Promise<void> {
  const scale = Math.max(1, Math.round(WIDTH / picture.width));
  save(await encodePng(heatmap(relevance, { over: seen, scale })), "image/png", "relevance.png");
}

export function saveNumbers(
  { map: { relevance }, target, scores }: Answer,
  network: string,
  preset: string,
  options: ExplainOptions,
  wanted: ExplainOptions["target"],
): void {
  const numbers = {
    network,
    preset,
    options: { ...options, target: wanted },
    target,
    scores: [...scores],
    dims: relevance.dims,
    relevance: [...relevance.data],
  };
  save(JSON.stringify(numbers), "application/json", "relevance.json");
}
