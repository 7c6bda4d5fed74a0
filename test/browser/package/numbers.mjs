/**
 * The bits of what a network's answer to a picture is explained by: the same code in every browser, and in Node.
 *
 * @param load of "relprop" or "relprop/threads", or what makes a pool look like a model
 */
export async function bits({ load, preprocess, decodeImage }, { network, picture, preset }, options, settings) {
  const model = await load(network, settings);
  try {
    const input = preprocess(decodeImage(picture), preset, model.inputs[0]);
    const { relevance } = await model.explain(input, options);
    return [...new Uint32Array(relevance.data.slice().buffer)];
  } finally {
    await model.dispose();
  }
}
