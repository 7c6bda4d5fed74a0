import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import ts from "typescript";
import type { Mutant } from "./list.ts";

const twice = (names: readonly string[]) => names.filter((name, i) => names.indexOf(name) < i);

/** The file with the fault in it. */
export function faulty({ text, instead }: Mutant, content: string): string {
  return content.replace(text, () => instead);
}

/** The types of src, asked again and again with one file changed. */
function compiler(): (file: string, content: string) => string | undefined {
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    ts.readConfigFile("src/tsconfig.json", ts.sys.readFile).config,
    ts.sys,
    "src",
  );
  let changed = { path: "", content: "", version: 0 };
  const service = ts.createLanguageService({
    getCompilationSettings: () => ({ ...options, noEmit: true }),
    getScriptFileNames: () => fileNames,
    getScriptVersion: (path) => (path === changed.path ? String(changed.version) : "0"),
    getScriptSnapshot(path) {
      const content = path === changed.path ? changed.content : ts.sys.readFile(path);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => process.cwd(),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
  });
  return (file, content) => {
    const path = fileNames.find((name) => resolve(name) === resolve(file));
    if (!path) return "it is no file of src";
    changed = { path, content, version: changed.version + 1 };
    const [first] = [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)];
    return first && ts.flattenDiagnosticMessageText(first.messageText, " ");
  };
}

/** Faults whose file, text or tests are not where the list says: what a change of a file leaves behind. */
export function misplaced(mutants: readonly Mutant[]): string[] {
  const problemOf = ({ file, text, instead, tests }: Mutant): string | undefined => {
    if (!existsSync(file)) return `there is no ${file}`;
    const count = readFileSync(file, "utf8").split(text).length - 1;
    if (count !== 1) return `its text stands in ${file} ${count} times`;
    if (text === instead) return "it changes nothing";
    const missing = tests.filter((path) => !existsSync(path));
    return missing.length > 0 ? `there is no ${missing.join(", no ")}` : undefined;
  };
  const found = mutants.flatMap((mutant) => {
    const problem = problemOf(mutant);
    return problem ? [`${mutant.name}: ${problem}`] : [];
  });
  return [...twice(mutants.map(({ name }) => name)).map((name) => `${name}: two of this name`), ...found];
}

/** What is wrong with the list itself: all of it, before anything runs. */
export function mistakes(mutants: readonly Mutant[]): string[] {
  const found = misplaced(mutants);
  if (found.length > 0) return found;
  const compile = compiler();
  return mutants
    .filter(({ file }) => file.startsWith("src/"))
    .flatMap((mutant) => {
      const error = compile(mutant.file, faulty(mutant, readFileSync(mutant.file, "utf8")));
      return error ? [`${mutant.name}: it does not compile: ${error}`] : [];
    });
}
