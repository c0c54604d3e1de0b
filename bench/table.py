"""Writes the table that loading is measured with: python bench/table.py ROWS FILE.csv (needs numpy).

20 columns of numbers of different kinds and a binary target; 1,000,000 rows are about 190 MB. Load it with

    cargo run --release -p taper-io --example load -- FILE.csv

which prints the seconds, the rows, and the peak of resident memory over the size of the f32 matrix.
"""

import sys

import numpy as np

rows, path = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(1)
with open(path, "w") as file:
    file.write(",".join(f"x{i}" for i in range(19)) + ",y\n")
    for start in range(0, rows, 100_000):
        n = min(100_000, rows - start)
        x = rng.normal(size=(n, 19))
        x[:, 5:10] = np.round(x[:, 5:10] * 100)
        x[:, 10:14] = x[:, 10:14] * 1e6
        y = (x[:, 0] + rng.normal(size=n) > 0).astype(int)
        formats = ["%.6f"] * 5 + ["%d"] * 5 + ["%.3f"] * 4 + ["%.8g"] * 5 + ["%d"]
        np.savetxt(file, np.column_stack([x, y]), fmt=formats, delimiter=",")
