import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian's Chromium, by CHROMIUM or on the PATH. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM ? [process.env.CHROMIUM] : [];
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "chromium"));
  return [...named, ...onPath].find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const FLAGS: readonly string[] = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
