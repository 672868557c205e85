"""Verdicts on separation, and Firth estimates, of firthmodels 0.8.2 (PyPI), as a fixture.

    pip install firthmodels==0.8.2
    python tests/oracles/separation.py

writes tests/data/separation.json. Half of the data sets are mixed as chance will have it; in the
others a column decides the outcome of some rows, in either direction.
"""

import json
from pathlib import Path

import firthmodels
import numpy as np

CASES = 60


def data(seed: int):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(10, 30)), int(rng.integers(1, 4))
    x = np.where(
        rng.random(k) < 0.4, rng.standard_normal((n, k)).round(1), rng.random((n, k)) < 0.4
    )
    y = (rng.random(n) < 0.5).astype(float)
    if seed % 2:
        y[x[:, 0] > 0.5] = seed % 4 // 2
    return x.astype(float), y


def case(seed: int):
    x, y = data(seed)
    whole = np.column_stack([np.ones(len(y)), x])
    if np.linalg.matrix_rank(whole) < whole.shape[1] or len(set(y)) < 2:
        return None
    verdict = firthmodels.detect_separation(x, y)
    firth = firthmodels.FirthLogisticRegression(max_iter=500, gtol=1e-10, xtol=1e-12).fit(x, y)
    # firthmodels has the intercept last
    order = np.r_[x.shape[1], np.arange(x.shape[1])]
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "separation": bool(verdict.separation),
        "infinite": (~np.asarray(verdict.is_finite))[order].tolist(),
        "directions": np.asarray(verdict.directions)[order].astype(int).tolist(),
        "firth": np.r_[firth.intercept_, firth.coef_].tolist(),
    }


if __name__ == "__main__":
    found = [one for one in map(case, range(CASES)) if one is not None]
    path = Path(__file__).parent.parent / "data" / "separation.json"
    path.write_text(json.dumps(found) + "\n")
    print(len(found), "cases,", sum(one["separation"] for one in found), "separated")
