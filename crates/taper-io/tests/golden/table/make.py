"""Makes preparation.json: python make.py (needs numpy and scikit-learn)."""

import json

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(7)
rows = 40
numbers = np.round(rng.normal(50, 20, (rows, 3)), 2).astype("f4")
numbers[:, 2] = np.round(numbers[:, 2] / 30)
numbers[rng.random((rows, 3)) < 0.2] = np.nan
names = rng.choice(["Ulm", "Bonn", "Köln", "Aachen"], rows)
gaps = np.where(rng.random(rows) < 0.2, None, names)
train, test = np.arange(25), np.arange(25, rows)

cases = []
for missing in ["mean", "median", "most_frequent"]:
    for indicator in [False, True]:
        parts = []
        for column in range(3):
            # One transformer for each column, so that an indicator follows its column.
            impute = SimpleImputer(strategy=missing)
            parts.append((f"n{column}", make_pipeline(impute, StandardScaler()), [column]))
            if indicator:
                from sklearn.impute import MissingIndicator
                parts.append((f"i{column}", MissingIndicator(features="all"), [column]))
        transform = ColumnTransformer(parts)
        x = numbers.astype("f8")
        transform.fit(x[train])
        fill = SimpleImputer(strategy="most_frequent", missing_values=None).fit(gaps[train].reshape(-1, 1))
        encode = OneHotEncoder(categories=[sorted(set(names))], sparse_output=False)
        coded = encode.fit_transform(fill.transform(gaps.reshape(-1, 1)))
        marks = np.array([[cell is None] for cell in gaps], "f8")
        blocks = [transform.transform(x), coded] + ([marks] if indicator else [])
        cases.append({"missing": missing, "indicator": indicator, "x": np.hstack(blocks).astype("f8").tolist()})

nothing = [[None if np.isnan(cell) else float(cell) for cell in row] for row in numbers]
json.dump({
    "scikit-learn": sklearn.__version__, "train": train.tolist(), "test": test.tolist(),
    "numbers": nothing, "names": gaps.tolist(), "cases": cases,
}, open("preparation.json", "w"), ensure_ascii=False)
