"""The traced driver: the whole fit inside the caller's `jit`, `vmap` or `lax.map`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from asymptotix.core.linalg import share_unexplained, solve_with_factor, triangular_factor
from asymptotix.core.status import CODE
from asymptotix.core.totals import total
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block
from asymptotix.fitting import newton
from asymptotix.fitting.corrected import (
    corrected,
    correction_block,
    reduces_bias,
    working_curvature,
)
from asymptotix.fitting.penalised import bind, penalised
from asymptotix.fitting.solver import AbstractSolver, History
from asymptotix.likelihood import (
    Coordinates,
    Sums,
    block_sums,
    information_factor,
    traced_coordinates,
)
from asymptotix.model import Regression, layout
from asymptotix.penalties import AbstractPenalty, BoundPenalty


class Setup(NamedTuple):
    """A fit made ready: coordinates, starting point and what the state machine must know."""

    coordinates: tuple[Coordinates, ...] | None
    start: Float[Array, "p"]
    problem: newton.Problem
    penalty: BoundPenalty | None = None


def evaluate(model, setup: Setup, curvature, rows: Block, params, *, qr: bool):
    """All sums at `params` by one pass, and a factor of the information.

    Arguments:
        qr: whether an ill-conditioned information is factored by a second, orthogonal pass.
    """
    coordinates, active = setup.coordinates, setup.problem.active
    penalty, curvature = setup.penalty, working_curvature(setup.penalty, curvature)
    sums = sum_blocks(lambda b: block_sums(model, coordinates, curvature, params, b), rows)
    if penalty is not None and reduces_bias(penalty):
        sums = corrected(
            penalty,
            Sums(*sums),
            coordinates,
            active,
            lambda inverse: sum_blocks(
                lambda b: correction_block(penalty, model, coordinates, params, inverse, b), rows
            ),
        )
    else:
        sums = penalised(sums, penalty, coordinates, params)
    factor = triangular_factor(sums.information, active)
    if qr and is_orthogonal(setup):
        factor = _better_factor(model, coordinates, curvature, active, rows, params, factor)
    else:
        factor = newton.trusted(factor)
    return newton.Evaluation(sums.value, sums.score, sums.information, factor)


def is_orthogonal(setup: Setup) -> bool:
    """Whether the information can be factored by QR of the rows: one linear predictor, no more."""
    coordinates = setup.coordinates
    if coordinates is None or len(coordinates) != 1 or setup.penalty is not None:
        return False
    return setup.start.shape[0] == coordinates[0].center.shape[0]


def _better_factor(model, coordinates, curvature, active, rows, params, factor):
    ill = ~(jnp.min(share_unexplained(factor)) > newton.ILL_CONDITIONED)

    def orthogonal():
        found = information_factor(model, coordinates, curvature, params, rows)
        found = jnp.where(jnp.diag(~active), 1.0, found)
        return jnp.where(jnp.all(jnp.isfinite(found)), found, newton.trusted(factor))

    return lax.cond(ill, orthogonal, lambda: factor)


def solve(
    model: Regression,
    solver: AbstractSolver,
    rows: Block,
    setup: Setup,
    *,
    qr: bool,
) -> tuple[newton.NewtonState, History | None]:
    """A route to its end, its last stretch by Newton's method: one pass over the rows a step."""
    options: newton.Newton = solver.newton

    def at(params):
        return evaluate(model, setup, options.curvature, rows, params, qr=qr)

    def body(state):
        return newton.advance(options, setup.problem, state, at(newton.trial(state)))

    arrived, history = solver.approach(model, rows, setup)
    first = newton.start(arrived)
    if solver.polish and not solver.stops_early:
        return lax.while_loop(lambda s: s.status == CODE["running"], body, first), history
    before = body(first)
    state = newton.judged(options, before, body(before))
    return newton.stopped_early(state) if solver.stops_early else state, history


def prepare(
    model: Regression,
    rows: Block,
    active,
    moment_dof,
    coordinates=None,
    project=None,
    penalty: AbstractPenalty | None = None,
) -> Setup:
    """Coordinates and starting point, from the rows.

    Arguments:
        model: the model; parameters that are not all zero are taken as the starting point.
        rows: all rows.
        active: for each design, which columns are estimated; `None` for other predictors.
        moment_dof: residual degrees of freedom for `moment` families, else 0.
        coordinates: where they are known already.
        project: whether there is no intercept to start from; `None` where that is not known.
        penalty: what is added to the log-likelihood.
    """
    theta = jnp.asarray(layout(model).flatten(model), rows.weight.dtype)
    if active is None:
        whole = jnp.ones(theta.shape, bool)
        problem = _problem(model, rows, whole, moment_dof)._replace(linear=False)
        return Setup(None, theta, problem, bind(penalty, model, None, whole))
    if coordinates is None:
        coordinates = traced_coordinates(model.predictor.designs, rows, active)
    begin = starting_point(model, coordinates, rows, theta, project)
    psi = theta.shape[0] - sum(a.shape[0] for a in active)
    whole = jnp.concatenate([*active, jnp.ones(psi, bool)])
    problem = _problem(model, rows, whole, moment_dof)
    return Setup(coordinates, begin, problem, bind(penalty, model, coordinates, whole))


def _problem(model, rows: Block, active, moment_dof) -> newton.Problem:
    if model.family.dispersion_rule != "moment":
        return newton.Problem(active, None, None, _lower(model, active, rows.weight.dtype))
    # A perfect fit leaves rounding error of the response as its residuals.
    response = jax.vmap(model.family.response_mean)(rows.y)
    size = jnp.mean(jnp.where(rows.weight > 0, response, 0.0) ** 2)
    epsilon = jnp.finfo(rows.weight.dtype).eps
    floor = jnp.maximum((4 * epsilon) ** 2 * size, jnp.finfo(rows.weight.dtype).tiny)
    return newton.Problem(active, jnp.asarray(moment_dof, rows.weight.dtype), floor)


def _lower(model: Regression, active, dtype):
    """Lower bounds of all parameters, `None` where the family declares none."""
    bounds = model.family.lower_bounds()
    if bounds is None:
        return None
    own = jnp.asarray(layout(model.family).flatten(bounds), dtype)
    return jnp.concatenate([jnp.full(active.shape[0] - own.shape[0], -jnp.inf, dtype), own])


def starting_point(model, coordinates, rows: Block, theta, project=None):
    """The family's constant predictor, projected on the columns; or the model's own parameters."""
    sizes = [c.center.shape[0] for c in coordinates]
    family = model.family.initial(rows.y, rows.weight)
    eta = jnp.reshape(family.initial_eta(rows.y, rows.weight), (-1,))
    shifts = jnp.where(rows.weight > 0, rows.weight * rows.offset, 0.0)
    offset = total(shifts) / total(rows.weight)
    parts, given, position = [], [], 0
    for j, c in enumerate(coordinates):
        target = jnp.broadcast_to(eta, (len(coordinates),))[j] - offset
        parts.append(_constant_predictor(model, c, j, rows, target, project))
        given.append(c.inward(theta[position : position + sizes[j]]))
        position += sizes[j]
    is_given = jnp.any(theta[:position] != 0)
    begin = jnp.concatenate([*parts, jnp.asarray(layout(family).flatten(family), theta.dtype)])
    return jnp.where(is_given, jnp.concatenate([*given, theta[position:]]), begin)


def _constant_predictor(model, c: Coordinates, j: int, rows: Block, target, project):
    """Coefficients whose predictor is as nearly `target` for every row as the columns allow."""
    has_intercept = jnp.any(c.intercept != 0)
    intercept_only = jnp.where(c.intercept != 0, target, 0.0)

    def projected():
        def gram(block: Block):
            x = c.standardise(model.predictor.designs(block.x)[j])
            present = (block.weight > 0).astype(x.dtype)
            return (x * present[:, None]).T @ x, present @ x

        matrix, right = sum_blocks(gram, rows)
        factor = triangular_factor(matrix, c.active)
        found = solve_with_factor(factor, right) * target
        return jnp.where(jnp.all(jnp.isfinite(found)), found, 0.0)

    if project is None:
        return lax.cond(has_intercept | (target == 0), lambda: intercept_only, projected)
    return projected() if project else intercept_only
