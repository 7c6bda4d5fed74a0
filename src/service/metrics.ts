/** Seconds up to which requests are counted. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A number of the present, for `/metrics`. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

interface Times {
  readonly counts: number[];
  count: number;
  sum: number;
}

/** Counts requests, and writes the text that Prometheus reads (exposition format 0.0.4). */
export class Metrics {
  /** By route and status: both are of small lists, whatever clients ask for. */
  readonly #requests = new Map<string, number>();
  readonly #times = new Map<string, Times>();

  count(route: string, status: number, seconds: number): void {
    const labels = `route="${route}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    const times = this.#times.get(route) ?? { counts: BUCKETS.map(() => 0), count: 0, sum: 0 };
    this.#times.set(route, times);
    BUCKETS.forEach((most, i) => {
      if (seconds <= most) times.counts[i]++;
    });
    times.count++;
    times.sum += seconds;
  }

  text(gauges: readonly Gauge[]): string {
    const name = "relprop_request_seconds";
    const lines = [
      ...head("relprop_requests_total", "Requests that were answered.", "counter"),
      ...[...this.#requests].map(([labels, count]) => `relprop_requests_total{${labels}} ${count}`),
      ...head(name, "From the first byte of a request to its answer.", "histogram"),
      ...[...this.#times].flatMap(([route, { counts, count, sum }]) => [
        ...[...BUCKETS, "+Inf"].map((le, i) => `${name}_bucket{route="${route}",le="${le}"} ${counts[i] ?? count}`),
        `${name}_sum{route="${route}"} ${sum}`,
        `${name}_count{route="${route}"} ${count}`,
      ]),
      ...gauges.flatMap(({ name, help, value }) => [...head(name, help, "gauge"), `${name} ${value}`]),
    ];
    return `${lines.join("\n")}\n`;
  }
}

const head = (name: string, help: string, type: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
