r"""Performance of an estimator over replications, each measure with its Monte-Carlo error.

Measures and their errors as in Morris, White and Crowther (2019), "Using simulation studies to
evaluate statistical methods", Statistics in Medicine 38, table 6.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from asymptotix.core.status import CODES, SUCCESSES

MEASURES = (
    "mean",
    "bias",
    "empirical SE",
    "model SE",
    "relative error of SE",
    "RMSE",
    "coverage",
    "rejection",
)


class Replications(NamedTuple):
    """The estimates of all replications of one design cell, replications first.

    Attributes:
        values, standard_errors: shape `(r, q)`.
        codes: shape `(r,)`.
        dof: shape `(r,)`, or `(r, q)` where each term has its own.
    """

    values: np.ndarray
    standard_errors: np.ndarray
    codes: np.ndarray
    dof: np.ndarray

    @property
    def used(self) -> np.ndarray:
        """Which replications have estimates: the others count as failures, not as zeros."""
        return np.isin(self.codes, SUCCESSES) & np.isfinite(self.values).all(axis=1)

    def limits(self, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        """Wald intervals of the replications used, shape `(u, q)` each."""
        dof = np.reshape(self.dof[self.used], (self.used.sum(), -1))
        normal = stats.norm.ppf(0.5 + confidence / 2)
        finite = np.where(np.isfinite(dof), dof, 1.0)
        quantile = np.where(np.isfinite(dof), stats.t.ppf(0.5 + confidence / 2, finite), normal)
        reach = quantile * self.standard_errors[self.used]
        return self.values[self.used] - reach, self.values[self.used] + reach


def performance(replications: Replications, names, truth, null, confidence: float) -> pd.DataFrame:
    r"""One row a term and measure: value and Monte-Carlo standard error.

    Arguments:
        replications: of one cell.
        names: of the terms.
        truth: the true values; NaN where a term has none, and no bias or coverage then.
        null: the values that are tested, for the rejection rate at level 1 - `confidence`.
        confidence: of the intervals.
    """
    values = replications.values[replications.used]
    errors = replications.standard_errors[replications.used]
    lower, upper = replications.limits(confidence)
    rows = []
    for j, name in enumerate(names):
        covered = (lower[:, j] <= truth[j]) & (truth[j] <= upper[:, j])
        rejected = (null[j] < lower[:, j]) | (upper[:, j] < null[j])
        known = np.isfinite(errors[:, j])
        found = _measures(values[:, j], errors[known, j], truth[j])
        found["coverage"] = _share(covered[known]) if np.isfinite(truth[j]) else (np.nan, np.nan)
        found["rejection"] = _share(rejected[known])
        rows += [
            {"term": name, "truth": truth[j], "measure": m, "value": found[m][0],
             "mcse": found[m][1]}
            for m in MEASURES
        ]  # fmt: skip
    return pd.DataFrame(rows)


def _measures(values, errors, truth: float) -> dict[str, tuple[float, float]]:
    n = len(values)
    if n < 2:
        return dict.fromkeys(MEASURES, (np.nan, np.nan))
    spread = np.std(values, ddof=1)
    square = (values - truth) ** 2
    mse = np.mean(square)
    mse_error = np.std(square, ddof=1) / np.sqrt(n)
    found = {
        "mean": (np.mean(values), spread / np.sqrt(n)),
        "bias": (np.mean(values) - truth, spread / np.sqrt(n)),
        "empirical SE": (spread, spread / np.sqrt(2 * (n - 1))),
        "RMSE": (np.sqrt(mse), mse_error / (2 * np.sqrt(mse)) if mse > 0 else 0.0),
    }
    if not np.isfinite(truth):
        found["bias"] = found["RMSE"] = (np.nan, np.nan)
    return found | _of_errors(errors, float(spread), n)


def _of_errors(errors, spread: float, n: int) -> dict[str, tuple[float, float]]:
    """What the model says of its own spread, against the spread of the estimates."""
    if len(errors) < 2 or spread == 0:
        return {"model SE": (np.nan, np.nan), "relative error of SE": (np.nan, np.nan)}
    mean = np.sqrt(np.mean(errors**2))
    variance = np.var(errors**2, ddof=1)
    ratio = mean / spread
    share = variance / (4 * len(errors) * mean**4)
    return {
        "model SE": (mean, np.sqrt(variance / (4 * len(errors) * mean**2))),
        "relative error of SE": (ratio - 1, ratio * np.sqrt(share + 1 / (2 * (n - 1)))),
    }


def _share(happened) -> tuple[float, float]:
    n = len(happened)
    if n == 0:
        return np.nan, np.nan
    p = np.mean(happened)
    return p, np.sqrt(p * (1 - p) / n)


def statuses(replications: Replications) -> pd.Series:
    """How many replications ended in each status."""
    codes, counts = np.unique(replications.codes.astype(int), return_counts=True)
    return pd.Series({CODES[c]: int(k) for c, k in zip(codes, counts, strict=True)}, dtype=int)
