"""JAX: jit and `lax.scan` over the epochs; the grid by `lax.map` and by `vmap`.

`plain` is what a user writes. `tuned` is the same arithmetic by hand: the gradient written out, Adam's step sizes
precomputed, and all weights in one array, so that Adam is one fused loop. The output bias rides along as the
output weight of a unit that is always 1; the other 11 columns of padding make a row of 512 floats, and stay 0.
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


def plain(weights: Weights, l2: Array, epochs: int) -> Weights:
    """The weights after `epochs` full-batch Adam steps."""

    def loss(weights: Weights) -> Array:
        z = logits(weights, X)
        return jnp.mean(jnp.logaddexp(0.0, z) - Y * z) + l2 * jnp.sum(weights[0] ** 2)

    def step(carry: Any, t: Array) -> tuple[Any, None]:
        w, m, v = carry
        g = jax.grad(loss)(w)
        m = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), m, g)
        v = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), v, g)
        alpha = LEARNING_RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        w = jax.tree.map(lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + EPSILON), w, m, v)
        return (w, m, v), None

    zeros = jax.tree.map(jnp.zeros_like, weights)
    steps = jnp.arange(1, epochs + 1, dtype=jnp.float32)
    return jax.lax.scan(step, (weights, zeros, zeros), steps)[0][0]


def tuned(weights: Weights, l2: Array, epochs: int) -> Weights:
    """The same as `plain`, by hand. Rows of the one array: two of the hidden kernel, hidden bias, output kernel."""
    rows = len(X)
    x = np.concatenate([X, np.ones((rows, 1), np.float32)], axis=1)
    t = np.arange(1, epochs + 1)
    alphas = (LEARNING_RATE * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)).astype(np.float32)

    w = jnp.zeros((4, COLUMNS), jnp.float32)
    w = w.at[:2, :UNITS].set(weights[0]).at[2, :UNITS].set(weights[1]).at[3, :UNITS].set(weights[2][:, 0])
    w = w.at[2, UNITS].set(1.0).at[3, UNITS].set(weights[3][0])
    trainable = np.zeros((4, COLUMNS), np.float32)
    trainable[:, :UNITS] = 1
    trainable[3, UNITS] = 1
    decay = jnp.zeros((4, COLUMNS), jnp.float32).at[:2, :UNITS].set(2 * l2)

    def step(carry: Any, alpha: Array) -> tuple[Any, None]:
        w, m, v = carry
        pre = x @ w[:3]
        hidden = jnp.maximum(pre, 0)
        d_logit = (jax.nn.sigmoid(hidden @ w[3]) - Y) * (1 / rows)
        d_pre = jnp.where(pre > 0, d_logit[:, None] * w[3], 0)
        g = jnp.concatenate([x.T @ d_pre, (d_logit @ hidden)[None]]) * trainable + decay * w
        m = m + (g - m) * (1 - BETA_1)
        v = v + (g * g - v) * (1 - BETA_2)
        w = w - alpha * m / (jnp.sqrt(v) + EPSILON)
        return (w, m, v), None

    zeros = jnp.zeros_like(w)
    w = jax.lax.scan(step, (w, zeros, zeros), alphas, unroll=2)[0][0]
    return w[:2, :UNITS], w[2, :UNITS], w[3, :UNITS, None], w[3, UNITS : UNITS + 1]


def grid() -> tuple[Weights, Array]:
    """Initial weights and penalty of each of the 180 models. Every penalty starts from the same 30 seeds."""
    seeds = [moons.initial_weights(seed) for seed in range(GRID_SEEDS)] * len(GRID_LAMBDAS)
    weights = tuple(jnp.asarray(np.stack(parts)) for parts in zip(*seeds, strict=True))
    return weights, jnp.asarray(np.repeat(GRID_LAMBDAS, GRID_SEEDS), jnp.float32)


def one_by_one(train: Callable[..., Weights], weights: Weights, l2: Array) -> Weights:
    return jax.lax.map(lambda model: train(*model), (weights, l2))


def measure(train: Callable[..., Weights], weights: Weights, l2: Array, repeats: int) -> tuple[float, float, Weights]:
    """Seconds of a run, seconds of compilation, and the trained weights. Compiled ahead of time: nothing warms up."""
    start = time.perf_counter()
    compiled = jax.jit(train).lower(weights, l2).compile()
    compile_seconds = time.perf_counter() - start
    trained: Weights = ()

    def run() -> None:
        nonlocal trained
        trained = jax.block_until_ready(compiled(weights, l2))

    return moons.timed(run, repeats), compile_seconds, trained


def main() -> None:
    steps = {"plain": plain, "tuned": tuned}
    singles = {f"jax scan, {name}": train for name, train in steps.items()}
    grids = {f"jax {how}, {name}": (how, train) for how in ("lax.map", "vmap") for name, train in steps.items()}
    args = moons.arguments(__doc__, [*singles, *grids], repeats=5)

    one = tuple(map(jnp.asarray, moons.initial_weights(0)))
    for name, train in singles.items():
        if args.only in (None, name):
            train = partial(train, epochs=args.epochs)
            seconds, compiling, trained = measure(train, one, jnp.float32(LAMBDA), args.repeats)
            moons.report(name, seconds, args.epochs, compiling, PACKAGES, [np.asarray(logits(trained, X_TEST))])

    weights, l2 = grid()
    for name, (how, train) in grids.items():
        if args.only in (None, name):
            train = partial(train, epochs=args.epochs)
            every = jax.vmap(train) if how == "vmap" else partial(one_by_one, train)
            seconds, compiling, trained = measure(every, weights, l2, 1)
            first = GRID_LAMBDAS.index(LAMBDA) * GRID_SEEDS  # the scores are of the models at the tutorial's penalty
            tutorial = jax.vmap(logits, (0, None))(tuple(w[first : first + GRID_SEEDS] for w in trained), X_TEST)
            moons.report(name, seconds, args.epochs, compiling, PACKAGES, np.asarray(tutorial), "moons-grid")


if __name__ == "__main__":
    main()
