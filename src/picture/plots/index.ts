/**
 * Plots as SVG, and sheets of pictures.
 *
 * @module relprop/plots
 */
export { type Bar, type BarPlot, barPlot } from "./bar.ts";
export { type LinePlot, linePlot, type Series } from "./line.ts";
export type { Axis } from "./scale.ts";
export { contactSheet, type SheetOptions, type Tile } from "./sheet.ts";
