"""Draw the six pictures of the page's network for photos: python3 demo/photos/draw.py

They are our own drawings: simple scenes with a soft light and some grain, 160 x 160, not taken from any data set.
"""
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

HERE = Path(__file__).resolve().parent
SIDE, FINE = 160, 4  # picture side; samples per pixel side


def blend(top, bottom, height=SIDE * FINE):
    """Rows that go from one colour to another."""
    t = np.linspace(0, 1, height)[:, None, None]
    rows = np.array(top) * (1 - t) + np.array(bottom) * t
    return Image.fromarray(np.rint(np.broadcast_to(rows, (height, SIDE * FINE, 3))).astype(np.uint8))


def cloudy(image, seed, amount, size):
    """Soft light and dark patches of about `size` pixels."""
    random = np.random.default_rng(seed)
    patches = random.normal(0, 1, (SIDE // size + 2, SIDE // size + 2))
    field = Image.fromarray(patches.astype(np.float32)).resize(image.size, Image.BICUBIC)
    light = np.asarray(field)[..., None] * amount
    return Image.fromarray(np.clip(np.asarray(image) + light, 0, 255).astype(np.uint8))


class Scene:
    """A picture to draw on, in hundredths of its side."""

    def __init__(self, sky, ground=None, horizon=100, seed=1, patches=(6, 24)):
        self.image = blend(*sky)
        if ground:
            height = int(SIDE * FINE * (100 - horizon) / 100)
            self.image.paste(blend(*ground, height), (0, SIDE * FINE - height))
        self.image = cloudy(self.image, seed, *patches)
        self.seed = seed

    def at(self, points):
        return [(x * SIDE * FINE / 100, y * SIDE * FINE / 100) for x, y in points]

    def shape(self, colour, *points):
        ImageDraw.Draw(self.image).polygon(self.at(points), fill=colour)

    def oval(self, colour, left, top, right, bottom):
        ImageDraw.Draw(self.image).ellipse(sum(self.at([(left, top), (right, bottom)]), ()), fill=colour)

    def box(self, colour, left, top, right, bottom, radius=0):
        box = sum(self.at([(left, top), (right, bottom)]), ())
        ImageDraw.Draw(self.image).rounded_rectangle(box, radius * SIDE * FINE / 100, fill=colour)

    def line(self, colour, width, *points):
        ImageDraw.Draw(self.image).line(self.at(points), fill=colour, width=int(width * SIDE * FINE / 100), joint="curve")

    def finish(self, path):
        """Soften as a lens does, and add grain."""
        image = self.image.resize((SIDE, SIDE), Image.LANCZOS).filter(ImageFilter.GaussianBlur(0.8))
        grain = np.random.default_rng(self.seed).normal(0, 4, (SIDE, SIDE, 1))
        Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)).save(path, quality=88)


def ship():
    s = Scene([(150, 185, 215), (205, 220, 228)], [(60, 96, 122), (24, 52, 76)], 62, 3)
    s.shape((40, 44, 56), (8, 58), (94, 54), (84, 74), (18, 74))
    s.shape((140, 38, 34), (14, 68), (89, 67), (84, 74), (18, 74))
    s.box((236, 236, 232), 26, 44, 66, 57)
    s.box((222, 222, 220), 32, 34, 54, 45)
    s.box((190, 60, 44), 42, 20, 50, 35)
    s.line((70, 74, 80), 1, (74, 55), (74, 22))
    s.line((70, 74, 80), 1, (74, 24), (88, 54))
    for x in range(30, 64, 5):
        s.box((70, 90, 110), x, 48, x + 2.4, 51)
    return s


def airplane():
    s = Scene([(96, 150, 214), (190, 216, 238)], seed=5, patches=(10, 40))
    s.shape((214, 219, 226), (6, 55), (16, 49), (78, 43), (92, 46), (95, 50), (86, 55), (24, 60))
    s.shape((228, 232, 238), (40, 52), (58, 50), (30, 84), (22, 84))
    s.shape((188, 194, 204), (50, 47), (60, 46), (52, 26), (46, 26))
    s.shape((60, 84, 150), (8, 54), (20, 50), (12, 30), (4, 30))
    s.shape((200, 206, 214), (6, 55), (18, 54), (8, 64), (2, 64))
    s.oval((120, 126, 138), 44, 60, 53, 66)
    s.line((64, 72, 90), 1.2, (26, 53.5), (84, 47.5))
    return s


def automobile():
    s = Scene([(170, 184, 190), (198, 204, 200)], [(118, 118, 116), (88, 88, 88)], 60, 8)
    s.box((96, 112, 92), 0, 40, 100, 61)
    s.oval((58, 58, 60), 6, 74, 96, 88)
    s.shape((196, 30, 34), (6, 66), (10, 56), (28, 53), (40, 38), (68, 37), (82, 52), (94, 57), (95, 72), (92, 77), (8, 77))
    s.shape((170, 200, 214), (33, 53), (43, 41), (53, 41), (53, 53))
    s.shape((160, 190, 206), (56, 53), (56, 41), (66, 41), (76, 53))
    for x in (25, 76):
        s.oval((22, 22, 24), x - 10, 66, x + 10, 86)
        s.oval((176, 178, 182), x - 5, 71, x + 5, 81)
    s.oval((250, 240, 190), 90, 59, 95, 64)
    s.line((120, 16, 20), 0.8, (54, 53), (55, 74))
    return s


def truck():
    s = Scene([(176, 196, 214), (214, 220, 222)], [(124, 120, 112), (96, 94, 90)], 70, 11)
    s.oval((70, 68, 66), 4, 80, 98, 92)
    s.box((232, 232, 228), 4, 22, 64, 72)
    s.shape((36, 78, 156), (66, 72), (66, 34), (82, 34), (92, 52), (95, 54), (95, 74), (66, 76))
    s.shape((150, 184, 206), (70, 52), (70, 39), (80, 39), (87, 52))
    s.box((48, 50, 54), 4, 72, 95, 78)
    for x in (18, 34, 80):
        s.oval((20, 20, 22), x - 8, 70, x + 8, 87)
        s.oval((150, 152, 156), x - 3.6, 75, x + 3.6, 82)
    s.line((196, 196, 192), 0.8, (34, 23), (34, 71))
    return s


def frog():
    s = Scene([(120, 96, 66), (92, 70, 46)], seed=14, patches=(16, 14))
    s.oval((58, 42, 28), 14, 70, 90, 90)
    s.oval((92, 132, 44), 20, 36, 82, 82)
    s.oval((74, 112, 36), 12, 56, 40, 86)
    s.oval((74, 112, 36), 64, 56, 92, 86)
    s.oval((196, 196, 128), 34, 60, 68, 84)
    s.oval((104, 146, 50), 28, 22, 76, 60)
    for x in (33, 71):
        s.oval((124, 164, 60), x - 9, 16, x + 9, 36)
        s.oval((232, 190, 60), x - 6, 19, x + 6, 32)
        s.oval((16, 16, 14), x - 3.4, 22, x + 3.4, 30)
    s.line((54, 78, 26), 1.4, (34, 48), (52, 53), (70, 48))
    for x, y in ((30, 66), (74, 66), (52, 40), (42, 34), (62, 34)):
        s.oval((66, 98, 30), x - 2.5, y - 2, x + 2.5, y + 2)
    return s


def horse():
    s = Scene([(166, 194, 216), (212, 222, 214)], [(112, 142, 66), (74, 104, 44)], 56, 17)
    coat, dark = (122, 72, 36), (46, 26, 14)
    s.oval((58, 82, 36), 16, 84, 84, 94)
    for x in (28, 35, 62, 69):
        s.shape(coat if x in (28, 62) else (100, 58, 30), (x, 58), (x + 7, 58), (x + 5, 76), (x + 5, 90), (x + 1, 90), (x + 1, 76))
    s.oval(coat, 22, 40, 78, 68)
    s.shape(coat, (62, 46), (72, 20), (82, 16), (84, 30), (78, 56))
    s.shape(coat, (72, 16), (82, 14), (97, 32), (93, 38), (80, 30))
    s.shape(coat, (74, 17), (76, 9), (80, 15))
    s.shape(dark, (60, 44), (68, 22), (74, 14), (73, 26), (68, 46))
    s.shape(dark, (24, 44), (16, 50), (12, 76), (18, 74), (24, 54))
    s.oval((20, 12, 8), 82, 21, 85, 24)
    return s


if __name__ == "__main__":
    for draw in (airplane, automobile, ship, truck, frog, horse):
        draw().finish(HERE / f"{draw.__name__}.jpg")
