import { convForward, convTable } from "../conv";
import { depthwiseForward } from "../depthwise";
import { convListForward, listNonzero } from "../conv-lists";
import { convRowsForward, convRowsVjp, countNonzero } from "../conv-rows";
import { addBlock, copyBlock, fill } from "../copy";
import { denseForward, denseVjp } from "../dense";
import { gemmForward, gemmVjp } from "../gemm";
import { addForward } from "../binary";
import { reluForward, reluVjp } from "../unary";
import { lrnForward, lrnTaylor } from "../lrn";
import { lrnSpatialTaylor } from "../lrn-spatial";
import { averagePoolForward, averagePoolVjp, maxPoolForward, maxPoolVjp } from "../pool";
import { softmaxForward, sum } from "../reduce";
import { divideStabilized, gateNegative, gatePositive, halvesForward, multiply, multiplyAdd } from "../relevance";
import { winogradForward } from "../winograd";

/*
 * Calls that are right stand beside calls that differ in one argument and are refused. Those would compute something,
 * and nothing but an assertion stops them: none reads or writes past the end of memory.
 */

const ROOM: i32 = 32768;
const base = heap.alloc(<usize>ROOM << 2);

function at(i: i32): usize { return base + (<usize>i << 2); }

/** `count` numbers before the end of memory. */
function beforeEnd(count: i32): usize { return (<usize>memory.size() << 16) - (<usize>count << 2); }

/** Windows of a pool with stride 1 on a 4 x 4 image. */
function pool(oh: i32, kh: i32, strideH: i32, top: i32): void {
  maxPoolForward(at(0), at(1024), 1, 4, 4, 1, oh, 3, kh, 2, strideH, 1, top, 0, 1, 1);
}

/** A pointwise convolution of 6 pixels with 4 channels. */
function pointwise(w: usize, y: usize, table: usize, m: i32): void {
  convForward(at(0), w, at(64), y, table, 6, m, 1, 1, 4, 0, 0);
}

function tableAt(i: i32): usize {
  convTable(at(i), 1, 1, 6, 0, 0, 4, 0, 0, 16);
  return at(i);
}

/** One 4 x 4 image by tiles. */
function winograd(c: i32, m: i32, taps: i32, yPixel: i32, some: i32, scratch: usize = at(16384)): void {
  winogradForward(at(0), at(2048), at(8192), at(8256), at(9216), scratch, 1, 4, 4, c, m, taps, 0, 40, 4, yPixel, some);
}

/** Windows of 2 x 2 on a 3 x 3 image of 2 channels, from the pixel `first` on. */
function listed(first: i32, y: usize): void {
  fill(at(0), 18, 1);
  listNonzero(at(0), at(64), at(128), 9, 2);
  convTable(at(256), 1, 2, 2, 9, 3, 1, 4, 2, 1);
  for (let i = 0; i < 4; i++) i32.store(at(256 + 2 * i), i32.load(at(256 + 2 * i)) + (first << 2));
  convListForward(at(128), at(64), at(512), at(1024), y, at(256), 4, 1, 2, 2, 2, 9, 3, 1);
}

function rows(w: usize, c: i32, group: i32, from: i32, count: i32): void {
  convRowsVjp(at(0), w, at(1024), at(2048), 1, 4, 4, c, 3, 3, 4, 2, 2, 1, 1, 0, 0, 1, 1, group, from, count);
}

describe("a kernel asserts what it demands", () => {
  beforeEach(() => { memory.fill(base, 0, <usize>ROOM << 2); });

  it("and goes on where it is given that", () => {
    reluForward(at(0), at(8), 8, 0, 0);
    reluForward(at(0), at(0), 8, 0, 0);
    reluVjp(at(0), at(8), at(8), 8, 0, 0);
    countNonzero(beforeEnd(12), 8);
    addForward(at(0), at(64), at(0), 1, 1, 2, 8, 0, 0, 8, 1, 0, 0, 0, 1);
    copyBlock(at(15), at(0), 1, 1, 1, 8, 0, 0, 0, -1, 0, 0, 0, 1);
    denseForward(at(0), at(64), at(128), at(192), 2, 4, 4, 5, 1, 1);
    denseVjp(at(0), beforeEnd(20), at(192), at(256), 2, 4, 4, 4, 1, 1);
    gemmForward(at(0), at(64), at(128), at(192), at(256), 2, 4, 4, 5, 1, 1);
    gemmVjp(at(0), beforeEnd(20), at(192), at(256), 2, 4, 4, 4, 1, 1);
    softmaxForward(at(0), at(0), 2, 3, 4);
    sum(at(0), at(8), 8);
    divideStabilized(at(0), at(8), at(0), 8, 1, 0, at(64));
    gatePositive(at(0), at(8), at(0), 8);
    multiply(at(0), at(8), at(8), 8);
    multiplyAdd(at(0), at(8), at(16), 8);
    halvesForward(at(0), at(8), 2, 4);
    lrnForward(at(0), at(64), at(128), 2, 4, 2, 2, 1, 0.75, 1);
    lrnTaylor(at(0), at(64), at(128), at(256), 2, 4, 2, 2, 1, 0.75, 1);
    lrnSpatialTaylor(at(0), at(64), at(128), at(256), 1, 2, 2, 4, 1, 1, 1, 0.75, 1);
    pool(3, 2, 1, 0);
    pool(5, 2, 1, 1);
    averagePoolVjp(at(0), at(256), at(1024), 1, 4, 4, 1, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 2, 2);
    pointwise(beforeEnd(68), at(1024), tableAt(512), 16);
    depthwiseForward(at(0), at(64), at(128), at(1024), tableAt(512), 6, 4, 1, 1, 0, 0);
    listed(0, at(1280));
    rows(beforeEnd(68), 4, 1, 2, 2);
    winograd(4, 4, 3, 4, 6);
  });

  it("a pointer that is a multiple of 4", () => {
    expect(() => { reluForward(at(0) + 2, at(8), 8, 0, 0); }).toThrow("x");
    expect(() => { reluForward(at(0), at(8) + 1, 8, 0, 0); }).toThrow("y");
    expect(() => { sum(at(0), at(8) + 2, 8); }).toThrow("f64");
    expect(() => { winograd(4, 4, 3, 4, 6, at(16385)); }).toThrow("tiles, of 16");
    expect(() => {
      addForward(at(0) + 2, at(0) + 2, at(0) + 2, 1, 1, 2, 8, 0, 0, 8, 1, 0, 0, 8, 1);
    }).toThrow("in place");
  });

  it("a pointer that is not 0, and not the compiler's", () => {
    expect(() => { countNonzero(0, 8); }).toThrow("0");
    expect(() => { countNonzero(__heap_base - 4, 8); }).toThrow("the compiler's");
  });

  it("sizes that are not negative", () => {
    expect(() => { fill(at(0), -1, 1); }).toThrow("count");
    expect(() => { lrnForward(at(0), at(64), at(128), 2, 4, -1, 2, 1, 0.75, 1); }).toThrow("before");
    expect(() => { denseForward(at(0), at(64), at(128), at(192), -2, 4, 4, 5, 1, 1); }).toThrow("n");
  });

  it("products of sizes, and distances, that fit an i32", () => {
    expect(() => {
      convForward(at(0), at(8), at(64), at(1024), at(512), 0, 8, 65536, 65536, 1, 0, 0);
    }).toThrow("a product");
    expect(() => {
      convForward(at(0), at(8), at(64), at(1024), at(512), 0, 8, 2, 1, 1, i32.MAX_VALUE, 0);
    }).toThrow("a distance");
    expect(() => { convTable(at(512), 1, 1, 6, 0, 0, i32.MAX_VALUE, 0, 0, 16); }).toThrow("in x");
    expect(() => { convTable(at(512), 1, 1, 6, 0, 0, 4, 0, 0, i32.MAX_VALUE); }).toThrow("in y");
    expect(() => { pool(3, 2, i32.MAX_VALUE, 0); }).toThrow("a stride");
  });

  it("blocks that lie in memory, with the 16 bytes behind them", () => {
    expect(() => { countNonzero(beforeEnd(11), 8); }).toThrow("12 bytes left");
    // Without relevance no weight is read.
    expect(() => { denseVjp(at(0), beforeEnd(12), at(192), at(256), 2, 4, 4, 4, 1, 1); }).toThrow("w of denseVjp");
    expect(() => { rows(beforeEnd(60), 4, 1, 2, 2); }).toThrow("weights of convRowsVjp");
  });

  it("outputs that overlap nothing, but what they may be", () => {
    expect(() => { reluForward(at(0), at(1), 8, 0, 0); }).toThrow("one number on");
    expect(() => { reluVjp(at(0), at(8), at(7), 8, 0, 0); }).toThrow("across x and r");
    expect(() => {
      addForward(at(0), at(64), at(0), 1, 1, 2, 8, 0, 0, 0, 1, 0, 0, 0, 1);
    }).toThrow("on what is broadcast");
    expect(() => { addForward(at(0), at(64), at(65), 1, 1, 2, 8, 0, 0, 8, 1, 0, 0, 0, 1); }).toThrow("on a part of b");
    expect(() => { copyBlock(at(14), at(0), 1, 1, 1, 8, 0, 0, 0, -1, 0, 0, 0, 1); }).toThrow("x, from its end");
    expect(() => { addBlock(at(0), at(7), 1, 1, 1, 8, 0, 0, 0, 1, 0, 0, 0, 1); }).toThrow("of addBlock");
    expect(() => { denseForward(at(0), at(64), at(128), at(79), 2, 4, 4, 5, 1, 1); }).toThrow("w of denseForward");
    expect(() => { softmaxForward(at(0), at(4), 2, 3, 4); }).toThrow("of softmaxForward");
    expect(() => { sum(at(0), at(7), 8); }).toThrow("sums");
    expect(() => {
      divideStabilized(at(0), at(16), at(4), 8, 1, 0, at(64));
    }).toThrow("a part of r of divideStabilized");
    expect(() => {
      divideStabilized(at(16), at(0), at(4), 8, 1, 0, at(64));
    }).toThrow("a part of z of divideStabilized");
    expect(() => { divideStabilized(at(0), at(8), at(0), 8, 1, 0, at(12)); }).toThrow("the ledger");
    expect(() => { gatePositive(at(0), at(8), at(8), 8); }).toThrow("z of gatePositive");
    expect(() => { gateNegative(at(0), at(16), at(4), 8, at(64)); }).toThrow("a part of r of gateNegative");
    expect(() => { multiply(at(0), at(8), at(9), 8); }).toThrow("of multiply");
    expect(() => { multiplyAdd(at(0), at(8), at(0), 8); }).toThrow("of multiplyAdd");
    expect(() => { halvesForward(at(0), at(0), 2, 4); }).toThrow("of halvesForward");
    expect(() => { lrnForward(at(0), at(64), at(63), 2, 4, 2, 2, 1, 0.75, 1); }).toThrow("scratch of lrnForward");
    expect(() => {
      lrnTaylor(at(0), at(64), at(128), at(71), 2, 4, 2, 2, 1, 0.75, 1);
    }).toThrow("scratch of lrnTaylor");
    expect(() => {
      lrnSpatialTaylor(at(0), at(64), at(128), at(143), 1, 2, 2, 4, 1, 1, 1, 0.75, 1);
    }).toThrow("scratch of lrnSpatialTaylor");
    expect(() => {
      maxPoolVjp(at(0), at(16), at(32), at(15), 1, 4, 4, 1, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1, 0, 4);
    }).toThrow("of maxPoolVjp");
    expect(() => { pointwise(at(100), at(1024), tableAt(1030), 8); }).toThrow("the table");
    expect(() => { pointwise(at(1030), at(1024), tableAt(512), 8); }).toThrow("w of convForward");
    expect(() => {
      depthwiseForward(at(0), at(64), at(128), at(8), tableAt(512), 6, 4, 1, 1, 0, 0);
    }).toThrow("x of depthwiseForward");
    expect(() => { listNonzero(at(0), at(64), at(66), 9, 2); }).toThrow("starts and lists");
    expect(() => { listed(0, at(127)); }).toThrow("lists of convListForward");
    expect(() => {
      convRowsForward(at(0), at(64), at(128), at(512), at(1024), at(1030), 1, 4, 4, 4, 3, 3, 4, 2, 2, 1, 1, 0, 0, 1, 1,
        1);
    }).toThrow("scratch");
  });

  it("windows that lie over the image", () => {
    expect(() => { pool(5, 2, 1, 0); }).toThrow("one begins behind it");
    expect(() => { pool(3, 2, 1, 2); }).toThrow("one ends before it");
    expect(() => { pool(3, 2, 0, 0); }).toThrow("a stride of 0");
    expect(() => { pool(3, 0, 1, 0); }).toThrow("a kernel of 0");
    expect(() => {
      averagePoolForward(at(0), at(1024), 1, 4, 4, 1, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1, 0, -1, 0, 0);
    }).toThrow("padding below 0");
    expect(() => {
      averagePoolVjp(at(0), at(256), at(1024), 1, 4, 4, 1, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 2, 3);
    }).toThrow("rows below it");
    expect(() => { rows(at(4096), 4, 1, -1, 2); }).toThrow("rows above it");
    expect(() => { listed(5, at(1280)); }).toThrow("a pixel too far");
  });

  it("panels, tiles, groups and rows that fit", () => {
    // The second panel begins where the memory has 16 bytes less than it needs.
    expect(() => { pointwise(beforeEnd(64), at(1024), tableAt(512), 16); }).toThrow("a panel too many");
    expect(() => { winograd(4, 4, 3, 4, 4); }).toThrow("4 tiles together");
    expect(() => { winograd(4, 4, 4, 4, 6); }).toThrow("taps 4");
    expect(() => { winograd(3, 4, 3, 4, 6); }).toThrow("3 inputs");
    expect(() => { winograd(4, 6, 3, 6, 6); }).toThrow("6 outputs");
    expect(() => { winograd(4, 8, 3, 4, 6); }).toThrow("8 outputs in 4 places");
    expect(() => { rows(at(4096), 6, 4, 0, 4); }).toThrow("4 groups of 6 channels");
    expect(() => { denseForward(at(0), at(64), at(128), at(192), 2, 4, 4, 3, 1, 1); }).toThrow("rows of y");
    expect(() => { denseVjp(at(0), at(64), at(192), at(256), 2, 4, 4, 5, 1, 1); }).toThrow("columns");
    expect(() => { gemmForward(at(0), at(64), at(128), at(192), at(256), 2, 4, 4, 3, 1, 1); }).toThrow("rows of y");
    expect(() => { gemmForward(at(0), at(64), at(128), at(192), at(256), 2, 4, 0, 4, 1, 1); }).toThrow("no terms");
    expect(() => { gemmVjp(at(0), at(64), at(192), at(256), 2, 4, 4, 5, 1, 1); }).toThrow("columns");
    expect(() => { softmaxForward(at(0), at(0), 2, 0, 4); }).toThrow("an axis of 0");
    const table = tableAt(512);
    i32.store(table, 2, 16);
    expect(() => { pointwise(at(100), at(1024), at(512), 8); }).toThrow("an entry of the table");
  });
});
