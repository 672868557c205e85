"""Many small logits at once, and a pairs bootstrap, against a loop of statsmodels' GLM.

Aim, at n = 1,000 and k = 5: 10,000 fits at 35 µs each or less on two cores (22 µs is the target
after that), and 2,000 refits of a bootstrap at 25 times the rate of statsmodels' loop.

    python benchmarks/batched.py
"""

import jax
import numpy as np
import statsmodels.api as sm

import asymptotix as asx
from _timing import alternate, cores, seconds, short

N, K, FITS, REFITS, LOOP = 1_000, 5, 10_000, 2_000, 100
MODEL = asx.Logit(K)


def designs(count: int) -> np.ndarray:
    x = np.random.default_rng(42).standard_normal((count, N, K))
    x[:, :, 0] = 1.0
    return x


def responses(x: np.ndarray, count: int) -> np.ndarray:
    chance = 1 / (1 + np.exp(-x @ np.full(K, 0.3)))
    return (np.random.default_rng(1).random((count, N)) < chance).astype(float)


def glm(x, y) -> np.ndarray:
    return np.asarray(sm.GLM(y, x, family=sm.families.Binomial()).fit().params)


def loop(x, y) -> None:
    for i in range(LOOP):
        glm(x if x.ndim == 2 else x[i], y[i])


def report(name: str, ours, theirs, count: int, rounds: int = 5) -> None:
    first = seconds(ours)
    found = alternate(ours, theirs, rounds)
    each, rival = found.ours / count, found.theirs / LOOP
    ratio = count / LOOP / found.ratio
    print(
        f"{name:34s} {short(each):>8s} a fit (first call {short(first)}), statsmodels GLM "
        f"{short(rival)}: {ratio:.1f} times the rate"
    )


def main() -> None:
    print(f"Logits with n = {N:,} and k = {K}, {cores()} cores")
    x = designs(FITS)
    y = responses(x, FITS)
    fits = asx.fit_many(MODEL, x[:5], y[:5])
    assert np.allclose(fits.model.predictor.coef, [glm(x[i], y[i]) for i in range(5)], rtol=1e-6)
    loops = lambda: loop(x, y)  # noqa: E731
    report(f"{FITS:,} data sets", lambda: asx.fit_many(MODEL, x, y), loops, FITS)
    report(
        f"{FITS:,} data sets, HC1 errors", lambda: asx.fit_many(MODEL, x, y, cov="HC1"), loops, FITS
    )
    one, many = x[0], responses(x[0], FITS)
    report(
        f"{FITS:,} responses, shared design",
        lambda: asx.fit_many(MODEL, one, many),
        lambda: loop(one, many),
        FITS,
    )
    fit, rows = asx.fit(MODEL, one, y[0]), asx.Rows(one, y[0])
    kind = asx.Bootstrap(REFITS, key=jax.random.key(0))
    index = np.random.default_rng(0).integers(N, size=(LOOP, N))
    report(
        f"{REFITS:,} refits, pairs bootstrap",
        lambda: asx.covariance(fit, rows, kind),
        lambda: [glm(one[i], y[0][i]) for i in index],
        REFITS,
    )


if __name__ == "__main__":
    main()
