import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Job } from "kubernetes-models/batch/v1/Job";
import ts from "typescript";
import { expect, test } from "vitest";
import { parse } from "yaml";

/** examples/kubernetes/job.yaml beside Kubernetes' own description of what it takes, which a package ships. */
const manifest = parse(readFileSync("examples/kubernetes/job.yaml", "utf8"));

/** What the types say of it: Kubernetes refuses fields that there are not, and its schema does not say so. */
function complaints(job: object): string[] {
  const path = resolve("test/scale/job.ts");
  const text = `import type { IJob } from "kubernetes-models/batch/v1/Job"; export const job: IJob = ${JSON.stringify(job)};`;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.readFile = (name) => (name === path ? text : readFile(name));
  host.getSourceFile = (name, version) =>
    name === path ? ts.createSourceFile(name, text, version) : getSourceFile.call(host, name, version);
  return ts
    .getPreEmitDiagnostics(ts.createProgram([path], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

test("is what Kubernetes takes", () => {
  new Job(manifest).validate();
  expect(complaints(manifest)).toEqual([]);
});

test("a value of another kind, and a field that there is not, are found", () => {
  const changed = (change: object) => ({ ...manifest, spec: { ...manifest.spec, ...change } });
  expect(() => new Job(changed({ completions: "8" })).validate()).toThrow("completions must be integer");
  expect(() => new Job(changed({ template: undefined })).validate()).toThrow("template");
  expect(complaints(changed({ completion: 8 })).join()).toContain("known properties");
});

test("there are as many shards as tasks, and each has a folder of its own", () => {
  const { spec } = manifest;
  const { command } = spec.template.spec.containers[0];
  expect(command).toContain(`--shards=${spec.completions}`);
  expect(spec).toMatchObject({ completionMode: "Indexed", maxFailedIndexes: spec.completions });
  expect(command.at(-1)).toMatch(/^--out=.*\$\(JOB_COMPLETION_INDEX\)$/);
});
