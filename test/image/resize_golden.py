"""Goldens for preprocess.test.ts: python3 test/image/resize_golden.py > test/image/resize_golden.json (Pillow 9.4.0, numpy 1.24.2)"""
import hashlib, json
import numpy as np
from PIL import Image

def noise(w, h, c):
    y, x, k = np.mgrid[0:h, 0:w, 0:c]
    return ((x * x * 7 + y * 13 * (k + 1) + x * y * 5 + k * 31) % 256).astype(np.uint8)

def shorter(im, side):
    short = min(im.size)
    return im.resize([int(side * length / short) for length in im.size], Image.BILINEAR)

def centre(im, w, h):
    left, top = int(round((im.width - w) / 2.0)), int(round((im.height - h) / 2.0))
    return im.crop((left, top, left + w, top + h))

def channels_first(im):
    a = np.asarray(im)
    return a[None] if a.ndim == 2 else a.transpose(2, 0, 1)

exact = []
for (w, h), (ow, oh) in [((23, 17), (7, 5)), ((5, 3), (11, 13)), ((13, 9), (13, 4)), ((9, 14), (6, 14)), ((2, 31), (3, 2))]:
    for mode in ("RGB", "L"):
        im = Image.fromarray(noise(w, h, 3)).convert(mode).resize((ow, oh), Image.BILINEAR)
        exact.append({"from": [w, h], "to": [ow, oh], "mode": mode, "values": channels_first(im).ravel().tolist()})

cropped = []
for (w, h), side, (ow, oh) in [((640, 427), 256, (224, 224)), ((427, 640), 256, (224, 224)), ((333, 500), 256, (227, 227)), ((300, 299), 64, (33, 51)), ((97, 101), 256, (224, 225))]:
    im = centre(shorter(Image.fromarray(noise(w, h, 3)), side), ow, oh)
    a = np.ascontiguousarray(channels_first(im))
    cropped.append({"from": [w, h], "resize": side, "to": [ow, oh], "first": a[:, 0, :4].ravel().tolist(), "sha256": hashlib.sha256(a.tobytes()).hexdigest()})

print(json.dumps({"exact": exact, "cropped": cropped}).replace('{"from"', '\n{"from"'))
