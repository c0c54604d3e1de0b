"""Writes breast_cancer.csv from scikit-learn's copy: python make.py"""

import csv
import pathlib

from sklearn.datasets import load_breast_cancer

data = load_breast_cancer()
names = [name.replace(" ", "_") for name in data.feature_names]
out = pathlib.Path(__file__).parent / "breast_cancer.csv"
with out.open("w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow([*names, "benign"])
    rows.writerows([*(format(v, ".10g") for v in row), label] for row, label in zip(data.data, data.target))

# What is written is what was read.
with out.open() as file:
    table = list(csv.reader(file))[1:]
assert all([float(cell) for cell in row[:-1]] == list(values) for row, values in zip(table, data.data))
assert [int(row[-1]) for row in table] == list(data.target)
print(len(table), "rows,", sum(map(int, (row[-1] for row in table))), "benign; sum", repr(float(data.data.sum())))
