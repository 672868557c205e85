"""The host driver: Newton's state machine over slabs of rows, started from a subsample."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.linalg import share_unexplained, triangular_factor
from asymptotix.core.static import split
from asymptotix.core.status import CODE, succeeded
from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import Slabs, over_slabs
from asymptotix.fitting import newton, traced
from asymptotix.fitting.assemble import (
    Scalars,
    moment_dispersion,
    outward,
    plugged_dispersion,
    residual_dof,
)
from asymptotix.fitting.fit import Fit
from asymptotix.likelihood import (
    Statistics,
    Sums,
    block_sums,
    dispersed_log_likelihood,
    information_factor,
    plain_if_near,
    statistics,
)
from asymptotix.likelihood.coordinates import PlainCoordinates
from asymptotix.model import Regression, layout

SAMPLE_ROWS = 16_384
"""Rows of the subsample on which coordinates and a starting point are found."""


def solve(model: Regression, rows: Rows, options: newton.Newton, active, *, qr: bool) -> Fit:
    """Newton's method on large arrays: one pass over all slabs a step, on all cores."""
    slabs = Slabs(rows)
    n_rows, n, total = _counts(rows)
    dof = residual_dof(model, jnp.asarray(n), np.concatenate(active) if active else np.zeros(0))
    setup = _setup(model, rows, options, active, dof)
    arrays, static = split(model)

    def at(params, curvature=options.curvature):
        sums = slabs.sum(lambda s: _sums(static, curvature, arrays, setup.coordinates, params, s))
        factor = _factor(sums.information, setup.problem.active)
        if qr and setup.coordinates is not None and len(setup.coordinates) == 1:
            factor = _slab_factor(slabs, static, arrays, setup, curvature, params, factor)
        else:
            factor = newton.trusted(factor)
        here = newton.Evaluation(sums.value, sums.score, sums.information, factor)
        return jax.tree.map(jnp.asarray, here)

    def advanced(state):
        return _advance(options, setup.problem, state, at(newton.trial(state)))

    state = advanced(_start(setup.start))
    if int(state.status) == CODE["not_finite"]:  # the subsample's optimum is no place to start
        state = advanced(_start(_default_start(model, setup, rows)))
    while int(state.status) == CODE["running"]:
        state = advanced(state)
    final = state.here if options.curvature == "observed" else at(state.params, "observed")

    fitted = layout(model).replace(model, outward(setup.coordinates, state.params))
    leaves, shape = split(fitted)
    stats = slabs.sum(lambda s: _statistics(shape, leaves, s))
    llf = stats.log_likelihood
    if model.family.dispersion_rule == "moment":
        plugged, precision = plugged_dispersion(stats, n), rows.weight_kind == "precision"
        llf = slabs.sum(lambda s: _log_likelihood(shape, precision, leaves, plugged, s))
    scalars = Scalars(
        stats.deviance,
        stats.log_likelihood,
        stats.pearson,
        jnp.asarray(llf),
        moment_dispersion(model, Statistics(*map(jnp.asarray, stats)), dof),
        state.decrement,
        state.ratio,
        state.steps,
        state.status,
        jnp.asarray(n_rows),
        jnp.asarray(n),
        jnp.asarray(total),
        state.here.value,
    )
    found = scalars.fit(
        fitted,
        state.params,
        final.information,
        final.factor,
        setup.coordinates,
        setup.problem.active,
        rows.weight_kind,
    )
    return jax.tree.map(np.asarray, found)


_start = jax.jit(newton.start)
_advance = functools.partial(jax.jit, static_argnums=0)(newton.advance)
_factor = jax.jit(triangular_factor)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _sums(static, curvature, arrays, coordinates, params, slab: Block) -> Sums:
    model = static.combine(arrays)
    return sum_blocks(lambda b: block_sums(model, coordinates, curvature, params, b), slab)


@functools.partial(jax.jit, static_argnums=0)
def _statistics(static, arrays, slab: Block) -> Statistics:
    return statistics(static.combine(arrays), slab)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _slab_information_factor(static, curvature, arrays, coordinates, params, slab: Block):
    return information_factor(static.combine(arrays), coordinates, curvature, params, slab)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _log_likelihood(static, precision_weights, arrays, dispersion, slab: Block):
    model = static.combine(arrays)
    return dispersed_log_likelihood(model, slab, dispersion, precision_weights=precision_weights)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _sample_fit(static, options, arrays, block: Block, active, dof):
    model = static.combine(arrays)
    setup = traced.prepare(model, block, active, dof)
    return setup, traced.solve(model, options, block, setup, qr=False)


def _default_start(model, setup: traced.Setup, rows: Rows):
    if setup.coordinates is None:
        return layout(model).flatten(model)
    nothing = jnp.zeros_like(setup.start)
    return traced.starting_point(model, setup.coordinates, _sample(rows), nothing)


def _counts(rows: Rows):
    if rows.weights is None:
        return float(rows.n), float(rows.n), float(rows.n)
    weights = np.asarray(rows.weights, float)
    present, total = float(np.count_nonzero(weights)), float(weights.sum())
    return present, (total if rows.weight_kind == "frequency" else present), total


def _setup(model, rows: Rows, options, active, dof) -> traced.Setup:
    """Coordinates from an evenly spaced subsample, and its optimum as the starting point."""
    arrays, static = split(model)
    setup, state = _sample_fit(static, options, arrays, _sample(rows), active, dof)
    if setup.coordinates is not None:
        kept = tuple(
            _with_true_intercept(c, rows, model, j) for j, c in enumerate(setup.coordinates)
        )
        if any(a is not b for a, b in zip(kept, setup.coordinates, strict=True)):
            return setup._replace(coordinates=kept, start=jnp.zeros_like(setup.start))
    begin = state.params if bool(succeeded(state.status)) else setup.start
    if setup.coordinates is None:
        return setup._replace(start=begin)
    plain = tuple(map(plain_if_near, setup.coordinates))
    if all(isinstance(c, PlainCoordinates) for c in plain):
        begin = outward(setup.coordinates, begin)
        return setup._replace(coordinates=plain, start=begin)
    return setup._replace(start=begin)


def _sample(rows: Rows) -> Block:
    step = -(-rows.n // SAMPLE_ROWS)

    def part(array):
        taken = np.asarray(array[::step], np.float64)
        padded = np.zeros((SAMPLE_ROWS, *taken.shape[1:]))
        padded[: len(taken)] = taken
        return jnp.asarray(padded)

    count = -(-rows.n // step)
    ones, zeros = np.ones(count), np.zeros(count)
    return Block(
        jax.tree.map(part, rows.x),
        jax.tree.map(part, rows.y),
        jnp.asarray(np.pad(ones, (0, SAMPLE_ROWS - count)))
        if rows.weights is None
        else part(rows.weights),
        jnp.asarray(np.pad(zeros, (0, SAMPLE_ROWS - count)))
        if rows.offset is None
        else part(rows.offset),
    )


def _with_true_intercept(c, rows: Rows, model, j: int):
    """The coordinates, without centring if the sample's constant column varies in the rest."""
    where = np.flatnonzero(np.asarray(c.intercept))
    if where.size == 0:
        return c
    column = np.asarray(model.predictor.designs(rows.x)[j][:, int(where[0])])
    if all(over_slabs(lambda part: bool(np.all(column[part] == column[0])), rows.n)):
        return c
    return c._replace(center=jnp.zeros_like(c.center), intercept=jnp.zeros_like(c.intercept))


def _slab_factor(slabs: Slabs, static, arrays, setup, curvature, params, factor):
    """The factor by QR over slabs where the information is ill-conditioned."""
    if float(jnp.min(share_unexplained(factor))) > newton.ILL_CONDITIONED:
        return factor
    parts = slabs.map(
        lambda s: _slab_information_factor(static, curvature, arrays, setup.coordinates, params, s)
    )
    found = np.linalg.qr(np.vstack(parts), mode="r")
    found = np.where(np.diag(~np.asarray(setup.problem.active)), 1.0, found)
    return jnp.asarray(found) if np.isfinite(found).all() else newton.trusted(factor)
