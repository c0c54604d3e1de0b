"""The task that every peer trains: scikit-learn's two moons, 30 rows, one hidden layer of 500."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_moons

Array = NDArray[np.float32]
Weights = tuple[Array, Array, Array, Array]  # hidden kernel, hidden bias, output kernel, output bias
History = Mapping[str, Any]  # of moons-history: columns by Keras's names, each with one number per epoch

TRAIN_ROWS = 30
UNITS = 500
EPOCHS = 4000
LAMBDA = 1e-3
GRID_LAMBDAS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
GRID_SEEDS = 30
LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def load() -> tuple[Array, Array, Array, Array]:
    """`x_train (30, 2), y_train (30,), x_test (70, 2), y_test (70,)`, f32."""
    x, y = make_moons(n_samples=100, noise=0.2, random_state=1)
    x, y = x.astype(np.float32), y.astype(np.float32)
    return x[:TRAIN_ROWS], y[:TRAIN_ROWS], x[TRAIN_ROWS:], y[TRAIN_ROWS:]


def initial_weights(seed: int) -> Weights:
    """Keras's defaults: glorot_uniform kernels, zero biases."""
    rng = np.random.default_rng(seed)

    def glorot(rows: int, columns: int) -> Array:
        limit = np.sqrt(6.0 / (rows + columns))
        return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)

    hidden, output = glorot(2, UNITS), glorot(UNITS, 1)
    return hidden, np.zeros(UNITS, np.float32), output, np.zeros(1, np.float32)


def logits(weights: Weights, x: Array) -> NDArray[np.float64]:
    """The network forward, in f64."""
    hidden_kernel, hidden_bias, output_kernel, output_bias = (np.asarray(part, np.float64) for part in weights)
    return np.asarray((np.maximum(x @ hidden_kernel + hidden_bias, 0) @ output_kernel + output_bias)[:, 0])


def score(logits: NDArray[np.floating], y: Array) -> tuple[float, float]:
    """Accuracy and mean binary cross-entropy of `logits`."""
    logits = np.asarray(logits, np.float64).reshape(-1)
    accuracy = float(np.mean((logits > 0) == (y > 0.5)))
    return accuracy, float(np.mean(np.logaddexp(0.0, logits) - y * logits))


def logits_of(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """The logits of a sigmoid's output, kept finite as Keras keeps them: 1e-7 away from 0 and 1."""
    p = np.clip(np.asarray(probabilities, np.float64).reshape(-1), 1e-7, 1 - 1e-7)
    return np.log(p) - np.log1p(-p)


def timed(call: Callable[[], object], repeats: int) -> float:
    """Median wall seconds of `repeats` calls. `call` returns only when its work is done."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def arguments(
    description: str | None, cases: Mapping[str, Iterable[str]], epochs: int = EPOCHS, repeats: int = 1
) -> argparse.Namespace:
    """The options that all peers share. `cases` are those of each workload of a peer; the first is the default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("workload", nargs="?", choices=cases, default=next(iter(cases)))
    parser.add_argument("--epochs", type=int, default=epochs, help="epochs per timed run")
    parser.add_argument("--repeats", type=int, default=repeats, help="timed runs, of which the median is printed")
    every = {case for workload in cases.values() for case in workload}
    parser.add_argument("--only", choices=sorted(every), help="measure this case alone")
    return parser.parse_args()


def check_history(history: History, epochs: int, weights: Weights) -> None:
    """Ends the run if a column was not computed every epoch, or does not end where the trained weights do.

    Validation sees the weights after an epoch's step. The step's own numbers are of those before it, so they may be
    as far off as a few steps take them.
    """
    x, y, x_test, y_test = load()
    accuracy, data_loss = score(logits(weights, x), y)
    val_accuracy, val_data_loss = score(logits(weights, x_test), y_test)
    penalty = LAMBDA * float(np.square(weights[0], dtype=np.float64).sum())
    ends = {
        "data_loss": data_loss,
        "penalty": penalty,
        "loss": data_loss + penalty,
        "accuracy": accuracy,
        "val_data_loss": val_data_loss,
        "val_loss": val_data_loss + penalty,
        "val_accuracy": val_accuracy,
    }
    for name, column in history.items():
        numbers = np.asarray(column, np.float64)
        if numbers.shape != (epochs,) or not np.isfinite(numbers).all():
            raise ValueError(f"{name}: expected {epochs} finite numbers, got {numbers}")
        tolerance = 1e-5
        if name == "accuracy":
            tolerance = 1.5 / TRAIN_ROWS  # a step may move a row over the boundary
        elif not name.startswith("val_"):
            tolerance += 3 * float(np.ptp(numbers[-2:]))
        if abs(numbers[-1] - ends[name]) > tolerance:
            raise ValueError(f"{name} ends at {numbers[-1]}, the weights at {ends[name]}")


def report(
    peer: str,
    seconds: float,
    epochs: int,
    compile_seconds: float,
    packages: Sequence[str],
    test_logits: Iterable[NDArray[np.floating]],
    workload: str = "moons",
) -> None:
    """Prints one JSON line. `seconds` ran `epochs` epochs; the line tells what 4000 take.

    Test scores, the mean over the models of `test_logits`, are given only for a run of all 4000 epochs.
    """
    accuracy = loss = None
    if epochs == EPOCHS:
        accuracy, loss = np.mean([score(logits, load()[3]) for logits in test_logits], axis=0).tolist()
    models = len(GRID_LAMBDAS) * GRID_SEEDS if workload == "moons-grid" else 1
    line = {
        "peer": peer,
        "workload": workload,
        "epochs": epochs,
        "us_per_epoch": seconds / epochs / models * 1e6,
        "seconds": seconds * EPOCHS / epochs,
        "compile_seconds": compile_seconds,
        "test_accuracy": accuracy,
        "test_data_loss": loss,
        "versions": {name: version(name) for name in packages},
    }
    print(json.dumps(line), flush=True)
