"""The larger workloads, which are measured by the step: rows of noise, batches drawn in advance, Keras's Adam."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7
BATCHES = 8


@dataclass(frozen=True)
class Workload:
    """`l2` is on every kernel (mlp, cnn) or on the LSTM's two kernels."""

    input: tuple[int, ...]
    batch: int
    classes: int  # 1: a number, by mean squared error; else softmax and cross-entropy
    l2: float


WORKLOADS = {
    "mlp": Workload((784,), 128, 10, 1e-4),
    "cnn": Workload((32, 32, 3), 32, 10, 5e-4),
    "lstm": Workload((50, 32), 32, 1, 1e-6),
}

Batch = tuple[NDArray[np.float32], NDArray[np.generic]]


def batches(workload: Workload) -> list[Batch]:
    """Inputs uniform on [-1, 1), channels last; classes as int32, numbers as f32 of shape (batch, 1)."""
    rng = np.random.default_rng(1)
    drawn: list[Batch] = []
    for _ in range(BATCHES):
        x = rng.uniform(-1, 1, (workload.batch, *workload.input)).astype(np.float32)
        if workload.classes > 1:
            drawn.append((x, rng.integers(0, workload.classes, workload.batch).astype(np.int32)))
        else:
            drawn.append((x, rng.uniform(0, 1, (workload.batch, 1)).astype(np.float32)))
    return drawn


def arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0, help="about how long each case is measured")
    return parser.parse_args()


def measure(
    peer: str, workload: str, packages: Sequence[str], seconds: float, step: Callable[[int], object], compiles: bool
) -> None:
    """Times `step(i)`, which trains on batch i and returns when it is done, and prints one JSON line."""
    start = time.perf_counter()
    step(0)
    first = time.perf_counter() - start
    for i in range(3):
        step(i)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        for i in range(BATCHES):
            step(i)
        times.append((time.perf_counter() - start) / BATCHES)
    line = {
        "peer": peer,
        "workload": workload,
        "seconds": statistics.median(times),
        "compile_seconds": first if compiles else 0.0,
        "versions": {name: version(name) for name in packages},
    }
    print(json.dumps(line), flush=True)
