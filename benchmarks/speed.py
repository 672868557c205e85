"""Logit with standard errors from NumPy arrays, against `statsmodels.api.Logit`.

Aim: at n = 1,000,000 and k = 20 at least 8 times as fast; at n = 2,000 and k = 5, once compiled,
no slower. The first call of a new size, which compiles, is shown beside.

    python benchmarks/speed.py
"""

import numpy as np
import statsmodels.api as sm

import asymptotix as asx
from _timing import alternate, cores, seconds, short


def data(n: int, k: int):
    rng = np.random.default_rng(42)
    x = rng.standard_normal((n, k))
    x[:, 0] = 1.0
    y = (rng.random(n) < 1 / (1 + np.exp(-x @ np.full(k, 0.2)))).astype(float)
    return x, y


def ours(x, y) -> np.ndarray:
    found = asx.fit(asx.Logit(x.shape[1]), x, y)
    return np.asarray(asx.covariance(found, x, y, "observed").standard_errors)


def theirs(x, y) -> np.ndarray:
    return np.asarray(sm.Logit(y, x).fit(disp=False).bse)


def main() -> None:
    print(f"Logit with standard errors, arrays in, {cores()} cores")
    for n, k, rounds in ((1_000_000, 20, 5), (2_000, 5, 200), (200, 5, 200)):
        x, y = data(n, k)
        first = seconds(lambda x=x, y=y: ours(x, y))
        assert np.allclose(ours(x, y), theirs(x, y), rtol=1e-6)
        found = alternate(lambda x=x, y=y: ours(x, y), lambda x=x, y=y: theirs(x, y), rounds)
        print(
            f"n = {n:,}, k = {k}: {short(found.ours)} (first call {short(first)}), statsmodels "
            f"{short(found.theirs)}: {1 / found.ratio:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
