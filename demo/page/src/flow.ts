import { byId, el, percent, short } from "./dom.ts";
import { kept, NOTHING } from "./ledger.ts";
import { inked, put } from "./paint.ts";
import type { Answer, Layer } from "./protocol.ts";
import { svg } from "./svg.ts";

/** In pixels: how wide a column is at least, how high is the flow of the whole score, and where the floor is. */
const [NARROW, HEIGHT, FLOOR] = [96, 84, 132];
/** A smaller share is not drawn. */
const LEAST = 100 * NOTHING;

/** Names of operators, for people. */
const NAMES: Readonly<Record<string, string>> = {
  Conv: "convolution",
  ConvTranspose: "convolution",
  Gemm: "dense",
  MatMul: "dense",
  Add: "sum",
  AveragePool: "mean",
  GlobalAveragePool: "mean",
  MaxPool: "maximum",
};

function thumbnail({ picture }: Pick<Layer, "picture">): HTMLElement {
  if (!picture) return el("span", { className: "thumbnail" });
  const canvas = el("canvas", { className: picture.height === 1 ? "thumbnail strip" : "thumbnail" });
  canvas.setAttribute("aria-hidden", "true");
  put(canvas, inked(picture));
  return canvas;
}

/**
 * "/stage1/conv1/Conv" is long: the last two parts of the name but the type, where a line may end between them. A number
 * alone says nothing.
 */
function shortName({ node, type }: Layer): string {
  const parts = node.split("/").filter((part) => part !== "" && part !== type);
  const name = parts.slice(-2).join("/\u200b") || node;
  return /^\d+$/.test(name) ? `node ${name}` : name;
}

const words = (head: HTMLElement, title: string, below: string) => [
  head,
  el("span", { className: "node" }, title),
  el("span", { className: "rule" }, below),
];

function column(layer: Layer, isChosen: boolean, choose: (node: string) => void): HTMLElement {
  const title = `${layer.node}: ${layer.type}, ${layer.rule}`;
  const rule = layer.rule.replace(/\(.*/, "");
  const inside = words(thumbnail(layer), NAMES[layer.type] ?? layer.type, `${shortName(layer)}, ${rule}`);
  if (!layer.channels) return el("div", { className: "column", title }, ...inside);
  const onclick = () => choose(layer.node);
  const button = el("button", { type: "button", className: "column", title, onclick }, ...inside);
  button.ariaPressed = `${isChosen}`;
  return button;
}

/** The part of the flow over one column, which narrows from one height to another. */
function band(x: number, width: number, from: number, to: number, className: string): SVGElement {
  const [right, half] = [x + width, x + width / 2];
  const lower = `C${half},${to} ${half},${from} ${x},${from}`;
  return svg("path", { d: `M${x},0 L${right},0 L${right},${to} ${lower} Z`, class: className });
}

/** What a layer keeps falls out of the flow. */
function fallen(x: number, width: number, from: number, size: number, name: string, share: number): SVGElement[] {
  const thick = Math.max(2, Math.min(size, width / 2));
  const drop = { x, y: from, width: thick, height: FLOOR - from, class: share < 0 ? `${name} negative` : name };
  return [svg("rect", drop), svg("text", { x, y: FLOOR + 14, class: "fallen" }, percent(share))];
}

const keeps = (layer: Layer) => kept.reduce((sum, { name }) => sum + layer[name], 0);

/** The flow itself, under its columns. Where it divides, the part that passes a layer is drawn in it. */
function drawing({ layers, map, begun }: Answer, width: number): SVGElement {
  const start = begun || 1;
  /** What is on its way, at the score, at each layer, and at the picture. */
  const rest = [1, 1];
  for (const layer of layers) rest.push(rest.at(-1)! - keeps(layer) / start);
  rest[rest.length - 1] = map.sum / start;
  const scale = HEIGHT / Math.max(...rest.map(Math.abs));
  const heights = rest.map((share) => Math.max(1.5, Math.abs(share) * scale));
  const picture = svg("svg", { width: width * rest.length, height: FLOOR + 20, "aria-hidden": "true" });
  rest.forEach((share, i) => {
    const x = i * width;
    const to = Math.min(i + 1, rest.length - 1);
    const layer: Layer | undefined = layers[i - 1];
    const kinds = layer ? kept.filter(({ name }) => Math.abs(layer[name] / start) > LEAST) : [];
    kinds.forEach(({ name }, k) => {
      const part = layer[name] / start;
      const left = x + width * (0.35 + (0.6 * k) / kinds.length);
      picture.append(...fallen(left, width, Math.min(heights[i], heights[to]) - 1, Math.abs(part) * scale, name, part));
    });
    picture.append(band(x, width, heights[i], heights[to], share < 0 ? "passed negative" : "passed"));
    const here = layer ? layer.received / start : share;
    if (Math.abs(share - here) > 0.005) {
      const height = Math.max(1.5, Math.min(heights[i], Math.abs(here) * scale));
      picture.append(svg("rect", { x: x + 2, width: width - 4, height, class: "through" }));
    }
    const isThin = heights[i] < 16;
    const place = { x: x + width / 2, y: isThin ? heights[i] + 16 : heights[i] / 2 + 4 };
    picture.append(svg("text", { ...place, class: isThin ? "amount beside" : "amount" }, percent(here)));
  });
  return picture;
}

/**
 * The account as a flow from the answer, on the left, to the picture: it is as high as the relevance that is on its
 * way, and what a layer keeps falls out of it.
 */
export function showFlow(answer: Answer, what: string, choose: (node: string) => void): void {
  const { layers, map, channels, begun } = answer;
  const place = byId("flow");
  const width = Math.max(NARROW, Math.floor(place.clientWidth / (layers.length + 2)));
  const amount = (sum: number) => el("span", { className: "thumbnail amount" }, short(sum));
  const first = el("div", { className: "column" }, ...words(amount(begun), what, "the score"));
  const last = el("div", { className: "column" }, ...words(thumbnail(map), "the picture", `sum ${short(map.sum)}`));
  const columns = [first, ...layers.map((layer) => column(layer, layer.node === channels?.node, choose)), last];
  for (const each of columns) each.style.width = `${width}px`;
  const isTurned = place.scrollLeft;
  place.replaceChildren(el("div", { className: "columns" }, ...columns), drawing(answer, width));
  place.scrollLeft = isTurned;
}

/** The channels of one layer with the most relevance. */
export function showChannels({ channels, begun }: Answer): void {
  byId("channels-field").hidden = !channels;
  if (!channels) return;
  const { node, count, strongest } = channels;
  byId("channels-title").textContent =
    `Channels of ${node}${strongest.length < count ? `: ${strongest.length} of ${count}` : ""}`;
  byId("channels").replaceChildren(
    ...strongest.map(({ index, sum, picture }) =>
      el("figure", {}, thumbnail({ picture }), el("figcaption", {}, `${index}: ${percent(sum / (begun || 1))}`)),
    ),
  );
}
