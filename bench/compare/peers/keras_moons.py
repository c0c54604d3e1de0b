"""Keras on one backend: `fit` as the tutorial calls it, and two ways around what each of its epochs costs.

`train_on_batch` is called in a loop. `one epoch` is the trick of giving `fit` the 30 rows 4000 times over as one
epoch of 4000 batches, with as many steps per call as the backend allows. The history of every epoch needs `fit` itself.
"""

import argparse
import os
import sys

BACKENDS = {"tensorflow": "tensorflow_cpu", "jax": "jax", "torch": "torch"}  # the packages they come from


def backend() -> str:
    """The first argument. Keras reads its backend when it is imported."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("backend", choices=BACKENDS)
    chosen, sys.argv[1:] = parser.parse_known_args()
    return chosen.backend


BACKEND = backend()
os.environ["KERAS_BACKEND"] = BACKEND
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import time
from collections.abc import Callable

import keras
import numpy as np

import moons

Train = Callable[[keras.Model, int], moons.History | None]

X, Y, X_TEST, Y_TEST = moons.load()
STEPS_PER_CALL = 1 if BACKEND == "torch" else 100  # torch refuses more


def network(steps_per_call: int, metrics: list[str]) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(moons.UNITS, activation="relu", kernel_regularizer=keras.regularizers.L2(moons.LAMBDA)),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.set_weights(list(moons.initial_weights(0)))
    adam = keras.optimizers.Adam(moons.LEARNING_RATE)  # its other defaults are the workload's
    model.compile(loss="binary_crossentropy", optimizer=adam, metrics=metrics, steps_per_execution=steps_per_call)
    return model


def fit(model: keras.Model, epochs: int) -> None:
    model.fit(X, Y, batch_size=moons.TRAIN_ROWS, epochs=epochs, verbose=0)


def train_on_batch(model: keras.Model, epochs: int) -> None:
    for _ in range(epochs):
        model.train_on_batch(X, Y)


def one_epoch(model: keras.Model, epochs: int) -> None:
    x, y = np.tile(X, (epochs, 1)), np.tile(Y, epochs)
    model.fit(x, y, batch_size=moons.TRAIN_ROWS, epochs=1, shuffle=False, verbose=0)


def fit_and_validate(model: keras.Model, epochs: int) -> moons.History:
    sizes = {"batch_size": moons.TRAIN_ROWS, "validation_batch_size": len(X_TEST)}
    return model.fit(X, Y, epochs=epochs, validation_data=(X_TEST, Y_TEST), verbose=0, **sizes).history


def main() -> None:
    loops: dict[str, tuple[Train, int]] = {
        f"keras {BACKEND}, fit": (fit, 1),
        f"keras {BACKEND}, train_on_batch": (train_on_batch, 1),
        f"keras {BACKEND}, fit as one epoch": (one_epoch, STEPS_PER_CALL),
    }
    histories = {f"keras {BACKEND}, fit": (fit_and_validate, 1)}
    workloads = {"moons": loops, "moons-history": histories}
    args = moons.arguments(__doc__, workloads, epochs=200)
    packages = ("keras", BACKENDS[BACKEND], "numpy")
    metrics = ["accuracy"] if args.workload == "moons-history" else []
    for name, (train, steps_per_call) in workloads[args.workload].items():
        if args.only not in (None, name):
            continue
        epochs = max(args.epochs, moons.EPOCHS if train is one_epoch else 0)
        model = network(steps_per_call, metrics)
        start = time.perf_counter()
        train(model, steps_per_call)
        compiling = time.perf_counter() - start
        history = train(model, epochs - steps_per_call)  # the warm-up, and the first run of all epochs
        moons.check_history(history or {}, epochs - steps_per_call, model.get_weights())
        logits = moons.logits_of(model.predict(X_TEST, verbose=0))
        seconds = moons.timed(lambda: train(model, epochs), args.repeats)
        moons.report(name, seconds, epochs, compiling, packages, [logits], args.workload)


if __name__ == "__main__":
    main()
