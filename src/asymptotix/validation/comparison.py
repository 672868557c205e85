"""One quantity of a fitted model beside what an oracle says of it."""

import dataclasses
from typing import Any

import numpy as np

from asymptotix.covariances import AbstractCovariance
from asymptotix.results import Results

TOLERANCES = {
    "estimates": 1e-9,
    "standard errors": 1e-8,
    "log-likelihood": 1e-12,
    "null log-likelihood": 1e-12,
    "deviance": 1e-12,
    "Pearson chi2": 1e-9,
    "dispersion": 1e-10,
    "AIC": 1e-12,
    "BIC": 1e-12,
}
"""The largest relative difference allowed.

Likelihoods are flat at the maximum and sums of squares nearly so, which is why they agree to more
digits than the estimates do.
"""

READ = {
    "estimates": lambda res: res.params,
    "standard errors": lambda res: res.bse,
    "log-likelihood": lambda res: res.llf,
    "null log-likelihood": lambda res: res.llnull,
    "deviance": lambda res: res.deviance,
    "Pearson chi2": lambda res: res.pearson_chi2,
    "dispersion": lambda res: res.scale,
    "AIC": lambda res: res.aic,
    "BIC": lambda res: res.bic,
}


@dataclasses.dataclass(frozen=True)
class Expected:
    """What an oracle says of one quantity.

    Attributes:
        quantity: one of `READ`.
        value: a number, or one for each parameter in the order of the results.
        oracle: who says so: a class of statsmodels, or a method of our own.
        cov: of standard errors, the covariance.
        note: where the oracle's own number would be another, why and what was done.
    """

    quantity: str
    value: Any
    oracle: str
    cov: "str | AbstractCovariance | None" = None
    note: str = ""

    @property
    def label(self) -> str:
        """The quantity, with the covariance where there is one."""
        if self.cov is None:
            return self.quantity
        kind = self.cov if isinstance(self.cov, str) else self.cov.label
        return f"{self.quantity}, {kind}"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The largest relative difference of one quantity, and its verdict.

    Attributes:
        data, model: what was fitted to what.
        quantity: what was compared.
        oracle: with whom.
        difference: the largest relative difference, NaN where there is none to tell.
        tolerance: the largest that passes.
        note: what a reader should know.
    """

    data: str
    model: str
    quantity: str
    oracle: str
    difference: float
    tolerance: float
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the difference is known and small enough."""
        return bool(self.difference <= self.tolerance)


def relative_difference(ours, theirs) -> float:
    """The largest of $|a - b| / |b|$; infinite where the shapes differ, NaN where a number is."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    if ours.shape != theirs.shape:
        return np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))


def compared(res: Results, expected: Expected, data: str, model: str) -> Comparison:
    """Results beside one quantity of an oracle."""
    if expected.cov is not None:
        res = res.with_cov(expected.cov)
    return Comparison(
        data,
        model,
        expected.label,
        expected.oracle,
        relative_difference(READ[expected.quantity](res), expected.value),
        TOLERANCES[expected.quantity],
        expected.note,
    )
