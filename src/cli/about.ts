/*
 * What several commands say of their inputs.
 */

export const PICTURES =
  "INPUT is a .npy or .npz file, whose numbers are taken as they are (float64 is rounded to float32), or a .png, " +
  ".jpg or .webp picture. --preset prepares a picture: value = (pixel * scale - mean) / std. Options for single steps " +
  "work without a preset, too, or change its steps.";
export const INPUTS =
  "If a model has several inputs, give each by its name: NAME=FILE, or numbers, as in NAME=3 and NAME=1,2,3. Numbers get " +
  "the shape of the input: the last of its free axes is as long as they need, and other free axes have size 1.";
export const TEXT =
  "--text gives a text, of which --tokenizer makes ids, and --text-pair a second text. They go to the inputs input_ids, " +
  "attention_mask, token_type_ids and position_ids. NAME=input_ids gives the ids to an input of another name. Inputs " +
  "of past keys and values are empty unless you give them.";
export const SIDECAR =
  'A file NAME.relprop.json beside NAME.onnx, such as {"preprocess": "caffe", "classes": ["cat", "dog"]}, stands ' +
  'for --preset and --classes; "tokenizer": "tokenizer.json" stands for --tokenizer. It never changes numbers from ' +
  ".npy and .npz files.";
