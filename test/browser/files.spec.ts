import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { decode, encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { inked } from "../../demo/page/src/paint.ts";
import { tryPresets } from "../../dist/image.js";
import { defaultComposite, heatmap, load, preprocess } from "../../dist/index.js";
import { colours, photo, slow } from "./networks.ts";
import { demo, found, pages, TOLERANCE } from "./pages.ts";
import { apart, drop, dropping, opacities, saved, says, verdict } from "./visit.ts";

const digits = readFileSync(join(demo, "digits.onnx"));
const three = readFileSync(join(demo, "three.png"));
const photoFile = encode(photo);

/** Published networks and photos, where they are. */
const data = process.env.RELPROP_DATA ?? resolve(import.meta.dirname, "../../../shared/data");
if (!existsSync(data)) console.log("skipped: GoogLeNet on the page, which needs RELPROP_DATA");

describe.runIf(found)("files on the page", () => {
  const { on, using } = pages();

  on("says the same numbers, and draws the same heatmap, as relprop does here", async (page) => {
    await drop(page, "three.png", "image/png", three);
    await page.locator("#photo-facts", { hasText: "three.png, 28 × 28 pixels" }).waitFor();
    await says(page, "three");
    const [model, { relevance, scores }] = [await load(digits), await saved(page)];
    const input = preprocess(decode(three) as Parameters<typeof preprocess>[0], "unit", model.inputs[0].dims);
    const here = model.explain(input, { composite: defaultComposite, lrn: "taylor" });
    expect(apart(scores, here.output.data)).toBeLessThan(TOLERANCE);
    expect(apart(relevance, here.relevance.data)).toBeLessThan(TOLERANCE);
    const drawn = await opacities(page);
    const wanted = inked(heatmap(here.relevance)).data.filter((_, k) => k % 4 === 3);
    expect(drawn.every((value, k) => Math.abs(value - wanted[k]) <= 1)).toBe(true);
    model.dispose();
  });

  on("takes a network and a photo of one's own", async (page) => {
    await drop(page, "colours.onnx", "", colours);
    await page.locator("#network", { hasText: "colours.onnx" }).waitFor();
    await drop(page, "photo.png", "image/png", photoFile);
    await page.locator("#photo:visible").waitFor();
    await says(page, "class");
    const [model, { network, target, relevance: shown }] = [await load(colours), await saved(page)];
    const [{ preset }] = tryPresets(model, photo);
    const { relevance, targets } = model.explain(preprocess(photo, preset, model.inputs[0].dims));
    model.dispose();
    expect([network, target.index]).toEqual(["colours.onnx", targets[0][0].index]);
    expect(apart(shown, relevance.data)).toBeLessThan(TOLERANCE);
    await drop(page, "names.txt", "text/plain", Buffer.from("red\ngreen\nblue\ngrey\n"));
    await says(page, ["red", "green", "blue", "grey"][target.index]);
    await page.getByRole("button", { name: "Draw a digit" }).click();
    await page.getByRole("button", { name: "Example two" }).click();
    await says(page, "two");
  });

  on("says that a preparation is a guess, and what the others would give", async (page) => {
    await drop(page, "colours.onnx", "", colours);
    await page.locator("#network", { hasText: "colours.onnx" }).waitFor();
    await drop(page, "photo.png", "image/png", photoFile);
    await says(page, "class");
    const model = await load(colours);
    const tried = tryPresets(model, photo);
    model.dispose();
    const note = page.getByRole("note");
    await note.filter({ hasText: `${tried[0].preset} is a guess` }).waitFor();
    expect(await page.getByLabel("Preparation", { exact: true }).inputValue()).toBe(tried[0].preset);
    const lines = tried.map(({ preset, index }) =>
      expect.stringMatching(new RegExp(`^${preset}: class ${index}, [<>\\d]`)),
    );
    expect(await note.getByRole("listitem").allTextContents()).toEqual(lines);
    // Who chooses is asked again only where the answer is doubtful.
    for (const { preset, probability } of tried) {
      await page.getByLabel("Preparation", { exact: true }).selectOption(preset);
      await says(page, "class");
      await expect.poll(async () => (await saved(page)).preset).toBe(preset);
      expect(await note.isVisible()).toBe(probability < 0.5);
      if (probability < 0.5) expect(await note.textContent()).toContain(`Is ${preset} the right preparation`);
    }
    await page.getByRole("button", { name: "Draw a digit" }).click();
    await page.getByRole("button", { name: "Example two" }).click();
    await says(page, "two");
    expect(await note.isVisible()).toBe(false);
  });

  on("takes files from its buttons as well, and saves the picture", async (page) => {
    await page
      .getByLabel("Open a network")
      .setInputFiles({ name: "colours.onnx", mimeType: "", buffer: Buffer.from(colours) });
    await page
      .getByLabel("Open a photo")
      .setInputFiles({ name: "photo.png", mimeType: "image/png", buffer: Buffer.from(photoFile) });
    await page.locator("#photo:visible").waitFor();
    await says(page, "class");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save picture" }).click(),
    ]);
    const { width, height } = decode(readFileSync(await download.path()));
    expect([width, height]).toEqual([448, 448]);
  });

  on("says in words what is wrong with a file, and goes on", async (page) => {
    // The size that a header states is all that is read of it.
    const vast = Buffer.from(three);
    vast.writeUInt32BE(10001, 16);
    vast.writeUInt32BE(10000, 20);
    const broken: [name: string, type: string, bytes: Uint8Array, words: RegExp][] = [
      ["notes.onnx", "", Buffer.from("not a network"), /expected.*received/s],
      ["half.onnx", "", digits.subarray(0, digits.length / 2), /expected.*received/s],
      ["torn.png", "image/png", three.subarray(0, 60), /torn\.png.*a readable PNG picture.*cut off/s],
      ["vast.png", "image/png", vast, /vast\.png.*at most 100000000 pixels.*10001 x 10000/s],
      [
        "paper.pdf",
        "application/pdf",
        Buffer.from("%PDF"),
        /a picture, a network \(\.onnx\) or class names.*application\/pdf/s,
      ],
      ["names.json", "application/json", Buffer.from('["a", 1]'), /a JSON list of class names/],
      ["few.txt", "text/plain", Buffer.from("a\nb"), /10, one for each output.*2/s],
    ];
    const alert = page.getByRole("alert");
    for (const [name, type, bytes, words] of broken) {
      await drop(page, name, type, bytes);
      await alert.filter({ hasText: words }).waitFor();
      await alert.filter({ hasText: `'${name}' cannot be used` }).waitFor();
      await alert.getByRole("button", { name: "Close" }).click();
      expect(await alert.count()).toBe(0);
      expect(await page.locator("#network").textContent()).toBe("digits.onnx");
      expect(await verdict(page).textContent()).toMatch(/^three/);
    }
  });

  on("says in words why a picture does not fit", async (page) => {
    await page.getByLabel("Preparation", { exact: true }).selectOption("torchvision");
    await page
      .getByRole("alert")
      .filter({ hasText: /field 'mean'.*expected.*1 number/s })
      .waitFor();
    await page.getByLabel("Preparation", { exact: true }).selectOption("unit");
    await expect.poll(() => page.getByRole("alert").count()).toBe(0);
    expect(await page.locator("#result.stale").count()).toBe(0);
  });

  on("can be stopped, and goes on with what was there", async (page) => {
    await drop(page, "slow.onnx", "", slow);
    await page.locator("#network", { hasText: "slow.onnx" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await says(page, "Cancelled");
    await page.getByRole("button", { name: "Draw a digit" }).click();
    await says(page, "three");
  });

  on("keeps what it explained where a file is stopped", async (page) => {
    // No answer of the worker comes in between: the network is still on its way back when another digit is asked for.
    const before = await page.evaluate(`(async () => {
      ${dropping(join(demo, "photos/photos.onnx"))}
      for (let i = 0; i < 10; i++) await null;
      document.querySelector("#cancel").click();
      for (let i = 0; i < 10; i++) await null;
      const shown = document.querySelector("#verdict").textContent;
      document.querySelector("[aria-label='Example two']").click();
      return shown;
    })()`);
    expect(before).toMatch(/^three/);
    await says(page, "two");
    expect(await page.locator("#network").textContent()).toBe("digits.onnx");
  });

  const googlenet = join(data, "models/bvlc_googlenet/bvlc_googlenet.onnx");
  it.runIf(existsSync(googlenet))("sees the cat with GoogLeNet, without a choice by hand", () =>
    using(async (page) => {
      await page.getByLabel("Open a network").setInputFiles(googlenet);
      await page.locator("#network", { hasText: "bvlc_googlenet.onnx" }).waitFor();
      await page.getByLabel("Open a photo").setInputFiles(join(data, "images/cat.jpg"));
      await says(page, "class 281");
      await page.getByRole("note").filter({ hasText: "caffe is a guess" }).waitFor();
    }),
  );
});
