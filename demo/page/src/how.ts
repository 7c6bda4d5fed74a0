import { byId } from "./dom.ts";
import { svg } from "./svg.ts";

/** A network small enough to be drawn: weights[layer][to][from], a ReLU behind the first layer, no biases. */
const INPUT = [1, 0.5, 0.8, 0.2];
const WEIGHTS = [
  [
    [0.6, 0.4, -0.2, 0],
    [-0.3, 0.5, 0.7, 0.1],
    [0.1, -0.6, 0.2, 0.9],
  ],
  [
    [0.9, 0.6, -0.4],
    [-0.2, 0.3, 0.5],
  ],
];
/** The output that is explained. */
const ANSWER = 0;

const product = (row: readonly number[], x: readonly number[]) => row.reduce((sum, w, i) => sum + w * x[i], 0);
const hidden = WEIGHTS[0].map((row) => Math.max(0, product(row, INPUT)));
const activations = [INPUT, hidden, WEIGHTS[1].map((row) => product(row, hidden))];

/** LRP's basic rule: R_i = Σ_j x_i w_ij / z_j R_j. */
function back(layer: number, relevance: readonly number[]): number[] {
  const x = activations[layer];
  return x.map((xi, i) =>
    WEIGHTS[layer].reduce((sum, row, j) => {
      const z = product(row, x);
      return z === 0 ? sum : sum + ((xi * row[i]) / z) * relevance[j];
    }, 0),
  );
}
const start = activations[2].map((score, k) => (k === ANSWER ? score : 0));
const middle = back(1, start);
const relevance = [back(0, middle), middle, start];

/** What each step says, and down to which layer relevance has come: 3 for none. */
const STEPS = [
  {
    down: 3,
    text:
      "First the network runs forward: each neuron adds up what the layer before hands to it. " +
      "At the end stands a score for each class.",
  },
  { down: 2, text: "One score is to be explained. All relevance starts there." },
  {
    down: 1,
    text:
      "The relevance of a neuron is shared among those of the layer before, to each by its part in the sum. " +
      "A neuron that lowered the sum gets negative relevance: blue.",
  },
  {
    down: 0,
    text:
      "This is repeated, layer by layer, down to the pixels. " +
      "Their relevance is the heatmap, and it still adds up to the score.",
  },
];

const [WIDTH, HEIGHT, RADIUS] = [400, 200, 19];
const xOf = (layer: number) => 62 + layer * 132;
const yOf = (layer: number, i: number) => {
  const count = activations[layer].length;
  return HEIGHT / 2 + (i - (count - 1) / 2) * 46;
};
const written = (value: number) => value.toFixed(2).replace("-", "−");

function edge(layer: number, to: number, from: number, down: number): SVGElement {
  const isLit = down <= layer;
  const z = activations[layer][from] * WEIGHTS[layer][to][from];
  const share = isLit ? (z / product(WEIGHTS[layer][to], activations[layer])) * relevance[layer + 1][to] : z;
  const sign = share < 0 ? "con" : "pro";
  return svg("line", {
    x1: xOf(layer),
    y1: yOf(layer, from),
    x2: xOf(layer + 1),
    y2: yOf(layer + 1, to),
    "stroke-width": Math.max(0.6, Math.min(9, 11 * Math.abs(share))),
    class: isLit && share !== 0 ? `edge ${sign}` : "edge",
  });
}

function neuron(layer: number, i: number, down: number): SVGElement {
  const isLit = down <= layer;
  const value = (isLit ? relevance : activations)[layer][i];
  const [x, y] = [xOf(layer), yOf(layer, i)];
  const shape =
    layer === 0
      ? svg("rect", { x: x - RADIUS, y: y - RADIUS, width: 2 * RADIUS, height: 2 * RADIUS, rx: 3 })
      : svg("circle", { cx: x, cy: y, r: RADIUS });
  shape.setAttribute("class", isLit && value !== 0 ? `neuron ${value < 0 ? "con" : "pro"}` : "neuron");
  shape.setAttribute("fill-opacity", `${isLit ? Math.min(1, 0.15 + Math.abs(value)) : 0.12 + 0.5 * Math.abs(value)}`);
  return svg("g", {}, shape, svg("text", { x, y: y + 4, class: "value" }, written(value)));
}

function picture(step: number): SVGElement {
  const { down } = STEPS[step];
  const edges = WEIGHTS.flatMap((layer, l) =>
    layer.flatMap((row, to) => row.map((_, from) => edge(l, to, from, down))),
  );
  const neurons = activations.flatMap((layer, l) => layer.map((_, i) => neuron(l, i, down)));
  const sums = relevance.map((layer, l) => {
    const said = down <= l ? `sum ${written(layer.reduce((a, b) => a + b))}` : ["pixels", "neurons", "scores"][l];
    return svg("text", { x: xOf(l), y: HEIGHT + 12, class: "sum" }, said);
  });
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT + 20}`, role: "img", "aria-labelledby": "how-text" },
    ...edges,
    ...neurons,
    ...sums,
  );
}

/** Milliseconds of each step when it plays. */
const PACE = 4000;

/** A small network through which relevance goes back, step by step. */
export function howItWorks(): void {
  let step = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const play = byId("how-play");
  const show = (next: number) => {
    step = (next + STEPS.length) % STEPS.length;
    byId("how-picture").replaceChildren(picture(step));
    byId("how-text").textContent = STEPS[step].text;
    byId("how-step").textContent = `${step + 1} of ${STEPS.length}`;
  };
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = "Play";
    play.ariaPressed = "false";
  };
  const start = () => {
    timer = setInterval(() => show(step + 1), PACE);
    play.textContent = "Pause";
    play.ariaPressed = "true";
    show(step + 1);
  };
  const turn = (by: number) => () => {
    pause();
    show(step + by);
  };
  byId("how-back").addEventListener("click", turn(-1));
  byId("how-next").addEventListener("click", turn(1));
  play.addEventListener("click", () => (timer === undefined ? start() : pause()));
  show(0);
}
