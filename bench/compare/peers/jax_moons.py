"""JAX: jit and `lax.scan` over the epochs; the grid by `lax.map` and by `vmap`; the history stacked by the scan.

`plain` is what a user writes. `tuned` is the same arithmetic by hand: the gradient written out, Adam's step sizes
precomputed, and all weights in one array, so that Adam is one fused loop. The output bias rides along as the
output weight of a unit that is always 1; the other 11 columns of padding make a row of 512 floats, and stay 0.
`rearranged` goes on where XLA by itself does not go: it is `tuned` with the arithmetic of Taper's own kernels, the product
of two columns as a sum of scaled rows, and the output weights' gradient from the hidden ones'.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import moons
from moons import BETA_1, BETA_2, EPSILON, GRID_LAMBDAS, GRID_SEEDS, LAMBDA, LEARNING_RATE, UNITS

PACKAGES = ("jax", "jaxlib", "numpy")
COLUMNS = 512
Weights = tuple[Array, ...]

X, Y, X_TEST, Y_TEST = moons.load()


def logits(weights: Weights, x: Any) -> Array:
    hidden_kernel, hidden_bias, output_kernel, output_bias = weights
    return (jax.nn.relu(x @ hidden_kernel + hidden_bias) @ output_kernel + output_bias)[:, 0]


def cross_entropy(z: Array, y: Any) -> Array:
    return jnp.mean(jnp.logaddexp(0.0, z) - y * z)


def accuracy(z: Array, y: Any) -> Array:
    return jnp.mean((z > 0) == (y > 0.5))


def plain(weights: Weights, l2: Array, epochs: int, keep: bool = False) -> tuple[Weights, moons.History]:
    """The weights after `epochs` full-batch Adam steps; and, if kept, what happened in each epoch."""

    def loss(weights: Weights) -> tuple[Array, moons.History]:
        z = logits(weights, X)
        data_loss, penalty = cross_entropy(z, Y), l2 * jnp.sum(weights[0] ** 2)
        row = {"data_loss": data_loss, "penalty": penalty, "accuracy": accuracy(z, Y)} if keep else {}
        return data_loss + penalty, row

    def step(carry: Any, t: Array) -> tuple[Any, moons.History]:
        w, m, v = carry
        g, row = jax.grad(loss, has_aux=True)(w)
        m = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), m, g)
        v = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), v, g)
        alpha = LEARNING_RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        w = jax.tree.map(lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + EPSILON), w, m, v)
        if keep:
            z = logits(w, X_TEST)
            row = {**row, "val_data_loss": cross_entropy(z, Y_TEST), "val_accuracy": accuracy(z, Y_TEST)}
        return (w, m, v), row

    zeros = jax.tree.map(jnp.zeros_like, weights)
    steps = jnp.arange(1, epochs + 1, dtype=jnp.float32)
    (trained, _, _), history = jax.lax.scan(step, (weights, zeros, zeros), steps)
    return trained, history


def tuned(
    weights: Weights, l2: Array, epochs: int, keep: bool = False, rearranged: bool = False
) -> tuple[Weights, moons.History]:
    """The same as `plain`, by hand. Rows of the one array: two of the hidden kernel, hidden bias, output kernel."""
    rows = len(X)
    x, x_test = (np.concatenate([x, np.ones((len(x), 1), np.float32)], axis=1) for x in (X, X_TEST))
    t = np.arange(1, epochs + 1)
    alphas = (LEARNING_RATE * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)).astype(np.float32)

    w = jnp.zeros((4, COLUMNS), jnp.float32)
    w = w.at[:2, :UNITS].set(weights[0]).at[2, :UNITS].set(weights[1]).at[3, :UNITS].set(weights[2][:, 0])
    w = w.at[2, UNITS].set(1.0).at[3, UNITS].set(weights[3][0])
    trainable = np.zeros((4, COLUMNS), np.float32)
    trainable[:, :UNITS] = 1
    trainable[3, UNITS] = 1
    decay = jnp.zeros((4, COLUMNS), jnp.float32).at[:2, :UNITS].set(2 * l2)

    def before_relu(w: Array, x: Any) -> Array:
        return x[:, :1] * w[0] + x[:, 1:2] * w[1] + w[2] if rearranged else x @ w[:3]

    def gradient(w: Array, pre: Array, hidden: Array, d_logit: Array) -> Array:
        if not rearranged:
            d_pre = jnp.where(pre > 0, d_logit[:, None] * w[3], 0)
            return jnp.concatenate([x.T @ d_pre, (d_logit @ hidden)[None]])
        d_sums = x.T @ jnp.where(pre > 0, d_logit[:, None], 0)
        # Where a unit is above 0 it is `x @ w[:3]`, so what it is multiplied by needs no further pass over the rows.
        return jnp.concatenate([d_sums * w[3], jnp.sum(d_sums * w[:3], axis=0)[None]])

    def step(carry: Any, alpha: Array) -> tuple[Any, moons.History]:
        w, m, v = carry
        pre = before_relu(w, x)
        hidden = jnp.maximum(pre, 0)
        z = hidden @ w[3]
        d_logit = (jax.nn.sigmoid(z) - Y) * (1 / rows)
        g = gradient(w, pre, hidden, d_logit) * trainable + decay * w
        row: moons.History = {}
        if keep:
            penalty = l2 * jnp.sum(w[:2] ** 2)
            row = {"data_loss": cross_entropy(z, Y), "penalty": penalty, "accuracy": accuracy(z, Y)}
        m = m + (g - m) * (1 - BETA_1)
        v = v + (g * g - v) * (1 - BETA_2)
        w = w - alpha * m / (jnp.sqrt(v) + EPSILON)
        if keep:
            z = jnp.maximum(before_relu(w, x_test), 0) @ w[3]
            row = {**row, "val_data_loss": cross_entropy(z, Y_TEST), "val_accuracy": accuracy(z, Y_TEST)}
        return (w, m, v), row

    zeros = jnp.zeros_like(w)
    (w, _, _), history = jax.lax.scan(step, (w, zeros, zeros), alphas, unroll=2)
    return (w[:2, :UNITS], w[2, :UNITS], w[3, :UNITS, None], w[3, UNITS : UNITS + 1]), history


def grid() -> tuple[Weights, Array]:
    """Initial weights and penalty of each of the 180 models. Every penalty starts from the same 30 seeds."""
    seeds = [moons.initial_weights(seed) for seed in range(GRID_SEEDS)] * len(GRID_LAMBDAS)
    weights = tuple(jnp.asarray(np.stack(parts)) for parts in zip(*seeds, strict=True))
    return weights, jnp.asarray(np.repeat(GRID_LAMBDAS, GRID_SEEDS), jnp.float32)


Train = Callable[..., tuple[Weights, moons.History]]


def one_by_one(train: Train, weights: Weights, l2: Array) -> tuple[Weights, moons.History]:
    return jax.lax.map(lambda model: train(*model), (weights, l2))


def measure(
    train: Train, weights: Weights, l2: Array, repeats: int
) -> tuple[float, float, tuple[Weights, moons.History]]:
    """Seconds of a run, seconds of compilation, and the run's result. Compiled ahead of time: nothing warms up."""
    start = time.perf_counter()
    compiled = jax.jit(train).lower(weights, l2).compile()
    compile_seconds = time.perf_counter() - start
    result: Any = None

    def run() -> None:
        nonlocal result
        result = jax.block_until_ready(compiled(weights, l2))

    return moons.timed(run, repeats), compile_seconds, result


def main() -> None:
    steps = {"plain": plain, "tuned": tuned, "rearranged": partial(tuned, rearranged=True)}
    singles = {f"jax scan, {name}": train for name, train in steps.items()}
    grids = {f"jax {how}, {name}": (how, train) for how in ("lax.map", "vmap") for name, train in steps.items()}
    args = moons.arguments(__doc__, {"moons": singles, "moons-grid": grids, "moons-history": singles}, repeats=5)

    one = tuple(map(jnp.asarray, moons.initial_weights(0)))
    for name, train in singles.items() if args.workload != "moons-grid" else ():
        if args.only in (None, name):
            train = partial(train, epochs=args.epochs, keep=args.workload == "moons-history")
            seconds, compiling, (trained, history) = measure(train, one, jnp.float32(LAMBDA), args.repeats)
            moons.check_history(history, args.epochs, trained)
            test = [np.asarray(logits(trained, X_TEST))]
            moons.report(name, seconds, args.epochs, compiling, PACKAGES, test, args.workload)

    for name, (how, train) in grids.items() if args.workload == "moons-grid" else ():
        if args.only in (None, name):
            weights, l2 = grid()
            train = partial(train, epochs=args.epochs)
            every = jax.vmap(train) if how == "vmap" else partial(one_by_one, train)
            seconds, compiling, (trained, _) = measure(every, weights, l2, 1)
            first = GRID_LAMBDAS.index(LAMBDA) * GRID_SEEDS  # the scores are of the models at the tutorial's penalty
            tutorial = jax.vmap(logits, (0, None))(tuple(w[first : first + GRID_SEEDS] for w in trained), X_TEST)
            moons.report(name, seconds, args.epochs, compiling, PACKAGES, np.asarray(tutorial), args.workload)


if __name__ == "__main__":
    main()
