"""Oracles of our own, for what statsmodels lacks: maximum likelihood by NumPy and SciPy.

Scores are complex-step derivatives, exact to rounding (Squire and Trapp 1998); the Hessian is
their difference of eighth order. Nothing here shares a line with the package's derivatives.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from asymptotix.validation.comparison import Expected
from asymptotix.validation.rivals import deviations, matrices
from asymptotix.validation.samples import Sample

ORACLE = "own maximum"
NODES = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
RULE = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 4 / 5, -1 / 5, 4 / 105, -1 / 280])
STEP, SPACING = 1e-30, 0.01


def location_scale(sample: Sample) -> list[Expected]:
    """A normal response with a linear mean and a linear log standard deviation in `x1`."""
    y, x = matrices(sample)
    z = x[:, :2]

    def rows(theta):
        mu, log_sigma = x @ theta[: x.shape[1]], z @ theta[x.shape[1] :]
        standard = (y - mu) * np.exp(-log_sigma)
        return -0.5 * standard**2 - log_sigma - 0.5 * np.log(2 * np.pi)

    coefficients, *_ = np.linalg.lstsq(x, y)
    start = np.r_[coefficients, np.log(np.std(y - x @ coefficients)), 0.0]
    return maximum_likelihood(rows, start)


def beta(sample: Sample) -> list[Expected]:
    """Shares with a logit-linear mean and one precision."""
    y, x = matrices(sample)

    def rows(theta):
        mu, phi = 1 / (1 + np.exp(-x @ theta[:-1])), theta[-1]
        a, b = mu * phi, (1 - mu) * phi
        constant = special.loggamma(phi) - special.loggamma(a) - special.loggamma(b)
        return constant + (a - 1) * np.log(y) + (b - 1) * np.log1p(-y)

    coefficients, *_ = np.linalg.lstsq(x, special.logit(y))
    return maximum_likelihood(rows, np.r_[coefficients, y.mean() * (1 - y.mean()) / y.var() - 1])


def maximum_likelihood(rows: Callable[[Any], Any], start) -> list[Expected]:
    """Estimates and errors that maximise the sum of `rows(theta)`.

    Arguments:
        rows: each row's log-likelihood, analytic in a vector of parameters.
        start: near enough to the maximum for Newton's method.
    """
    theta = np.asarray(start, float)
    for _ in range(50):
        information = -hessian(rows, theta)
        step = np.linalg.solve(information, scores(rows, theta).sum(axis=0))
        theta = theta + step
        if np.max(np.abs(step)) < 1e-13:
            break
    each, bread = scores(rows, theta), np.linalg.inv(-hessian(rows, theta))
    llf, meat = float(rows(theta).sum()), each.T @ each
    n, k = each.shape
    errors = {
        "observed": deviations(bread),
        "opg": deviations(np.linalg.inv(meat)),
        "HC0": deviations(bread @ meat @ bread),
        "HC1": deviations(bread @ meat @ bread * n / (n - k)),
    }
    return [
        Expected("estimates", theta, ORACLE),
        Expected("log-likelihood", llf, ORACLE),
        Expected("AIC", -2 * llf + 2 * k, ORACLE),
        Expected("BIC", -2 * llf + k * np.log(n), ORACLE),
        *(Expected("standard errors", e, ORACLE, kind) for kind, e in errors.items()),
    ]


def scores(rows, theta):
    """Each row's derivatives, one parameter a column."""
    steps = 1j * STEP * np.eye(theta.size)
    return np.column_stack([np.imag(rows(theta + step)) / STEP for step in steps])


def hessian(rows, theta):
    """The second derivatives of the sum."""
    columns = []
    for direction in SPACING * np.eye(theta.size):
        values = [scores(rows, theta + node * direction).sum(axis=0) for node in NODES]
        columns.append(RULE @ values / SPACING)
    return (np.array(columns) + np.transpose(columns)) / 2
