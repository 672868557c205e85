r"""The derivative of estimates with respect to data, by the implicit function theorem.

At the optimum the score vanishes, so $d\hat\theta = I^{-1}\,\partial_{\mathrm{rows}} s$ with the
*observed* information $I$. The rule is written out (and not left to a solver's own adjoint)
because its backward pass must re-enter double precision, and must visit rows block by block.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from asymptotix.core.linalg import fill_inactive
from asymptotix.core.precision import scope
from asymptotix.core.static import Static
from asymptotix.core.status import succeeded
from asymptotix.data.blocks import map_blocks, sum_blocks
from asymptotix.data.rows import Block
from asymptotix.fitting import newton, traced
from asymptotix.likelihood import block_sums, exact
from asymptotix.model import Regression


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def optimum(static: Static, options: newton.Newton, arrays, rows: Block, setup: traced.Setup):
    """`(params, observed information, final state)` in working coordinates.

    Arguments:
        static, arrays: the model, split.
        options: the solver.
        rows: all rows.
        setup: coordinates and start; taken as given by the derivative.
    """
    model = static.combine(arrays)
    state = traced.solve(model, options, rows, setup, qr=True)
    information = state.here.information
    if options.curvature != "observed":
        information = observed_information(model, setup, state.params, rows)
    return state.params, information, state


def observed_information(model, setup, params, rows: Block):
    """The observed information by one pass."""
    return sum_blocks(
        lambda b: block_sums(model, setup.coordinates, "observed", params, b), rows
    ).information


def _forward(static, options, arrays, rows, setup):
    out: Any = optimum(static, options, arrays, rows, setup)
    return out, (arrays, rows, setup, *out)


def _backward(static, options, residuals, cotangents):
    del options
    arrays, rows, setup, params, information, state = residuals
    params_bar, information_bar, _ = cotangents
    with scope(params.dtype):

        def pulled(leaves, theta, block, direction):
            given = static.combine(leaves)
            model = Regression(given.predictor, given.family.smooth_in_response())
            sums = block_sums(model, exact(setup.coordinates), "observed", theta, block)
            return direction @ sums.score + jnp.sum(information_bar * sums.information)

        along = sum_blocks(
            lambda b: jax.grad(pulled, argnums=1)(arrays, params, b, jnp.zeros_like(params)), rows
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
    return arrays_bar, rows_bar, None  # coordinates and start do not move the optimum


optimum.defvjp(_forward, _backward)
