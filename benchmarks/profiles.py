"""Profile-likelihood intervals of all coefficients of a logit, against the time of its fit.

Aim: with 8 coefficients and n = 10,000, both limits of every coefficient in at most 20 fits' time,
solved to 1e-8 in the deviance. The first call, which compiles, is shown beside.

    python benchmarks/profiles.py
"""

import numpy as np
from scipy.stats import norm

import asymptotix as asx
from _timing import alternate, cores, seconds, short
from asymptotix.inference.profile import likelihood_limits

N, K = 10_000, 8


def data():
    rng = np.random.default_rng(42)
    x = rng.standard_normal((N, K))
    x[:, 0] = 1.0
    y = (rng.random(N) < 1 / (1 + np.exp(-x @ np.full(K, 0.2)))).astype(float)
    return x, y


def deviance_at(x, y, j: int, value: float) -> float:
    """Twice the fall of the likelihood with one coefficient held fixed, by a fit without it."""
    top = asx.fit(asx.Logit(K), x, y)
    held = asx.fit(asx.Logit(K - 1), np.delete(x, j, 1), y, offset=value * x[:, j])
    return 2 * float(top.log_likelihood - held.log_likelihood)


def main() -> None:
    x, y = data()
    rows, quantile = asx.Rows(x, y), float(norm.ppf(0.975))
    fit = asx.fit(asx.Logit(K), rows)
    print(f"Logit, n = {N:,}, k = {K}, {cores()} cores; all {2 * K} limits at once")
    for method in ("profile", "score"):

        def limits(method=method):
            return likelihood_limits(fit, rows, quantile, method)

        first = seconds(limits)
        found = alternate(limits, lambda: asx.fit(asx.Logit(K), rows), rounds=30)
        print(
            f"{method}: {short(found.ours)} (first call {short(first)}), one fit "
            f"{short(found.theirs)}: {found.ratio:.1f} fits' time"
        )
    lower, upper = likelihood_limits(fit, rows, quantile)
    error = max(
        abs(deviance_at(x, y, j, value) - quantile**2)
        for j in range(K)
        for value in (lower[j], upper[j])
    )
    print(f"largest error of the deviance at a limit: {error:.1e}")


if __name__ == "__main__":
    main()
