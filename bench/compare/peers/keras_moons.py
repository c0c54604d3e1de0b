"""Keras on one backend: `fit` as the tutorial calls it, and a loop over `train_on_batch`, its cheaper way."""

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

import moons

X, Y, X_TEST, _ = moons.load()


def network() -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(moons.UNITS, activation="relu", kernel_regularizer=keras.regularizers.L2(moons.LAMBDA)),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.set_weights(list(moons.initial_weights(0)))
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(moons.LEARNING_RATE))
    return model


def fit(model: keras.Model, epochs: int) -> None:
    model.fit(X, Y, batch_size=moons.TRAIN_ROWS, epochs=epochs, verbose=0)


def train_on_batch(model: keras.Model, epochs: int) -> None:
    for _ in range(epochs):
        model.train_on_batch(X, Y)


LOOPS: dict[str, Callable[[keras.Model, int], None]] = {"fit": fit, "train_on_batch": train_on_batch}


def main() -> None:
    cases = {f"keras {BACKEND}, {name}": loop for name, loop in LOOPS.items()}
    args = moons.arguments(__doc__, epochs=200, cases=list(cases))
    for name, train in cases.items():
        if args.only not in (None, name):
            continue
        model = network()
        start = time.perf_counter()
        train(model, 1)
        compiling = time.perf_counter() - start
        train(model, args.epochs - 1)  # the warm-up, and the first run of all epochs
        p = model.predict(X_TEST, verbose=0)
        logits = moons.logits_of(p)
        seconds = moons.timed(lambda: train(model, args.epochs), args.repeats)
        moons.report(name, seconds, args.epochs, compiling, ("keras", BACKENDS[BACKEND], "numpy"), logits)


if __name__ == "__main__":
    main()
