import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { absolute, missing } from "../docs/links.mjs";
import { readme, root } from "./readme.ts";

const repository = "https://example.org/some/where";

const pages = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");
it.each(pages)("everything that %s links to in the repository is there", (page) => {
  expect(missing(join(root, page))).toEqual([]);
});

describe("links of a page", () => {
  /** A page beside another with two headings of one name. */
  function page(text: string): string {
    const folder = mkdtempSync(join(root, "build/links-"));
    writeFileSync(
      join(folder, "other.md"),
      "# The `other` one: 2^24\n\n## Twice\n\n## Twice\n\n```sh\n# no heading\n```\n",
    );
    const file = join(folder, "page.md");
    writeFileSync(file, text);
    return file;
  }

  it.each([
    ["a file", "[a](nowhere.md)", ["nowhere.md: there is no such file"]],
    ["a picture in a link", "[![a](no.png)](other.md)", ["no.png: there is no such file"]],
    ["a heading", "[a](other.md#third)", ["other.md#third: there is no such heading"]],
    ["a comment of a shell", "[a](other.md#no-heading)", ["other.md#no-heading: there is no such heading"]],
    ["a heading of the page itself", "# Here\n\n[a](#here) [b](#there)", ["#there: there is no such heading"]],
    ["a link whose text is code", "`x` [`a`](nowhere.md) `y`", ["nowhere.md: there is no such file"]],
    ["what is outside", "[a](../../../package.json)", [expect.stringMatching(/outside|no such file/)]],
  ])("that are missing: %s", (_what, text, found) => expect(missing(page(text))).toEqual(found));

  it("that are there, or are not its own", () => {
    const links = "[a](other.md) [b](other.md#the-other-one-224) [c](other.md#twice-1) [d](https://example.org/x)";
    expect(missing(page(`${links}\n\`[a](code.md)\`\n\n\`\`\`ts\nx[0](none.md);\n\`\`\`\n`))).toEqual([]);
  });

  it("become absolute: files, pictures, folders and headings, and nothing else", () => {
    const text =
      "[![p](docs/three.png)](docs/inside.md#a) [`c`](docs) [d](https://example.org/x) [e](#here) `[f](docs)`\n" +
      "```ts\nx[0](docs);\n```\n";
    expect(absolute(text, repository, "v1")).toBe(
      `[![p](${repository}/raw/v1/docs/three.png)](${repository}/blob/v1/docs/inside.md#a) ` +
        `[\`c\`](${repository}/tree/v1/docs) [d](https://example.org/x) [e](#here) \`[f](docs)\`\n` +
        "```ts\nx[0](docs);\n```\n",
    );
  });
});

test("the README as it is released has no relative link; the script stops where one leads nowhere", () => {
  const folder = mkdtempSync(join(tmpdir(), "relprop-release-"));
  const copied = (path: string) => cpSync(join(root, path), join(folder, path), { recursive: true });
  for (const path of [
    "README.md",
    "CONTRIBUTING.md",
    "docs",
    "bench/RESULTS.md",
    "demo/README.md",
    "examples/README.md",
    "demo/worker/README.md",
  ])
    copied(path);
  mkdirSync(join(folder, "build"));
  const run = (...args: string[]) =>
    execFileSync(process.execPath, ["docs/links.mjs", ...args], { cwd: folder, stdio: "pipe" });
  expect(() => run("some/where", "v1")).toThrow(/usage/);
  run(repository, "v1.2.3");
  const text = readFileSync(join(folder, "README.md"), "utf8");
  expect(text).toContain(`](${repository}/raw/v1.2.3/docs/three.png)`);
  expect([...text.matchAll(/\]\((?!https:\/\/|#)[^)]*\)/g)]).toEqual([]);
  expect(text.length).toBeGreaterThan(readFileSync(readme, "utf8").length);
  writeFileSync(join(folder, "README.md"), "[a](docs/nowhere.md)");
  expect(() => run(repository, "v1.2.3")).toThrow(/docs\/nowhere\.md: there is no such file/);
});
