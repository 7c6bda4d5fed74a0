import { weightedRows } from "../weighted";
import { begin, expected, near, quarters, room, tails } from "./support";

describe("weightedRows", () => {
  it("sums up the rows of every entry, for every tail", () => {
    const outer = 2, length = 5, out = 4;
    // The second output has no entry, the last all rows.
    const starts: i32[] = [0, 2, 2, 3, 8], from: i32[] = [4, 0, 2, 0, 1, 2, 3, 4];
    for (let t = 0; t < tails.length; t++) {
      const inner = tails[t];
      begin(`inner ${inner}`);
      const x = quarters(outer * length * inner), w = quarters(from.length), y = room(outer * out * inner);
      const first = room(out + 1), list = room(2 * from.length);
      for (let i = 0; i <= out; i++) i32.store(first.at + (i << 2), starts[i]);
      for (let e = 0; e < from.length; e++) {
        i32.store(list.at + (e << 3), from[e]);
        f32.store(list.at + (e << 3), <f32>w.get(e), 4);
      }
      const want = expected(outer * out * inner), sizes = expected(want.length);
      for (let o = 0; o < outer; o++) for (let to = 0; to < out; to++) for (let i = 0; i < inner; i++)
        for (let e = starts[to]; e < starts[to + 1]; e++) {
          const term = w.get(e) * x.get((o * length + from[e]) * inner + i), at = (o * out + to) * inner + i;
          want[at] += term;
          sizes[at] += abs(term);
        }
      weightedRows(x.at, first.at, list.at, y.at, outer, length, out, inner);
      near(y, want, sizes, 1e-6);
    }
  });
});
