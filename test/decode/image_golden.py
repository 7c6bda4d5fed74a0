"""
Goldens for decode.test.ts: python3 test/decode/image_golden.py > test/decode/image_golden.json
(Pillow 9.4.0 with libjpeg-turbo 2.1.5 and libwebp 1.2.4, numpy 1.24.2; cjpeg of libjpeg-turbo, convert of ImageMagick 6)
"""
import base64, io, json, subprocess
import numpy as np
from PIL import Image, ImageOps

W, H = 11, 5
y, x, k = np.mgrid[0:H, 0:W, 0:4]
values = ((x * x * 7 + y * 13 * (k + 1) + x * y * 5 + k * 31) % 256).astype(np.uint8)
rgb, rgba, grey = Image.fromarray(values[..., :3]), Image.fromarray(values), Image.fromarray(values[..., 0])
cases = []

def case(name, file, expected):
    cases.append({"name": name, "file": base64.b64encode(file).decode(), "width": expected.width, "height": expected.height,
                  "pixels": base64.b64encode(np.asarray(expected.convert("RGBA")).tobytes()).decode()})

def saved(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()

def read(name, file):
    """What Pillow makes of a file, upright."""
    case(name, file, ImageOps.exif_transpose(Image.open(io.BytesIO(file))))

def turned(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    return exif

# PNG: what was saved.
def png(name, image, expected, **options):
    case(name, saved(image, "PNG", **options), expected)

def clear(image, colour):
    pixels = np.asarray(image.convert("RGBA")).copy()
    pixels[(np.asarray(image).reshape(H, W, -1) == colour).all(2), 3] = 0
    return Image.fromarray(pixels)

png("RGB", rgb, rgb)
png("RGBA", rgba, rgba)
png("grey", grey, grey)
png("grey + alpha", Image.fromarray(values[..., :2], "LA"), Image.fromarray(values[..., :2], "LA"))
one = grey.point(lambda v: 255 * (v > 99)).convert("1")
png("1 bit", one, one.convert("L"))
for bits in (1, 2, 4, 8):
    indexed = rgb.quantize(2 ** bits)
    png(f"palette of {bits} bits", indexed, indexed.convert("RGB"), bits=bits)
indexed = rgb.quantize(16)
alpha = np.full(256, 255); alpha[3] = 7
shown = indexed.convert("RGBA"); shown.putalpha(Image.fromarray(alpha[np.asarray(indexed)].astype(np.uint8)))
png("palette with transparency", indexed, shown, transparency=bytes(alpha[:16].tolist()), bits=4)
corner = rgb.getpixel((2, 1))
png("RGB with a transparent colour", rgb, clear(rgb, corner), transparency=corner)
deep = values[..., 0].astype(np.int32) * 256 + 200
png("16 bits", Image.fromarray(deep), Image.fromarray(np.round(deep / 257).astype(np.uint8)))
for turn in range(9):
    read(f"PNG turned {turn}", saved(rgb, "PNG", exif=turned(turn)))

# JPEG: libjpeg-turbo's pixels. Its own programs sample colours in ways that Pillow does not.
def cjpeg(*options):
    ppm = b"P6 %d %d 255\n" % rgb.size + rgb.tobytes()
    return subprocess.run(["cjpeg", "-quality", "85", *options], input=ppm, capture_output=True, check=True).stdout

for turn in range(9):
    read(f"JPEG turned {turn}", saved(rgb, "JPEG", quality=95, exif=turned(turn)))
for sample in ["1x1", "2x1", "2x2", "1x2", "4x1", "4x2", "1x4", "3x1", "2x2,2x1,1x2", "1x1,2x2,1x1"]:
    read(f"JPEG sampled {sample}", cjpeg("-sample", sample))
large = np.random.default_rng(7).integers(0, 256, (33, 35, 3)).astype(np.uint8)
read("JPEG of several rows of blocks", saved(Image.fromarray(large), "JPEG", quality=60, subsampling="4:2:0"))
read("JPEG progressive", cjpeg("-progressive", "-sample", "2x2"))
read("JPEG with restarts", cjpeg("-restart", "1B", "-sample", "2x1"))
read("JPEG grey", cjpeg("-grayscale"))
read("JPEG of RGB", cjpeg("-rgb"))
cmyk = Image.fromarray(values, "CMYK")
read("JPEG of CMYK", saved(cmyk, "JPEG", quality=85))
read("JPEG of YCCK", subprocess.run(["convert-im6.q16", "jpeg:-", "-quality", "85", "-sampling-factor", "2x2", "jpeg:-"],
                                    input=saved(cmyk, "JPEG", quality=95), capture_output=True, check=True).stdout)

# WebP: libwebp's pixels.
read("WebP", saved(rgb, "WEBP", quality=80))
read("WebP with alpha", saved(rgba, "WEBP", quality=80, alpha_quality=50))
read("WebP without loss", saved(rgb, "WEBP", lossless=True))
read("WebP without loss, with alpha", saved(rgba, "WEBP", lossless=True, exact=True))
for turn in (1, 3, 6):
    read(f"WebP turned {turn}", saved(rgb, "WEBP", quality=80, exif=turned(turn)))

print(json.dumps(cases).replace('{"name"', '\n{"name"'))
