"""Several hypotheses at once: adjusted p-values, and intervals that hold jointly."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, close_matches
from asymptotix.core.precision import double
from asymptotix.core.typing import Array, Float, Key
from asymptotix.inference.hypotheses import LinearHypothesis, linear_hypothesis

METHODS = ("holm", "bonferroni", "fdr_bh")
CHUNK = 10_000
"""Draws at a time."""


def adjust_p(p: Any, method: str = "holm") -> Any:
    r"""p-values adjusted for having tested several hypotheses.

    `"bonferroni"` $mp$ and `"holm"` (Holm 1979; never larger) keep the probability of any false
    rejection below the level; `"fdr_bh"` (Benjamini and Hochberg 1995) the expected share of
    false rejections.

    Arguments:
        p: an array or a Series; NaN (withheld) stays, and is not counted.
        method: which adjustment.

    Returns:
        The same kind of object, in the same order.

    Raises:
        InputError: an unknown method, or numbers that are no probabilities.
    """
    if method not in METHODS:
        raise InputError(
            f"method={method!r} is not known; use one of {', '.join(METHODS)}."
            f"{close_matches(method, METHODS)}",
            code="option",
        )
    values = np.asarray(p, float)
    known = ~np.isnan(values)
    if values.ndim != 1 or np.any((values[known] < 0) | (values[known] > 1)):
        raise InputError("p must be a list of numbers between 0 and 1.", code="p_values")
    adjusted = np.full_like(values, np.nan)
    adjusted[known] = _adjusted(values[known], method)
    return pd.Series(adjusted, index=p.index, name=p.name) if isinstance(p, pd.Series) else adjusted


def _adjusted(p: np.ndarray, method: str) -> np.ndarray:
    m = len(p)
    if method == "bonferroni":
        return np.minimum(m * p, 1)
    order = np.argsort(p)
    rank = np.arange(1, m + 1)
    if method == "holm":
        stepped = np.maximum.accumulate((m - rank + 1) * p[order])
    else:
        stepped = np.minimum.accumulate((m / rank * p[order])[::-1])[::-1]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def hypothesis_family(given: Any, names: Sequence[str], active) -> LinearHypothesis:
    """A family of linear combinations; they may depend on each other, unlike restrictions.

    Arguments:
        given: text, a list of texts, a matrix, a pair `(R, r)`; `None` for every estimated
            coefficient but the intercept.
        names: of the parameters.
        active: which of them are estimated.
    """
    if given is None:
        wanted = [j for j, n in enumerate(names) if active[j] and n.split(": ")[-1] != "Intercept"]
        return linear_hypothesis(np.eye(len(names))[wanted], names)
    found = linear_hypothesis(given, names, independent=False)
    lost = np.any(found.matrix[:, ~np.asarray(active)] != 0, axis=1)
    if lost.any():
        raise InputError(
            f"'{found.rows[int(np.argmax(lost))]}' involves a coefficient that was omitted from "
            "the fit; leave it out.",
            code="omitted",
        )
    return found


def max_t_intervals(
    estimates,
    covariance,
    family: LinearHypothesis,
    reference: Any,
    confidence: float,
    key: Key,
    draws: int,
) -> pd.DataFrame:
    r"""Simultaneous intervals by the distribution of $\max_j |t_j|$ (Hothorn et al. 2008).

    Arguments:
        estimates, covariance: of the parameters; NaN for omitted columns.
        family: the combinations.
        reference: of single coefficients; with t, all share one denominator.
        confidence: joint coverage.
        key: a JAX random key.
        draws: of the simulation.
    """
    if draws < 1000:
        raise InputError(f"draws={draws!r} must be at least 1000.", code="option")
    used = np.any(family.matrix != 0, axis=0)
    rows, values = family.matrix[:, used], np.asarray(estimates)[used]
    root = _root(np.asarray(covariance)[np.ix_(used, used)])
    spread = rows @ root
    errors = np.linalg.norm(spread, axis=1)
    difference = rows @ values - family.value
    unit = spread / np.where(errors > 0, errors, np.nan)[:, None]
    largest = _largest(unit, reference, key, draws)
    critical = float(np.quantile(largest, confidence))
    t = np.abs(difference) / errors
    above = np.sum(largest[None, :] >= t[:, None], axis=1)
    found = pd.DataFrame(
        {
            "estimate": difference,
            "error": errors,
            "lower": difference - critical * errors,
            "upper": difference + critical * errors,
            "p": np.where(np.isnan(t), np.nan, (above + 1) / (draws + 1)),
        },
        index=[row.removesuffix(" = 0") for row in family.rows],
    )
    found.attrs["critical_value"] = critical
    return found


def _root(covariance) -> np.ndarray:
    """A lower triangle `L` with `L L'` the covariance; NaN where it is not positive definite."""
    try:
        scale = np.sqrt(np.diag(covariance))
        return scale[:, None] * np.linalg.cholesky(covariance / scale[:, None] / scale)
    except np.linalg.LinAlgError:
        return np.full_like(covariance, np.nan)


def _largest(unit: Float[Array, "q p"], reference: Any, key: Key, draws: int) -> np.ndarray:
    r"""Draws of $\max_j |t_j|$."""
    df = getattr(reference, "df", None)
    parts = []
    with double():
        for index, first in enumerate(range(0, draws, CHUNK)):
            own, other = jax.random.split(jax.random.fold_in(key, index))
            size = min(CHUNK, draws - first)
            normal = jax.random.normal(own, (CHUNK, unit.shape[1]), np.float64)
            largest = np.abs(np.asarray(normal) @ unit.T).max(axis=1)
            if df is not None:
                least = float(np.min(df))
                squares = 2 * jax.random.gamma(other, least / 2, (CHUNK,), np.float64)
                largest = largest / np.sqrt(np.asarray(squares) / least)
            parts.append(largest[:size])
    return np.concatenate(parts)
