/**
 * Adds the operators that few networks have, such as `LSTM`, `GridSample` or those of scikit-learn's classifiers, for
 * `load`, `network` and `sequential` of every entry. It exports nothing; you only import it.
 *
 *     import "relprop/operators";
 *
 * In Node, Deno, Bun and on the edge, `relprop` has them already. A page loads them only if it imports them.
 *
 * @module relprop/operators
 */
import { register } from "../ops/index.ts";
import { rare } from "../ops/rare/index.ts";

register(rare);
