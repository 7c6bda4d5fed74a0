/*
 * What several commands say of their inputs.
 */

export const PICTURES =
  "INPUT is a .npy or .npz file, whose numbers are taken as they are (float64 is rounded to float32), or a .png, " +
  ".jpg or .webp picture, which --preset prepares, or single steps do: value = (pixel * scale - mean) / std. Single steps " +
  "change those of the preset.";
export const INPUTS =
  "A model of several inputs takes each by its name: NAME=FILE, or numbers, as in NAME=3 and NAME=1,2,3. Numbers have " +
  "the shape of the input: the last of its free axes is as long as they need, other free axes are 1.";
export const TEXT =
  "A text is --text, of which --tokenizer makes ids; --text-pair is a second one. They go to the inputs input_ids, " +
  "attention_mask, token_type_ids and position_ids; NAME=input_ids gives the ids to an input of another name. Inputs " +
  "of past keys and values are empty, unless they are given.";
export const SIDECAR =
  'A file NAME.relprop.json beside NAME.onnx, such as {"preprocess": "caffe", "classes": ["cat", "dog"]}, saves ' +
  'typing --preset and --classes; "tokenizer": "tokenizer.json" saves --tokenizer. Its preparation is never applied to ' +
  ".npy.";
