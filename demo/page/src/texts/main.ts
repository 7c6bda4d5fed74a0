import { composites, LrpError } from "relprop";
import network from "../../../text/sentiment.onnx?url";
import tokenizer from "../../../text/tokenizer.json";
import { byId, el, milliseconds, percent, short } from "../dom.ts";
import { engine } from "../engine.ts";
import { classNames, onFiles } from "../files.ts";
import { clearError, say, showError } from "../messages.ts";
import { opener } from "../opening.ts";
import { type Chosen, nameOf, predictionChart, probabilities } from "../prediction.ts";
import type { Answer, Calls } from "./protocol.ts";

/** Sentences of words that the small network knows. */
const EXAMPLES = [
  "our neighbour found it dreadful , yet i enjoy the new museum",
  "i do not despise this lecture",
  "although everyone else found it dull , i really like that story",
  "this concert seemed terrible",
];
const CLASSES = ["negative", "positive"];

const ask = engine<Calls>(() => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));
const text = byId<HTMLTextAreaElement>("text");
let classes: readonly string[] | undefined;
let target: Chosen = "argmax";
let ready = false;

const prediction = predictionChart((chosen) => {
  target = chosen;
  explain();
});

const composite = byId<HTMLSelectElement>("composite");
composite.append(...composites.map(({ name }) => el("option", { value: name }, name)));
composite.addEventListener("change", () => chosenComposite(composite.value));

function chosenComposite(name: string): void {
  composite.value = name;
  byId("composite-summary").textContent = composites.find((row) => row.name === name)!.summary;
  explain();
}

let asking = false;
let again = false;

/** Asks for an explanation of the text as it is; what is typed meanwhile is asked for once, at the end. */
async function explain(): Promise<void> {
  again = true;
  if (asking || !ready) return;
  asking = true;
  byId("result").ariaBusy = "true";
  while (again) {
    again = false;
    try {
      if (text.value.trim() === "") showNothing("Write a sentence");
      else show(await ask("explain", { text: text.value, target, composite: composite.value }));
      clearError("explain");
    } catch (error) {
      showNothing("");
      showError("explain", "This cannot be explained", error);
    }
  }
  byId("result").ariaBusy = "false";
  asking = false;
}

/** What is still shown fades. */
function showNothing(verdict: string): void {
  byId("result").classList.add("stale");
  byId("verdict").textContent = verdict;
  for (const id of ["timing", "account"]) byId(id).textContent = "";
}

function show(answer: Answer): void {
  const { scores, notes, exploded, ms } = answer;
  if (classes && classes.length !== scores.length) classes = undefined;
  const { index } = answer.target;
  const verdict = `${nameOf(index, classes)}, ${percent(probabilities(scores).shares[index])}`;
  byId("result").classList.remove("stale");
  prediction.show(scores, classes, target, index);
  byId("words").replaceChildren(...marked(answer));
  byId("account").textContent = account(answer);
  byId("verdict").textContent = verdict;
  byId("timing").textContent = `explained in ${milliseconds(ms)}`;
  byId("notes").replaceChildren(...notes.map((note) => el("li", {}, note)));
  byId("notes-field").hidden = notes.length === 0;
  byId("exploded").textContent = notes.filter((note) => note.startsWith("Warning: ")).join(" ");
  byId("exploded").hidden = !exploded;
  say(`${exploded ? "Warning, the explanation has exploded. " : ""}Explained: ${verdict}.`);
}

/** Each word before the colour of its relevance; the largest one of the text has full colour. */
function marked({ words, relevance, special }: Answer): Node[] {
  const most = words.reduce((largest, _, i) => (special[i] ? largest : Math.max(largest, Math.abs(relevance[i]))), 0);
  return words.flatMap((word, i) => {
    const r = relevance[i];
    const mark = el("mark", { title: `relevance ${short(r)}` }, word);
    if (special[i]) mark.className = "special";
    else {
      mark.className = r < 0 ? "con" : "pro";
      mark.style.setProperty("--share", `${most === 0 ? 0 : Math.abs(r) / most}`);
    }
    return [mark, document.createTextNode(" ")];
  });
}

function account({ relevance, special, target: { score }, shares }: Answer): string {
  const sumOf = (isSpecial: boolean) => relevance.reduce((sum, r, i) => (special[i] === isSpecial ? sum + r : sum), 0);
  const parts = [
    `Of the score ${short(score)}, ${short(sumOf(false))} went to words`,
    `${short(sumOf(true))} to special tokens`,
    ...(shares === 0 ? [] : [`${short(shares)} to positions`]),
  ];
  return `${parts.join(", ")}; biases took the rest.`;
}

async function openNetwork(file: Blob, name: string, names?: readonly string[]): Promise<void> {
  say(`Loading ${name}.`);
  const { parameters, nodes, composite: usual, ms } = await ask("load", { file, name });
  classes = names;
  target = "argmax";
  byId("network").textContent = name;
  byId("network-facts").textContent =
    `${parameters.toLocaleString("en")} parameters, ${nodes} nodes, loaded in ${milliseconds(ms)}`;
  chosenComposite(usual);
}

/** A tokenizer.json, or names of classes. */
async function openText(file: File): Promise<void> {
  const found = /^\s*\{/.test(await file.slice(0, 100).text()) ? JSON.parse(await file.text()) : undefined;
  if (found === undefined) classes = await classNames(file);
  else if ("model" in found) await ask("read", { tokenizer: found });
  else
    throw new LrpError("usage", {
      where: `file '${file.name}'`,
      expected: "a tokenizer.json, or class names",
      received: "other JSON",
    });
}

const openFile = (file: File) => (/\.onnx$/i.test(file.name) ? openNetwork(file, file.name) : openText(file));

async function openExample(): Promise<void> {
  await ask("read", { tokenizer });
  await openNetwork(await (await fetch(network)).blob(), "sentiment.onnx", CLASSES);
}

const open = opener(() => {
  ready = true;
  explain();
});

/** Networks before the names of their classes. */
function openFiles(files: readonly File[]): void {
  const ordered = [...files].sort((a, b) => Number(/\.onnx$/i.test(b.name)) - Number(/\.onnx$/i.test(a.name)));
  open(ordered.map((file) => ({ name: file.name, work: () => openFile(file) })));
}

const start = () => open([{ name: "sentiment.onnx", work: openExample }]);

function write(sentence: string): void {
  text.value = sentence;
  explain();
}

byId("sentences").append(
  ...EXAMPLES.map((sentence) => el("button", { type: "button", onclick: () => write(sentence) }, sentence)),
);
text.addEventListener("input", explain);
byId("reset").addEventListener("click", start);
onFiles([byId<HTMLInputElement>("open-network"), byId<HTMLInputElement>("open-text")], openFiles);
text.value = EXAMPLES[0];
start();
