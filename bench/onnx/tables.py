#!/usr/bin/env python3
"""Do models of tables predict in onnxruntime, from raw rows, what Taper predicts of them? Every model of
crates/taper-io/tests/golden/onnx goes through `taper convert` and onnxruntime; answers are compared with `taper predict`: classes
exactly, numbers to 1e-5, of the largest where that is greater than 1. With --write the graphs become the golden ones.

    cargo build -p taper-cli
    bench/onnx/tables.py [--write]

Needs: onnx onnxruntime numpy. Not part of `cargo test`, which compares the graphs with the golden ones.
"""
import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from check import PROGRAM, ROOT

CASES = ROOT / "crates/taper-io/tests/golden/onnx"


def feed(session, rows):
    number = lambda cell: float(cell) if cell else np.nan
    columns = {}
    for column in session.get_inputs():
        cells = [row[column.name] for row in rows]
        is_number = column.type == "tensor(double)"
        columns[column.name] = np.array([[number(cell) if is_number else cell] for cell in cells],
                                        np.float64 if is_number else object)
    return columns


def run(model, folder):
    out, table = folder / "model.onnx", folder / "predictions.csv"
    subprocess.run([PROGRAM, "convert", model, out], check=True, capture_output=True)
    subprocess.run([PROGRAM, "predict", model, model.with_suffix(".csv"), "--out", table], check=True, capture_output=True)
    onnx.checker.check_model(onnx.load(out), full_check=True)
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    columns = feed(session, list(csv.DictReader(model.with_suffix(".csv").open())))
    answers = session.run(None, columns)
    want = list(csv.reader(table.open()))[1:]
    if len(answers) == 1:
        want = np.array(want, float)
        worst = np.abs(answers[0] - want).max() / max(1, np.abs(want).max())
    else:
        assert answers[0].tolist() == [row[0] for row in want]
        worst = np.abs(answers[1][:, -1] - [float(row[-1]) for row in want]).max()
    # A row alone says what it says among others; none says nothing.
    one = session.run(None, {name: cells[:1] for name, cells in columns.items()})
    assert all(np.array_equal(a, b[:1]) for a, b in zip(one, answers))
    none = session.run(None, {name: cells[:0] for name, cells in columns.items()})
    assert all(answer.shape[0] == 0 for answer in none)
    print(f"{'good' if worst <= 1e-5 else 'WRONG'} {model.stem}: {worst:.1e}")
    if "--write" in sys.argv:
        shutil.copy(out, model.with_suffix(".onnx"))
    return worst <= 1e-5


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(not all([run(model, Path(folder)) for model in sorted(CASES.glob("*.safetensors"))]))
