/** From here on the continued fraction; below, polynomials around points of a table. */
const END = 3;
const STEP = 1 / 16;
/** The next term is below 5e-18 at half a step. */
const TERMS = 10;

/** erf(x) = 2 x e^(−x²) / √π · Σ_n (2 x²)^n / (2n + 1)!!, all terms positive. Source: DLMF 7.6.2. */
function series(x: number): number {
  let [sum, term] = [0, 1];
  for (let n = 1; sum + term !== sum; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return ((2 * x) / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Taylor coefficients of erf at each multiple of STEP: those of its slope g follow from g′ = −2 x g. */
function coefficients(): Float64Array {
  const points = END / STEP + 1;
  const table = new Float64Array(points * TERMS);
  for (let k = 0; k < points; k++) {
    const x = k * STEP;
    table[k * TERMS] = series(x);
    let [before, g] = [0, (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x)];
    for (let n = 1; n < TERMS; n++) {
      table[k * TERMS + n] = g / n;
      [before, g] = [g, (-2 * (x * g + before)) / n];
    }
  }
  return table;
}

const table = /* @__PURE__ */ coefficients();

/**
 * erfc(x) = e^(−x²) / √π · 1 / (x + ½ / (x + 1 / (x + 1½ / (x + …)))) for x ≥ END. Source: Laplace's continued
 * fraction, DLMF 7.9.2.
 */
function tail(x: number): number {
  let f = x;
  for (let n = 20; n > 0; n--) f = x + n / 2 / f;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * f);
}

/** The error function, to less than 1e-15. */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z >= END) return Math.sign(x) * (1 - tail(z));
  const k = Math.round(z / STEP);
  const d = z - k * STEP;
  let sum = 0;
  for (let n = TERMS - 1; n >= 0; n--) sum = sum * d + table[k * TERMS + n];
  return x < 0 ? -sum : sum;
}

/** 1 − erf(x), to float32's last digit however small it is. */
export function erfc(x: number): number {
  return x < END ? 1 - erf(x) : tail(x);
}
