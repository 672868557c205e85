"""The fit of separated data: finite coefficients from the rows that say something about them."""

import functools
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.linalg import share_unexplained
from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.core.status import CODE, succeeded
from asymptotix.data.blocks import row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.source import source
from asymptotix.fitting import large, newton, small
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.rank import collinear_columns
from asymptotix.fitting.separation import Separation, find_separation
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.likelihood import inward, row_log_likelihoods
from asymptotix.model import Regression, layout

SUSPECT = ("diverging", "separated", "max_steps", "rank_deficient", "indefinite", "stalled")
"""How a fit may end whose likelihood has no maximum."""
DOUBTFUL = 1e-4
"""Smallest share unexplained in a factor below which rounding may have feigned a maximum."""
FAR = 12.0
"""A row's predictor is far off, in the direction that its response asks for, from here on."""
REACHED = 1e-13
"""What separated rows may lack of the supremum of their log-likelihood."""
FARTHEST = 1e18
DOUBLINGS = 30
"""A limit is looked for as far as a billion standard deviations of its column."""


class Extended(NamedTuple):
    """Estimates of separated data, infinite ones among them.

    Attributes:
        fit: of all rows; its model is so far along the separating direction that the separated
            rows have reached the supremum of their likelihood.
        separation: which coefficients are infinite.
        reduced: the fit of the other rows, in which infinite coefficients play no part; `None`
            where there is none.
    """

    fit: Fit
    separation: Separation
    reduced: Fit | None


def separation_of(fit: Fit, model: Regression, rows: Rows) -> Separation | None:
    """The separation behind a fit without a maximum; `None` if there is none, or none is sought.

    A fit that has converged costs nothing.
    """
    if fit.penalty is not None or fit.coordinates is None or not _is_suspect(fit, model, rows):
        return None
    found = find_separation(model, rows, _by_design(fit))
    return found if found is not None and found.is_separated else None


def _is_suspect(fit: Fit, model: Regression, rows: Rows) -> bool:
    if fit.status_name in SUSPECT:
        return True
    return is_doubtful(fit) and _runs_off(fit, model, rows)


def is_doubtful(fit: Fit) -> bool:
    """Whether rounding may have feigned a maximum; so too where a factor is NaN."""
    return not share_unexplained(np.asarray(fit.factor)).min() > DOUBTFUL


def _runs_off(fit: Fit, model: Regression, rows: Rows) -> bool:
    """Whether any row's predictor is far off where its likelihood never falls."""
    cones = model.family.recession(jax.tree.map(np.asarray, rows.y))
    if cones is None or len(fit.coordinates or ()) != 1 or model.predictor.has_vector_eta():
        return cones is not None
    with double():
        designs: Any = model.predictor.designs(rows.x)
    design = np.asarray(designs[0], float)
    eta = design @ np.asarray(layout(fit.model).flatten(fit.model))[: design.shape[1]]
    eta = eta + (0.0 if rows.offset is None else np.asarray(rows.offset, float))
    return bool(np.any(~cones.pinned & (cones.normals[:, 0, 0] * eta > FAR)))


def diagnosed(fit: Fit, model: Regression, rows: Rows) -> Fit:
    """The fit with status `separated` where that is why it has no maximum."""
    if separation_of(fit, model, rows) is None:
        return fit
    code = np.asarray(CODE["separated"], np.asarray(fit.code).dtype)
    return eqx.tree_at(lambda f: f.code, fit, code)


def extended_fit(fit: Fit, model: Regression, rows: Rows, solver: AbstractSolver) -> Extended:
    """The fit of separated data.

    Arguments:
        fit: with status `separated`.
        model, rows, solver: what was fitted, and how.
    """
    separation = separation_of(fit, model, rows)
    assert separation is not None
    if separation.partial and _limit_of(model, rows, separation) is None:
        return Extended(fit, separation, None)
    reduced = None
    theta = np.zeros(fit.params.shape[0])
    if separation.kind == "quasi":
        reduced = _reduced_fit(fit, model, rows, separation, solver)
        if not bool(succeeded(reduced.code)):
            return Extended(fit, separation, None)
        theta = np.asarray(layout(reduced.model).flatten(reduced.model))
    return Extended(_at_supremum(fit, theta, reduced, rows, separation), separation, reduced)


def remaining(rows: Rows, separation: Separation, family) -> Rows:
    """The rows that are not separated, and what is left of those that are in part."""
    keep = ~separation.rows
    rest = jax.tree.map(lambda leaf: np.asarray(leaf)[keep], rows)
    if not separation.partial:
        return rest
    _, y = family.at_limit(rest.y, np.asarray(separation.gone)[keep])
    return eqx.tree_at(lambda r: r.y, rest, y)


def _limit_of(model: Regression, rows: Rows, separation: Separation) -> Regression | None:
    """The model of the remaining rows; `None` where it is not known."""
    if not separation.partial:
        return model
    found = model.family.at_limit(np.asarray(rows.y), np.asarray(separation.gone))
    return None if found is None else Regression(model.predictor, found[0])


def _by_design(fit: Fit) -> tuple[np.ndarray, ...]:
    sizes = [c.center.shape[0] for c in fit.coordinates or ()]
    ends = np.cumsum(sizes)
    return tuple(np.split(np.asarray(fit.active)[: ends[-1]], ends[:-1]))


def _solve(model, rows: Rows, solver, active) -> Fit:
    run = small.solve if rows.n <= SLAB_ROWS else large.solve
    with double():
        return run(model, rows, solver, active, qr=True)


def _reduced_fit(fit: Fit, model, rows: Rows, separation: Separation, solver) -> Fit:
    """The fit of the other rows; of the infinite coefficients, as many as they can tell apart."""
    rest = remaining(rows, separation, model.family)
    limit = _limit_of(model, rows, separation)
    return _solve(limit, rest, solver, _telling_columns(fit, model, rows, separation))


def _telling_columns(fit: Fit, model, rows: Rows, separation: Separation):
    """For each design, the columns that what is left of the rows tells apart, infinite ones last.

    What is left are the normals that have not gone; a row of several levels has several.
    """
    keep = ~separation.rows & np.asarray(rows.present)
    rest = jax.tree.map(lambda leaf: np.asarray(leaf)[keep], rows)
    with double():
        designs = [np.asarray(d, float) for d in model.predictor.designs(rest.x)]
    normals = model.family.recession(jax.tree.map(np.asarray, rows.y)).normals[keep]
    there = ~np.asarray(separation.gone)[keep]
    order = np.argsort(separation.infinite, kind="stable")

    def slabs():
        for first in range(0, len(there), SLAB_ROWS):
            part = slice(first, first + SLAB_ROWS)
            parts = [normals[part, :, j, None] * d[part, None] for j, d in enumerate(designs)]
            yield np.concatenate(parts, axis=2)[there[part]][:, order]

    size = np.sqrt(sum(np.einsum("ij,ij->j", s, s) for s in slabs()))
    estimated = np.concatenate(_by_design(fit))[order] & (size > 0)
    inverse = np.where(estimated, 1 / np.where(size > 0, size, 1), 0)
    dropped, _ = collinear_columns(slabs(), np.zeros(len(order)), inverse)
    estimated[dropped] = False
    kept = np.zeros(len(order), bool)
    kept[order] = estimated
    return tuple(np.split(kept, np.cumsum([d.shape[1] for d in designs])[:-1]))


def _at_supremum(fit: Fit, theta, reduced: Fit | None, rows: Rows, separation: Separation) -> Fit:
    """The fit of all rows where the separated ones have nothing left to gain."""
    where = layout(fit.model)
    path = np.zeros(len(theta))
    path[: len(separation.path)] = separation.path
    start = np.asarray(where.flatten(fit.model)) if reduced is None else theta
    shortfall = _behind(fit.model, rows, separation)
    with double():
        far, model = 1.0, where.replace(fit.model, start + path)
        while far < FARTHEST and shortfall(model) > REACHED:
            far *= 4
            model = where.replace(fit.model, start + far * path)
        params = np.asarray(inward(fit.coordinates, np.asarray(where.flatten(model))))
    zero = np.zeros(())
    numbers = (
        (zero, zero, jax.tree.map(lambda _: zero, fit.statistics))
        if reduced is None
        else (reduced.kernel, reduced.log_likelihood, reduced.statistics)
    )
    return eqx.tree_at(
        lambda f: (f.model, f.params, f.kernel, f.log_likelihood, f.statistics),
        fit,
        (model, params, *numbers),
    )


def _behind(model, rows: Rows, separation: Separation):
    """From a model to how far it is below the supremum of what has gone."""
    if not separation.partial:
        gone = source(jax.tree.map(lambda leaf: np.asarray(leaf)[separation.rows], rows))
        return lambda at: _shortfall(at, gone)
    normals = model.family.recession(jax.tree.map(np.asarray, rows.y)).normals
    gone = np.asarray(separation.gone) & np.asarray(rows.present)[:, None]

    def of_levels(at) -> float:
        """A bound on it: the odds of each level that has gone against the one that was seen."""
        eta = np.asarray(jax.vmap(at.predictor)(rows.x))
        return float(np.exp(-np.einsum("irm,im->ir", normals, eta)[gone]).sum())

    return of_levels


def _shortfall(model, rows) -> float:
    arrays, static = split(model)
    return -float(rows.sum(lambda b: _kernel(static, arrays, b)))


@functools.partial(row_jit, static_argnums=0)
def _kernel(static, arrays, block: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: jnp.sum(row_log_likelihoods(model, b)), block)


def one_sided_limits(
    extended: Extended, model: Regression, rows: Rows, quantile: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Limits of infinite coefficients by profile likelihood, $2\{\sup\ell - \ell_p(b)\} = q^2$.

    Where directions of both signs separate, every value of the coefficient attains the supremum
    and both limits are infinite.

    Arguments:
        extended: the fit of separated data.
        model, rows: what was fitted.
        quantile: $q$, such as 1.96.

    Returns:
        Lower and upper limits; NaN for finite coefficients, and for vector predictors.
    """
    fit, separation = extended.fit, extended.separation
    p = fit.params.shape[0]
    lower, upper = np.full(p, np.nan), np.full(p, np.nan)
    if len(fit.coordinates or ()) != 1 or model.predictor.has_vector_eta():
        return lower, upper
    if separation.kind == "quasi" and extended.reduced is None:
        return lower, upper
    for j in np.flatnonzero(separation.infinite):
        lower[j], upper[j] = -math.inf, math.inf
        if separation.certain[j]:
            sign = int(separation.signs[j])
            found = _limit(fit, model, rows, int(j), sign, quantile)
            lower[j], upper[j] = (found, math.inf) if sign > 0 else (-math.inf, found)
    return lower, upper


def _limit(fit: Fit, model, rows: Rows, j: int, sign: int, quantile: float) -> float:
    top, x = float(fit.kernel), np.asarray(model.predictor.designs(rows.x)[0])[:, j]
    (active,) = _by_design(fit)
    others = (active & (np.arange(len(active)) != j),)
    offset = np.zeros(rows.n) if rows.offset is None else np.asarray(rows.offset, float)
    spread = float(np.std(x)) or float(np.abs(x).max())
    scale = float(fit.dispersion)  # of quasi-likelihoods; 1 for others

    def gap(b: float) -> float:
        shifted: Any = eqx.tree_at(
            lambda r: r.offset, rows, offset + sign * b / spread * x, is_leaf=lambda v: v is None
        )
        found = _solve(model, shifted, newton.Newton(), others)
        fallen = 2 * (top - float(found.kernel))
        return (fallen if math.isfinite(fallen) else 1e300) - scale * quantile**2

    inside, at_inside = 0.0, gap(0.0)
    step = -1.0 if at_inside < 0 else 1.0  # the statistic falls as b goes the coefficient's way
    for k in range(DOUBLINGS):
        outside = step * 2.0**k
        at_outside = gap(outside)
        if (at_outside < 0) != (at_inside < 0):
            ends = sorted((inside, outside))
            from scipy.optimize import brentq  # a tenth of a second at start-up

            root = brentq(gap, ends[0], ends[1], xtol=1e-10, rtol=1e-12)  # pyright: ignore[reportArgumentType]
            return sign * float(root) / spread  # pyright: ignore[reportArgumentType]
        inside, at_inside = outside, at_outside
    return -sign * math.inf
