/** What an SVG text says about its elements of one name: attributes, and content if it is text. */
export function elements(svg: string, name: string): Record<string, string>[] {
  return [...svg.matchAll(new RegExp(`<${name}((?: [^>]*?)?)(?:/>|>([^<]*)</${name}>)`, "g"))].map(
    ([, attributes, content = ""]) => ({
      ...Object.fromEntries([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
      content,
    }),
  );
}

export const contents = (svg: string, name: string) => elements(svg, name).map(({ content }) => content);

/** Labels in the order of the file: those of the y axis end at their tick, those of the x axis are centred. */
export const labels = (svg: string, anchor: "end" | "middle") =>
  elements(svg, "text")
    .filter((text) => text["text-anchor"] === anchor)
    .map(({ content }) => content);
