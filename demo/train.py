"""Train the demo's digit classifier and export it: python3 demo/train.py PATH_TO_MNIST

PATH_TO_MNIST is a folder with MNIST's 10 000-image "t10k" files (idx format, gzipped).
The first 8 000 images train the network, the last 2 000 only measure it.
Writes digits.onnx and digits.relprop.json beside this file; classifies draw.py's pictures if they are there.
"""
import gzip
import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
NAMES = "zero one two three four five six seven eight nine".split()
TRAIN, EPOCHS, BATCH = 8000, 40, 64
ALPHA, BETA, SIZE = 4.0, 0.75, 5  # strong on purpose: normalization must matter to the prediction


def load(folder):
    """Images as float (10000, 1, 28, 28) in 0..1, labels as int64; idx headers are 16 and 8 bytes."""
    def read(name, header):
        return np.frombuffer(gzip.open(Path(folder) / name).read(), np.uint8, offset=header).copy()
    images = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    return torch.from_numpy(images).float() / 255, torch.from_numpy(read("t10k-labels-idx1-ubyte.gz", 8)).long()


def network():
    """Two convolutions, each followed by ReLU and cross-channel LRN, then two dense layers."""
    def lrn():
        return nn.LocalResponseNorm(SIZE, ALPHA, BETA, k=1.0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.ReLU(), lrn(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5), nn.ReLU(), lrn(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10))


def augment(x):
    """Shift, rotate, scale and shear each image at random: 8 000 images alone would be overfitted."""
    def uniform(limit):
        return (torch.rand(len(x)) * 2 - 1) * limit
    angle, shear = uniform(math.radians(14)), uniform(0.15)
    sx, sy = 1 + uniform(0.14), 1 + uniform(0.14)
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack([
        torch.stack([cos * sx, (shear * cos - sin) * sy, uniform(0.15)], 1),
        torch.stack([sin * sx, (shear * sin + cos) * sy, uniform(0.15)], 1)], 1)
    return F.grid_sample(x, F.affine_grid(matrix, x.shape, align_corners=False), align_corners=False)


def train(model, x, y):
    """Adam with a one-cycle learning rate."""
    optimizer = torch.optim.Adam(model.parameters())
    steps = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        total = 0.0
        for pick in torch.randperm(len(x)).split(BATCH)[:len(x) // BATCH]:
            loss = F.cross_entropy(model(augment(x[pick])), y[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / (len(x) // BATCH):.4f}", flush=True)


def report(model, x, y):
    """Print held-out accuracy and how far LRN's factors (k + alpha/size * sum a^2)^-beta are from 1."""
    print(f"held-out accuracy: {(model(x).argmax(1) == y).float().mean():.2%}")
    number = 0
    for layer in model:
        if isinstance(layer, nn.LocalResponseNorm):
            number += 1
            # LRN divides by its denominator, so the factor is output / input wherever the input is not 0.
            factor = (layer(x) / x)[x > 0].numpy()
            low, p5, middle, p95, high = np.quantile(factor, [0, 0.05, 0.5, 0.95, 1])
            print(f"LRN {number} factors: {low:.3f} .. {high:.3f} (5 % {p5:.3f}, median {middle:.3f}, 95 % {p95:.3f})")
        x = layer(x)


def export(model, path):
    """Write the ONNX file as PyTorch makes it, LRN in elementary nodes, less its stack traces."""
    torch.onnx.export(model, torch.zeros(1, 1, 28, 28), str(path), opset_version=13, input_names=["image"],
                      output_names=["logits"], dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}})
    file = onnx.load(str(path))
    onnx.helper.strip_doc_string(file)
    onnx.checker.check_model(file)
    assert b".py" not in file.SerializeToString(), "a source path is left in the file"
    onnx.save(file, str(path))
    print(f"{path.name}: {path.stat().st_size} bytes, {len(file.graph.node)} nodes")


def classify(model, path):
    """Print what the network sees in a picture of draw.py's: one IDAT chunk, 28 x 28 grey, unfiltered rows."""
    data = path.read_bytes()
    start = data.index(b"IDAT") + 4
    size = int.from_bytes(data[start - 8:start - 4], "big")
    rows = np.frombuffer(zlib.decompress(data[start:start + size]), np.uint8).reshape(28, 29)
    image = torch.from_numpy(rows[:, 1:].copy()).float().view(1, 1, 28, 28) / 255
    chance, best = model(image).softmax(1).max(1)
    print(f"{path.name}: {NAMES[best]} with probability {chance.item():.4f}")


def main(folder):
    """Train, measure, export."""
    torch.set_num_threads(1)
    torch.manual_seed(7)
    x, y = load(folder)
    model = network()
    train(model, x[:TRAIN], y[:TRAIN])
    model.eval()
    with torch.no_grad():
        report(model, x[TRAIN:], y[TRAIN:])
        export(model, HERE / "digits.onnx")
        for path in filter(Path.exists, [HERE / "three.png", HERE / "seven.png"]):
            classify(model, path)
    settings = {"preprocess": "unit", "classes": NAMES}
    (HERE / "digits.relprop.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
