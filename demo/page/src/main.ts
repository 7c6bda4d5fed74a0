import { asked, keep, strokesOf, viewOf } from "./address.ts";
import { againstChoice } from "./against.ts";
import { type DemoName, demos, fetched } from "./demos.ts";
import { digits } from "./digits.ts";
import { byId, milliseconds, percent } from "./dom.ts";
import { Cancelled, engine } from "./engine.ts";
import { examples } from "./examples.ts";
import { classNames, kindOf, kinds, onFiles, unknownKind, wrongNames } from "./files.ts";
import { showChannels, showFlow } from "./flow.ts";
import { howItWorks } from "./how.ts";
import { showLedger } from "./ledger.ts";
import { clearError, say, showError } from "./messages.ts";
import { showNotes } from "./notes.ts";
import { opener } from "./opening.ts";
import { pad } from "./pad.ts";
import { nameOf, predictionChart, probabilities } from "./prediction.ts";
import { preparations } from "./preparations.ts";
import { progressBar } from "./progress.ts";
import type { Answer, Calls, Question } from "./protocol.ts";
import { bounds, ruleControls } from "./rules.ts";
import { saveNumbers, savePicture } from "./save.ts";
import { stage } from "./stage.ts";
import type { Source, State } from "./state.ts";
import { ink, placement, SIDE, type Stroke } from "./strokes.ts";
import { waysSideBySide } from "./ways.ts";

let state: State = { strokes: digits[3], target: "argmax" };
const change = (part: Partial<State>) => {
  state = { ...state, ...part };
};

const progress = progressBar(cancel);
const ask = engine<Calls>(() => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }), progress.tell);
const preparation = preparations(() => {
  showBounds();
  explain();
});
const rules = ruleControls(explain);
const picture = stage();
const prediction = predictionChart((target) => {
  change({ target });
  if (against.chosen() === target) against.set("");
  explain();
});
const against = againstChoice(explain);
const ways = waysSideBySide(rules.choose, (way) =>
  ask("map", { ...question(), options: { ...rules.optionsOf(way, preparation.chosen()), target: target() } }),
);
const board = pad(byId<HTMLCanvasElement>("pad"), drawn);
const shelf = examples({
  strokes: (strokes) => putStrokes(strokes),
  photo: (url, name) => open([{ name, work: async () => openPicture(await fetched(url, name)) }]),
});

function target(): Question["options"]["target"] {
  const other = against.chosen();
  return other === undefined ? state.target : { class: state.target, against: other };
}

function question(): Question {
  const preset = preparation.chosen();
  const drawing = state.photo ? undefined : { data: ink(state.strokes), width: SIDE, height: SIDE };
  return { drawing, preset, options: { ...rules.options(preset), target: target() }, layer: state.layer };
}

let asking = false;
let again = false;

/** Asks for an explanation of the page as it is; what changes meanwhile is asked for once, at the end. */
async function explain(): Promise<void> {
  again = true;
  if (asking || !state.network) return;
  asking = true;
  byId("result").ariaBusy = "true";
  ways.stop();
  while (again && state.network) {
    again = false;
    if (isBlank()) showNothing("Draw a digit");
    else await answered();
  }
  progress.done();
  byId("result").ariaBusy = "false";
  asking = false;
  keep({ ...viewOf(state, against.chosen()), ...rules.view() });
  if (state.answer) ways.show(state.answer, !state.photo, rules.chosen());
}

async function answered(): Promise<void> {
  try {
    if (state.photo && preparation.wanted()) {
      preparation.take(await ask("tryPresets", null));
      showBounds();
    }
    show(await ask("explain", question()));
    clearError("explain");
  } catch (error) {
    if (error instanceof Cancelled) return showNothing("Cancelled");
    hold(undefined);
    showError("explain", "This cannot be explained", error);
  }
}

const isBlank = () => !state.photo && state.strokes.length === 0;

/** Keeps the answer; without one, what is still shown fades, and cannot be saved. */
function hold(answer: Answer | undefined): void {
  change({ answer });
  byId("result").classList.toggle("stale", !answer);
  for (const id of ["verdict", "timing"]) byId(id).textContent = "";
  for (const id of ["save-picture", "save-numbers"]) byId<HTMLButtonElement>(id).disabled = !answer;
  if (!answer) picture.clear();
}

function showNothing(verdict: string): void {
  hold(undefined);
  clearError("explain");
  byId("verdict").textContent = verdict;
}

function show(answer: Answer): void {
  hold(answer);
  const { target: explained, scores, map } = answer;
  const names = namesFor(scores.length);
  const what = nameOf(explained.index, names);
  const { shares } = probabilities(scores);
  const strongest = scores.reduce((best, score, index) => (score > scores[best] ? index : best), 0);
  const other = against.show(scores.length, names, explained.index);
  const verdict = [
    `${what}, ${percent(shares[explained.index])}`,
    ...(other ? [`rather than ${other}`] : []),
    ...(strongest === explained.index ? [] : [`the strongest is ${nameOf(strongest, names)}`]),
  ].join("; ");
  prediction.show(scores, names, state.target, explained.index);
  preparation.doubt(shares[strongest], !!state.photo, names);
  picture.show(answer, what, state.photo ? undefined : placement(state.strokes));
  showFlow(answer, what, (layer) => {
    change({ layer });
    explain();
  });
  showChannels(answer);
  showLedger(answer);
  byId("verdict").textContent = verdict;
  byId("timing").textContent = `explained in ${milliseconds(map.ms)}`;
  showNotes(answer);
  const warning = map.exploded ? "Warning, the explanation has exploded. " : "";
  say(`${warning}Explained: ${verdict}, in ${milliseconds(map.ms)}.`);
}

/** Names of the classes, if there are as many as scores: others are put away, and the reason said. */
function namesFor(count: number): readonly string[] | undefined {
  const { classes: names, ...rest } = state.network!;
  if (!names || names.length === count) return names;
  change({ network: rest });
  showError("file", "These class names cannot be used", wrongNames(rest.name, count, names.length));
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

function showPhoto(photo: File | undefined): void {
  picture.put(photo);
  change({ photo });
}

async function openNetwork(source: Source): Promise<void> {
  const { file, name, demo } = source;
  say(`Loading ${name}.`);
  const opened = await ask("load", { file, name, classes: source.classes });
  change({ network: opened, source, target: "argmax", layer: undefined });
  const [, channels, height] = opened.dims;
  const usual = channels === 3 && !(Number(height) < 64) ? "torchvision" : "unit";
  const known = demo && demos[demo].preprocess;
  preparation.fit(typeof known === "string" ? known : usual, typeof known === "object" ? known : opened.stated, !!demo);
  showBounds();
  rules.fit(opened);
  against.set("");
  ways.fit(opened);
  shelf.show(demo, channels === 3 ? "photos" : "digits");
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

/** Checked before they take the place of others. */
async function openClasses(file: File): Promise<void> {
  const classes = await classNames(file);
  const { network, source, answer } = state;
  const count = network!.scores ?? answer?.scores.length;
  if (count !== undefined && classes.length !== count) throw wrongNames(network!.name, count, classes.length);
  change({ network: { ...network!, classes }, source: { ...source!, classes } });
}

const openers = {
  network: (file: File) => openNetwork({ file, name: file.name }),
  classes: openClasses,
  picture: openPicture,
};

async function openFile(file: File): Promise<void> {
  const kind = kindOf(file);
  if (!kind) throw unknownKind(file);
  await openers[kind](file);
}

const open = opener(explain);

/** Networks before the names of their classes, and before the pictures that they see. */
function openFiles(files: readonly File[]): void {
  const rank = (file: File) => kinds.indexOf(kindOf(file)!);
  const ordered = [...files].sort((a, b) => rank(a) - rank(b));
  open(ordered.map((file) => ({ name: file.name, work: () => openFile(file) })));
}

/** One of the page's own networks, with a picture for it. */
function openDemo(demo: DemoName, wanted = "", then = () => {}): void {
  const { file, url, classes, ...rest } = demos[demo];
  const pictures = "pictures" in rest ? (rest.pictures as Readonly<Record<string, string>>) : undefined;
  const name = pictures && (wanted in pictures ? wanted : Object.keys(pictures)[0]);
  const work = async () => openNetwork({ file: await fetched(url, file), name: file, classes, demo });
  const see = async () => (name ? openPicture(await fetched(pictures[name], `${name}.jpg`)) : showPhoto(undefined));
  const last = { name: name ?? file, work: async () => see().then(then) };
  open([{ name: file, work }, last]);
}

/** Ends what the worker does, and gives a new one what the old one had; then it explains what was asked meanwhile. */
function cancel(): void {
  const { source, photo } = state;
  change({ network: undefined });
  ask.cancel();
  progress.done();
  say("Cancelled.");
  const restored = source ? [{ name: source.name, work: () => openNetwork(source) }] : [];
  const seen = photo ? [{ name: photo.name, work: () => openPicture(photo) }] : [];
  open([...restored, ...seen], () => (again ? explain() : progress.done()));
}

function showBounds(): void {
  const { low, high } = bounds(preparation.chosen());
  const list = (values: number | readonly number[]) =>
    [values]
      .flat()
      .map((v) => v.toFixed(2))
      .join(", ");
  byId("bounds").textContent = `After the preparation, inputs lie between ${list(low)} and ${list(high)}.`;
}

/** What the address asks for. */
function begin(): void {
  const view = asked();
  const digit = /^\d$/.test(view.picture ?? "") ? digits[Number(view.picture)] : undefined;
  const strokes = digit ?? strokesOf(view.picture ?? "");
  if (strokes) change({ strokes });
  board.show(state.strokes);
  openDemo(view.network === "photos" ? "photos" : "digits", view.picture, () => {
    const chosen = Number(view.class);
    if (view.class && Number.isInteger(chosen)) change({ target: chosen });
    if (view.against) against.set(view.against);
    rules.restore(view);
  });
}

for (const [demo, { label }] of Object.entries(demos))
  shelf.tab(label, demo as DemoName, () => openDemo(demo as DemoName));
byId("clear").addEventListener("click", () => putStrokes(state.photo ? state.strokes : []));
byId("save-picture").addEventListener("click", () => state.answer && savePicture(state.answer));
byId("save-numbers").addEventListener("click", () => {
  const { answer, network } = state;
  if (answer) saveNumbers(answer, network!.name, preparation.name(), rules.options(preparation.chosen()), target());
});
onFiles(
  ["open-picture", "open-network", "open-classes"].map((id) => byId<HTMLInputElement>(id)),
  openFiles,
);
howItWorks();
begin();
