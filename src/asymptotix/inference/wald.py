"""Wald tests and intervals of single coefficients."""

import dataclasses

import numpy as np

from asymptotix.core.reference import Reference


@dataclasses.dataclass(frozen=True)
class WaldTable:
    r"""Estimates with their uncertainty, as arrays of one entry a coefficient.

    Attributes:
        estimates, standard_errors, statistics: $\hat\theta$, its error, and their ratio.
        log_p: logarithm of the two-sided p-value, kept where p itself is 0 in float64.
        lower, upper: limits of the interval.
    """

    estimates: np.ndarray
    standard_errors: np.ndarray
    statistics: np.ndarray
    log_p: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def wald_table(estimates, standard_errors, reference: Reference, confidence: float) -> WaldTable:
    r"""$\hat\theta \pm q\,\mathrm{se}$ and the test of $\theta = 0$.

    Arguments:
        estimates, standard_errors: arrays; a NaN error withholds what follows from it.
        reference: the distribution of the ratio under $\theta = 0$.
        confidence: coverage of the intervals, such as 0.95.
    """
    estimates = np.asarray(estimates, float)
    errors = np.asarray(standard_errors, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = estimates / errors
        log_p = reference.log_two_sided(statistics)
    reach = reference.quantile(0.5 + confidence / 2) * errors
    return WaldTable(
        estimates, errors, statistics, log_p, estimates - reach, estimates + reach
    )  # fmt: skip
