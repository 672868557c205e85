"""Robust covariances of a large logit beside the fit itself, and two-way clusters.

Aim: at n = 1,000,000 and k = 20, a fit with HC1 or cluster-robust errors in at most 1.5 times the
time of the plain fit with errors from its information.

    python benchmarks/covariances.py
"""

import numpy as np
import statsmodels.api as sm

import asymptotix as asx
from _timing import alternate, cores, seconds, short
from speed import data


def fitted(x, y, kind, groups=None) -> np.ndarray:
    rows = asx.Rows(x, y, groups=groups)
    found = asx.fit(asx.Logit(x.shape[1]), rows)
    return np.asarray(asx.covariance(found, rows, kind).standard_errors)


def main() -> None:
    n, k, clusters = 1_000_000, 20, 5_000
    x, y = data(n, k)
    rng = np.random.default_rng(7)
    firm, year = rng.integers(0, clusters, n), rng.integers(0, 40, n)
    kinds = {
        "HC1": ("HC1", None),
        f"CR1, {clusters:,} clusters": (asx.Cluster(), firm),
        "CR1, two-way": (asx.Cluster(), (firm, year)),
        "HC3": ("HC3", None),
    }
    print(f"Logit, n = {n:,}, k = {k}, {cores()} cores: times of the fit with plain errors")
    for name, (kind, groups) in kinds.items():
        first = seconds(lambda kind=kind, groups=groups: fitted(x, y, kind, groups))
        found = alternate(
            lambda kind=kind, groups=groups: fitted(x, y, kind, groups),
            lambda: fitted(x, y, "observed"),
            rounds=5,
        )
        print(
            f"{name}: {short(found.ours)} (first call {short(first)}), plain "
            f"{short(found.theirs)}: {found.ratio:.2f} times the plain fit"
        )
    check(x[:20_000], y[:20_000], firm[:20_000])


def check(x, y, firm) -> None:
    """The numbers are statsmodels'."""
    options = {"cov_type": "cluster", "cov_kwds": {"groups": firm}, "disp": False}
    theirs = np.asarray(sm.Logit(y, x).fit(**options).bse)
    assert np.allclose(fitted(x, y, asx.Cluster(), firm), theirs, rtol=1e-6)


if __name__ == "__main__":
    main()
