/** LRN's numbers in an ONNX file, read and changed where they stand, and networks whose LRN is stronger or weaker. */
import { load } from "../../../dist/index.js";
import { open } from "../../../build/js/read/open.js";

function placesOf(bytes, pattern, count) {
  const places = [...bytes.toString("latin1").matchAll(pattern)].map((match) => match.index + match[0].length);
  if (places.length !== count) throw new Error(`expected ${count} numbers at ${pattern}, found ${places.length}`);
  return places;
}

/** a and bias of every layer. */
export function numbersIn(bytes, { alpha, bias, over, layers }) {
  const [alphas, biases] = [alpha, bias].map((pattern) => placesOf(bytes, pattern, layers.length));
  return layers.map((_, i) => ({ a: bytes.readFloatLE(alphas[i]) / over, bias: bytes.readFloatLE(biases[i]) }));
}

/** The file with other numbers. */
function withNumbers(bytes, { alpha, bias, over, layers }, numbers) {
  const changed = Buffer.from(bytes);
  const [alphas, biases] = [alpha, bias].map((pattern) => placesOf(bytes, pattern, layers.length));
  numbers.forEach((number, i) => {
    changed.writeFloatLE(number.a * over, alphas[i]);
    changed.writeFloatLE(number.bias, biases[i]);
  });
  return changed;
}

/** The network with what goes into its LRN layers, and what comes out, among its outputs. */
export async function observed(bytes, layers) {
  const graph = await open(bytes, {});
  const more = layers
    .flatMap(({ input, output }) => [input, output])
    .map((name) => ({ name, dims: ["n", "c", "h", "w"] }));
  return load({ graph: { ...graph, outputs: [...graph.outputs, ...more] } });
}

/** Σ y² of a layer's output over the inputs. */
async function energyOf(bytes, { layers }, layer, inputs) {
  const model = await observed(bytes, layers);
  const each = inputs.map((input) =>
    model.predict(input).outputs[layer.output].data.reduce((total, y) => total + y * y, 0),
  );
  model.dispose();
  return each.reduce((a, b) => a + b);
}

/**
 * The network with a / bias of every LRN layer multiplied. Relevance depends on a and bias by their ratio alone, and λ
 * times both scales what comes out by λ^−β: λ is chosen, layer after layer, so that the root mean square of a layer's
 * output on these inputs stays.
 */
export async function withStrength(bytes, network, factor, inputs) {
  let numbers = numbersIn(bytes, network).map(({ a, bias }) => ({ a: factor * a, bias }));
  for (const [i, layer] of network.layers.entries()) {
    const [now, before] = [
      await energyOf(withNumbers(bytes, network, numbers), network, layer, inputs),
      await energyOf(bytes, network, layer, inputs),
    ];
    const scale = (now / before) ** (1 / (2 * network.beta));
    numbers = numbers.map(({ a, bias }, k) => (k === i ? { a: scale * a, bias: scale * bias } : { a, bias }));
  }
  return withNumbers(bytes, network, numbers);
}
