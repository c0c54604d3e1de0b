"""What 30 weight seeds of the tutorial's network average to under each penalty: the oracle of Taper's own study.

Keras's semantics, in JAX and f32: a penalty is added to the loss undivided, `l2(c)` is c*sum(w^2) and `l1(c)` is
c*sum(|w|) with the gradient 0 at 0; Adam as Keras has it, full batch of 30 rows, 4000 epochs; cross-entropy from
the logits. Two engines part after some hundred steps of Adam, so only statistics over seeds can be compared.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
sys.path.insert(0, str(Path(__file__).parent / "peers"))

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

import moons
from moons import BETA_1, BETA_2, EPOCHS, EPSILON, LEARNING_RATE

SEEDS = 30
Weights = dict[str, Array]

X, Y, X_TEST, Y_TEST = moons.load()


@dataclass(frozen=True)
class Penalty:
    """`l1 * sum(|w|) + l2 * sum(w^2)` of one parameter."""

    name: str
    parameter: str = "hidden_kernel"
    l1: float = 0.0
    l2: float = 0.0

    def value(self, weights: Weights) -> Array:
        w = weights[self.parameter]
        return self.l1 * jnp.sum(jnp.abs(w)) + self.l2 * jnp.sum(w**2)

    def gradient(self, weights: Weights) -> Weights:
        w = weights[self.parameter]
        return {self.parameter: self.l1 * jnp.sign(w) + 2 * self.l2 * w}


PENALTIES = (
    Penalty("none"),
    *(Penalty(f"l2 {c:g}", l2=c) for c in moons.GRID_LAMBDAS),
    Penalty("l1 0.001", l1=1e-3),
    Penalty("l1_l2 0.001 0.001", l1=1e-3, l2=1e-3),
    Penalty("l2 0.001 on the output kernel", "output_kernel", l2=1e-3),
    Penalty("l2 0.001 on the hidden bias", "hidden_bias", l2=1e-3),
)


def initial_weights() -> Weights:
    """All seeds, stacked along axis 0."""
    names = ("hidden_kernel", "hidden_bias", "output_kernel", "output_bias")
    seeds = [moons.initial_weights(seed) for seed in range(SEEDS)]
    return {name: jnp.asarray(np.stack(parts)) for name, parts in zip(names, zip(*seeds, strict=True), strict=True)}


def logits(w: Weights, x: Any) -> Array:
    return (jax.nn.relu(x @ w["hidden_kernel"] + w["hidden_bias"]) @ w["output_kernel"] + w["output_bias"])[:, 0]


def cross_entropy(w: Weights, x: Any, y: Any) -> Array:
    z = logits(w, x)
    return jnp.mean(jnp.logaddexp(0.0, z) - y * z)


def accuracy(w: Weights, x: Any, y: Any) -> Array:
    return jnp.mean((logits(w, x) > 0) == (y > 0.5))


def train(w: Weights, penalty: Penalty) -> Weights:
    def step(carry: Any, t: Array) -> tuple[Any, None]:
        w, m, v = carry
        g = jax.grad(cross_entropy)(w, X, Y)
        for name, extra in penalty.gradient(w).items():
            g[name] += extra
        m = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), m, g)
        v = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), v, g)
        alpha = LEARNING_RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        w = jax.tree.map(lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + EPSILON), w, m, v)
        return (w, m, v), None

    zeros = jax.tree.map(jnp.zeros_like, w)
    steps = jnp.arange(1, EPOCHS + 1, dtype=jnp.float32)
    return jax.lax.scan(step, (w, zeros, zeros), steps)[0][0]


def measure(w: Weights, penalty: Penalty) -> dict[str, Array]:
    """The end of one run. Norms are Euclidean, over all of a kernel's entries."""
    return {
        "train_accuracy": accuracy(w, X, Y),
        "test_accuracy": accuracy(w, X_TEST, Y_TEST),
        "train_data_loss": cross_entropy(w, X, Y),
        "test_data_loss": cross_entropy(w, X_TEST, Y_TEST),
        "penalty": penalty.value(w),
        "hidden_kernel_norm": jnp.linalg.norm(w["hidden_kernel"]),
        "hidden_bias_norm": jnp.linalg.norm(w["hidden_bias"]),
        "output_kernel_norm": jnp.linalg.norm(w["output_kernel"]),
    }


def summary(values: NDArray[np.float64]) -> dict[str, float]:
    """Rounded to what f32 holds. The median is there for L1: 1 seed in 30 settles in a far worse minimum."""
    numbers = {
        "mean": values.mean(),
        "sd": values.std(ddof=1),
        "min": values.min(),
        "median": np.median(values),
        "max": values.max(),
    }
    return {name: float(f"{number:.7g}") for name, number in numbers.items()}


def main() -> None:
    weights = initial_weights()
    results = []
    for penalty in PENALTIES:
        # One seed after another: on a CPU that is several times faster than `vmap`, and the numbers are the same.
        run = jax.jit(lambda weights: jax.lax.map(lambda w: measure(train(w, penalty), penalty), weights))
        ends = {name: np.asarray(values, np.float64) for name, values in run(weights).items()}
        statistics = {name: summary(values) for name, values in ends.items()}
        results.append(asdict(penalty) | statistics)
        shown = ("train_accuracy", "test_accuracy", "test_data_loss", "hidden_kernel_norm")
        cells = " | ".join(f"{statistics[name]['mean']:.4f} ± {statistics[name]['sd']:.4f}" for name in shown)
        print(f"| {penalty.name} | {cells} |", flush=True)
    document = {
        "task": "make_moons(100, noise=0.2, random_state=1), rows 0..30 train, 30..100 test; 2-500-1; 4000 epochs",
        "seeds": SEEDS,
        "sd": "over seeds, divided by seeds - 1",
        "versions": {name: version(name) for name in ("jax", "jaxlib", "numpy", "scikit-learn")},
        "penalties": results,
    }
    Path(__file__).with_name("reference.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
