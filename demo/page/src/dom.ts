type Child = Node | string;

/** The element of that id, which index.html has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** An element with properties and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** 12.9, 0.0451, 1e−6: up to three digits, as short as they go. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(size < 1e-3 ? 2 : 3));
  return (size >= 1e-3 && size < 1e5 ? String(rounded) : rounded.toExponential())
    .replaceAll("-", "−")
    .replace("e+", "e");
}

/** 98.3 %, −2.0 %, < 0.1 %, > 99.9 %, 0 %, 325 ×: never rounded to 0 or to all, and multiples where there are many. */
export function percent(share: number): string {
  const size = Math.abs(share);
  if (size < 1e-6) return "0\u00a0%";
  const [less, more, sign] = share < 0 ? [">", "<", "−"] : ["<", ">", ""];
  if (size < 0.001) return `${less}\u00a0${sign}0.1\u00a0%`;
  if (size >= 10) return `${short(share)}\u00a0×`;
  if (size > 0.9995 && size < 1) return `${more}\u00a0${sign}99.9\u00a0%`;
  return `${sign}${(100 * size).toFixed(size === 1 ? 0 : 1)}\u00a0%`;
}

export const milliseconds = (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
