"""JAX: one jitted step whose weights and moments are donated; the LSTM by `lax.scan` over one product for all inputs."""

import os
import sys

if "--threads" not in sys.argv or sys.argv[sys.argv.index("--threads") + 1] == "1":
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import steps
from steps import BETA_1, BETA_2, EPSILON, LEARNING_RATE, WORKLOADS

Weights = dict[str, Array]


def glorot(rng: np.random.Generator, *shape: int) -> Array:
    receptive = int(np.prod(shape[:-2]))
    limit = np.sqrt(6.0 / (receptive * (shape[-2] + shape[-1])))
    return jnp.asarray(rng.uniform(-limit, limit, shape), jnp.float32)


SHAPES = {
    "mlp": ((784, 512), (512, 512), (512, 10)),
    "cnn": ((3, 3, 3, 32), (3, 3, 32, 32), (3, 3, 32, 64), (3, 3, 64, 64), (4096, 128), (128, 10)),
    "lstm": ((32, 512), (128, 512), (128, 1)),
}


def initial(name: str) -> Weights:
    rng = np.random.default_rng(0)
    weights = {}
    for i, shape in enumerate(SHAPES[name]):
        weights[f"kernel{i}"] = glorot(rng, *shape)
        weights[f"bias{i}"] = jnp.zeros(shape[-1])
    return weights


def outputs(name: str, w: Weights, x: Array) -> Array:
    if name == "lstm":
        inputs = jnp.swapaxes(x @ w["kernel0"] + w["bias0"], 0, 1)

        def cell(state: Any, z: Array) -> tuple[Any, None]:
            h, c = state
            i, f, g, o = jnp.split(z + h @ w["kernel1"], 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((x.shape[0], 128))
        (h, _), _ = jax.lax.scan(cell, (zeros, zeros), inputs)
        return h @ w["kernel2"] + w["bias2"]
    last = len(SHAPES[name]) - 1
    for i, shape in enumerate(SHAPES[name]):
        if len(shape) == 4:
            x = jax.lax.conv_general_dilated(
                x, w[f"kernel{i}"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
        else:
            x = x.reshape(x.shape[0], -1) @ w[f"kernel{i}"]
        x = x + w[f"bias{i}"]
        x = jax.nn.relu(x) if i < last else x
        if len(shape) == 4 and shape[2] == shape[3]:
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return x


def loss(name: str, w: Weights, x: Array, y: Array) -> Array:
    z = outputs(name, w, x)
    if WORKLOADS[name].classes == 1:
        penalized = ("kernel0", "kernel1")
        data = jnp.mean((z - y) ** 2)
    else:
        penalized = tuple(key for key in w if key.startswith("kernel"))
        data = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))
    return data + WORKLOADS[name].l2 * sum(jnp.sum(w[key] ** 2) for key in penalized)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def train(name: str, state: Any, x: Array, y: Array) -> Any:
    w, m, v, t = state
    g = jax.grad(partial(loss, name))(w, x, y)
    t += 1
    alpha = LEARNING_RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    m = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), m, g)
    v = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), v, g)
    w = jax.tree.map(lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + EPSILON), w, m, v)
    return w, m, v, t


def main() -> None:
    args = steps.arguments(__doc__)
    data = [(jnp.asarray(x), jnp.asarray(y)) for x, y in steps.batches(WORKLOADS[args.workload])]
    w = initial(args.workload)
    state = (w, jax.tree.map(jnp.zeros_like, w), jax.tree.map(jnp.zeros_like, w), jnp.float32(0))

    def step(i: int) -> None:
        nonlocal state
        state = jax.block_until_ready(train(args.workload, state, *data[i]))

    steps.measure("jax jit", args.workload, ("jax", "jaxlib", "numpy"), args.seconds, step, True)


if __name__ == "__main__":
    main()
