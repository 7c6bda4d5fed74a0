import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

export const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const options = {
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  write: false,
  metafile: true,
};
const withoutBinaries = {
  name: "without binaries",
  setup({ onLoad }) {
    onLoad({ filter: /core\.gen\.js$/ }, () => ({ contents: 'export const simd = "", relaxed = "";' }));
  },
};

/** What a page has to load, in one file as a bundler makes it; with the binaries, or the JavaScript alone. */
export async function bundle({ binaries, entry = "index" }) {
  const {
    outputFiles: [{ contents }],
    metafile,
  } = await build({
    ...options,
    entryPoints: [at(`build/js/entries/${entry}.js`)],
    plugins: binaries ? [] : [withoutBinaries],
  });
  return { contents, metafile };
}

/** Length in bytes under brotli at its best. */
export const compressed = (bytes) => brotliCompressSync(bytes).length;
