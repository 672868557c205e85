"""The combinations that whole suites run over: add one line, inherit every test."""

import functools
import warnings

import numpy as np
from scipy import special, stats

import asymptotix as asx
from asymptotix import families as fam
from asymptotix import links as lk

FAMILIES = {
    "bernoulli-logit": lambda: fam.Bernoulli(lk.LogitLink()),
    "bernoulli-probit": lambda: fam.Bernoulli(lk.ProbitLink()),
    "bernoulli-cauchit": lambda: fam.Bernoulli(lk.CauchitLink()),
    "bernoulli-cloglog": lambda: fam.Bernoulli(lk.CloglogLink()),
    "bernoulli-loglog": lambda: fam.Bernoulli(lk.LoglogLink()),
    "bernoulli-log": lambda: fam.Bernoulli(lk.LogLink()),
    "bernoulli-identity": lambda: fam.Bernoulli(lk.IdentityLink()),
    "binomial-logit": lambda: fam.Binomial(lk.LogitLink()),
    "binomial-probit": lambda: fam.Binomial(lk.ProbitLink()),
    "binomial-cauchit": lambda: fam.Binomial(lk.CauchitLink()),
    "binomial-cloglog": lambda: fam.Binomial(lk.CloglogLink()),
    "binomial-loglog": lambda: fam.Binomial(lk.LoglogLink()),
    "binomial-log": lambda: fam.Binomial(lk.LogLink()),
    "binomial-identity": lambda: fam.Binomial(lk.IdentityLink()),
    "gamma-inverse": lambda: fam.Gamma(lk.InverseLink()),
    "gamma-log": lambda: fam.Gamma(lk.LogLink()),
    "gaussian-identity": lambda: fam.Gaussian(lk.IdentityLink()),
    "gaussian-log": lambda: fam.Gaussian(lk.LogLink()),
    "inverse_gaussian-inverse_square": lambda: fam.InverseGaussian(lk.InverseSquareLink()),
    "inverse_gaussian-log": lambda: fam.InverseGaussian(lk.LogLink()),
    "negative_binomial-log": lambda: fam.NegativeBinomial(lk.LogLink(), alpha=asx.freeze(ALPHA)),
    "poisson-log": lambda: fam.Poisson(lk.LogLink()),
    "poisson-sqrt": lambda: fam.Poisson(lk.SqrtLink()),
    "poisson-identity": lambda: fam.Poisson(lk.IdentityLink()),
}

ALPHA = 0.5
"""Of the negative binomial, held fixed here; it is estimated in a suite of its own."""
MOMENT = ("gamma", "gaussian", "inverse_gaussian")
"""Families whose dispersion is estimated from the residuals."""


def is_moment(label: str) -> bool:
    """Whether the dispersion of this family is estimated from the residuals."""
    return label.split("-")[0] in MOMENT


# --- data for each combination, drawn and described by NumPy and SciPy alone -------------------

_INVERSE = {
    "logit": special.expit,
    "probit": special.ndtr,
    "cauchit": lambda e: 0.5 + np.arctan(e) / np.pi,
    "cloglog": lambda e: -np.expm1(-np.exp(e)),
    "loglog": lambda e: np.exp(-np.exp(-e)),
    "log": np.exp,
    "identity": lambda e: e,
    "sqrt": lambda e: e**2,
    "inverse": lambda e: 1 / e,
    "inverse_square": lambda e: e**-0.5,
}

_SMOOTH = (0.2, 0.7, -0.5)
COEFFICIENTS = {
    "bernoulli-log": (-1.2, 0.3, -0.2),
    "binomial-log": (-1.2, 0.3, -0.2),
    "bernoulli-identity": (0.5, 0.2, -0.15),
    "binomial-identity": (0.5, 0.2, -0.15),
    "gamma-inverse": (1.5, 0.5, -0.4),
    "gaussian-log": (0.5, 0.4, -0.3),
    "inverse_gaussian-inverse_square": (1.5, 0.5, -0.4),
    "poisson-log": (0.8, 0.5, -0.4),
    "poisson-sqrt": (1.8, 0.5, -0.4),
    "poisson-identity": (3.0, 1.0, -0.8),
}
"""Coefficients that keep the predictor inside its domain for covariates in (-1, 1)."""


def coefficients(label: str) -> np.ndarray:
    """The true coefficients of `draw(label, ...)`: intercept and two slopes."""
    return np.array(COEFFICIENTS.get(label, _SMOOTH))


def mean(label: str, eta):
    """The mean at a predictor, by NumPy and SciPy."""
    return _INVERSE[label.split("-")[1]](eta)


def draw(label: str, n: int, seed: int, offset=0.0):
    """`x` of shape `(n, 3)` with an intercept, and `y` (a pair for grouped binomial)."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.uniform(-1, 1, (n, 2))])
    mu = mean(label, x @ coefficients(label) + offset)
    family = label.split("-")[0]
    if family == "bernoulli":
        return x, rng.binomial(1, mu).astype(float)
    if family == "binomial":
        trials = rng.integers(1, 12, n)
        return x, (rng.binomial(trials, mu).astype(float), trials.astype(float))
    if family == "poisson":
        return x, rng.poisson(mu).astype(float)
    if family == "negative_binomial":
        return x, rng.poisson(mu * rng.gamma(1 / ALPHA, ALPHA, n)).astype(float)
    if family == "gamma":
        return x, rng.gamma(4.0, mu / 4.0)
    if family == "inverse_gaussian":
        return x, rng.wald(mu, 4.0)
    return x, mu + 0.4 * rng.standard_normal(n)


def log_likelihoods(label: str, eta, y, dispersion: float = 1.0):
    """Each row's log-probability by SciPy, with every constant."""
    family, mu = label.split("-")[0], mean(label, eta)
    if family == "bernoulli":
        return stats.bernoulli.logpmf(y, mu)
    if family == "binomial":
        return stats.binom.logpmf(y[0], y[1], mu)
    if family == "poisson":
        return stats.poisson.logpmf(y, mu)
    if family == "negative_binomial":
        return stats.nbinom.logpmf(y, 1 / ALPHA, 1 / (1 + ALPHA * mu))
    if family == "gamma":
        return stats.gamma.logpdf(y, 1 / dispersion, scale=mu * dispersion)
    if family == "inverse_gaussian":
        return stats.invgauss.logpdf(y, mu * dispersion, scale=1 / dispersion)
    return stats.norm.logpdf(y, mu, np.sqrt(dispersion))


# Eighth-order central differences; steps this small also serve near the edge of a domain.
_NODES = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
_RULE = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 4 / 5, -1 / 5, 4 / 105, -1 / 280])


def differences(function, at, step: float = 0.004):
    """The Jacobian of a function of a vector, one derivative along the *last* axis."""
    at = np.asarray(at, float)
    columns = []
    for j in range(at.size):
        shift = np.zeros(at.size)
        shift[j] = step
        values = [np.asarray(function(at + node * shift)) for node in _NODES]
        columns.append(sum(c * v for c, v in zip(_RULE, values, strict=True)) / step)
    return np.stack(columns, axis=-1)


def statsmodels_family(label: str):
    """The same family and link in statsmodels."""
    import statsmodels.api as sm

    family, link = label.split("-")
    links = sm.families.links
    chosen = {
        "logit": links.Logit,
        "probit": links.Probit,
        "cauchit": links.Cauchy,
        "cloglog": links.CLogLog,
        "loglog": links.LogLog,
        "log": links.Log,
        "identity": links.Identity,
        "sqrt": links.Sqrt,
        "inverse": links.InversePower,
        "inverse_square": links.InverseSquared,
    }[link]
    kind = {
        "bernoulli": sm.families.Binomial,
        "binomial": sm.families.Binomial,
        "gamma": sm.families.Gamma,
        "gaussian": sm.families.Gaussian,
        "inverse_gaussian": sm.families.InverseGaussian,
        "negative_binomial": functools.partial(sm.families.NegativeBinomial, alpha=ALPHA),
        "poisson": sm.families.Poisson,
    }[family]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of links that leave the domain
        return kind(link=chosen())


def statsmodels_glm(label: str, x, y, **options):
    """statsmodels' GLM, iterated until nothing moves."""
    import statsmodels.api as sm

    endog = np.column_stack([y[0], y[1] - y[0]]) if isinstance(y, tuple) else y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = sm.GLM(endog, x, family=statsmodels_family(label), **options)
        return model.fit(tol=1e-14, maxiter=500, tol_criterion="params")
