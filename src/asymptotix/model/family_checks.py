"""`asx.check_family`: whether the methods of a family agree with one another."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.quick_jit import QUICKEST, quick_jit
from asymptotix.core.typing import Array, Key
from asymptotix.families.base import AbstractFamily
from asymptotix.model.family_evidence import At, evaluated, response_of, row, variance_of
from asymptotix.model.family_report import Check, FamilyReport
from asymptotix.model.family_support import guessed

QUADRATURE = 1e-6
"""Tolerance of expectations, relative to the size of what is averaged."""
MONTE_CARLO = 5.0
"""Tolerance of averages of draws, in Monte-Carlo standard errors."""
SAME = 1e-10
"""Tolerance of numbers that are computed in two ways."""
CANDIDATES = (-1.7, -0.9, -0.4, 0.25, 0.45, 0.8, 1.3, 2.1)
GRID_END = 16.0
"""Of the predictors tried for `saturated`, as the inverse hyperbolic sine."""
EXTREMES = (-800.0, -40.0, 40.0, 800.0)


def check_family(
    family: AbstractFamily,
    eta: Any = None,
    *,
    support: Any = None,
    draws: int = 20_000,
    key: Key = None,
) -> FamilyReport:
    r"""Checks that density, moments, draws and derivatives of a family belong together.

    That probabilities sum to 1; that mean and variance are those of the density and of draws;
    that scores, in $\eta$ and in the family's own parameters, have mean zero and a variance equal
    to the information; that `expected_information`, `kernel` and `saturated` are what they say;
    that derivatives are finite wherever the density is, also at $\eta = \pm 800$; and that one
    observation alone gives the same as many under `jit` and `vmap`. Sums over counts end where
    the tail weighs nothing; integrals are by quadrature.

    Arguments:
        family: with its own parameters at the values to be checked.
        eta: predictors, one an item of a sequence; needed for families with a vector of them
            that have no `eta_names`.
        support: `"counts"`, `"real"`, `"positive"`, `"unit"`, or all points of the response;
            by default as the draws suggest.
        draws: how many, for each predictor.
        key: a JAX key for them; a fixed one by default.

    Returns:
        A record with one verdict a check, which prints as a table; `.ok` is whether all hold.

    Raises:
        InputError: the family has no density, or its support has to be given.
    """
    with double():
        etas = _predictors(family, eta)
        keys = jax.random.split(jax.random.key(0) if key is None else key, len(etas))
        samples = _draws(family, etas, keys, draws)
        if support is None:
            support = guessed(family, jax.tree.map(lambda *v: np.concatenate(v), *samples))
        density, rows = (
            quick_jit(jax.vmap(function, in_axes=(None, 0)), QUICKEST)
            for function in (family.log_prob, functools.partial(row, family))
        )
        found = [
            evaluated(family, density, rows, e, support, s)
            for e, s in zip(etas, samples, strict=True)
        ]
        checks = (
            *_against_density(found),
            *_against_draws(family, found, samples),
            _extremes(family, rows, etas, found),
            _saturated(family, etas, samples),
            _alone(family, rows, found[0], samples[0]),
        )
    return FamilyReport(family.name, checks)


def _predictors(family, eta) -> list[Array]:
    if eta is not None:
        return [jnp.asarray(e, float) for e in eta]
    if family.eta_names:
        shape = (len(family.eta_names),)
        steps = jnp.linspace(0.0, 0.5, shape[0])
        return [jnp.full(shape, c) + steps for c in (-0.9, 0.25, 0.8)]
    try:
        inside = [jnp.asarray(c) for c in CANDIDATES if _inside(family, jnp.asarray(c))]
    except (IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"Family {family.name} takes a vector as its predictor; give check_family(..., eta=) "
            "some of them.",
            code="eta",
        ) from error
    if not inside:
        raise InputError(
            f"Family {family.name} has no finite mean at any of {CANDIDATES}; give "
            "check_family(..., eta=) predictors inside its domain.",
            code="eta",
        )
    return [inside[0], inside[len(inside) // 2], inside[-1]]


def _inside(family, eta) -> bool:
    mean, variance = np.asarray(family.mean(eta)), np.asarray(family.variance(eta))
    return bool(np.isfinite(mean).all() and np.all(variance > 0))


def _draws(family, etas, keys, size: int) -> list:
    """Draws of the response at each predictor; `None` from a family that has none."""

    def draw(eta, key):
        return jax.vmap(lambda k: family.sample(eta, key=k))(jax.random.split(key, size))

    compiled = quick_jit(draw, QUICKEST)
    try:
        found = [compiled(e, k) for e, k in zip(etas, keys, strict=True)]
    except InputError:
        return [None] * len(etas)
    return [jax.tree.map(np.asarray, one) for one in found]


def _worst(name: str, differences, tolerance: float, note: str = "") -> Check:
    """The check that no difference exceeds the tolerance; NaN is one that does."""
    flat = np.concatenate([np.ravel(np.abs(d)) for d in differences])
    largest = float(np.max(flat)) if flat.size else 0.0
    return Check(name, bool(largest <= tolerance), largest, tolerance, note)


def _unknown(name: str) -> Check:
    return Check(name, None, np.nan, np.nan)


def _against_density(found: list[At]) -> list[Check]:
    """Expectations under the density itself."""
    total = [at.average(np.ones_like(at.row.log_prob)) - 1 for at in found]
    score = [at.average(at.row.score) / _size(at) for at in found]
    return [
        _worst("normalises", total, QUADRATURE, "probabilities sum to 1"),
        _mean(found),
        _variance(found),
        _worst("score has mean zero", score, QUADRATURE, "in standard deviations"),
        _worst(
            "information equality",
            [_information_gap(at) for at in found],
            QUADRATURE,
            "variance of the score against expected curvature",
        ),
        _worst(
            "kernel has the slope of log_prob", [_kernel_gap(at) for at in found], SAME, "relative"
        ),
        _expected_information(found),
    ]


def _mean(found: list[At]) -> Check:
    if all(np.isnan(at.mean).all() for at in found):
        return _unknown("mean")
    gaps = [(at.average(at.row.response) - at.mean) / _spread(at) for at in found]
    return _worst("mean", gaps, QUADRATURE, "in standard deviations")


def _variance(found: list[At]) -> Check:
    if all(np.isnan(at.variance).all() for at in found):
        return _unknown("variance")
    gaps = [at.average((at.row.response - at.mean) ** 2) / at.variance - 1 for at in found]
    return _worst("variance", gaps, QUADRATURE, "relative")


def _spread(at: At):
    return np.sqrt(np.where(np.isnan(at.variance), 1.0, at.variance))


def _size(at: At):
    """The standard deviations of the scores."""
    size = np.sqrt(at.average(at.row.score**2))
    return np.where(size > 0, size, 1.0)


def _information_gap(at: At):
    outer = at.average(at.row.score[:, :, None] * at.row.score[:, None, :])
    size = _size(at)
    return (outer + at.average(at.row.hessian)) / size[:, None] / size[None, :]


def _kernel_gap(at: At):
    likely = at.probability > 1e-12 * np.max(at.probability)
    gap = np.where(likely[:, None], at.row.kernel_score - at.row.unit_score, 0.0)
    return gap / (1 + np.abs(np.where(likely[:, None], at.row.unit_score, 0.0)))


def _expected_information(found: list[At]) -> Check:
    name, gaps = "expected_information", []
    for at in found:
        m = at.eta.size
        declared = at.row.information[0].reshape(m, m)
        if np.isnan(declared).all():
            return _unknown(name)
        curvature = -at.average(at.row.kernel_hessian)[:m, :m]
        trials = at.average(at.row.information).reshape(m, m)
        size = np.max(np.abs(curvature))
        gaps.append((trials - curvature) / np.where(size > 0, size, 1.0))
    return _worst(name, gaps, QUADRATURE, "against the expected curvature, relative")


def _against_draws(family, found: list[At], samples) -> list[Check]:
    """Averages of draws, in their Monte-Carlo standard errors."""
    if samples[0] is None:
        return [_unknown("mean of draws"), _unknown("variance of draws")]
    means, variances = [], []
    for at, sample in zip(found, samples, strict=True):
        y = np.asarray(jax.vmap(lambda v, e=at.eta: response_of(family, e, v))(sample), float)
        one = jax.tree.map(lambda v: v[0], sample)
        variance = np.asarray(variance_of(family, at.eta, one))
        means.append((y.mean(axis=0) - at.mean) / np.sqrt(variance / len(y)))
        squares = (y - at.mean) ** 2
        error = np.std(squares, axis=0) / np.sqrt(len(y))
        variances.append((squares.mean(axis=0) - variance) / np.where(error > 0, error, 1.0))
    unit = "in Monte-Carlo standard errors"
    return [
        _worst("mean of draws", means, MONTE_CARLO, unit),
        _worst("variance of draws", variances, MONTE_CARLO, unit),
        _responses(family, samples),
    ]


def _responses(family, samples) -> Check:
    everything = jax.tree.map(lambda *v: np.concatenate(v), *samples)
    try:
        family.check_response(everything, "y")
    except InputError as error:
        return Check("draws are responses", False, np.inf, 0.0, str(error))
    y, weights = (
        jax.tree.map(jnp.asarray, everything),
        jnp.ones(jax.tree.leaves(everything)[0].size),
    )
    start = family.initial(y, weights).initial_eta(y, weights)
    gap = np.where(np.isfinite(start), 0.0, np.inf)
    return _worst("draws are responses", [gap], 0.0, "and give a finite start")


def _extremes(family, rows, etas, found: list[At]) -> Check:
    """Where the density is finite its derivatives are, and it is never NaN."""
    bad, at = 0, found[0]
    order = np.argsort(at.probability)[::-1]
    shown = order[: max(3, np.sum(np.cumsum(at.probability[order]) < 0.9))]
    for extreme in EXTREMES:
        row_ = type(at.row)(*map(np.asarray, rows(jnp.full(etas[0].shape, extreme), at.y)))
        alive = np.isfinite(row_.log_prob)
        slopes = np.isfinite(row_.score).all(axis=1) & np.isfinite(row_.hessian).all(axis=(1, 2))
        wrong = np.isnan(row_.log_prob) | (alive & ~slopes)
        bad += int(np.sum(wrong[shown]))
    note = f"responses with a NaN or an infinite slope at eta = {EXTREMES}"
    return Check("finite at extremes of eta", bad == 0, float(bad), 0.0, note)


def _saturated(family, etas, samples) -> Check:
    """Whether the best predictor makes a response as likely as `saturated` says."""
    name = "saturated"
    if etas[0].shape != () or samples[0] is None:
        return _unknown(name)
    few = jax.tree.map(lambda *v: np.concatenate([a[:: len(a) // 4 + 1] for a in v]), *samples)
    best = quick_jit(jax.vmap(functools.partial(_best, family)), QUICKEST)
    declared, largest, reached = map(np.asarray, best(few))
    if np.isnan(declared).all():
        return _unknown(name)
    gap = (declared - largest) / (1 + np.abs(largest))
    gap = np.where(reached, gap, np.minimum(gap, 0.0))
    return _worst(name, [gap], QUADRATURE, "against the best of all predictors, relative")


def _best(family, y):
    r"""`saturated`, $\max_\eta \log f(y \mid \eta)$ by ever finer grids, and whether it is reached.

    It is where it lies inside the grid, or where the mean there is the response.
    """

    def at(t):
        value = family.log_prob(jnp.sinh(t), y)
        return jnp.where(jnp.isnan(value), -jnp.inf, value)

    def finer(grid, _):
        values = jax.vmap(at)(grid)
        top = grid[jnp.argmax(values)]
        return top + jnp.linspace(-2.0, 2.0, grid.size) * (grid[1] - grid[0]), values

    whole = jnp.linspace(-GRID_END, GRID_END, 801)
    last, values = jax.lax.scan(finer, whole, None, length=6)
    largest, ends = jnp.max(values), jnp.maximum(values[0, 0], values[0, -1])
    response = family.response_mean(y)
    near = jnp.abs(family.mean(jnp.sinh(last[last.size // 2])) - response)
    inside = largest > ends + QUADRATURE * (1 + jnp.abs(largest))
    return family.saturated(y), largest, inside | (near < 1e-3 * (1 + jnp.abs(response)))


def _alone(family, rows, at: At, sample) -> Check:
    """One observation without `jit` and `vmap` against the same among many."""
    name, i = "alone as among many", int(np.argmax(at.probability))
    y = jax.tree.map(lambda v: jnp.asarray(v[i]), at.y)
    values = [family.log_prob(at.eta, y), family.kernel(at.eta, y)]
    shapes = {jnp.shape(v) for v in values}
    if shapes != {()}:
        return Check(name, False, np.inf, SAME, f"log_prob or kernel has a shape: {shapes}")
    if sample is not None:
        drawn = jax.eval_shape(lambda k: family.sample(at.eta, key=k), jax.random.key(0))
        seen = jax.tree.map(jnp.shape, drawn), jax.tree.map(lambda v: v.shape[1:], sample)
        if seen[0] != seen[1]:
            return Check(name, False, np.inf, SAME, f"a draw has the shape {seen[0]}")
    gap = float(values[0]) - at.row.log_prob[i]
    return _worst(name, [gap / (1 + abs(float(values[0])))], SAME, "log_prob, relative")
