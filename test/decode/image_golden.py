"""Goldens for decode.test.ts: python3 test/decode/image_golden.py > test/decode/image_golden.json (Pillow 9.4.0, numpy 1.24.2)"""
import base64, io, json
import numpy as np
from PIL import Image, ImageOps

W, H = 11, 5
y, x, k = np.mgrid[0:H, 0:W, 0:4]
values = ((x * x * 7 + y * 13 * (k + 1) + x * y * 5 + k * 31) % 256).astype(np.uint8)
cases = []

def case(name, image, expected, **options):
    file = io.BytesIO()
    image.save(file, options.pop("format", "PNG"), **options)
    cases.append({"name": name, "file": base64.b64encode(file.getvalue()).decode(), "width": expected.width, "height": expected.height,
                  "channels": len(expected.getbands()), "values": np.asarray(expected).ravel().tolist()})

def clear(image, colour):
    rgba = np.asarray(image.convert("RGBA")).copy()
    rgba[(np.asarray(image).reshape(H, W, -1) == colour).all(2), 3] = 0
    return Image.fromarray(rgba)

rgb, rgba, grey = Image.fromarray(values[..., :3]), Image.fromarray(values), Image.fromarray(values[..., 0])
case("RGB", rgb, rgb)
case("RGBA", rgba, rgba)
case("grey", grey, grey)
case("grey + alpha", Image.fromarray(values[..., :2], "LA"), Image.fromarray(values[..., :2], "LA"))
one = grey.point(lambda v: 255 * (v > 99)).convert("1")
case("1 bit", one, one.convert("L"))
for bits in (1, 2, 4, 8):
    indexed = rgb.quantize(2 ** bits)
    case(f"palette of {bits} bits", indexed, indexed.convert("RGB"), bits=bits)
indexed = rgb.quantize(16)
alpha = np.full(256, 255); alpha[3] = 7
shown = indexed.convert("RGBA"); shown.putalpha(Image.fromarray(alpha[np.asarray(indexed)].astype(np.uint8)))
case("palette with transparency", indexed, shown, transparency=bytes(alpha[:16].tolist()), bits=4)
corner = rgb.getpixel((2, 1))
case("RGB with a transparent colour", rgb, clear(rgb, corner), transparency=corner)
deep = Image.fromarray((values[..., 0].astype(np.int32) * 256 + 200))
case("16 bits", deep, Image.fromarray(np.round((values[..., 0].astype(float) * 256 + 200) / 257).astype(np.uint8)))

blocks = Image.fromarray(np.array([[[200, 30, 30], [30, 200, 30]], [[30, 30, 200], [200, 200, 30]], [[90, 90, 90], [250, 250, 250]]], np.uint8)).resize((32, 48), Image.NEAREST)
for turn in range(9):
    exif = Image.Exif(); exif[0x0112] = turn
    file = io.BytesIO(); blocks.save(file, "JPEG", quality=95, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(file))
    small = upright.resize((upright.width // 16, upright.height // 16), Image.BOX)
    cases.append({"name": f"JPEG turned {turn}", "file": base64.b64encode(file.getvalue()).decode(), "width": upright.width, "height": upright.height,
                  "channels": 3, "blocks": np.asarray(small).ravel().tolist()})
for mode, options in [("L", {}), ("RGB", {"progressive": True}), ("CMYK", {})]:
    file = io.BytesIO(); blocks.convert(mode).save(file, "JPEG", quality=95, **options)
    shown = blocks.convert(mode).convert("RGB").resize((2, 3), Image.BOX)
    cases.append({"name": f"JPEG {mode}", "file": base64.b64encode(file.getvalue()).decode(), "width": 32, "height": 48, "channels": 3, "blocks": np.asarray(shown).ravel().tolist()})

print(json.dumps(cases).replace('{"name"', '\n{"name"'))
