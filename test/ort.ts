import { existsSync } from "node:fs";
import { createRequire } from "node:module";

/*
 * onnxruntime-web, which lives in test/peers, so that the project's own install stays small.
 */

const manifest = new URL("./peers/package.json", import.meta.url);

export const installed = existsSync(new URL("./peers/node_modules/onnxruntime-web/package.json", import.meta.url));
if (!installed) {
  if (process.env.CI) throw new Error("onnxruntime-web is required in CI: npm ci --prefix test/peers");
  console.log("skipped: comparison with onnxruntime-web, which needs npm ci --prefix test/peers");
}

/** Its tensors, as far as tests read them. */
export interface OrtTensor {
  readonly data: ArrayLike<number> | ArrayLike<bigint>;
  readonly dims: readonly number[];
  readonly type: string;
}

interface Ort {
  env: { wasm: { numThreads: number }; logLevel: string };
  Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
  InferenceSession: {
    create(
      bytes: Uint8Array,
      options?: { graphOptimizationLevel?: "disabled" | "basic" | "all"; logSeverityLevel?: number },
    ): Promise<{
      inputNames: string[];
      outputNames: string[];
      run(feeds: Record<string, unknown>): Promise<Record<string, OrtTensor>>;
      release(): Promise<void>;
    }>;
  };
}

export function ort(): Ort {
  const loaded = createRequire(manifest)("onnxruntime-web") as Ort;
  loaded.env.wasm.numThreads = 1;
  loaded.env.logLevel = "error";
  return loaded;
}

/** What onnxruntime-web computes of a file, node by node as it stands there. */
export async function ortOutputs(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array | BigInt64Array }>>,
): Promise<Readonly<Record<string, OrtTensor>>> {
  const { InferenceSession, Tensor } = ort();
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: "disabled", logSeverityLevel: 3 });
  const feeds = Object.entries(inputs).map(([name, { data, dims }]) => [
    name,
    new Tensor(data instanceof BigInt64Array ? "int64" : "float32", data, dims),
  ]);
  const outputs = await session.run(Object.fromEntries(feeds));
  await session.release();
  return outputs;
}
