#!/usr/bin/env python3
"""Does ONNX compute what Keras computes? Every parity case goes through `taper convert`, by way of Taper's own format; onnxruntime's
predictions are compared with those that Keras made of the case's rows (predict/initial), and with Taper's on random rows. Allowed: 1e-5,
of the largest prediction where that is greater than 1.

    cargo build -p taper-cli
    bench/onnx/check.py [CASE...]

Needs: onnx onnxruntime numpy. Not part of `cargo test`.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "crates/taper-io/tests/golden/keras"
PROGRAM = Path(os.environ.get("TAPER", Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/taper"))


def read_tensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    kinds = {"F32": "float32", "F64": "float64", "I64": "int64"}
    body = data[8 + length :]
    return {name: np.frombuffer(body[slice(*info["data_offsets"])], kinds[info["dtype"]]).reshape(info["shape"])
            for name, info in header.items() if name != "__metadata__"}


def write_tensors(path, tensors):
    header, blobs, end = {}, [], 0
    for name, array in sorted(tensors.items()):
        array = np.ascontiguousarray(array, "float32")
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
        blobs.append(array.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def taper(*arguments):
    return subprocess.run([str(part) for part in (PROGRAM, *arguments)], capture_output=True, text=True)


def off(got, want):
    return float(np.abs(got - want).max()) / max(1.0, float(np.abs(want).max()))


def run(folder):
    with tempfile.TemporaryDirectory() as temporary:
        temporary = Path(temporary)
        through, out = temporary / "model.safetensors", temporary / "model.onnx"
        done = taper("convert", folder / "model.keras", through)
        assert done.returncode == 0, done.stderr
        done = taper("convert", through, out)
        if done.returncode:
            words = " ".join(done.stderr.split())
            print(f"none {folder.name}: {words[words.find('layer'):][:150]}")
            return False
        assert taper("convert", folder / "model.keras", temporary / "other.onnx").returncode == 0
        assert out.read_bytes() == (temporary / "other.onnx").read_bytes()
        model = onnx.load(out)
        onnx.checker.check_model(model, full_check=True)
        session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
        predict = lambda x: session.run(None, {"input": x.astype("float32")})[0]
        data = read_tensors(folder / "data.safetensors")
        want = read_tensors(folder / "expected.safetensors")["predict/initial"]
        worst = off(predict(data["x"]), want)
        # Random rows, through Taper's own predictions.
        rng = np.random.default_rng(1)
        tokens = np.array_equal(data["x"], np.round(data["x"]))
        x = rng.permutation(data["x"].ravel()).reshape(data["x"].shape) if tokens else rng.normal(size=(64, *data["x"].shape[1:]), scale=2.0)
        y = np.resize(data["y"], (len(x), *data["y"].shape[1:]))
        write_tensors(temporary / "rows.safetensors", {"x": x, "y": y})
        done = taper("fit", folder / "model.keras", "--data", temporary / "rows.safetensors", "--epochs", 0, "--predictions", temporary / "p.safetensors")
        assert done.returncode == 0, done.stderr
        random = off(predict(x), read_tensors(temporary / "p.safetensors")["predict/initial"])
        good = worst <= 1e-5 and random <= 1e-5
        print(f"{'ok  ' if good else 'FAIL'} {folder.name}: {worst:.1e} from Keras, {random:.1e} from Taper on random rows")
        return good


if __name__ == "__main__":
    folders = [CASES / name for name in sys.argv[1:]] or sorted(folder for folder in CASES.iterdir() if folder.is_dir())
    results = [run(folder) for folder in folders]
    print(f"{sum(results)} of {len(results)}")
    sys.exit(not all(results))
