"""Makes penalty.json: linear models with penalties by scikit-learn and by the normal equations, and a few steps of optimizers with
decoupled weight decay by Keras. Needs scikit-learn, NumPy, Keras and TensorFlow:

    python make_penalty.py > penalty.json

Units. Taper minimizes mean((X w + b - y)^2) + Omega(w), mean over the n rows.
- scikit-learn's Lasso minimizes 1/(2n) |y - Xw - b|^2 + alpha |w|_1: Taper's l1 is 2 alpha.
- Ridge in closed form: (X'X + n l2 I) w = X'y on centred columns, for Taper's l2.
- Keras's weight_decay d is Taper's decoupled l2 = d / 2.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import sklearn
from sklearn.linear_model import Lasso

rng = np.random.RandomState(7)
n, p = 40, 8
x = rng.normal(size=(n, p)).astype(np.float32)
truth = np.array([1.5, -2.0, 0.0, 0.0, 0.8, 0.0, 0.0, 0.1])
y = (x @ truth + 0.3 + 0.2 * rng.normal(size=n)).astype(np.float32)
x64, y64 = x.astype(np.float64), y.astype(np.float64)

lassos = []
for l1 in [0.02, 0.2, 1.0]:
    lasso = Lasso(alpha=l1 / 2, tol=1e-12, max_iter=1_000_000).fit(x64, y64)
    lassos.append({"l1": l1, "kernel": lasso.coef_.tolist(), "bias": float(lasso.intercept_)})

ridges = []
xc, yc = x64 - x64.mean(axis=0), y64 - y64.mean()
for l2 in [0.01, 0.5]:
    w = np.linalg.solve(xc.T @ xc + n * l2 * np.eye(p), xc.T @ yc)
    ridges.append({"l2": l2, "kernel": w.tolist(), "bias": float(y64.mean() - x64.mean(axis=0) @ w)})


def decayed(optimizer, steps=25):
    inputs = keras.Input((p,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    start = np.linspace(-1, 1, p, dtype=np.float32).reshape(p, 1)
    model.set_weights([start, np.zeros(1, dtype=np.float32)])
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, loss="mse")
    model.fit(x, y.reshape(n, 1), epochs=steps, batch_size=n, shuffle=False, verbose=0)
    kernel, bias = model.get_weights()
    return {"kernel": kernel.ravel().tolist(), "bias": float(bias[0])}


keras_runs = {
    "adam_w, learning_rate 0.02, weight_decay 0.3": decayed(keras.optimizers.AdamW(0.02, weight_decay=0.3)),
    "sgd, learning_rate 0.02, weight_decay 0.3": decayed(keras.optimizers.SGD(0.02, weight_decay=0.3)),
}

print(json.dumps({
    "made_by": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "keras": keras.__version__},
    "rows": n, "columns": p, "x": x.ravel().tolist(), "y": y.tolist(),
    "lasso": lassos, "ridge": ridges, "keras": keras_runs,
}, indent=1))
