/*
 * Well-known networks as tables of layers, and their ONNX bytes with random weights.
 * Windows are square: (outputs,) kernel, stride, pad (one number, or [top, left, bottom, right]).
 */
import { writeOnnx } from "./onnx-writer.mjs";
import { normal } from "./random.mjs";

const conv = (m, kernel, stride = 1, pad = 0, group = 1) => ({ type: "Conv", m, kernel, stride, pad, group });
const depthwise = (kernel, stride, pad) => ({ type: "Conv", kernel, stride, pad, group: "channels" });
const max = (kernel, stride, pad = 0) => ({ type: "MaxPool", kernel, stride, pad });
const average = { type: "GlobalAveragePool" };
const lrn = { type: "LRN", attributes: { size: 5, alpha: 1e-4, beta: 0.75 } };
const relu = { type: "Relu" };
const relu6 = { type: "Clip" };
const batchNorm = { type: "BatchNormalization", scale: 1 };
const flatten = { type: "Flatten" };
const dense = (m) => ({ type: "Gemm", m });
const concat = (...branches) => ({ type: "Concat", branches });
const add = (...branches) => ({ type: "Add", branches });

/** As Caffe rounds up: 3x3 windows at every second place, the last of which looks beyond the end. */
const caffePool = max(3, 2, [0, 0, 1, 1]);
const times = (count, layers) => Array.from({ length: count }, () => layers).flat();

const alexnet = [
  [conv(96, 11, 4), relu, lrn, max(3, 2)],
  [conv(256, 5, 1, 2, 2), relu, lrn, max(3, 2)],
  [conv(384, 3, 1, 1), relu, conv(384, 3, 1, 1, 2), relu, conv(256, 3, 1, 1, 2), relu, caffePool],
  [flatten, dense(4096), relu, dense(4096), relu, dense(1000)],
].flat();

const inception = (one, reduce3, three, reduce5, five, pool) =>
  concat(
    [conv(one, 1), relu],
    [conv(reduce3, 1), relu, conv(three, 3, 1, 1), relu],
    [conv(reduce5, 1), relu, conv(five, 5, 1, 2), relu],
    [max(3, 1, 1), conv(pool, 1), relu],
  );

const googlenet = [
  [conv(64, 7, 2, 3), relu, caffePool, lrn],
  [conv(64, 1), relu, conv(192, 3, 1, 1), relu, lrn, caffePool],
  [inception(64, 96, 128, 16, 32, 32), inception(128, 128, 192, 32, 96, 64), caffePool],
  [inception(192, 96, 208, 16, 48, 64), inception(160, 112, 224, 24, 64, 64), inception(128, 128, 256, 24, 64, 64)],
  [inception(112, 144, 288, 32, 64, 64), inception(256, 160, 320, 32, 128, 128), caffePool],
  [inception(256, 160, 320, 32, 128, 128), inception(384, 192, 384, 48, 128, 128)],
  [average, flatten, dense(1000)],
].flat();

const vgg16 = [
  [64, 2],
  [128, 2],
  [256, 3],
  [512, 3],
  [512, 3],
]
  .flatMap(([m, count]) => [...times(count, [conv(m, 3, 1, 1), relu]), max(2, 2)])
  .concat([flatten, dense(4096), relu, dense(4096), relu, dense(1000)]);

/** A branch's last scale is small, as training makes it: else every sum would enlarge the activations. */
const last = { ...batchNorm, scale: 0.3 };
const bottleneck = (m, stride, shortcut) => [
  add([conv(m, 1), batchNorm, relu, conv(m, 3, stride, 1), batchNorm, relu, conv(4 * m, 1), last], shortcut),
  relu,
];

const resnet50 = [
  [conv(64, 7, 2, 3), batchNorm, relu, max(3, 2, 1)],
  ...[
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ].map(([m, count, stride]) => [
    ...bottleneck(m, stride, [conv(4 * m, 1, stride), batchNorm]),
    ...times(count - 1, bottleneck(m, 1, [])),
  ]),
  [average, flatten, dense(1000)],
].flat();

const fire = (squeeze, m) => [conv(squeeze, 1), relu, concat([conv(m, 1), relu], [conv(m, 3, 1, 1), relu])];

const squeezenet = [
  [conv(64, 3, 2), relu, max(3, 2)],
  [...fire(16, 64), ...fire(16, 64), caffePool, ...fire(32, 128), ...fire(32, 128), caffePool],
  [...fire(48, 192), ...fire(48, 192), ...fire(64, 256), ...fire(64, 256)],
  [conv(1000, 1), relu, average, flatten],
].flat();

const separable = (m, stride) => [
  depthwise(3, stride, stride === 1 ? 1 : [0, 0, 1, 1]),
  batchNorm,
  relu6,
  conv(m, 1),
  batchNorm,
  relu6,
];

const mobilenet = [
  [conv(8, 3, 2, [0, 0, 1, 1]), batchNorm, relu6],
  [
    ...separable(16, 1),
    ...separable(32, 2),
    ...separable(32, 1),
    ...separable(64, 2),
    ...separable(64, 1),
    ...separable(128, 2),
  ],
  [...times(5, separable(128, 1)), ...separable(256, 2), ...separable(256, 1)],
  [average, conv(1000, 1), flatten],
].flat();

export const architectures = {
  alexnet: { input: [3, 224, 224], layers: alexnet },
  googlenet: { input: [3, 224, 224], layers: googlenet },
  vgg16: { input: [3, 224, 224], layers: vgg16 },
  resnet50: { input: [3, 224, 224], layers: resnet50 },
  squeezenet: { input: [3, 227, 227], layers: squeezenet },
  mobilenet: { input: [3, 224, 224], layers: mobilenet },
};

const product = (dims) => dims.reduce((a, b) => a * b, 1);
const sides = (pad) => (Array.isArray(pad) ? pad : [pad, pad, pad, pad]);

/**
 * The ONNX bytes of an architecture. Weights are He-normal, σ² = 2 / inputs of a neuron, so that activations keep their
 * size; biases and the statistics of batch normalization are small and random.
 */
export function onnxOf({ input, layers }, seed = 1) {
  const draw = normal(seed);
  const [nodes, tensors] = [[], []];
  /** A parameter of a node. */
  const tensor = (node, what, dims, value) => {
    const name = `${node}.${what}`;
    tensors.push({ name, dims, data: new Float32Array(product(dims)).map(value) });
    return name;
  };
  const weights = (node, m, ...inputs) => {
    const deviation = Math.sqrt(2 / product(inputs));
    return [
      tensor(node, "weight", [m, ...inputs], () => deviation * draw()),
      tensor(node, "bias", [m], () => 0.01 * draw()),
    ];
  };
  const window = ({ kernel, stride, pad }) => ({
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: sides(pad),
  });
  const slid = (dims, { kernel, stride, pad }) =>
    dims.map((d, i) => Math.floor((d + sides(pad)[i] + sides(pad)[i + 2] - kernel) / stride) + 1);

  /** For each type: parameters, attributes and dims [c, h, w] of the output. */
  const parts = {
    Conv(name, layer, [c, h, w]) {
      const group = layer.group === "channels" ? c : layer.group;
      const m = layer.m ?? c;
      return {
        parameters: weights(name, m, c / group, layer.kernel, layer.kernel),
        attributes: { ...window(layer), group },
        dims: [m, ...slid([h, w], layer)],
      };
    },
    Gemm: (name, { m }, [k]) => ({ parameters: weights(name, m, k), attributes: { transB: 1 }, dims: [m] }),
    MaxPool: (_, layer, [c, h, w]) => ({ attributes: window(layer), dims: [c, ...slid([h, w], layer)] }),
    GlobalAveragePool: (_, __, [c]) => ({ dims: [c, 1, 1] }),
    Flatten: (_, __, dims) => ({ dims: [product(dims)] }),
    LRN: (_, { attributes }, dims) => ({ attributes, dims }),
    Relu: (_, __, dims) => ({ dims }),
    Clip: (name, _, dims) => ({
      parameters: [tensor(name, "min", [], () => 0), tensor(name, "max", [], () => 6)],
      dims,
    }),
    BatchNormalization: (name, { scale }, [c, ...rest]) => ({
      parameters: [
        tensor(name, "scale", [c], () => scale * (1 + 0.1 * draw())),
        tensor(name, "shift", [c], () => 0.05 * draw()),
        tensor(name, "mean", [c], () => 0.05 * draw()),
        tensor(name, "variance", [c], () => Math.exp(0.2 * draw())),
      ],
      dims: [c, ...rest],
    }),
  };

  const append = (from, layer) => {
    const ends = layer.branches?.map((branch) => branch.reduce(append, from));
    const name = `${layer.type.toLowerCase()}${nodes.length}`;
    if (ends) {
      const [c, ...plane] = ends[0].dims;
      const joined = layer.type === "Concat";
      nodes.push({
        type: layer.type,
        name,
        inputs: ends.map((end) => end.name),
        attributes: joined ? { axis: 1 } : {},
      });
      return { name, dims: [joined ? ends.reduce((sum, end) => sum + end.dims[0], 0) : c, ...plane] };
    }
    const { parameters = [], attributes, dims } = parts[layer.type](name, layer, from.dims);
    nodes.push({ type: layer.type, name, inputs: [from.name, ...parameters], attributes });
    return { name, dims };
  };
  const end = layers.reduce(append, { name: "image", dims: input });
  return writeOnnx({
    nodes,
    tensors,
    input: { name: "image", dims: ["n", ...input] },
    output: { name: end.name, dims: ["n", ...end.dims] },
  });
}
