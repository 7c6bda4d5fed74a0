import { existsSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BASE, fileOf, pages } from "./site.ts";

const html = new Map(pages.map((page) => [page, readFileSync(fileOf(page), "utf8")]));
/** An attribute's values, as a browser reads them. */
const valuesOf = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`\\s${name}="([^"]*)"`, "g"))].map(([, value]) =>
    value.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'"),
  );
const ids = new Map([...html].map(([page, text]) => [page, new Set(valuesOf(text, "id"))]));
const isForeign = (to: string) => /^(https?:)?\/\//.test(to);

/** What a page leads to, or loads, that is not there. */
function missing(page: string, text: string): string[] {
  const here = new URL(BASE + page, "http://site");
  return [...valuesOf(text, "href"), ...valuesOf(text, "src")].flatMap((to) => {
    if (isForeign(to) || /^(data|mailto):/.test(to)) return [];
    const { pathname, hash } = new URL(to, here);
    if (!pathname.startsWith(BASE)) return [`${to}: it lies outside of ${BASE}`];
    const path = decodeURI(pathname.slice(BASE.length)).replace(/(^|\/)$/, "$1index.html");
    if (!existsSync(fileOf(path)) || !statSync(fileOf(path)).isFile()) return [`${to}: there is no such file`];
    const found = ids.get(path);
    const isThere = hash === "" || !found || found.has(decodeURIComponent(hash.slice(1)));
    return isThere ? [] : [`${to}: there is no such heading`];
  });
}

describe("the documentation site", () => {
  it("has a landing page, guides, tutorials, references and the page to try", () => {
    const wanted = ["index.html", "guides/lrn.html", "tutorials/photo.html", "reference/rules.html"];
    expect(pages).toEqual(expect.arrayContaining([...wanted, "api/index.html", "api/relprop/functions/load.html"]));
    expect(existsSync(fileOf("try/index.html"))).toBe(true);
  });

  it("leads nowhere in vain: links, anchors, pictures, scripts", () => {
    expect([...html].flatMap(([page, text]) => missing(page, text).map((what) => `${page}: ${what}`))).toEqual([]);
  });

  it("finds what is missing", () => {
    const text = `<a href="guides/no.html"></a><a href="#no"></a><img src="/three.png"><a href="guides/lrn.html#no"></a>`;
    expect(missing("index.html", text).map((what) => what.replace(/.*: /, ""))).toEqual([
      "there is no such file",
      "there is no such heading",
      "there is no such heading",
      "it lies outside of /relprop/",
    ]);
  });

  it("loads nothing from other hosts", () => {
    const loaded = [...html.values()].flatMap((text) =>
      [...text.matchAll(/<(?:link|script|img|iframe|source)\b[^>]*>/g)].flatMap(([tag]) => [
        ...valuesOf(tag, "href"),
        ...valuesOf(tag, "src"),
      ]),
    );
    expect(loaded.length).toBeGreaterThan(pages.length);
    expect(loaded.filter(isForeign)).toEqual([]);
  });

  it.each(pages.filter((page) => page !== "404.html"))("%s has one title and says what it is", (page) => {
    const text = html.get(page)!;
    expect(text.match(/<title>[^<]+<\/title>/g)).toHaveLength(1);
    expect(text.match(/<h1\b/g)).toHaveLength(1);
  });
});
