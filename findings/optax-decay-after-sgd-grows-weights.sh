#!/usr/bin/env bash
# optax 0.2.8: add_decayed_weights after sgd in a chain makes weights grow.
#
# Guess: the order of the two decides whether the decay is scaled by the learning rate; weights shrink either way.
# Seen: before sgd 0.99 is left of a weight of 1 (rate 0.1, strength 0.1); after sgd it is 1.1: sgd has turned the sign of what passes through,
# add_decayed_weights adds with the sign of a gradient, and nothing warns. What to write is chain(..., add_decayed_weights(s), scale_by_learning_rate(rate)).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check 'optax==0.2.8' 'jax==0.10.2' 'jaxlib==0.10.2'
"$folder/venv/bin/python" - <<'PYTHON'
import jax.numpy as jnp
import optax


def left(*parts):
    weights = jnp.ones(3)
    chain = optax.chain(*parts)
    updates, _ = chain.update(jnp.zeros(3), chain.init(weights), weights)
    return round(float(optax.apply_updates(weights, updates)[0]), 5)


before = left(optax.add_decayed_weights(0.1), optax.sgd(0.1))
after = left(optax.sgd(0.1), optax.add_decayed_weights(0.1))
print(f"decay before sgd leaves {before}, after it {after}")
assert (before, after) == (0.99, 1.1), (before, after)
PYTHON
