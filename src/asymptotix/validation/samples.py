"""The data that models are validated on: real, and drawn by NumPy with fixed seeds."""

import dataclasses
import functools
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from asymptotix.data.examples import load_example

ROWS, CLUSTERS = 500, 40


@dataclasses.dataclass(frozen=True)
class Sample:
    """Data and the formula of the models fitted to them.

    Attributes:
        frame: the data, a column for each variable.
        formula: what both sides are given.
        cluster: the column of covariances by cluster.
        endog: the response as statsmodels wants it, where that is not the formula's.
        options: weights and offsets, as its `GLM` takes them.
    """

    frame: pd.DataFrame
    formula: str = "y ~ x1 + x2"
    cluster: str | None = "g"
    endog: Any = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


# --- real data --------------------------------------------------------------------------


def mroz(response: str = "inlf") -> Sample:
    """Labour-force participation, or hours, of 753 married women in 1975."""
    formula = "nwifeinc + educ + exper + I(exper**2) + age + kidslt6 + kidsge6"
    return Sample(load_example("mroz"), f"{response} ~ {formula}", cluster="age")


def spector() -> Sample:
    """32 students, of whom 11 improved: the example of Greene's textbook."""
    import statsmodels.api as sm

    frame = pd.DataFrame(sm.datasets.spector.load_pandas().data).astype(float)
    return Sample(frame, "GRADE ~ GPA + TUCE + PSI", cluster=None)


def fair(response: str = "affair") -> Sample:
    """6,366 women, asked about affairs in 1974."""
    import statsmodels.api as sm

    frame = pd.DataFrame(sm.datasets.fair.load_pandas().data).astype(float)
    frame = frame.assign(affair=(frame["affairs"] > 0) * 1.0, rounded=frame["affairs"].round())
    covariates = "rate_marriage + age + yrs_married + children + religious + educ"
    return Sample(frame, f"{response} ~ {covariates}", cluster="occupation")


# --- drawn ------------------------------------------------------------------------------

INVERSES = {
    "logit": special.expit,
    "probit": special.ndtr,
    "cauchit": lambda eta: 0.5 + np.arctan(eta) / np.pi,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    "loglog": lambda eta: np.exp(-np.exp(-eta)),
    "log": np.exp,
    "identity": lambda eta: eta,
    "sqrt": np.square,
    "inverse": lambda eta: 1 / eta,
    "inverse_square": lambda eta: eta**-0.5,
}

COEFFICIENTS = {
    ("bernoulli", "log"): (-1.2, 0.3, -0.2),
    ("binomial", "log"): (-1.2, 0.3, -0.2),
    ("bernoulli", "identity"): (0.5, 0.2, -0.15),
    ("binomial", "identity"): (0.5, 0.2, -0.15),
    ("gamma", "inverse"): (1.5, 0.5, -0.4),
    ("gaussian", "log"): (0.5, 0.4, -0.3),
    ("inverse gaussian", "inverse_square"): (1.5, 0.5, -0.4),
    ("poisson", "log"): (0.8, 0.5, -0.4),
    ("poisson", "sqrt"): (1.8, 0.5, -0.4),
    ("poisson", "identity"): (3.0, 1.0, -0.8),
    ("quasi-poisson", "log"): (0.8, 0.5, -0.4),
    ("negative binomial", "log"): (0.8, 0.5, -0.4),
}
"""Coefficients that keep the predictor inside its domain for covariates in (-1, 1)."""


@functools.cache
def drawn(family: str, link: str) -> Sample:
    """500 rows of a generalised linear model with two covariates, in 40 groups."""
    rng = np.random.default_rng(sum(map(ord, family + link)))
    frame = covariates(rng)
    truth = COEFFICIENTS.get((family, link), (0.2, 0.7, -0.5))
    mu = INVERSES[link](truth[0] + truth[1] * frame["x1"] + truth[2] * frame["x2"]).to_numpy()
    if "binomial" in family and family != "negative binomial":
        trials = rng.integers(1, 12, ROWS)
        y = rng.binomial(trials, mu)
        return Sample(frame.assign(y=y, trials=trials), endog=np.column_stack([y, trials - y]))
    return Sample(frame.assign(y=DRAWS[family](rng, mu)))


DRAWS = {
    "bernoulli": lambda rng, mu: rng.binomial(1, mu) * 1.0,
    "poisson": lambda rng, mu: rng.poisson(mu),
    "quasi-poisson": lambda rng, mu: rng.poisson(mu * rng.gamma(2.0, 0.5, ROWS)),
    "negative binomial": lambda rng, mu: rng.poisson(mu * rng.gamma(2.0, 0.5, ROWS)),
    "gaussian": lambda rng, mu: mu + 0.4 * rng.standard_normal(ROWS),
    "gamma": lambda rng, mu: rng.gamma(4.0, mu / 4.0),
    "inverse gaussian": lambda rng, mu: rng.wald(mu, 4.0),
    "beta": lambda rng, mu: rng.beta(8.0 * mu, 8.0 * (1 - mu)),
}
"""A response for each mean; grouped binomial needs trials too."""


def levels() -> Sample:
    """Three unordered levels, as words."""
    rng = np.random.default_rng(3)
    frame = covariates(rng)
    eta = np.column_stack(
        [0 * frame["x1"], 0.3 + frame["x1"], -0.2 + 0.5 * frame["x1"] - frame["x2"]]
    )
    codes = np.argmax(eta + rng.gumbel(size=eta.shape), axis=1)
    return Sample(frame.assign(y=np.array(["bus", "car", "train"])[codes]), endog=codes)


def spread() -> Sample:
    """Normal, with a standard deviation that depends on a covariate."""
    rng = np.random.default_rng(4)
    frame = covariates(rng)
    sigma = np.exp(-0.3 + 0.6 * frame["x1"])
    return Sample(frame.assign(y=1 + frame["x1"] - frame["x2"] + sigma * rng.standard_normal(ROWS)))


def weighted() -> Sample:
    """Counts with whole-numbered weights and the logarithm of an exposure."""
    rng = np.random.default_rng(5)
    frame = covariates(rng)
    exposure, w = rng.uniform(0.5, 3.0, ROWS), rng.integers(1, 5, ROWS)
    y = rng.poisson(exposure * np.exp(0.3 + 0.5 * frame["x1"] - 0.4 * frame["x2"]))
    options = {"offset": np.log(exposure), "freq_weights": w}
    frame = frame.assign(y=y, w=w, log_exposure=options["offset"])
    return Sample(frame, cluster=None, options=options)


def covariates(rng) -> pd.DataFrame:
    """Two numbers in (-1, 1) and a group for each row."""
    x = rng.uniform(-1, 1, (ROWS, 2))
    return pd.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "g": rng.integers(0, CLUSTERS, ROWS)})
