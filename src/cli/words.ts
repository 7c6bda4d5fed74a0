import type { Issue } from "../entries/index.ts";
import { dashed } from "./option.ts";
import { type OptionName, options } from "./options.ts";

/** Options that have another name here, and functions by what does their work here. */
const NAMES: Readonly<Record<string, string>> = { size: "workers" };
const FUNCTIONS: Readonly<Record<string, string>> = { inspect: "'relprop inspect --full'", preprocess: "--preset" };

/** What the command line calls an option of the library; undefined where it has none. */
function ownName(option: string): OptionName | undefined {
  const name = NAMES[option] ?? dashed(option);
  return Object.hasOwn(options, name) ? (name as OptionName) : undefined;
}

/**
 * A text of the library in the command line's words: "option 'channelAxis' of load" is "option '--channel-axis'", and
 * what `mentions` says of other places.
 */
export function inOwnWords(text: string, mentions: Issue["mentions"] = []): string {
  const plain = mentions.reduce((said, { text: there, option, value }) => {
    const name = ownName(option);
    // Whole words: the option 'low' is in "below" too.
    const places = new RegExp(`(?<![\\w-])${there.replace(/[^\w\s]/g, "\\$&")}(?!\\w)`, "g");
    return name ? said.replace(places, () => (value === undefined ? `--${name}` : `--${name} ${value}`)) : said;
  }, text);
  return plain
    .replace(/option '(\w+)'( of load)?/g, (whole, option) => {
      const name = ownName(option);
      return name ? `option '--${name}'` : whole;
    })
    .replace(/\b(\w+): ["'](\w+)["']/g, (whole, option, value) => {
      const name = ownName(option);
      return name ? `--${name} ${value}` : whole;
    })
    .replace(/\binspect (?=names|lists)/g, `${FUNCTIONS.inspect} `)
    .replace(/\b(\w+)\(\)/g, (whole, name) => FUNCTIONS[name] ?? whole);
}

/** A problem that the library has found, in the command line's words. */
export const issueInOwnWords = ({ where, fix, mentions, ...finding }: Issue): Issue => ({
  where: inOwnWords(where, mentions),
  ...(finding.problem === undefined
    ? { expected: inOwnWords(finding.expected, mentions), received: inOwnWords(finding.received, mentions) }
    : { problem: inOwnWords(finding.problem, mentions) }),
  fix: fix && inOwnWords(fix, mentions),
});
