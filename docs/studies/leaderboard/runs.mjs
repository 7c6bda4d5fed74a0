/* What is measured: rows of command lines. */

/** How far an input is moved for its sensitivity, as a share of the range that it can have. */
const RADIUS = 0.02;

/** Pixels, or regions of p × p, that are all replaced in so many steps. */
function replaced({ side }, region, steps) {
  return { region, step: Math.ceil(Math.ceil(side / region) ** 2 / steps), flips: steps };
}

const rangeOf = ({ low, high }) => Math.max(...high) - Math.min(...low);

const row = (name, images, optionsOf) => ({
  name,
  images,
  optionsOf: (network) => ({ images, ...optionsOf(network) }),
});

/** Runs by three ways to take pixels away, which order methods differently. */
export const FAITHFUL = ["mean", "noise", "linear"];

export const smallRuns = [
  row("mean", 300, (network) => ({
    metrics: "relevanceGain,morf,gini,entropy,conservation",
    replacement: "mean",
    ...replaced(network, 1, 8),
  })),
  row("noise", 50, (network) => ({ metrics: "relevanceGain,morf", replacement: "noise", ...replaced(network, 4, 8) })),
  row("linear", 50, (network) => ({
    metrics: "relevanceGain,morf",
    replacement: "linear",
    ...replaced(network, 2, 5),
  })),
  row("robust", 10, (network) => ({ metrics: "maxSensitivity,time", radius: RADIUS * rangeOf(network), workers: 1 })),
  row("random", 5, () => ({ metrics: "parameterRandomisation" })),
];

export const largeRuns = [
  row("mean", 9, (network) => ({
    metrics: "relevanceGain,morf,gini,entropy,conservation",
    preset: network.preset,
    replacement: "mean",
    ...replaced(network, 14, 6),
  })),
];
