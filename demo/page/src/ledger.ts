import type { LedgerRow } from "relprop";
import { byId, el, percent, short } from "./dom.ts";
import type { Answer, Layer, RelevanceMap } from "./protocol.ts";

/** What a node may keep of the relevance that it receives. */
export const kept = [
  { name: "bias", means: "is absorbed by biases" },
  { name: "stabilizer", means: "is absorbed by the stabilizer" },
  { name: "dead", means: "is lost at dead neurons" },
  { name: "softmax", means: "is taken by a softmax" },
  { name: "other", means: "is kept by added constants, or unaccounted for by a gradient" },
] as const satisfies readonly { name: keyof LedgerRow; means: string }[];

/** Below this share of the start it is rounding. */
export const NOTHING = 1e-5;

function bar(parts: readonly { className: string; share: number }[]): HTMLElement {
  const track = el("div", { className: "track" });
  track.setAttribute("aria-hidden", "true");
  for (const { className, share } of parts) {
    const part = el("span", { className: share < 0 ? `${className} negative` : className });
    part.style.width = `${Math.min(100, 100 * Math.abs(share))}%`;
    track.append(part);
  }
  return track;
}

/**
 * What the bars are measured by: where relevance started, and, as shares of it, the most that arrives at a layer and
 * that one keeps.
 */
interface Scale {
  readonly start: number;
  readonly arrives: number;
  readonly keeps: number;
}

const cell = (...children: HTMLElement[]) => el("td", { role: "cell" }, ...children);
const number = (text: string) => el("span", { className: "number" }, text);
const heading = (...parts: HTMLElement[]) => el("th", { scope: "row", role: "rowheader" }, ...parts);
const line = (className: string, text: string) => el("span", { className }, text);

function arrival(received: number, { start, arrives }: Scale): HTMLElement {
  const share = received / start;
  return cell(bar([{ className: "passed", share: share / arrives }]), number(percent(share)));
}

function rowOf(layer: Layer, scale: Scale): HTMLTableRowElement {
  const parts = kept
    .map(({ name }) => ({ name, share: layer[name] / scale.start }))
    .filter(({ share }) => Math.abs(share) > NOTHING);
  const said = parts.map(({ name, share }) => `${name} ${percent(share)}`).join(", ") || "nothing";
  const keeps =
    parts.length > 0 ? [bar(parts.map(({ name, share }) => ({ className: name, share: share / scale.keeps })))] : [];
  return el(
    "tr",
    { role: "row" },
    heading(line("node", layer.node), line("rule", `${layer.type}, ${layer.rule}`)),
    cell(number(short(layer.magnitude))),
    arrival(layer.received, scale),
    cell(...keeps, number(said)),
  );
}

function lastRow({ relevance, sum }: RelevanceMap, scale: Scale): HTMLTableRowElement {
  const magnitude = relevance.data.reduce((total, r) => total + Math.abs(r), 0);
  const cells = [heading(line("node", "the picture")), cell(number(short(magnitude)))];
  return el("tr", { role: "row" }, ...cells, arrival(sum, scale), cell());
}

/** The ledger in numbers: what arrives at each layer, and what it keeps. */
export function showLedger({ begun, layers, handedOn, map }: Answer): void {
  const start = begun || 1;
  const arrives = Math.max(...layers.map(({ received }) => Math.abs(received / start)), Math.abs(map.sum / start));
  const sizes = layers.map((layer) => kept.reduce((sum, { name }) => sum + Math.abs(layer[name] / start), 0));
  const scale = { start, arrives, keeps: Math.max(NOTHING, ...sizes) };
  byId("ledger").replaceChildren(...layers.map((layer) => rowOf(layer, scale)), lastRow(map, scale));
  byId("ledger-sum").textContent = summary(start, map, layers);
  const widest =
    `The bars of what stays have a scale of their own: the longest is ${percent(scale.keeps)} of the score. ` +
    `A hatched bar is below zero: the layer adds relevance. `;
  byId("ledger-note").textContent =
    `Σ|R| is the sum of all relevance there without its signs. ${scale.keeps > NOTHING ? widest : ""}` +
    `${handedOn} nodes that only hand relevance on are left out.`;
}

function summary(start: number, { sum: arrived, exploded }: RelevanceMap, layers: readonly Layer[]): string {
  if (exploded)
    return `The score is ${short(start)}, but ${short(arrived)} arrives at the picture: relevance has exploded on its way.`;
  const parts = kept.map(
    ({ name, means }) => [layers.reduce((sum, layer) => sum + layer[name], 0) / start, means] as const,
  );
  const said = parts
    .filter(([share]) => Math.abs(share) > NOTHING)
    .map(([share, means]) => `${percent(share)} ${means}`);
  return (
    `Of ${short(start)} at the output, ${short(arrived)} (${percent(arrived / start)}) reaches the ` +
    `picture; ${said.join(", ") || "nothing is absorbed"}.`
  );
}
