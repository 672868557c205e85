"""Average slopes of all variables with standard errors, logit, by formula and from arrays.

Aim: at n = 1,000,000 and k = 20 at most 0.5 s once compiled and 600 MB above the data. The peer,
statsmodels' `get_margeff`, keeps matrices of n x k for each variable: it runs at n = 50,000.

    python benchmarks/slopes.py
"""

import resource

import numpy as np
import pandas as pd
import statsmodels.api as sm

import asymptotix as asx
from _timing import cores, seconds, short


def data(n: int, k: int) -> pd.DataFrame:
    rng = np.random.default_rng(42)
    x = rng.standard_normal((n, k - 1))
    y = rng.random(n) < 1 / (1 + np.exp(-0.2 - x @ np.full(k - 1, 0.2)))
    columns = {f"x{j}": x[:, j - 1] for j in range(1, k)}
    return pd.DataFrame({**columns, "y": y.astype(float)})


def peak() -> float:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def best(function, rounds: int) -> float:
    return min(seconds(function) for _ in range(rounds))


def against_statsmodels(n: int, k: int) -> None:
    frame = data(n, k)
    columns = [c for c in frame if c != "y"]
    ours = asx.logit(f"y ~ {' + '.join(columns)}", frame)
    theirs = sm.Logit(frame["y"], sm.add_constant(frame[columns])).fit(disp=0, tol=1e-14)
    margins = theirs.get_margeff()
    found = ours.avg_slopes().frame
    assert np.allclose(found["estimate"], margins.margeff, rtol=1e-7)
    assert np.allclose(found["std.error"], margins.margeff_se, rtol=1e-7)
    quick, slow = best(ours.avg_slopes, 3), best(theirs.get_margeff, 1)
    print(
        f"n = {n:,}, k = {k}: {short(quick)}, statsmodels {short(slow)}: "
        f"{slow / quick:.0f} times as fast, the same to 1e-7"
    )


def large(n: int, k: int) -> None:
    frame = data(n, k)
    before = peak()
    names = [c for c in frame if c != "y"]
    res = asx.logit(f"y ~ {' + '.join(names)}", frame)
    fitted = peak()
    first = seconds(res.avg_slopes)
    warm = best(res.avg_slopes, 5)
    print(f"n = {n:,}, k = {k}, formula: {short(warm)} (first call {short(first)})")
    print(f"  memory above the data: fit {fitted - before:.0f} MB, slopes {peak() - before:.0f} MB")
    rows, _, _ = res.inputs.evaluate()
    columns = range(1, k)
    asx.average_slopes(res.fit, rows, res.covariance, columns=columns)
    warm = best(lambda: asx.average_slopes(res.fit, rows, res.covariance, columns=columns), 5)
    print(f"n = {n:,}, k = {k}, arrays: {short(warm)}")


def main() -> None:
    print(f"Average slopes with standard errors, {cores()} cores")
    large(1_000_000, 20)
    against_statsmodels(50_000, 20)


if __name__ == "__main__":
    main()
