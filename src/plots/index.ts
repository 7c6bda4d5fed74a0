export { type Bar, type BarPlot, barPlot } from "./bar.ts";
export { type Axis, type LinePlot, linePlot, type Series } from "./line.ts";
export { contactSheet, type SheetOptions, type Tile } from "./sheet.ts";
