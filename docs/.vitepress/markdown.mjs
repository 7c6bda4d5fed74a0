/* What the site changes in the Markdown of the repository. */
import { dirname, relative, resolve } from "node:path";
import { addressOf, root } from "./pages.mjs";

/**
 * Links between files become links between pages. A file that is no page, such as a source, keeps its name and loses its
 * link. Code is shown the same way whether fences or spaces mark it.
 */
export function links(markdown) {
  markdown.core.ruler.push("links", ({ tokens, env }) => {
    for (const block of tokens) {
      if (block.type === "code_block") Object.assign(block, { type: "fence", tag: "code", info: "text" });
      const { children } = block;
      for (const [i, token] of (children ?? []).entries()) {
        if (token.type !== "link_open") continue;
        const [, path, anchor] = /^([^#]*)(#.*)?$/.exec(token.attrGet("href"));
        if (path === "" || path.startsWith("/") || /^[a-z]+:/i.test(path)) continue;
        const address = addressOf(relative(root, resolve(dirname(env.realPath ?? env.path), decodeURI(path))));
        if (address) token.attrSet("href", `/${address}${anchor ?? ""}`);
        else for (const end of [token, children.slice(i).find(({ type }) => type === "link_close")]) drop(end);
      }
    }
  });
}

function drop(token) {
  Object.assign(token, { type: "text", tag: "", nesting: 0, content: "" });
}

/** A table that is too wide for its page scrolls in a box of its own, which the keyboard reaches too. */
export function tables(markdown) {
  markdown.renderer.rules.table_open = () => '<div class="wide" role="group" aria-label="Table" tabindex="0"><table>\n';
  markdown.renderer.rules.table_close = () => "</table></div>\n";
}
