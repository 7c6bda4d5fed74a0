"""Write photos.onnx, whose weights are 8-bit integers: python3 demo/photos/quantise.py FLOAT_MODEL

FLOAT_MODEL is a network of Conv, Gemm, LRN, MaxPool and Relu with float weights. Of each weight, every output channel
gets a scale of its own, max |w| / 127; DequantizeLinear multiplies it back. Biases stay floats.
"""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

HERE = Path(__file__).resolve().parent


def quantised(name, weights):
    """Initializers of 8-bit weights with their scales, and the node that multiplies them."""
    scale = (np.abs(weights).reshape(len(weights), -1).max(1) / 127).astype(np.float32)
    whole = np.rint(weights / scale.reshape(-1, *[1] * (weights.ndim - 1))).astype(np.int8)
    node = helper.make_node("DequantizeLinear", [f"{name}.int8", f"{name}.scale"], [name], f"{name}.whole", axis=0)
    return [numpy_helper.from_array(whole, f"{name}.int8"), numpy_helper.from_array(scale, f"{name}.scale")], node


def convert(model):
    """The model with every weight of Conv and Gemm quantised along its output channels."""
    graph = model.graph
    weights = {node.input[1] for node in graph.node if node.op_type in ("Conv", "Gemm")}
    kept, nodes = [], []
    for tensor in graph.initializer:
        if tensor.name not in weights:
            kept.append(tensor)
            continue
        tensors, node = quantised(tensor.name, numpy_helper.to_array(tensor))
        kept += tensors
        nodes.append(node)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    layers = list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes + layers)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    onnx.save(convert(onnx.load(sys.argv[1])), str(HERE / "photos.onnx"))
    print(f"photos.onnx: {(HERE / 'photos.onnx').stat().st_size} bytes")
