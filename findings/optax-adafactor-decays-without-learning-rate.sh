#!/usr/bin/env bash
# optax 0.2.8: adafactor(weight_decay_rate=s) shrinks weights by s itself, at any learning rate, at a rate of 0 too.
#
# Guess: like adamw, the decay is multiplied by the learning rate (0.99 of a weight left at a rate of 0.1, 1.0 at a rate of 0).
# Seen: 0.9 left at rates of 0.1, 0.001 and 0 alike, while adamw leaves 0.99, 0.9999 and 1.0.
# What follows: the strength that does the same in adamw is s / learning_rate, and a schedule that falls to 0 does not end the decay.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check 'optax==0.2.8' 'jax==0.10.2' 'jaxlib==0.10.2'
"$folder/venv/bin/python" - <<'PYTHON'
import jax.numpy as jnp
import optax


def left(optimizer):
    """What one step with a gradient of 0 leaves of weights of 1."""
    weights = jnp.ones((2, 3))
    updates, _ = optimizer.update(jnp.zeros((2, 3)), optimizer.init(weights), weights)
    return round(float(optax.apply_updates(weights, updates)[0, 0]), 5)


for rate, adamw in [(0.1, 0.99), (0.001, 0.9999), (0.0, 1.0)]:
    seen = left(optax.adafactor(rate, weight_decay_rate=0.1)), left(optax.adamw(rate, weight_decay=0.1))
    print(f"learning rate {rate}: adafactor leaves {seen[0]}, adamw {seen[1]}")
    assert seen == (0.9, adamw), seen
PYTHON
