import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import { random } from "../../src/evaluate/index.ts";
import { dataFile, hasData } from "../data.ts";
import { type Program, startIn } from "./programs.ts";

export const IMAGES = 200;

/** Images of digits: those of MNIST where the data is. */
function digits(): Uint8Array {
  if (hasData) return dataFile("datasets/mnist/t10k-images-idx3-ubyte.gz");
  const { uniform: next } = random(1);
  const header = new DataView(new ArrayBuffer(16));
  for (const [i, word] of [0x803, IMAGES, 28, 28].entries()) header.setUint32(4 * i, word);
  return Buffer.concat([new Uint8Array(header.buffer), Uint8Array.from({ length: IMAGES * 784 }, () => 256 * next())]);
}

/** A folder with images, and the programs that measure them there by way of a Redis: they end with it. */
export function placeOn(url: string) {
  const dir = mkdtempSync(join(tmpdir(), "relprop-queue-"));
  const at = (name: string) => join(dir, name);
  writeFileSync(at("t-images-idx3-ubyte"), digits());
  const programs = new Set<Program>();

  const begunIn = (how: Parameters<typeof startIn>[0], ...words: string[]): Program => {
    const program = startIn(how, ...words);
    programs.add(program);
    void program.end.then(() => programs.delete(program));
    return program;
  };
  const begun = (...words: string[]) => begunIn({}, ...words);
  const evaluation = (images: number, out: string, ...more: string[]) => [
    ...["evaluate", "demo/digits.onnx", at("t-images-idx3-ubyte"), "--preset", "unit", "--images", `${images}`],
    ...["--methods", "epsilonPlus,epsilon,gradient,smoothGrad:samples=3,integratedGradients:steps=3"],
    ...["--metrics", "morf,gini", "--flips", "5", "--step", "40", "--pictures", "2", "--out", at(out), ...more],
  ];
  return {
    dir,
    at,
    begunIn,
    begun,
    evaluation,
    byQueue: (images: number, out: string, name: string, ...more: string[]) =>
      evaluation(images, out, "--queue", `${url}/${name}`, ...more),
    worker: (name = "", ...more: string[]) =>
      begun("work", `${url}/${name}`, "--workers", "1", "--cache", at("cache"), ...more),
    async withQueue<T>(name: string, work: (queue: Queue) => Promise<T>): Promise<T> {
      const queue = new Queue(name, { connection: { url }, prefix: "relprop", skipMetasUpdate: true });
      try {
        return await work(queue);
      } finally {
        await queue.close();
      }
    },
    close() {
      for (const { child } of programs) child.kill("SIGKILL");
      rmSync(dir, { recursive: true });
    },
  };
}
