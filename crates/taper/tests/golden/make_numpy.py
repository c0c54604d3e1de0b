"""Makes golden/numpy: what NumPy and scikit-learn answer to the calls that `numpy_parity.rs` compares with.

Pinned versions (Python 3.11 to 3.13, Linux with glibc):

    pip install numpy==2.4.6 scikit-learn==1.9.1 safetensors==0.8.0
    python make_numpy.py [FOLDER]          # default: the folder `numpy` beside this file

Writes arrays.safetensors (float64 and int64) and index.json, which says the exact call of each array. Both are the same
bytes on every run.
"""

import json
import sys
from pathlib import Path

import numpy as np
import sklearn
from numpy.random import RandomState
from safetensors.numpy import save_file
from sklearn.datasets import make_blobs, make_circles, make_classification, make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

VERSIONS = {"numpy": "2.4.6", "scikit_learn": "1.9.1"}

arrays = {}
how = {}


def add(name, call, value):
    value = np.asarray(value)
    assert name not in arrays and value.dtype in (np.float64, np.int64), name
    arrays[name] = np.ascontiguousarray(value)
    how[name] = call


def add_sample(name, call):
    """`call` is an expression that gives x and y."""
    x, y = eval(call)
    add(f"{name}/x", call, x)
    add(f"{name}/y", call, y)


def add_split(name, call):
    """`call` is an expression that gives train and test."""
    train, test = eval(call)
    add(f"{name}/train", call, train)
    add(f"{name}/test", call, test)


def arange(n):
    return np.arange(n)


def add_samples():
    add_sample("moons_n100_noise0.2_seed1", "make_moons(n_samples=100, noise=0.2, random_state=1)")
    add_sample("moons_n30_noise0.0_seed3", "make_moons(n_samples=30, noise=0.0, random_state=3)")
    add_sample("moons_n30_noiseless_seed3", "make_moons(n_samples=30, noise=None, random_state=3)")
    add_sample("moons_n101_noise0.1_seed42", "make_moons(n_samples=101, noise=0.1, random_state=42)")
    add_sample("moons_n3_noise1.0_seed4294967295", "make_moons(n_samples=3, noise=1.0, random_state=4294967295)")
    add_sample("circles_n100_seed1", "make_circles(n_samples=100, noise=0.1, random_state=1, factor=0.8)")
    add_sample("circles_n51_factor0_seed2", "make_circles(n_samples=51, noise=0.0, random_state=2, factor=0.0)")
    add_sample("blobs_n100_seed1", "make_blobs(n_samples=100, n_features=2, centers=3, random_state=1)")
    add_sample(
        "blobs_n32_f3_c5_seed9", "make_blobs(n_samples=32, n_features=3, centers=5, cluster_std=2.5, random_state=9)"
    )
    add_sample("classification_seed1", "make_classification(random_state=1)")


def add_splits():
    add_split("split_n100_seed1", "train_test_split(arange(100), test_size=0.3, random_state=1)")
    add_split("split_n37_seed5", "train_test_split(arange(37), test_size=0.55, random_state=5)")
    add_split(
        "split_stratified_n100_seed1",
        "train_test_split(arange(100), test_size=0.3, random_state=1, stratify=arange(100) % 3)",
    )
    # Many equal remainders: lots are drawn for the training part and again for the test part.
    add_split(
        "split_stratified_n91_seed6",
        "train_test_split(arange(91), test_size=0.25, random_state=6, stratify=5 - arange(91) * arange(91) % 11)",
    )


def add_streams(seed):
    new = f"RandomState({seed})"

    def stream(name, call):
        add(f"stream_seed{seed}/{name}", call, eval(call))

    stream("normal", f"{new}.normal(size=101)")
    stream("normal_loc_scale", f"{new}.normal(loc=3.0, scale=0.25, size=(7, 3))")
    stream("random_sample", f"{new}.random_sample(100)")
    stream("uniform", f"{new}.uniform(-2.0, 5.0, size=50)")
    stream("permutation", f"{new}.permutation(100)")
    stream("permutation_1000", f"{new}.permutation(1000)")
    stream("randint_10", f"{new}.randint(0, 10, size=100)")
    stream("randint_1000", f"{new}.randint(-5, 1000, size=100)")
    stream("randint_big", f"{new}.randint(0, 2**40, size=20)")
    stream("choice", f"{new}.choice(50, 20, replace=False)")
    stream("exponential", f"{new}.exponential(size=20)")

    raw = RandomState(seed).randint(0, 2**32, size=20, dtype=np.uint32).astype(np.int64)
    add(f"stream_seed{seed}/raw_uint32", f"{new}.randint(0, 2**32, size=20, dtype=uint32), as int64", raw)

    line = np.arange(100)
    RandomState(seed).shuffle(line)
    add(f"stream_seed{seed}/shuffle", f"a = arange(100); {new}.shuffle(a)", line)

    table = np.arange(36).reshape(12, 3)
    RandomState(seed).shuffle(table)
    add(f"stream_seed{seed}/shuffle_rows", f"a = arange(36).reshape(12,3); {new}.shuffle(a)", table)

    random = RandomState(seed)
    call = (
        f"ONE {new}: normal(size=3), random_sample(2), normal(size=2), shuffle(arange(10)), randint(0,7,5), "
        "normal(size=4), in this order (normals come in pairs, the second is kept)"
    )
    add(f"stream_seed{seed}/mixed_1_normal3", call, random.normal(size=3))
    add(f"stream_seed{seed}/mixed_2_random2", call, random.random_sample(2))
    add(f"stream_seed{seed}/mixed_3_normal2", call, random.normal(size=2))
    line = np.arange(10)
    random.shuffle(line)
    add(f"stream_seed{seed}/mixed_4_shuffle10", call, line)
    add(f"stream_seed{seed}/mixed_5_randint5", call, random.randint(0, 7, 5))
    add(f"stream_seed{seed}/mixed_6_normal4", call, random.normal(size=4))


def add_scaler():
    # Columns of very different sizes, and one that is constant up to rounding.
    rows = RandomState(8).normal(size=(50, 4)) * [1.0, 1e-3, 1e6, 0.0] + [0.0, 7.0, -3e8, 0.1]
    call = "StandardScaler().fit(rows[:35])"
    scaler = StandardScaler().fit(rows[:35])
    add("scaler/rows", "RandomState(8).normal(size=(50, 4)) * [1.0, 1e-3, 1e6, 0.0] + [0.0, 7.0, -3e8, 0.1]", rows)
    add("scaler/mean", f"{call}.mean_", scaler.mean_)
    add("scaler/scale", f"{call}.scale_", scaler.scale_)
    add("scaler/transformed", f"{call}.transform(rows)", scaler.transform(rows))
    add("scaler/inverse", f"{call}.inverse_transform(rows)", scaler.inverse_transform(rows))


def main():
    versions = {"numpy": np.__version__, "scikit_learn": sklearn.__version__}
    if versions != VERSIONS:
        sys.exit(f"expected {VERSIONS}, got {versions}")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "numpy"

    add_samples()
    add_splits()
    for seed in (1, 42):
        add_streams(seed)
    add_scaler()

    tensors = {
        name: {"how": how[name], "shape": list(array.shape), "dtype": array.dtype.name}
        for name, array in arrays.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(arrays, folder / "arrays.safetensors")
    text = json.dumps({**VERSIONS, "tensors": tensors}, indent=1)
    (folder / "index.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
