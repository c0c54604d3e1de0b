#!/usr/bin/env python3
"""Do Keras's files survive the way through Taper? With the real Keras, for every parity case:

1. Taper reads model.keras, trains it, writes OUT.keras.
2. Keras loads OUT.keras, with compile settings and optimizer state, and trains two more epochs.
3. Keras alone trains model.keras as long. The weights of both must agree.

    cargo build --example train_keras -p taper-io
    bench/keras/round_trip.py [CASE...]

Needs: keras==3.15.1 tensorflow-cpu==2.21.0 numpy. Not part of `cargo test`.
"""
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "crates/taper-io/tests/golden"))
from make_keras import read_tensors  # sets the backend, before Keras is imported

import keras
import numpy as np

# There TensorFlow does not sum the slices of repeated tokens; Taper does, as JAX.
DIFFERENT = {"extra_embedding_duplicates_adam"}
CASES = ROOT / "crates/taper-io/tests/golden/keras"
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/examples/train_keras"


def fit(model, data, settings, epochs):
    class_weight = data.get("class_weight")
    model.fit(
        data["x"], data["y"], epochs=epochs, batch_size=settings["batch_size"], shuffle=False, verbose=0,
        sample_weight=data.get("sample_weight"),
        class_weight=None if class_weight is None else dict(enumerate(class_weight.tolist())),
    )


def difference(a, b):
    """Largest difference over the tensor's largest number, over all tensors."""
    largest = max(float(np.abs(w).max()) for w in b)
    return max(float(np.abs(x - y).max()) / max(float(np.abs(y).max()), 0.01 * largest) for x, y in zip(a, b))


def run(folder):
    try:
        return compare(folder)
    except Exception as error:  # a case that cannot be loaded is a failure like any other
        print(f"FAIL {folder.name}: {str(error)[-300:]}")
        return False


def compare(folder):
    settings = json.loads((folder / "case.json").read_text())
    data = read_tensors(folder / "data.safetensors")
    epochs, batch = settings["epochs"], settings["batch_size"]
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "out.keras"
        command = [PROGRAM, folder / "model.keras", folder / "data.safetensors", out, epochs, batch]
        subprocess.run([str(part) for part in command], check=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            through = keras.saving.load_model(out)
        skipped = [str(warning.message) for warning in caught if "Skipping variable loading" in str(warning.message)]
    alone = keras.saving.load_model(folder / "model.keras")
    fit(alone, data, settings, epochs)
    after = difference(through.get_weights(), alone.get_weights())
    steps = int(through.optimizer.iterations), int(alone.optimizer.iterations)
    fit(through, data, settings, 2)
    fit(alone, data, settings, 2)
    later = difference(through.get_weights(), alone.get_weights())
    tolerance = 20 * settings["tolerance"]["final_weights"]["rel"]
    good = not skipped and steps[0] == steps[1] and later <= tolerance
    print(f"{'ok  ' if good else 'FAIL'} {folder.name}: {after:.1e} after Taper's epochs, {later:.1e} two later (at most {tolerance:.0e})", *skipped)
    return good


if __name__ == "__main__":
    folders = [CASES / name for name in sys.argv[1:]] or sorted(
        folder for folder in CASES.iterdir() if folder.is_dir() and folder.name not in DIFFERENT)
    sys.exit(not all([run(folder) for folder in folders]))
