"""Draws of the parameters: from their asymptotic distribution, or by fits to resampled data."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.covariances import Bootstrap
from asymptotix.covariances.refits import described, outcome
from asymptotix.data.rows import Rows
from asymptotix.effects.dispersed import has_dispersion
from asymptotix.effects.options import Options
from asymptotix.effects.problem import Problem
from asymptotix.fitting import Fit
from asymptotix.fitting.dispersions import dispersion_kind
from asymptotix.model import Regression, layout


class Draws(NamedTuple):
    """Parameter vectors, one a draw.

    Attributes:
        thetas: shape `(draws, p)`.
        counts: from a stretch of draws to how often each row counts in each of them, where the
            rows that are averaged are drawn too.
        told: how refits ended, for a note; empty if there were none, or if all went well.
    """

    thetas: np.ndarray
    counts: Callable[[slice], np.ndarray] | None = None
    told: str = ""


def drawn(problem: Problem, options: Options) -> Draws | None:
    """The draws that a method calls for; `None` for the delta method."""
    if options.method == "simulation":
        return Draws(
            drawn_parameters(problem.model, problem.matrix, options.key, options.n_draws)
        )  # fmt: skip
    if options.bootstrap is None:
        return None
    kind, rows = problem.resampling(options.bootstrap)
    return _replicates(problem, kind, rows, with_rows=options.unconditional is True)


def drawn_parameters(model: Regression, matrix: np.ndarray, key: Any, n_draws: int) -> np.ndarray:
    """Draws from the asymptotic normal distribution of the parameters, shape `(draws, p)`.

    Omitted columns, whose variance is 0, and infinite estimates stay where they are; a parameter
    whose variance is not known has no distribution, and neither has what depends on it.
    """
    theta = np.asarray(layout(model).flatten(model), float)
    variances = np.diagonal(matrix)
    moving = variances > 0
    draws = np.tile(theta, (n_draws, 1))
    draws[:, ~np.isfinite(variances) & np.isfinite(theta)] = np.nan
    with double():
        normal = np.asarray(jax.random.normal(key, (n_draws, int(moving.sum())), "float64"))
    root = np.linalg.cholesky(matrix[np.ix_(moving, moving)])
    draws[:, moving] += normal @ root.T
    return draws


def _replicates(problem: Problem, kind: Bootstrap, rows: Rows, *, with_rows: bool) -> Draws:
    """Estimates on resampled data; replicates that failed are left out."""
    if has_dispersion(problem.model) and dispersion_kind(problem.fit) != "pearson":
        raise InputError(
            "A bootstrap of events and quantiles takes each refit's dispersion from Pearson's "
            "chi2, and this fit has another; use method='delta', or fit without dispersion=.",
            code="option",
        )
    found = kind.resample(problem.fit, rows)
    good = np.flatnonzero(np.isfinite(found.params).any(axis=1))
    theta = np.asarray(layout(problem.model).flatten(problem.model), float)
    thetas = found.params[good]
    if has_dispersion(problem.model):
        thetas = np.concatenate([thetas, found.dispersions[good, None]], axis=1)
    thetas = np.where(np.isfinite(thetas), thetas, theta)
    counts = _counts(problem.fit, rows, kind, good) if with_rows else None
    told = described(outcome(found.codes)) if len(good) < len(found.codes) else ""
    return Draws(thetas, counts, told)


def _counts(fit: Fit, rows: Rows, kind: Bootstrap, good: np.ndarray):
    """How often each replicate that succeeded drew each row."""
    draw, _ = kind.drawing(fit, rows)
    base = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    present = base > 0

    def counts(part: slice) -> np.ndarray:
        weights = draw(good[part])["weight"]
        return np.where(present, weights / np.where(present, base, 1.0), 0.0)

    return counts
