r"""The derivative of estimates with respect to data, by the implicit function theorem.

At the optimum the score vanishes, so $d\hat\theta = I^{-1}\,\partial_{\mathrm{rows}} s$ with the
*observed* information $I$. The rule is written out (and not left to a solver's own adjoint)
because its backward pass must re-enter double precision, and must visit rows block by block.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import fill_inactive
from asymptotix.core.precision import scope
from asymptotix.core.static import Static
from asymptotix.core.status import succeeded
from asymptotix.data.blocks import map_blocks, sum_blocks
from asymptotix.data.rows import Block
from asymptotix.fitting import traced
from asymptotix.fitting.corrected import reduces_bias
from asymptotix.fitting.penalised import penalised, penalty_value
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.likelihood import block_sums, exact
from asymptotix.model import Regression


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def optimum(
    static: Static, solver: Static, solver_arrays, arrays, rows: Block, setup: traced.Setup
):
    """`(params, observed information, final state, history)` in working coordinates.

    Arguments:
        static, arrays: the model, split.
        solver, solver_arrays: the route, split.
        rows: all rows.
        setup: coordinates and start; taken as given by the derivative.
    """
    model = static.combine(arrays)
    route: AbstractSolver = solver.combine(solver_arrays)
    state, history = traced.solve(model, route, rows, setup, qr=True)
    information = state.here.information
    if route.newton.curvature != "observed" or reduces_bias(setup.penalty):
        information = observed_information(model, setup, state.params, rows)
    return state.params, information, state, history


def observed_information(model, setup, params, rows: Block):
    """The observed information by one pass."""
    sums = sum_blocks(lambda b: block_sums(model, setup.coordinates, "observed", params, b), rows)
    return penalised(sums, setup.penalty, setup.coordinates, params).information


def _forward(static, solver, solver_arrays, arrays, rows, setup):
    out: Any = optimum(static, solver, solver_arrays, arrays, rows, setup)
    return out, (arrays, rows, setup, *out[:3])


def _backward(static, solver, residuals, cotangents):
    del solver
    if reduces_bias(residuals[2].penalty):
        raise InputError(
            "Estimates with a bias reduction have no derivatives here; use a prior, such as "
            "asx.GaussianPrior(), where a fit is differentiated.",
            code="penalty",
        )
    arrays, rows, setup, params, information, state = residuals
    params_bar, information_bar, *_ = cotangents
    with scope(params.dtype):

        def pulled(leaves, theta, block, direction):
            given = static.combine(leaves)
            model = Regression(given.predictor, given.family.smooth_in_response())
            sums = block_sums(model, exact(setup.coordinates), "observed", theta, block)
            return direction @ sums.score + jnp.sum(information_bar * sums.information)

        def penalty_slope(penalty, theta):
            return jax.grad(lambda t: penalty_value(penalty, setup.coordinates, t))(theta)

        def penalty_curvature(theta):
            return jax.jacfwd(lambda t: penalty_slope(setup.penalty, t))(theta)

        along = sum_blocks(
            lambda b: jax.grad(pulled, argnums=1)(arrays, params, b, jnp.zeros_like(params)), rows
        )
        if setup.penalty is not None:
            along = along - jax.grad(lambda p: jnp.sum(information_bar * penalty_curvature(p)))(
                params
            )
        matrix = fill_inactive(information, setup.problem.active)
        direction = jnp.linalg.solve(matrix, params_bar + along)
        direction = jnp.where(succeeded(state.status), direction, jnp.nan)
        arrays_bar = sum_blocks(
            lambda b: jax.grad(pulled, argnums=0)(arrays, params, b, direction), rows
        )
        rows_bar = map_blocks(
            lambda b: jax.grad(pulled, argnums=2)(arrays, params, b, direction), rows
        )
        penalty_bar = None
        if setup.penalty is not None:
            penalty_bar = jax.grad(
                lambda given: direction @ penalty_slope(given, params), allow_int=True
            )(setup.penalty)
    # Coordinates and start do not move the optimum; a penalty does.
    nothing: Any = None
    no_slope = traced.Setup(nothing, nothing, nothing, penalty_bar)
    return None, arrays_bar, rows_bar, no_slope


optimum.defvjp(_forward, _backward)
