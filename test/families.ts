/** What becomes of a network: relevance arrives, or an operator has no rule, or the file is refused. */
export type Works = "explains" | "predicts" | "refused";

/** Networks that are alike for their user, and files that show what works. */
export interface FamilyRow {
  readonly family: string;
  readonly works: Works;
  /** Where it ends, for the README. */
  readonly note?: string;
  /** Under RELPROP_DATA; those that begin with "cases/" are of test/. */
  readonly files: readonly string[];
}

/** The README's table "Does it work for my network?"; test/models/families.test.ts holds it to the files. */
export const families: readonly FamilyRow[] = [
  {
    family: "AlexNet, CaffeNet, ZFNet, GoogLeNet: networks with LRN",
    works: "explains",
    files: ["models/bvlc_googlenet/bvlc_googlenet.onnx", "models/alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx"],
  },
  {
    family: "VGG, SqueezeNet, Inception",
    works: "explains",
    files: ["models/squeezenet_v1.1/squeezenet_v1.1.onnx", "onnx_backend_tests/light/light_inception_v2.onnx"],
  },
  {
    family: "ResNet, DenseNet, ShuffleNet",
    works: "explains",
    note: 'where terms of a sum cancel, `sum: "ratio"` keeps shares bounded',
    files: [
      "models/resnet8_cifar10/resnet8_cifar10.onnx",
      "wild/cifar10_resnet_4b.onnx",
      "onnx_backend_tests/light/light_shufflenet.onnx",
    ],
  },
  {
    family: "MobileNet v1 and v2; detectors of faces, landmarks and objects made of them",
    works: "explains",
    note: "for a class at a place: `{ class, position }`",
    files: [
      "models/mobilenet_v1_025_224/mobilenet_v1_025_224.onnx",
      "wild/ultraface_rfb_320.onnx",
      "wild/blazeface_back.onnx",
      "wild/nanodet_m_320.onnx",
    ],
  },
  {
    family: "U-Net and other segmentations",
    works: "explains",
    note: "for a class at a place, or over an area",
    files: ["cases/unet.onnx", "cases/seg_softmax.onnx"],
  },
  {
    family: "YOLOX and other networks of SiLU, GELU, HardSwish, Mish, however they are spelled",
    works: "explains",
    files: ["wild/yolox_nano.onnx", "cases/a_gelu_erf.onnx", "cases/hardswish_spelled.onnx"],
  },
  {
    family: "EfficientNet, MobileNetV3: squeeze-and-excitation and other gates",
    works: "explains",
    note: "all relevance goes to the signal, none to its gate",
    files: ["wild/ppocr_mobile_v2_cls.onnx", "wild/selfie_segmentation.onnx", "cases/se_block.onnx"],
  },
  {
    family: "ViT, BERT, DistilBERT: attention, LayerNormalization",
    works: "explains",
    note: "words and positions are [apart](docs/guides/transformers.md)",
    files: [
      "models/vit_tiny_mnist/vit_tiny_mnist_opset17.onnx",
      "models/vit_tiny_mnist/vit_tiny_mnist_opset13.onnx",
      "wild/distilbert_optimum.onnx",
      "wild/vespa_transformer.onnx",
      "wild/vespa_decoder.onnx",
    ],
  },
  {
    family: "LSTM, GRU, RNN, in both directions",
    works: "explains",
    note: "all relevance goes to the signal, none to the gates",
    files: ["wild/point_history_lstm.onnx", "wild/dtln_1.onnx", "wild/bidi_lstm.onnx", "cases/gru.onnx"],
  },
  {
    family: "GPT and others with fused operators of `com.microsoft`; quantised files",
    works: "explains",
    note: "as [the network](docs/guides/fused-and-quantised.md) that was fused or quantised",
    files: [
      "wild/openseeface_detection_fused.onnx",
      "cases/ms_gelu.onnx",
      "cases/qdq_weight.onnx",
      "cases/dyn_quant.onnx",
    ],
  },
  {
    family: "scikit-learn's linear models (`ai.onnx.ml`)",
    works: "explains",
    files: ["wild/sklearn_linear.onnx"],
  },
  {
    family: "gradient boosting as a tensor program (hummingbird)",
    works: "predicts",
    note: "decision trees have no relevance to pass",
    files: ["wild/lgbm_onehot.onnx"],
  },
];

const words: Readonly<Record<Works, readonly [predicts: string, explains: string]>> = {
  explains: ["yes", "yes"],
  predicts: ["yes", "no"],
  refused: ["no", "no"],
};

/** The rows for the README. */
export const familyRows = families.map(({ family, works, note = "" }) => [family, ...words[works], note]);
