"""The host driver: Newton's state machine over slabs of rows, started from a subsample."""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.linalg import share_unexplained, triangular_factor
from asymptotix.core.quick_jit import quick_jit
from asymptotix.core.static import split
from asymptotix.core.status import CODE, succeeded
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import leading, row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import Slabs, over_slabs, slab_rows
from asymptotix.data.streamed import StreamedRows, exemplar, slabs_of
from asymptotix.fitting import newton, traced
from asymptotix.fitting.assemble import (
    Scalars,
    moment_dispersion,
    plugged_dispersion,
    residual_dof,
)
from asymptotix.fitting.corrected import (
    corrected,
    correction_block,
    reduces_bias,
    working_curvature,
)
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.head_start import LightStep, head_start
from asymptotix.fitting.penalised import bind, penalised, penalty_value
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.likelihood import (
    Statistics,
    Sums,
    block_gradient,
    block_sums_and_statistics,
    dispersed_log_likelihood,
    information_factor,
    outward,
    plain_if_near,
    statistics,
)
from asymptotix.likelihood.coordinates import PlainCoordinates, coordinates_from, moment_sums
from asymptotix.model import Regression, layout

SAMPLE_ROWS = 16_384
"""Rows of the subsample on which coordinates and a starting point are found."""
MANY_ROWS = 2**19
"""Rows from which the information of a quarter of them leads light passes better, and pays."""


def solve(
    model: Regression, rows: Rows, solver: AbstractSolver, active, *, qr: bool, penalty=None
) -> Fit:
    """A route's last stretch on large arrays: one pass over all slabs a step, on all cores.

    What other routes than Newton's do before it is one program on all rows.
    """
    slabs, counted = slabs_of(rows, slab_rows(rows.n), in_place=True), _counts(rows)
    size = np.concatenate(active) if active else np.ones(layout(model.predictor).size)
    dof = residual_dof(model, np.asarray(counted[1]), size)
    setup, light = _setup(model, slabs, rows, solver, active, dof, penalty)
    if penalty is not None and setup.coordinates is not None:
        exact = _exact_coordinates(slabs, model, rows, active)
        setup = setup._replace(penalty=bind(penalty, model, exact, setup.problem.active))
    arrays, static = split(model)
    history = None
    if not isinstance(solver, newton.Newton):
        arrived, history = _approach(static, solver, arrays, rows.block(np.float64), setup)
        setup = setup._replace(start=arrived)
    at = partial(_evaluate, slabs, static, arrays, setup, qr)
    kept = rows.checkpoint if isinstance(rows, StreamedRows) else None
    last, state = _last_stretch(
        solver, setup, at, lambda: _default_start(model, setup, rows), kept, light
    )
    if kept is not None:
        kept.remove()
    curvature = solver.newton.curvature
    final = state.here
    if curvature != "observed" or reduces_bias(penalty):
        plain = setup if not reduces_bias(penalty) else setup._replace(penalty=None)
        last = _evaluate(slabs, static, arrays, plain, qr, state.params, "observed")
        final = last.sums
    stats = last.statistics if last is not None and _belongs(last, state) else None
    return _assembled(model, rows, slabs, setup, state, final, stats, counted, history)


class _Evaluated(NamedTuple):
    """All that one pass over the rows says of a point."""

    point: Float[Array, "p"]
    sums: newton.Evaluation
    statistics: Statistics


def _belongs(last: _Evaluated, state: newton.NewtonState) -> bool:
    """Whether the last pass was taken at the estimate, or a free step away from it."""
    at_estimate = np.array_equal(last.point, state.params)
    return at_estimate or int(state.status) == CODE["converged"]


def _evaluate(
    slabs: Slabs, static, arrays, setup: traced.Setup, qr: bool, params, curvature
) -> _Evaluated:
    penalty, coordinates = setup.penalty, setup.coordinates
    curvature = working_curvature(penalty, curvature)
    sums, stats = slabs.sum(partial(_sums, static, curvature, arrays, coordinates, params))
    if penalty is not None and reduces_bias(penalty):
        sums = corrected(
            penalty,
            Sums(*sums),
            coordinates,
            setup.problem.active,
            lambda inverse: slabs.sum(
                partial(_correction, static, penalty, arrays, coordinates, params, inverse)
            ),
        )
    elif penalty is not None:
        sums = _penalised(sums, penalty, coordinates, params)
    sums = Sums(*map(np.asarray, sums))
    factor = triangular_factor(sums.information, setup.problem.active)
    if qr and traced.is_orthogonal(setup):
        factor = _slab_factor(slabs, static, arrays, setup, curvature, params, factor)
    else:
        factor = newton.trusted(factor)
    return _Evaluated(params, newton.Evaluation(*sums, factor), stats)


def _last_stretch(
    solver: AbstractSolver, setup: traced.Setup, at, other_start, kept, light: LightStep | None
) -> tuple[_Evaluated | None, newton.NewtonState]:
    """Newton's method from the start of the setup; or its judgement of that point.

    Arguments:
        kept: a checkpoint that holds the state after each pass.
        light: the step to the start by light passes, if there was one.

    Returns:
        The last pass, and the state in the end.
    """
    options, last = solver.newton, None

    def advanced(state):
        nonlocal last
        last = at(newton.trial(state), options.curvature)
        if light is not None and int(state.steps) < 0:
            state = _on_the_way(light, state, last.sums)
        state = _advance(options, setup.problem, state, last.sums)
        if kept is not None:
            kept.save(state, setup.coordinates)
        return state

    begin = _start(setup.start)
    state = begin if kept is None else kept.load(begin, setup.coordinates)
    state = advanced(state) if int(state.status) == CODE["running"] else state
    if solver.stops_early or not solver.polish:
        state = newton.judged(options, state, advanced(state))
        return last, newton.stopped_early(state) if solver.stops_early else state
    if int(state.status) == CODE["not_finite"]:  # the subsample's optimum is no place to start
        light = None
        state = advanced(_start(other_start()))
    while int(state.status) == CODE["running"]:
        state = advanced(state)
    return last, state


def _on_the_way(light: LightStep, state: newton.NewtonState, there: newton.Evaluation):
    r"""The state before the last light step, so that the pass after it judges that step too.

    What is known there is the score $g$; of the curvature along the step $d$ that
    $d^\top (g - g_{new})$ is the mean of it on the way: all that is asked of an information.
    """
    step, fall = state.params - light.origin, light.score - np.asarray(there.score)
    curvature = step @ fall
    if not curvature > 0:
        return state
    return state._replace(
        params=light.origin,
        here=state.here._replace(information=np.outer(fall, fall) / curvature),
        step=step,
        steps=np.zeros_like(state.steps),
    )


def _assembled(model, rows: Rows, slabs, setup, state, final, stats, counted, history) -> Fit:
    """The fit; its statistics by one more pass at the estimate, unless they are known."""
    n_rows, n, total = counted
    fitted = layout(model).replace(model, outward(setup.coordinates, state.params))
    leaves, shape = split(fitted)
    stats = slabs.sum(partial(slab_statistics, shape, leaves)) if stats is None else stats
    llf = stats.log_likelihood
    if model.family.dispersion_rule == "moment":
        plugged, precision = plugged_dispersion(stats, n), rows.weight_kind == "precision"
        llf = slabs.sum(partial(_log_likelihood, shape, precision, leaves, plugged))
    kernel = final.value
    if setup.penalty is not None and not reduces_bias(setup.penalty):
        kernel = state.here.value - penalty_value(setup.penalty, setup.coordinates, state.params)
    scalars = Scalars(
        stats.deviance,
        stats.log_likelihood,
        stats.pearson,
        np.asarray(llf),
        moment_dispersion(model, Statistics(*map(np.asarray, stats)), setup.problem.moment_dof),
        state.decrement,
        state.ratio,
        state.steps,
        state.status,
        np.asarray(n_rows),
        np.asarray(n),
        np.asarray(total),
        kernel,
    )
    found = scalars.fit(
        fitted,
        state.params,
        final.information,
        final.factor,
        setup.coordinates,
        setup.problem.active,
        rows.weight_kind,
        setup.penalty,
        history,
    )
    # functions, such as a network's activation, stay what they are
    return jax.tree.map(lambda v: np.asarray(v) if eqx.is_array_like(v) else v, found)


@partial(jax.jit, static_argnums=0)
def _approach(static, solver: AbstractSolver, arrays, rows: Block, setup: traced.Setup):
    return solver.approach(static.combine(arrays), rows, setup)


_advanced = quick_jit(newton.advance, static_argnums=0)
_started = quick_jit(newton.start)
_penalised = jax.jit(penalised)


def _start(params) -> newton.NewtonState:
    return jax.tree.map(np.asarray, _started(params))


def _advance(*given) -> newton.NewtonState:
    """What NumPy can do between two passes, it should: each of JAX's operations is a program."""
    return jax.tree.map(np.asarray, _advanced(*given))


@partial(row_jit, static_argnums=(0, 1))
def _sums(static, curvature, arrays, coordinates, params, slab: Block):
    model = static.combine(arrays)
    return sum_blocks(
        lambda b: block_sums_and_statistics(model, coordinates, curvature, params, b), slab
    )


def _some_information(static, curvature, arrays, coordinates, params, slab: Block):
    """The information of the first quarter of a slab, and that quarter's weight."""
    part, which = leading(slab, 4)
    sums, _ = _sums(static, curvature, arrays, coordinates, params, part)
    return sums.information, np.sum(np.asarray(slab.weight)[which])


@partial(row_jit, static_argnums=0)
def _score(static, arrays, coordinates, params, slab: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: block_gradient(model, coordinates, params, b)[1], slab)


@partial(row_jit, static_argnums=0)
def _correction(static, penalty, arrays, coordinates, params, inverse, slab: Block):
    model = static.combine(arrays)
    return sum_blocks(
        lambda b: correction_block(penalty, model, coordinates, params, inverse, b), slab
    )


@partial(row_jit, static_argnums=0)
def slab_statistics(static, arrays, slab: Block) -> Statistics:
    """Deviance, log-likelihood and Pearson chi2 of one slab."""
    return statistics(static.combine(arrays), slab)


@partial(row_jit, static_argnums=(0, 1))
def _slab_information_factor(static, curvature, arrays, coordinates, params, slab: Block):
    return information_factor(static.combine(arrays), coordinates, curvature, params, slab)


@partial(row_jit, static_argnums=(0, 1))
def _log_likelihood(static, precision_weights, arrays, dispersion, slab: Block):
    model = static.combine(arrays)
    return dispersed_log_likelihood(model, slab, dispersion, precision_weights=precision_weights)


def _fit_to_sample(static, solver, arrays, block: Block, active, dof, penalty):
    """The set-up from a sample of rows, and Newton's method on it where that is the route."""
    model = static.combine(arrays)
    setup = traced.prepare(model, block, active, dof, penalty=penalty)
    if solver is None:
        return setup, newton.start(setup.start)
    return setup, traced.solve(model, solver, block, setup, qr=False)[0]


_sample_fit = quick_jit(_fit_to_sample, static_argnums=(0, 1))


def _default_start(model, setup: traced.Setup, rows: Rows):
    if setup.coordinates is None:
        return layout(model).flatten(model)
    nothing = jnp.zeros_like(setup.start)
    return traced.starting_point(model, setup.coordinates, _sample(rows), nothing)


def _counts(rows: Rows | StreamedRows):
    if isinstance(rows, StreamedRows):
        return rows.counts
    if rows.weights is None:
        return float(rows.n), float(rows.n), float(rows.n)
    weights = np.asarray(rows.weights, float)
    present, total = float(np.count_nonzero(weights)), float(weights.sum())
    return present, (total if rows.weight_kind == "frequency" else present), total


def _setup(
    model, slabs, rows, solver, active, dof, penalty
) -> tuple[traced.Setup, LightStep | None]:
    """Coordinates from an evenly spaced subsample, and a starting point from its optimum."""
    arrays, static = split(model)
    options, sample = solver.newton, _sample(rows)
    route = solver if isinstance(solver, newton.Newton) else None
    found = _sample_fit(static, route, arrays, sample, active, dof, penalty)
    slabs.prepare()
    setup, state = jax.tree.map(np.asarray, found)
    begin = state.params if bool(succeeded(state.status)) else setup.start
    if setup.coordinates is None:
        return setup._replace(start=begin), None
    plain = tuple(map(plain_if_near, setup.coordinates))
    if not all(isinstance(c, PlainCoordinates) for c in plain):
        kept = tuple(
            _with_true_intercept(c, slabs, rows, model, j) for j, c in enumerate(setup.coordinates)
        )
        if any(a is not b for a, b in zip(kept, setup.coordinates, strict=True)):
            return setup._replace(coordinates=kept, start=np.zeros_like(setup.start)), None
        plain, to_plain = setup.coordinates, np.eye(begin.shape[0])
    else:
        to_plain = outward(setup.coordinates, np.eye(begin.shape[0]))
        begin = outward(setup.coordinates, begin)
    setup = setup._replace(coordinates=plain, start=begin)
    if not _has_head_start(model, rows, setup, state):
        return setup, None
    share = float(np.sum(sample.weight)) / _counts(rows)[2]
    root = np.linalg.solve(state.here.factor.T, to_plain.T)
    covariance = share * root.T @ root
    if rows.n >= MANY_ROWS:
        known, weight = slabs.sum(
            partial(_some_information, static, options.curvature, arrays, plain, begin)
        )
        covariance = _covariance(known, weight, _counts(rows)[2], covariance)
    start, light = head_start(
        begin,
        covariance,
        lambda at: slabs.sum(partial(_score, static, arrays, plain, at)),
        options.tolerance,
    )
    return setup._replace(start=start), light


def _covariance(information, weight: float, total: float, otherwise):
    """The covariance of all rows' estimates from the information of some."""
    if not np.isfinite(information).all() or np.linalg.eigvalsh(information)[0] <= 0:
        return otherwise
    return np.linalg.inv(information) * (weight / total)


def _has_head_start(model, rows, setup: traced.Setup, state: newton.NewtonState) -> bool:
    """Whether light passes pay: a maximum inside, of rows that are not read anew each time.

    With a moment dispersion most fits are quadratic, and over after one step.
    """
    inside = setup.penalty is None and setup.problem.lower is None
    return (
        inside
        and isinstance(rows, Rows)
        and model.family.dispersion_rule != "moment"
        and int(state.status) == CODE["converged"]
    )


def _exact_coordinates(slabs: Slabs, model, rows: Rows, active):
    """Coordinates from all rows, for penalties that count columns' standard deviations."""
    arrays, static = split(model)
    rows = exemplar(rows)
    first = 0 if rows.weights is None else int(np.argmax(np.asarray(rows.weights) > 0))
    one = jax.tree.map(lambda a: np.asarray(a[first : first + 1], np.float64), rows.x)
    references = tuple(np.asarray(d[0]) for d in model.predictor.designs(one))
    sums = slabs.sum(partial(_moments, static, arrays, references))
    return tuple(map(coordinates_from, sums, references, active))


@partial(row_jit, static_argnums=0)
def _moments(static, arrays, references, slab: Block):
    designs = static.combine(arrays).predictor.designs
    return sum_blocks(
        lambda b: tuple(
            moment_sums(d, b.weight, r) for d, r in zip(designs(b.x), references, strict=True)
        ),
        slab,
    )


def _sample(rows: Rows | StreamedRows) -> Block:
    rows = exemplar(rows)
    step = -(-rows.n // SAMPLE_ROWS)

    def part(array):
        taken = np.asarray(array[::step], np.float64)
        padded = np.zeros((SAMPLE_ROWS, *taken.shape[1:]))
        padded[: len(taken)] = taken
        return padded

    count = -(-rows.n // step)
    ones, zeros = np.ones(count), np.zeros(count)
    return Block(
        jax.tree.map(part, rows.x),
        jax.tree.map(part, rows.y),
        np.pad(ones, (0, SAMPLE_ROWS - count)) if rows.weights is None else part(rows.weights),
        np.pad(zeros, (0, SAMPLE_ROWS - count)) if rows.offset is None else part(rows.offset),
    )


def _with_true_intercept(c, slabs: Slabs, rows: Rows | StreamedRows, model, j: int):
    """The coordinates, without centring if the sample's constant column varies in the rest."""
    where = np.flatnonzero(np.asarray(c.intercept))
    if where.size == 0 or _is_constant(slabs, rows, model, j, int(where[0])):
        return c
    return c._replace(center=np.zeros_like(c.center), intercept=np.zeros_like(c.intercept))


def _is_constant(slabs: Slabs, rows: Rows | StreamedRows, model, j: int, position: int) -> bool:
    """Whether a design's column has one value in all rows."""
    if isinstance(rows, StreamedRows):
        if position in rows.constant:
            return True
        value = np.asarray(model.predictor.designs(rows.sample.x)[j])[0, position]
        arrays, static = split(model)
        where = np.asarray(position, np.int32)
        return int(slabs.sum(partial(_departures, static, j, arrays, where, value))) == 0
    column = np.asarray(model.predictor.designs(rows.x)[j][:, position])
    return all(over_slabs(lambda part: bool(np.all(column[part] == column[0])), rows.n))


@partial(row_jit, static_argnums=(0, 1))
def _departures(static, j: int, arrays, position, value, slab: Block):
    """Rows in which a design's column has another value."""
    column = static.combine(arrays).predictor.designs(slab.x)[j][:, position]
    return jnp.sum((column != value) & (slab.weight > 0))


def _slab_factor(slabs: Slabs, static, arrays, setup, curvature, params, factor):
    """The factor by QR over slabs where the information is ill-conditioned."""
    if np.min(share_unexplained(factor)) > newton.ILL_CONDITIONED:
        return factor
    parts = slabs.map(
        partial(_slab_information_factor, static, curvature, arrays, setup.coordinates, params)
    )
    found = np.linalg.qr(np.vstack(parts), mode="r")
    found = np.where(np.diag(~setup.problem.active), 1.0, found)
    return found if np.isfinite(found).all() else newton.trusted(factor)
