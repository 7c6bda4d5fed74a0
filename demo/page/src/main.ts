import { encodePng, heatmap, LrpError } from "relprop";
import network from "../../digits.onnx?url";
import { classes } from "../../digits.relprop.json";
import { digits } from "./digits.ts";
import { byId, el, milliseconds, percent } from "./dom.ts";
import { engine } from "./engine.ts";
import { classNames, kindOf, kinds, onFiles, unknownKind } from "./files.ts";
import { showLayers } from "./layers.ts";
import { mapPanels } from "./maps.ts";
import { opener } from "./opening.ts";
import { draw, pad } from "./pad.ts";
import { type Chosen, nameOf, predictionChart, probabilities } from "./prediction.ts";
import { preparations } from "./preparations.ts";
import { clearError, say, showError } from "./messages.ts";
import type { Answer, Calls, Opened, Question } from "./protocol.ts";
import { bounds, ruleControls } from "./rules.ts";
import { ink, SIDE, type Stroke } from "./strokes.ts";

const ask = engine<Calls>(new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));

interface State {
  readonly network?: Opened;
  readonly strokes: readonly Stroke[];
  /** Name of the photo, if it is not the drawing that is explained. */
  readonly photo?: string;
  readonly target: Chosen;
  readonly answer?: Answer;
}

let state: State = { strokes: digits[3], target: "argmax" };
const change = (part: Partial<State>) => {
  state = { ...state, ...part };
};

const preparation = preparations(() => {
  showBounds();
  explain();
});
const rules = ruleControls(explain);
const maps = mapPanels(explain);
const prediction = predictionChart((target) => {
  change({ target });
  explain();
});
const board = pad(byId<HTMLCanvasElement>("pad"), drawn);

function question(): Question {
  const preset = preparation.chosen();
  const drawing = state.photo === undefined ? { data: ink(state.strokes), width: SIDE, height: SIDE } : undefined;
  return { drawing, preset, options: { ...rules.options(preset), target: state.target }, modes: maps.modes() };
}

let asking = false;
let again = false;

/** Asks for an explanation of the page as it is; what changes meanwhile is asked for once, at the end. */
async function explain(): Promise<void> {
  again = true;
  if (asking || !state.network) return;
  asking = true;
  byId("result").ariaBusy = "true";
  while (again) {
    again = false;
    if (isBlank()) showNothing();
    else await answered();
  }
  byId("result").ariaBusy = "false";
  asking = false;
}

async function answered(): Promise<void> {
  maps.fit(state.network!.lrn && rules.takesLrn());
  try {
    if (state.photo !== undefined && preparation.wanted()) {
      preparation.take(await ask("tryPresets", null));
      showBounds();
    }
    show(await ask("explain", question()));
    clearError("explain");
  } catch (error) {
    hold(undefined);
    showError("explain", "This cannot be explained", error);
  }
}

const isBlank = () => state.photo === undefined && state.strokes.length === 0;

/** Keeps the answer; without one, what is still shown fades, and cannot be saved. */
function hold(answer: Answer | undefined): void {
  change({ answer });
  byId("result").classList.toggle("stale", !answer);
  for (const id of ["verdict", "timing"]) byId(id).textContent = "";
  for (const id of ["save-picture", "save-numbers"]) byId<HTMLButtonElement>(id).disabled = !answer;
}

function showNothing(): void {
  hold(undefined);
  clearError("explain");
  byId("verdict").textContent = "Draw a digit";
}

function show(answer: Answer): void {
  hold(answer);
  const { target, scores, maps: drawnMaps, notes, exploded } = answer;
  const names = namesFor(scores.length);
  const what = nameOf(target.index, names);
  const { shares } = probabilities(scores);
  const share = percent(shares[target.index]);
  const strongest = scores.reduce((best, score, index) => (score > scores[best] ? index : best), 0);
  const other = strongest === target.index ? "" : `; the strongest is ${nameOf(strongest, names)}`;
  const verdict = `${what}, ${share}${other}`;
  const ms = drawnMaps.reduce((sum, map) => sum + map.ms, 0);
  prediction.show(scores, names, state.target, target.index);
  preparation.doubt(state.photo === undefined ? undefined : shares[strongest], names);
  maps.show(answer, what, state.photo === undefined);
  showLayers(answer);
  byId("verdict").textContent = verdict;
  byId("timing").textContent = `${drawnMaps.length === 1 ? "explained" : "explained twice"} in ${milliseconds(ms)}`;
  byId("notes").replaceChildren(...notes.map((note) => el("li", {}, note)));
  byId("notes-field").hidden = notes.length === 0;
  byId("exploded").textContent = notes.filter((note) => note.startsWith("Warning: ")).join(" ");
  byId("exploded").hidden = !exploded;
  byId("maps").classList.toggle("exploded", exploded);
  say(`${exploded ? "Warning, the explanation has exploded. " : ""}Explained: ${verdict}, in ${milliseconds(ms)}.`);
}

/** Names of the classes, if there are as many as scores: others are put away, and the reason said. */
function namesFor(count: number): readonly string[] | undefined {
  const { classes: names, ...rest } = state.network!;
  if (!names || names.length === count) return names;
  change({ network: rest });
  const issue = {
    where: "class names",
    expected: `${count}, one for each output of '${rest.name}'`,
    received: `${names.length}`,
  };
  showError("file", "These class names cannot be used", new LrpError("usage", issue));
  return undefined;
}

function drawn(strokes: readonly Stroke[]): void {
  change({ strokes });
  explain();
}

/** Puts strokes on the pad, and the photo away. */
function putStrokes(strokes: readonly Stroke[]): void {
  showPhoto(undefined);
  board.show(strokes);
  drawn(strokes);
}

function showPhoto(file: File | undefined): void {
  const image = byId<HTMLImageElement>("photo");
  if (image.src) URL.revokeObjectURL(image.src);
  image.removeAttribute("src");
  image.hidden = !file;
  byId("pad").hidden = !!file;
  byId("photo-facts").textContent = "";
  byId("clear").textContent = file ? "Back to drawing" : "Clear";
  if (file) Object.assign(image, { src: URL.createObjectURL(file), alt: file.name });
  if (!file !== (state.photo === undefined)) maps.start(!!file);
  change({ photo: file?.name });
}

async function openNetwork(file: Blob, name: string, names?: readonly string[], known = false): Promise<void> {
  say(`Loading ${name}.`);
  const opened = await ask("load", { file, name, classes: names });
  const [, channels, height] = opened.dims;
  change({ network: opened, target: "argmax" });
  const usual = channels === 3 && !(Number(height) < 64) ? "torchvision" : "unit";
  preparation.fit(usual, opened.stated, known);
  showBounds();
  rules.fit(opened);
  byId("network").textContent = name;
  byId("network-facts").textContent =
    `${opened.parameters.toLocaleString("en")} parameters, ${opened.nodes} nodes, input ` +
    `${opened.dims.join(" × ")}, loaded in ${milliseconds(opened.ms)}`;
}

async function openPicture(file: File): Promise<void> {
  const size = await ask("see", { file, name: file.name });
  showPhoto(file);
  preparation.forget();
  byId("photo-facts").textContent = `${file.name}, ${size}`;
}

async function openClasses(file: File): Promise<void> {
  const names = await classNames(file);
  change({ network: { ...state.network!, classes: names } });
}

const openers = { network: (file: File) => openNetwork(file, file.name), classes: openClasses, picture: openPicture };

async function openFile(file: File): Promise<void> {
  const kind = kindOf(file);
  if (!kind) throw unknownKind(file);
  await openers[kind](file);
}

async function openDigits(): Promise<void> {
  await openNetwork(await (await fetch(network)).blob(), "digits.onnx", classes, true);
}

const open = opener(explain);

/** Networks before the names of their classes, and before the pictures that they see. */
function openFiles(files: readonly File[]): void {
  const rank = (file: File) => kinds.indexOf(kindOf(file)!);
  const ordered = [...files].sort((a, b) => rank(a) - rank(b));
  open(ordered.map((file) => ({ name: file.name, work: () => openFile(file) })));
}

const openDemo = () => open([{ name: "digits.onnx", work: openDigits }]);

function showBounds(): void {
  const { low, high } = bounds(preparation.chosen());
  const list = (values: readonly number[]) => values.map((v) => v.toFixed(2)).join(", ");
  byId("bounds").textContent = `After the preparation, inputs lie between ${list(low)} and ${list(high)}.`;
}

function save(data: BlobPart, type: string, name: string): void {
  const href = URL.createObjectURL(new Blob([data], { type }));
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

async function savePicture(): Promise<void> {
  if (!state.answer) return;
  const {
    maps: [{ relevance, picture }],
    seen,
  } = state.answer;
  const scale = Math.max(1, Math.round(448 / picture.width));
  save(await encodePng(heatmap(relevance, { over: seen, scale })), "image/png", "relevance.png");
}

function saveNumbers(): void {
  if (!state.answer) return;
  const { maps: all, target, scores } = state.answer;
  const options = rules.options(preparation.chosen());
  const explanations = all.map(({ mode, relevance }) => ({
    lrn: mode,
    dims: relevance.dims,
    relevance: [...relevance.data],
  }));
  const numbers = {
    network: state.network!.name,
    preset: preparation.name(),
    options,
    target,
    scores: [...scores],
    explanations,
  };
  save(JSON.stringify(numbers), "application/json", "relevance.json");
}

function example(strokes: readonly Stroke[], digit: number): HTMLButtonElement {
  const canvas = el("canvas", { width: 56, height: 56 });
  draw(canvas.getContext("2d")!, strokes);
  const button = el("button", { type: "button" }, canvas);
  button.setAttribute("aria-label", `Example ${classes[digit]}`);
  button.addEventListener("click", () => putStrokes(strokes));
  return button;
}

byId("examples").append(...digits.map(example));
byId("clear").addEventListener("click", () => putStrokes(state.photo === undefined ? [] : state.strokes));
byId("reset").addEventListener("click", openDemo);
byId("save-picture").addEventListener("click", savePicture);
byId("save-numbers").addEventListener("click", saveNumbers);
onFiles(
  [
    byId<HTMLInputElement>("open-picture"),
    byId<HTMLInputElement>("open-network"),
    byId<HTMLInputElement>("open-classes"),
  ],
  openFiles,
);
board.show(state.strokes);
openDemo();
