#!/usr/bin/env python3
"""Random models of Keras's, trained by the real Keras and by Taper: do the numbers agree?

Each case is drawn from its number (random_model.py): layers with random arguments, loss, optimizer, schedule, weights, masks. It is
compiled, saved, trained by Keras and by `taper fit MODEL.keras`, and everything that the parity suite compares is compared at the floors of
its tolerances. Where that fails, Keras computes the case again in double precision: as in the suite, a tolerance is then ten times the
difference between Keras and itself (a gradient that is really 0 is noise in both). One case in three goes back to Keras: what Taper wrote
is loaded and trained on, beside what Keras alone has.

    cargo build -p taper-cli
    bench/keras/sweep.py FIRST COUNT        cases FIRST, FIRST + 1, ...; exit status 1 if one fails
    bench/keras/sweep.py FIRST 1 FOLDER     one case, kept in FOLDER

Operations run one by one, not as compiled graphs, whose making would take nearly all the time (but for groups in convolutions, which
TensorFlow has on a CPU in compiled graphs only).

Needs: keras==3.15.1 tensorflow-cpu==2.21.0 numpy. Not part of `cargo test`.
"""
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "crates/taper-io/tests/golden"))
from make_keras import FLOORS, expectations, read_tensors, write_tensors  # sets the backend, before Keras is imported

import keras
import numpy as np
import tensorflow as tf

from random_model import make

PROGRAM = Path(os.environ.get("TAPER", Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/taper"))
NAMES = {"history": "history.json", "weights": "weights.safetensors", "predictions": "predictions.safetensors",
         "gradients": "gradients.safetensors", "save": "out.keras"}


def ratio(got, want, rel, largest=None):
    """How far off, in tolerances."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if got.shape != want.shape:
        return np.inf
    scale = max(float(np.abs(want).max(initial=0.0)), 0.01 * (largest or 0.0), 1e-9)
    worst = float(np.abs(got - want).max(initial=0.0)) / (rel * scale)
    return np.inf if np.isnan(worst) else worst


def results(folder):
    """What Taper found, in the form of a case's expectations."""
    document = json.loads((folder / "out.json").read_text())
    tensors = {}
    for name in ("weights", "gradients", "predictions"):
        tensors |= read_tensors(folder / NAMES[name])
    return document | {"history": json.loads((folder / NAMES["history"]).read_text())}, tensors


def compare(got, want):
    """For every quantity of `want`, by its kind, how far it is off, in floors of its kind's tolerance."""
    (got, got_tensors), (want, want_tensors) = got, want
    off = {("first_batch_loss", "first_batch"): ratio(got["first_batch"]["loss"], want["first_batch"]["loss"], FLOORS["first_batch_loss"])}
    for place, kind in (("penalty_start", "penalty"), ("penalty_end", "penalty_end"), ("evaluate_train", "evaluate_loss"),
                        ("evaluate_val", "evaluate_loss"), ("history", "history_loss")):
        for name, value in want[place].items():
            floor = FLOORS[kind.removesuffix("_end")]
            off[kind, f"{place}.{name}"] = ratio(got[place].get(name, []), value, floor)
    for prefix, kind in (("initial/", None), ("final/", "final_weights"), ("grad/", "grad"),
                         ("predict/initial", "predict_initial"), ("predict/final", "predict_final")):
        under = {name: array for name, array in want_tensors.items() if name.startswith(prefix)}
        if set(under) != {name for name in got_tensors if name.startswith(prefix)}:
            off[kind, f"{prefix} names"] = np.inf
            continue
        largest = max((float(np.abs(array).max(initial=0.0)) for array in under.values()), default=0.0)
        for name, array in under.items():
            off[kind, name] = ratio(got_tensors[name], array, FLOORS.get(kind, 1e-12), largest)
    return off


def in_double(folder, data, settings):
    """The same case, computed by Keras in double precision."""
    path = folder / "double.keras"
    with zipfile.ZipFile(folder / "model.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b'"float32"', b'"float64"') if name == "config.json" else content)
    keras.config.set_floatx("float64")
    try:
        wide = {name: array.astype("float64") if array.dtype == "float32" else array for name, array in data.items()}
        return expectations(path, wide, settings)[:2]
    finally:
        keras.config.set_floatx("float32")


def beyond_noise(off, wanted, folder, data, settings):
    """What is off by more than ten times the noise of its kind."""
    noise = {}
    for (kind, _), value in compare(wanted, in_double(folder, data, settings)).items():
        noise[kind] = max(noise.get(kind, 0.0), value)
    return {key: value for key, value in off.items() if value > max(1.0, 10.0 * noise[key[0]])}


def goes_on(folder, data, settings, alone):
    """Whether what Taper wrote goes on in Keras as what Keras trained: how far off, in floors."""
    through = keras.saving.load_model(folder / NAMES["save"])
    if int(through.optimizer.iterations) != int(alone.optimizer.iterations):
        return np.inf
    class_weight = data.get("class_weight")
    for model in (through, alone):
        model.fit(data["x"], data["y"], epochs=1, batch_size=settings["batch_size"], shuffle=False, verbose=0,
                  sample_weight=data.get("sample_weight"),
                  class_weight=None if class_weight is None else dict(enumerate(class_weight.tolist())))
    weights = alone.get_weights()
    largest = max((float(np.abs(w).max()) for w in weights), default=0.0)
    return max((ratio(a, b, FLOORS["final_weights"], largest) for a, b in zip(through.get_weights(), weights)), default=0.0)


def run(seed, keep=None):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        tf.config.run_functions_eagerly(True)
        try:
            model, data, settings = make(seed)
            tf.config.run_functions_eagerly(all(getattr(layer, "groups", 1) == 1 for layer in model.layers))
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:  # a combination that Keras refuses
            print(f"none {seed}: {str(error).splitlines()[0][:120]}", flush=True)
            return True
        loss = model.loss if isinstance(model.loss, str) else type(model.loss).__name__
        described = f"{type(model).__name__} " + " ".join(type(layer).__name__ for layer in model.layers) + f" | {type(model.optimizer).__name__} {loss}"
        model.save(folder / "model.keras")
        write_tensors(folder / "data.safetensors", data)
        try:
            expected, tensors, alone = expectations(folder / "model.keras", data, settings)
        except Exception as error:  # Keras cannot load or train what it saved
            print(f"none {seed}: {str(error).splitlines()[0][:120]}", flush=True)
            return True
        command = [PROGRAM, "fit", folder / "model.keras", "--data", folder / "data.safetensors", "--epochs", settings["epochs"],
                   "--batch-size", settings["batch_size"], "--validation-batch-size", settings["eval_batch_size"], "--no-shuffle", "--json"]
        for name, file in NAMES.items():
            command += [f"--{name}", folder / file]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if not np.isfinite(expected["history"]["loss"]).all():
            print(f"none {seed}: diverges in Keras too", flush=True)
            return True
        if done.returncode:
            print(f"FAIL {seed}: {done.stderr.strip()[:300]}\n     {described}", flush=True)
            return False
        (folder / "out.json").write_text(done.stdout)
        wanted = expected, tensors
        off = compare(results(folder), wanted)
        bad = {key: value for key, value in off.items() if value > 1.0}
        note = ""
        if bad:
            try:
                bad = beyond_noise(off, wanted, folder, data, settings)
                note = "" if bad else " within the noise"
            except Exception as error:
                note = f" (not in double: {str(error).splitlines()[0][:80]})"
        if not bad and not note and seed % 3 == 0:
            later = goes_on(folder, data, settings, alone)
            note = f" and {later:.2f} going on in Keras"
            if later > 20.0:  # three epochs' worth of noise
                bad["final_weights", "going on"] = later
        worst = sorted(bad.items(), key=lambda pair: -pair[1])
        shown = "" if not bad else "\n     " + ", ".join(f"{name} {value:.1f}" for (_, name), value in worst[:6])
        print(f"{'FAIL' if bad else 'ok  '} {seed}: {max(off.values()):.2f} tolerances{note} {described}{shown}", flush=True)
        return not bad


if __name__ == "__main__":
    first, count = int(sys.argv[1]), int(sys.argv[2])
    keep = sys.argv[3] if len(sys.argv) > 3 else None
    agree = [run(seed, keep) for seed in range(first, first + count)]
    print(f"{sum(agree)} of {len(agree)} agree")
    sys.exit(not all(agree))
