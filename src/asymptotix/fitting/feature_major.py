r"""Newton's method on one small design whose columns lie one after another in memory.

The rows of a small problem stay in a core's cache, so that what counts is the number of passes
over columns: with products $x_j x_l$ kept, the information of a point is one matrix-vector
product, $\sum_i h_i x_{ij} x_{il} = (P h)_{jl}$.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.linalg import factor_and_solver, share_unexplained
from asymptotix.core.status import CODE
from asymptotix.core.totals import total
from asymptotix.core.typing import Array, Bool, Float
from asymptotix.data.rows import Block
from asymptotix.fitting import newton
from asymptotix.fitting.penalised import penalised
from asymptotix.fitting.traced import Setup
from asymptotix.likelihood import Coordinates, Statistics, Sums, weighted
from asymptotix.likelihood.coordinates import Moments, coordinates_from
from asymptotix.likelihood.statistics import statistics_at
from asymptotix.likelihood.structured import scalar_derivatives

PRODUCTS_TO = 8
SHARED_PRODUCTS_TO = 16
"""Columns up to which the products of a design are kept, of one's own and of one that many
replicates share: making them costs a pass, and wide ones fall out of the cache."""


class Columns(NamedTuple):
    r"""A standardised design, feature-major, and the products of its columns.

    Attributes:
        design: one row a column.
        products: $x_j x_l$ for $j \le l$, one row a pair; `None` for wide designs.
    """

    design: Float[Array, "k n"]
    products: Float[Array, "pairs n"] | None


def held(k: int) -> int:
    """Numbers a row that are kept, or made anew, of a design of `k` columns of one's own."""
    return k + (k * (k + 1) // 2 if k <= PRODUCTS_TO else k)


def coordinates(design: Float[Array, "k n"], weight, active: Bool[Array, "k"]) -> Coordinates:
    """The working coordinates of a design, as `traced_coordinates` has them."""
    present = (weight > 0).astype(design.dtype)
    first = lax.argmax(weight > 0, 0, np.int32)
    reference = lax.dynamic_slice_in_dim(design, first, 1, axis=1)[:, 0]
    shifted = (design - reference[:, None]) * present
    ones = jnp.ones_like(present)
    moments = Moments(present @ ones, shifted @ ones, (shifted * shifted) @ ones)
    return lax.optimization_barrier(coordinates_from(moments, reference, active))


def columns(design: Float[Array, "k n"], c: Coordinates, products_to: int) -> Columns:
    """The design as the solver sees it.

    Arguments:
        design: the columns.
        c: their coordinates.
        products_to: the widest design whose products are worth keeping.
    """
    moved = (design - c.center[:, None]) * c.inverse_scale[:, None]
    k = design.shape[0]
    if k > products_to:
        return Columns(moved, None)
    left, right = np.triu_indices(k)
    return Columns(moved, moved[left] * moved[right])


def gram(given: Columns, weight: Float[Array, "n"]) -> Float[Array, "k k"]:
    r"""$\sum_i h_i x_i x_i^\top$."""
    design = given.design
    if given.products is None:
        return (design * weight) @ design.T
    k = design.shape[0]
    position = np.zeros((k, k), np.int32)
    left, right = np.triu_indices(k)
    position[left, right] = position[right, left] = np.arange(left.size)
    return (given.products @ weight)[position]


def sums(model, curvature: str, given: Columns, block: Block, params) -> Sums:
    """All sums at one point."""
    eta = params @ given.design + block.offset
    rows = scalar_derivatives(model.family, curvature, eta, block.y)
    value, first, second = (weighted(block.weight, v) for v in rows)
    return Sums(total(value), given.design @ first, gram(given, second))


def statistics(model, given: Columns, block: Block, params) -> Statistics:
    """The model's statistics, each row's by itself: one array for each sum."""
    eta = params @ given.design + block.offset

    def one(row: Block, e):
        row = jax.tree.map(lambda v: v[None], row)
        return statistics_at(model.family, e[None], row)

    each = jax.vmap(one)(block._replace(x=block.weight), eta)  # of x nothing is read
    return Statistics(*map(total, each))


def solve(model, options: newton.Newton, given: Columns, block: Block, setup: Setup):
    """Newton's method by Cholesky, until it ends or meets an information that needs more care.

    Arguments:
        model, options, block, setup: as in `traced.solve`.
        given: the columns.

    Returns:
        The last state. One that still runs, or whose factor is not `sound`, is for a driver that
        takes factors from the rows.
    """
    active = setup.problem.active

    def body(state):
        params = newton.trial(state)
        at = sums(model, options.curvature, given, block, params)
        at = penalised(at, setup.penalty, setup.coordinates, params)
        factor, solve_for = factor_and_solver(at.information, active)
        there = newton.Evaluation(*at, newton.trusted(factor))
        return newton.advance(options, setup.problem, state, there, solve=solve_for)

    def goes_on(state):
        fine = (state.steps < 0) | jnp.isfinite(state.here.factor[0, 0])
        return (state.status == CODE["running"]) & fine

    return lax.while_loop(goes_on, body, newton.start(setup.start))


def sound(state: newton.NewtonState) -> Bool[Array, ""]:
    """Whether a state's factor is to be relied on."""
    share = jnp.min(share_unexplained(state.here.factor))
    failed = state.status == CODE["not_finite"]
    return ((state.status != CODE["running"]) & (share >= newton.ILL_CONDITIONED)) | failed
