"""The traced driver: the whole fit inside the caller's `jit`, `vmap` or `lax.map`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from asymptotix.core.linalg import share_unexplained, solve_with_factor, triangular_factor
from asymptotix.core.status import CODE
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block
from asymptotix.fitting import newton
from asymptotix.likelihood import (
    Coordinates,
    block_pass,
    block_sums,
    information_factor,
    traced_coordinates,
)
from asymptotix.model import Regression, layout


class Setup(NamedTuple):
    """A fit made ready: coordinates, starting point and what the state machine must know."""

    coordinates: tuple[Coordinates, ...] | None
    start: Float[Array, "p"]
    problem: newton.Problem


def evaluate(
    model, coordinates, curvature, active, rows: Block, params, *, qr: bool, with_statistics: bool
):
    """All sums at `params` by one pass, and a factor of the information.

    Arguments:
        qr: whether an ill-conditioned information is factored by a second, orthogonal pass.
        with_statistics: whether the model's statistics are summed in the same pass.
    """
    stats = None
    if with_statistics:
        sums, stats = sum_blocks(
            lambda b: block_pass(model, coordinates, curvature, params, b), rows
        )
    else:
        sums = sum_blocks(lambda b: block_sums(model, coordinates, curvature, params, b), rows)
    factor = triangular_factor(sums.information, active)
    if qr and coordinates is not None and len(coordinates) == 1:
        factor = _better_factor(model, coordinates, curvature, active, rows, params, factor)
    else:
        factor = newton.trusted(factor)
    return newton.Evaluation(sums.value, sums.score, sums.information, factor, stats)


def _better_factor(model, coordinates, curvature, active, rows, params, factor):
    ill = ~(jnp.min(share_unexplained(factor)) > newton.ILL_CONDITIONED)

    def orthogonal():
        found = information_factor(model, coordinates, curvature, params, rows)
        found = jnp.where(jnp.diag(~active), 1.0, found)
        return jnp.where(jnp.all(jnp.isfinite(found)), found, newton.trusted(factor))

    return lax.cond(ill, orthogonal, lambda: factor)


def solve(
    model: Regression,
    options: newton.Newton,
    rows: Block,
    setup: Setup,
    *,
    qr: bool,
    with_statistics: bool = False,
) -> newton.NewtonState:
    """Newton's method to its end, as a `while_loop` with one pass over the rows a step."""

    def at(params):
        return evaluate(
            model,
            setup.coordinates,
            options.curvature,
            setup.problem.active,
            rows,
            params,
            qr=qr,
            with_statistics=with_statistics,
        )

    def body(state):
        return newton.advance(options, setup.problem, state, at(newton.trial(state)))

    first = newton.start(setup.start, with_statistics)
    return lax.while_loop(lambda s: s.status == CODE["running"], body, first)


def prepare(
    model: Regression, rows: Block, active, moment_dof, coordinates=None, project=None
) -> Setup:
    """Coordinates and starting point, from the rows.

    Arguments:
        model: the model; parameters that are not all zero are taken as the starting point.
        rows: all rows.
        active: for each design, which columns are estimated; `None` for other predictors.
        moment_dof: residual degrees of freedom for `moment` families, else 0.
        coordinates: where they are known already.
        project: whether there is no intercept to start from; `None` where that is not known.
    """
    theta = jnp.asarray(layout(model).flatten(model), rows.weight.dtype)
    if active is None:
        whole = jnp.ones(theta.shape, bool)
        return Setup(None, theta, _problem(model, rows, whole, moment_dof))
    if coordinates is None:
        coordinates = traced_coordinates(model.predictor.designs, rows, active)
    begin = starting_point(model, coordinates, rows, theta, project)
    psi = theta.shape[0] - sum(a.shape[0] for a in active)
    whole = jnp.concatenate([*active, jnp.ones(psi, bool)])
    return Setup(coordinates, begin, _problem(model, rows, whole, moment_dof))


def _problem(model, rows: Block, active, moment_dof) -> newton.Problem:
    if model.family.dispersion_rule != "moment":
        return newton.Problem(active, None, None)
    # A perfect fit leaves rounding error of the response as its residuals.
    response = jax.vmap(model.family.response_mean)(rows.y)
    size = jnp.mean(jnp.where(rows.weight > 0, response, 0.0) ** 2)
    epsilon = jnp.finfo(rows.weight.dtype).eps
    floor = jnp.maximum((4 * epsilon) ** 2 * size, jnp.finfo(rows.weight.dtype).tiny)
    return newton.Problem(active, jnp.asarray(moment_dof, rows.weight.dtype), floor)


def starting_point(model, coordinates, rows: Block, theta, project=None):
    """The family's constant predictor, projected on the columns; or the model's own parameters."""
    sizes = [c.center.shape[0] for c in coordinates]
    eta = jnp.reshape(model.family.initial_eta(rows.y, rows.weight), (-1,))
    total = jnp.sum(rows.weight)
    offset = jnp.sum(jnp.where(rows.weight > 0, rows.weight * rows.offset, 0.0)) / total
    parts, given, position = [], [], 0
    for j, c in enumerate(coordinates):
        target = jnp.broadcast_to(eta, (len(coordinates),))[j] - offset
        parts.append(_constant_predictor(model, c, j, rows, target, project))
        given.append(c.inward(theta[position : position + sizes[j]]))
        position += sizes[j]
    psi = theta[position:]
    is_given = jnp.any(theta[:position] != 0)
    coef = jnp.where(is_given, jnp.concatenate(given), jnp.concatenate(parts))
    return jnp.concatenate([coef, psi])


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
