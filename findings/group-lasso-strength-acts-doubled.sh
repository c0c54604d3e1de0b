#!/usr/bin/env bash
# group-lasso 1.5.0: GroupLasso(group_reg=s) solves a problem with twice the strength that its own loss states.
#
# Guess: the minimum of (1/2n) RSS + s * sum of sqrt(size) * norm of a group, as documented: there the gradient of the data part has the
# norm s * sqrt(size) in every group that is not zero.
# Seen: that norm is 2 s * sqrt(size).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check 'group-lasso==1.5.0' 'numpy==1.26.4' 'scikit-learn==1.4.2' 'scipy==1.11.4' 'setuptools<81'
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from group_lasso import GroupLasso

rng = np.random.default_rng(0)
n, strength = 400, 0.1
x = rng.normal(size=(n, 4))
y = x @ np.array([1.0, -2.0, 0.5, 1.5]) + 0.1 * rng.normal(size=n)
model = GroupLasso(
    groups=[0, 0, 1, 1], group_reg=strength, l1_reg=0.0, n_iter=20000, tol=1e-12, supress_warning=True, fit_intercept=True, scale_reg="group_size"
)
model.fit(x, y)
residual = y - model.predict(x).ravel()
norms = [np.linalg.norm(x[:, group].T @ residual / n) / np.sqrt(2) for group in ([0, 1], [2, 3])]
print("norm of the data gradient / sqrt(size):", np.round(norms, 4), "stated strength:", strength)
assert np.allclose(norms, 2 * strength, rtol=1e-2), norms
PYTHON
