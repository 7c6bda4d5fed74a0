/*
 * The links of the README, which npm shows to readers who have no repository beside it:
 *   node docs/links.mjs https://github.com/OWNER/NAME vX.Y.Z
 * checks that everything in the repository that README.md names is there, and makes these links absolute. With
 * --online it asks for every address as well, and fails for those that do not exist. The release runs it.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "..");

/** Code, which may look like a link, or a link or picture, whose text may be code or a picture. */
const TOKEN = /^```[\s\S]*?^```|(!?)\[((?:!\[[^\]]*\]\([^)]*\)|`[^`\n]*`|[^\]`])*)\]\(([^()\s]+)\)|`[^`\n]*`/gm;

/** Where the links and pictures of a text lead. */
function targetsOf(text) {
  return [...text.matchAll(TOKEN)].flatMap(([, , inner, to]) => (to ? [to, ...targetsOf(inner)] : []));
}

const isAbsolute = (to) => /^[a-z]+:/i.test(to);

/** The name that a heading has in links, as GitHub makes it. */
export const slug = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

/** The names that a page's headings have in links. */
function anchorsOf(text) {
  const seen = new Map();
  return [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const name = slug(heading.replace(/\]\([^)]*\)/g, "]"));
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    return times === 0 ? name : `${name}-${times}`;
  });
}

/** @returns what a page of the repository links to and is not there */
export function missing(file) {
  const text = readFileSync(file, "utf8");
  return targetsOf(text).flatMap((to) => {
    if (isAbsolute(to)) return [];
    const [path, anchor] = to.split("#");
    const target = path === "" ? file : resolve(dirname(file), decodeURI(path));
    if (!existsSync(target)) return [`${to}: there is no such file`];
    if (relative(root, target).startsWith("..")) return [`${to}: it lies outside of the repository`];
    if (!anchor || !target.endsWith(".md")) return [];
    return anchorsOf(readFileSync(target, "utf8")).includes(anchor) ? [] : [`${to}: there is no such heading`];
  });
}

/**
 * A page of the repository's root with absolute links.
 *
 * @param repository its address, such as https://github.com/OWNER/NAME
 * @param ref a tag, branch or commit
 */
export function absolute(text, repository, ref) {
  const kinds = { "!": "raw", "": "blob" };
  const made = (picture, to) => {
    if (isAbsolute(to) || to.startsWith("#")) return to;
    const isFolder = existsSync(join(root, to)) && statSync(join(root, to)).isDirectory();
    return `${repository}/${isFolder ? "tree" : kinds[picture]}/${ref}/${to}`;
  };
  return text.replace(TOKEN, (token, picture, inner, to) =>
    to ? `${picture}[${absolute(inner, repository, ref)}](${made(picture, to)})` : token,
  );
}

/** @returns addresses of a text that do not exist; one that does not answer is only printed */
async function gone(text) {
  const addresses = [...new Set(targetsOf(text))].filter((to) => /^https?:/.test(to));
  const found = await Promise.all(
    addresses.map(async (address) => {
      const { status } = await fetch(address, { signal: AbortSignal.timeout(30_000) }).catch(({ message }) => ({
        status: message,
      }));
      if (status !== 200) console.log(`${address}: ${status}`);
      return status === 404 || status === 410 ? [`${address}: ${status}`] : [];
    }),
  );
  return found.flat();
}

async function main(args) {
  const [repository, ref] = args.filter((arg) => !arg.startsWith("--"));
  if (!/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(repository ?? "") || !ref)
    throw new Error("usage: node docs/links.mjs https://github.com/OWNER/NAME REF [--online]");
  const readme = join(root, "README.md");
  const text = absolute(readFileSync(readme, "utf8"), repository, ref);
  const problems = [...missing(readme), ...(args.includes("--online") ? await gone(text) : [])];
  if (problems.length > 0) throw new Error(`README.md: what it links to is not there:\n${problems.join("\n")}`);
  writeFileSync(readme, text);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  await main(process.argv.slice(2)).catch(({ message }) => {
    console.error(message);
    process.exitCode = 1;
  });
