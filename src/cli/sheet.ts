import { basename, extname } from "node:path";
import {
  composites,
  encodePng,
  type ExplainOptions,
  type Explanation,
  type Issue,
  LrpError,
  type Parameters,
} from "../entries/index.ts";
import { contactSheet } from "../picture/plots/index.ts";
import { misuse, sentence, usage } from "../base/error.ts";
import { doParts } from "../evaluate/work.ts";
import { targetOf } from "./classes.ts";
import type { Streams } from "./command.ts";
import { checkWritable, writeAll } from "./files.ts";
import { readInputs, viewOf } from "./inputs.ts";
import { columns, digits } from "./layout.ts";
import { didYouMean } from "./nearest.ts";
import { chosenSample, open } from "./open.ts";
import { dashed } from "./option.ts";
import { type Arguments, rulesIn, type Values } from "./options.ts";
import { draw, fitting } from "./outputs.ts";
import { withProgress } from "./progress.ts";
import { warnOf } from "./warning.ts";
import { inOwnWords, issueInOwnWords } from "./words.ts";

type Row = (typeof composites)[number];

interface Done {
  readonly name: string;
  readonly explanation: Explanation;
  readonly error?: undefined;
}

interface Left {
  readonly name: string;
  readonly explanation?: undefined;
  readonly error: LrpError;
}

/** Heatmaps are enlarged as far as they fit into a square of so many pixels. */
const SIDE = 224;

export async function sheet({ positionals: [path, ...words], values }: Arguments, streams: Streams): Promise<void> {
  const { out } = streams;
  const file = outFile(values.out);
  const rows = chosenRows(values);
  await checkWritable([file]);
  const opened = await open(path, values);
  const { model } = opened;
  const input = await readInputs(words, opened, values, streams);
  const target = await targetOf(values, model.classes);
  const explain = (options: ExplainOptions) =>
    model.explain(input.tensors, {
      ...options,
      target,
      start: values.start,
      output: values.output,
      classAxis: values["class-axis"],
    });
  const task = { parts: "composites", kept: () => "No file was written." };
  const tried = await withProgress(streams, task, (onProgress, signal) =>
    doParts(rows.length, (i) => attempt(rows[i], values, explain), { onProgress, signal }),
  );
  const done = tried.filter((one) => one.explanation !== undefined);
  if (done.length === 0) throw tried[0].error;
  const { targets } = done[0].explanation;
  const [{ index, name, score, position }] = targets[chosenSample(values, targets.length)];
  const against = values.against === undefined ? "" : ` against ${values.against}`;
  const place = position ? ` at ${position.join(", ")}` : "";
  const about = `${index}${name === undefined ? "" : ` ${name}`}${against}${place}, logit ${digits(score)}`;
  const view = viewOf(input, done[0].explanation);
  const tiles = done.map(({ name: label, explanation: { relevance } }) => ({
    label,
    picture: draw(relevance, view, values, fitting(relevance, SIDE)),
  }));
  const first = view ? [{ label: "input", picture: view() }] : [];
  const picture = contactSheet([...first, ...tiles], {
    columns: values.columns,
    title: `${input.title}: class ${about}; each map in its own scale`,
  });
  await writeAll(new Map([[file, await encodePng(picture)]]));
  for (const { name: by, explanation } of done) warnOf(explanation, streams, `${by}: `);
  const lines = [
    ["model", basename(path)],
    ["input", input.text],
    ["class", about],
    ["sheet", done.map((one) => one.name).join(", ")],
    ...tried.flatMap((one) =>
      one.error === undefined ? [] : [["left out", whyNot(one.name, issueInOwnWords(one.error.issues[0]))]],
    ),
    ...notesOf(done).map((note) => ["note", inOwnWords(note)]),
    ["wrote", file],
  ];
  out(columns(lines, [], ""));
}

/** What is wrong with a composite, which is named once. */
function whyNot(name: string, issue: Issue): string {
  return `${name}: ${sentence(issue).replace(`composite '${name}': `, "")}`;
}

/** Every note once, with the composites that it is about if those are not all. */
function notesOf(done: readonly Done[]): string[] {
  const notes = [...new Set(done.flatMap(({ explanation }) => explanation.notes))];
  return notes.map((note) => {
    const about = done.filter(({ explanation }) => explanation.notes.includes(note)).map(({ name }) => name);
    return about.length === done.length ? note : `${about.join(", ")}: ${note}`;
  });
}

function outFile(out: readonly string[] = []): string {
  const [file] = out;
  if (out.length === 1 && extname(file).toLowerCase() === ".png") return file;
  throw usage("option '--out'", "one name that ends in .png", out.map((name) => `'${name}'`).join(", "));
}

/** The composites that were asked for, or all. Each parameter that was given must be of use to one of them. */
function chosenRows(values: Values): readonly Row[] {
  const known = composites.map(({ name }) => name);
  const names = values.composites ?? known;
  for (const name of names) {
    if (!known.includes(name))
      throw usage("option '--composites'", `some of ${known.join(", ")}`, `'${name}'`, didYouMean(name, known));
  }
  const rows = names.map((name) => composites.find((row) => row.name === name)!);
  const { unknown: _, ...parameters } = rulesIn(values);
  const idle = Object.keys(parameters).filter(
    (name) => !rows.some((row) => row.parameters.includes(name as keyof Parameters)),
  );
  if (idle.length > 0) throw misuse(`option '--${dashed(idle[0])}'`, "no composite on the sheet takes it");
  return rows;
}

/**
 * An explanation by one composite with the parameters that it takes; or, unless it was asked for by name, why there is
 * none.
 */
function attempt(
  { name, parameters, required = [] }: Row,
  values: Values,
  explain: (options: ExplainOptions) => Explanation,
): Done | Left {
  const given = rulesIn(values);
  const taken = Object.fromEntries(parameters.filter((key) => key in given).map((key) => [key, given[key]]));
  const lacks = required.some((key) => !(key in taken));
  try {
    return { name, explanation: explain({ ...taken, composite: name, unknown: values.unknown }) };
  } catch (error) {
    const excused = error instanceof LrpError && (lacks || error.code === "rule") && values.composites === undefined;
    if (!excused) throw error;
    return { name, error };
  }
}
