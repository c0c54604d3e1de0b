#!/usr/bin/env bash
# Vowpal Wabbit 9.11.9: --l2 shrinks the constant (the bias) with --no_bias_regularization as without.
#
# Guess: the flag does what its name says, the constant stays where the data put it.
# Seen: one row whose only feature is the constant, label 1, --sgd, thousands of passes' worth of updates: the prediction settles at the penalized
# minimum of (y - p)^2 + s/2 w^2, 0.952 at s = 0.1, with the flag and without; without --l2 it is 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check 'vowpalwabbit==9.11.9'
"$folder/venv/bin/python" - <<'PYTHON'
from vowpalwabbit import Workspace


def settled(arguments):
    model = Workspace(f"--sgd --power_t 0 --learning_rate 0.05 --quiet {arguments}")
    for _ in range(4000):
        model.learn("1 |")
    return round(model.predict("|"), 3)


seen = [settled("--l2 0"), settled("--l2 0.1"), settled("--l2 0.1 --no_bias_regularization")]
print("without l2, with l2, with l2 and --no_bias_regularization:", seen)
assert seen[0] == 1.0 and seen[1] == seen[2] and abs(seen[1] - 0.952) < 0.003, seen
PYTHON
