/* Means, intervals and tests of the leaderboard. */
import { bootstrap, mean, pairedTest } from "../../../dist/evaluate/index.js";
import { holm } from "../../../build/js/cli/evaluate/holm.js";

/** A method's values of a metric, image by image; null where it is undefined. */
function valuesOf({ methods, runs }, run, metric, method) {
  const at = methods.indexOf(method);
  return runs[run].images.map((image) => image.methods[at].values[metric]);
}

const defined = (values) => values.filter((v) => v !== null);
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

/** The mean over images with its interval; the median of what has a heavy tail. */
export function summary(network, run, metric, method) {
  const values = defined(valuesOf(network, run, metric, method));
  return values.length < 2
    ? undefined
    : bootstrap(values, metric === "conservation" || metric === "time" ? median : mean);
}

/**
 * How methods do on one network by one way of replacing, most relevance gain first.
 * `p`: of the difference from the best, Holm's of all methods; the best has 1.
 */
export function cell(network, run) {
  // A map without relevance leaves all to chance, whose gain is 0.
  const gainsOf = (method) => valuesOf(network, run, "relevanceGain", method).map((gain) => gain ?? 0);
  const values = new Map(network.methods.map((method) => [method, gainsOf(method)]));
  const sorted = [...values]
    .map(([method, gains]) => ({ method, gains, gain: mean(gains) }))
    .sort((a, b) => b.gain - a.gain);
  const [best, ...others] = sorted;
  const adjusted = holm(others.map(({ gains }) => pairedTest(best.gains, gains).p));
  return {
    network: network.name,
    run,
    rows: sorted.map((row, i) => ({
      ...row,
      p: i === 0 ? 1 : adjusted[i - 1],
      rank: i + 1,
      share: row.gain / best.gain,
    })),
  };
}

/** The share of a tuple of images, one of each network, whose means are taken network by network. */
const shares = (cells, method, bests) => {
  const gains = cells.map(({ rows }) => rows.find((row) => row.method === method).gains);
  const best = cells.map(({ rows }, i) => rows.find((row) => row.method === bests[i]).gains);
  return gains[0].map((_, image) => gains.map((of, i) => [of[image], best[i][image]]));
};
const meanShare = (tuples) =>
  mean(tuples[0].map((_, i) => mean(tuples.map((t) => t[i][0])) / mean(tuples.map((t) => t[i][1]))));

/** A method's gain as a share of the best one's, mean over the networks, with its interval. */
export function shareOf(cells, method) {
  return bootstrap(
    shares(
      cells,
      method,
      cells.map(({ rows }) => rows[0].method),
    ),
    meanShare,
  );
}

/** How much of the best one's gain a method has more than another, mean over the networks, with its interval. */
export function shareAbove(cells, method, other) {
  const bests = cells.map(({ rows }) => rows[0].method);
  const [a, b] = [shares(cells, method, bests), shares(cells, other, bests)];
  return bootstrap(
    a.map((tuple, i) => tuple.map(([gain, best], n) => [gain - b[i][n][0], best])),
    meanShare,
  );
}

export { mean };
