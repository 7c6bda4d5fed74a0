/** Numbers from 0 to 1, the same ones for the same seed. Park and Miller's generator. */
export function uniform(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** Normally distributed numbers, drawn from a table: hundreds of millions of weights must not take minutes. */
export function normal(seed) {
  const next = uniform(seed);
  const table = Float32Array.from(
    { length: 65536 },
    () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
  );
  return () => table[Math.floor(next() * 65536)];
}
