"""Estimates with their uncertainty, and functions of them."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.inference.delta import NEGLIGIBLE
from asymptotix.inference.wald import wald_table

LARGEST_COVARIANCE = 10_000
"""Estimates of which derivatives, and on demand a covariance matrix, are kept."""


@dataclasses.dataclass(frozen=True)
class Estimates:
    r"""A vector of estimates and how sure they are.

    Attributes:
        labels: one row an estimate: term, contrast, levels of by-variables.
        values: the estimates.
        variances: of each; NaN where it does not exist.
        root: $(G, V)$ with covariance $G V G^\top$, or `None` for too many estimates.
        draws: from their simulated distribution, shape `(draws, estimates)`, or `None`.
        limits: intervals known otherwise than from the variances, `(low, high)` as a function of
            the coverage, or `None`.
        null: what they are tested against.
        told: how refits ended, where some of them failed.
        clusters: their number, where a column beside the covariance's own names them.
    """

    labels: pd.DataFrame
    values: np.ndarray
    variances: np.ndarray
    root: tuple[np.ndarray, np.ndarray] | None = None
    draws: np.ndarray | None = None
    limits: Callable[[float], tuple[np.ndarray, np.ndarray]] | None = None
    null: float = 0.0
    told: str = ""
    clusters: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What expressions may call each estimate: its term where that is unique."""
        terms = list(self.labels["term"]) if "term" in self.labels else []
        if terms and len(set(terms)) == len(terms):
            return tuple(map(str, terms))
        columns = [c for c in self.labels if c != "rowid"]
        names = [
            " ".join(_word(c, value) for c, value in zip(columns, row, strict=True))
            for row in self.labels[columns].itertuples(index=False)
        ]
        unique = len(set(names)) == len(names)
        return tuple(names if unique else (f"row {i}" for i in range(len(self.values))))

    @functools.cached_property
    def covariance(self) -> np.ndarray:
        """The covariance matrix.

        Raises:
            InputError: more estimates than such a matrix is made for.
        """
        if self.root is None:
            raise InputError(
                f"The covariance of {len(self.values)} estimates is not kept (up to "
                f"{LARGEST_COVARIANCE} it is); average them, or take fewer rows.",
                code="too_many",
            )
        known = np.isfinite(self.variances)
        slopes, matrix = self.root
        full = slopes @ matrix @ slopes.T
        return np.where(known[:, None] & known[None, :], full, np.nan)


def _word(column: str, value: Any) -> str:
    told = f"{value:g}" if isinstance(value, float) else str(value)
    return told if column in ("term", "contrast", "component") else f"{column}={told}"


def with_jacobian(labels, values, jacobian, matrix, **fields) -> Estimates:
    r"""The delta method: $G V G^\top$ for the rows of a Jacobian.

    Parameters without a variance (infinite ones) withhold what depends on them, and nothing else.

    Arguments:
        labels, values: as in `Estimates`.
        jacobian: $G$, shape `(estimates, p)`.
        matrix: $V$, the covariance of the parameters.
        fields: other fields of `Estimates`.
    """
    known = _known(matrix)
    variances = delta_variances(jacobian, matrix)
    variances = np.where(np.isfinite(values), variances, np.nan)
    return Estimates(labels, values, variances, (jacobian, known), **fields)


def delta_variances(jacobian: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The variances of `with_jacobian`."""
    variances = np.einsum("ij,jk,ik->i", jacobian, _known(matrix), jacobian)
    unknown = np.isnan(np.diagonal(matrix))
    if not unknown.any():
        return variances
    # Far out a derivative in an infinite parameter vanishes like the others of the same row.
    moved = np.sum(jacobian[:, unknown] ** 2, axis=1)
    return np.where((variances > 0) & (moved <= NEGLIGIBLE * variances), variances, np.nan)


def _known(matrix: np.ndarray) -> np.ndarray:
    unknown = np.isnan(np.diagonal(matrix))
    return np.where(unknown[:, None] | unknown, 0.0, matrix)


def from_draws(labels, values, draws, told: str = "") -> Estimates:
    """Covariances of draws from a simulated distribution; their quantiles make the intervals."""
    centred = (draws - draws.mean(axis=0)).T / np.sqrt(len(draws) - 1)
    variances = np.einsum("ij,ij->i", centred, centred)
    return Estimates(labels, values, variances, (centred, np.eye(len(draws))), draws, told=told)


def transformed(given: Estimates, function: Callable, labels: pd.DataFrame) -> Estimates:
    """A smooth function of the estimates, by the delta method or draw by draw.

    An estimate without a variance withholds what depends on it, and nothing else.

    Arguments:
        given: the estimates.
        function: from their vector to another; JAX must be able to trace it.
        labels: of what it returns.
    """
    if given.root is None:
        given.covariance  # noqa: B018 (raises and says what to do)
    assert given.root is not None
    with double():
        at = jnp.asarray(given.values)
        values = np.asarray(function(at), float)
        if given.draws is not None:
            draws = np.asarray(jax.lax.map(function, given.draws))
            return from_draws(labels, values, draws, given.told)
        outer = np.asarray(jax.jacobian(function)(at))
    known = np.isfinite(given.variances)
    depends = (outer[:, ~known] != 0).any(axis=1) | ~np.isfinite(outer).all(axis=1)
    outer = np.where(known & ~depends[:, None], outer, 0.0)
    inner = np.where(known[:, None], given.root[0], 0.0)
    matrix = given.root[1]
    found = with_jacobian(labels, values, outer @ inner, matrix)
    variances = np.where(depends, np.nan, found.variances)
    return dataclasses.replace(found, variances=variances, clusters=given.clusters)


def tidy(given: Estimates, reference: Any, confidence: float) -> pd.DataFrame:
    """Labels, estimates, errors, tests and limits, one row an estimate."""
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(given.variances)
    about = wald_table(given.values - given.null, errors, reference, confidence)
    low, high = about.lower + given.null, about.upper + given.null
    if given.limits is not None:
        low, high = given.limits(confidence)
    if given.draws is not None:
        tail = (1 - confidence) / 2
        low, high = np.quantile(given.draws, [tail, 1 - tail], axis=0)
    numbers = {
        "estimate": given.values,
        "std.error": errors,
        "statistic": about.statistics,
        "p.value": np.exp(about.log_p),
        "conf.low": low,
        "conf.high": high,
    }
    return pd.concat([given.labels, pd.DataFrame(numbers, index=given.labels.index)], axis=1)
