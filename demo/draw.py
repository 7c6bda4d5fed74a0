"""Draw the demo's two sample digits, three.png and seven.png: python3 demo/draw.py

They are our own drawings, made the way MNIST's digits look: white on black, 28 x 28,
about 20 pixels tall, centred by mass, with soft-edged strokes.
"""
import struct
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SIDE, FINE = 28, 8  # picture side; samples per pixel side, averaged for soft edges
HEIGHT, BRUSH = 20, 1.25  # height of the ink and mean brush radius in pixels

# Each digit is one stroke, a chain of cubic Bezier curves through x, y points in any unit:
# start, then (control, control, end) for each curve.
DIGITS = {
    "three": [(16, 19), (25, 4), (52, 1), (55, 17), (57, 31), (41, 41), (27, 45), (45, 41), (62, 50), (58, 68),
              (53, 88), (22, 96), (7, 82)],
    "seven": [(10, 15), (11, 10), (13, 7), (17, 8), (31, 12), (47, 8), (63, 5), (66, 10), (54, 28), (48, 41),
              (41, 57), (37, 74), (33, 92)],
}


def trace(points, steps=60):
    """Points along a chain of cubic Bezier curves."""
    t = np.linspace(0, 1, steps)[:, None]
    p = np.array(points, float)
    return np.concatenate([(1 - t) ** 3 * p[i] + 3 * t * (1 - t) ** 2 * p[i + 1] + 3 * t ** 2 * (1 - t) * p[i + 2]
                           + t ** 3 * p[i + 3] for i in range(0, len(p) - 1, 3)])


def paint(path):
    """Ink of a round brush moved along a path; its width swells and thins a little, as a pen's does."""
    centre = (np.arange(SIDE * FINE) + 0.5) / FINE
    ink = np.zeros((SIDE * FINE, SIDE * FINE))
    turn = np.linspace(0, 1, len(path))
    radius = BRUSH * (1 + 0.16 * np.sin(9 * turn - 1) - 0.25 * turn ** 6)
    for (x, y), r in zip(path, radius):
        distance = np.hypot(centre[None, :] - x, centre[:, None] - y)
        ink = np.maximum(ink, np.clip(r + 0.5 - distance, 0, 1))
    return ink.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))


def draw(points):
    """A uint8 picture of a digit, scaled to HEIGHT and moved so that its centre of mass is the picture's centre."""
    path = trace(points)
    path = (path - path.mean(0)) * (HEIGHT - 2 * BRUSH) / np.ptp(path[:, 1]) + SIDE / 2
    ink = paint(path)
    middle = np.arange(SIDE) + 0.5
    path += SIDE / 2 - np.array([ink.sum(0) @ middle, ink.sum(1) @ middle]) / ink.sum()
    return np.rint(paint(path) * 255).astype(np.uint8)


def write_png(path, grey):
    """Write a uint8 array as an 8-bit greyscale PNG; each row starts with 0, meaning unfiltered."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    height, width = grey.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), grey]).tobytes()
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


if __name__ == "__main__":
    for name, points in DIGITS.items():
        write_png(HERE / f"{name}.png", draw(points))
