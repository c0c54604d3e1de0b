#!/usr/bin/env bash
# mlx 0.32.4 (CPU): Muon's weight_decay acts the same at any strength where the data pull nowhere.
#
# Guess: decoupled as in the paper, so that a strength of 0.1 shrinks ten times as fast as one of 0.01.
# Seen: the decay is added to the gradient *before* the orthogonalization, which takes its size away: with a gradient of 0 the same is left of the
# weights at 0.001, 0.01 and 0.1. At 0 nothing moves. PyTorch's and Keras's Muon multiply the weights by 1 - rate * strength.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check 'mlx[cpu]==0.32.4'
"$folder/venv/bin/python" - <<'PYTHON'
import mlx.core as mx
import mlx.optimizers as optim


def left(strength):
    weights = {"w": mx.eye(4)}
    optimizer = optim.Muon(learning_rate=0.1, weight_decay=strength)
    return round(float(optimizer.apply_gradients({"w": mx.zeros((4, 4))}, weights)["w"][0, 0]), 3)


seen = [left(strength) for strength in (0.0, 0.001, 0.01, 0.1)]
print("left at strengths of 0, 0.001, 0.01, 0.1:", seen)
assert seen[0] == 1.0 and len(set(seen[1:])) == 1 and seen[1] < 1.0, seen
PYTHON
