"""Goldens for npy.test.ts: python3 test/cli/npy_golden.py > test/cli/npy_golden.json (numpy 1.24.2)"""
import base64, io, json
import numpy as np

cases = []

def case(name, file, expected):
    cases.append({"name": name, "file": base64.b64encode(file.getvalue()).decode(), "dims": list(expected.shape),
                  "values": expected.astype(np.float32).ravel().tolist()})

def npy(name, array):
    file = io.BytesIO()
    np.save(file, array)
    case(name, file, array)

x = np.arange(24).reshape(2, 3, 4) * 5
for type in ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "|u1", "<u2", ">u2", "<u4", ">u4", "<u8", ">u8"]:
    npy(type, (x / 3 if "f" in type else x).astype(type))
for type in ["|i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8"]:
    npy(type, (x - 60).astype(type))
npy("|b1", x % 3 == 0)
npy("float16 of every kind", np.array([0, -0.0, 1, -2, 65504, -65504, 2.0**-14, 2.0**-24, 3 * 2.0**-24, 1 / 3], "<f2"))
npy("large integers of few digits", np.array([2**24, -(2**24), 2**40, 3 * 2**60, -(2**63)], "<i8"))
npy("the largest uint64 of few digits", np.array([2**63], "<u8"))
npy("doubles that are rounded", np.array([1 / 3, 1e-300, -1e-40, 3.4028235e38, 2**24 + 1], "<f8"))
npy("Fortran order", np.asfortranarray(x.astype("<f4")))
npy("Fortran order of big-endian uint16", np.asfortranarray(x.astype(">u2")))
npy("Fortran order, of many axes", np.asfortranarray(np.arange(2 * 3 * 1 * 5 * 2).reshape(2, 3, 1, 5, 2).astype("<f8") / 7))
npy("Fortran order without values", np.asfortranarray(np.zeros((3, 0, 2), "<f4")))
npy("a single number", np.float64(1.5))
for name, save in [("npz", np.savez), ("compressed npz", np.savez_compressed)]:
    file = io.BytesIO()
    save(file, x.astype("|u1"))
    case(f"{name} of one array", file, x)
    file = io.BytesIO()
    save(file, other=np.zeros(9), input=x.astype("<f8"), last=np.ones(2))
    case(f"{name} of several", file, x)

print(json.dumps(cases).replace('{"name"', '\n{"name"'))
