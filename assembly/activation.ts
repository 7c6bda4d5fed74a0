import { exp, expm1, log, sigmoid, tanh } from "./math";

/*
 * The functions of recurrent cells and their slopes, two numbers at a time in double precision. Which one stands in
 * memory, with its parameters: f32[3] = number, α, β. Relu is number 0 with α = 0, Tanh number 1 with α = β = 1.
 *
 *   0  x where x > α, else 0      1  α tanh(β x)             2  1 / (1 + exp(−x))
 *   3  α x + β                    4  x where x > 0, else α x  5  α x + β, between 0 and 1
 *   6  x where x > 0, else α (exp(x) − 1)                     7  x / (1 + |x|)      8  log(1 + exp(x))
 *
 * Source: ONNX LSTM-14.
 */

/** Below it log(1 + e) is e, and has more digits. */
const SMALL: f64 = 1e-8;

// @ts-ignore: decorator
@inline
function which(f: usize): i32 { return <i32>f32.load(f); }

// @ts-ignore: decorator
@inline
function splat(x: usize): v128 { return f64x2.splat(<f64>f32.load(x)); }

function activate(f: usize, x: v128): v128 {
  const a = splat(f + 4), b = splat(f + 8), zero = f64x2.splat(0), one = f64x2.splat(1);
  switch (which(f)) {
    case 0: return v128.andnot(x, f64x2.le(x, a));
    case 1: return f64x2.mul(a, tanh(f64x2.mul(b, x)));
    case 2: return sigmoid(x);
    case 3: return f64x2.add(f64x2.mul(a, x), b);
    case 4: return v128.bitselect(x, f64x2.mul(a, x), f64x2.gt(x, zero));
    case 5: return f64x2.pmin(f64x2.pmax(f64x2.add(f64x2.mul(a, x), b), zero), one);
    case 6: return v128.bitselect(x, f64x2.mul(a, expm1(x)), f64x2.gt(x, zero));
    case 7: return f64x2.div(x, f64x2.add(one, f64x2.abs(x)));
    default: {
      const e = exp(f64x2.neg(f64x2.abs(x)));
      return f64x2.add(f64x2.pmax(x, zero), v128.bitselect(e, log(f64x2.add(one, e)), f64x2.lt(e, f64x2.splat(SMALL))));
    }
  }
}

/** f'(x), at a kink that of the lower side. */
function slopeOf(f: usize, x: v128): v128 {
  const a = splat(f + 4), b = splat(f + 8), zero = f64x2.splat(0), one = f64x2.splat(1);
  switch (which(f)) {
    case 0: return v128.and(one, f64x2.gt(x, a));
    case 1: {
      const t = tanh(f64x2.mul(b, x));
      return f64x2.mul(f64x2.mul(a, b), f64x2.sub(one, f64x2.mul(t, t)));
    }
    case 2: {
      const y = sigmoid(x);
      return f64x2.mul(y, f64x2.sub(one, y));
    }
    case 3: return a;
    case 4: return v128.bitselect(one, a, f64x2.gt(x, zero));
    case 5: {
      const y = f64x2.add(f64x2.mul(a, x), b);
      return v128.and(a, v128.and(f64x2.gt(y, zero), f64x2.lt(y, one)));
    }
    case 6: return v128.bitselect(one, f64x2.mul(a, exp(x)), f64x2.gt(x, zero));
    case 7: {
      const y = f64x2.div(one, f64x2.add(one, f64x2.abs(x)));
      return f64x2.mul(y, y);
    }
    default: return sigmoid(x);
  }
}

export { activate, slopeOf };
