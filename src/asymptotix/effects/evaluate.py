"""Averages and row-wise values of effects, with derivatives: sums over rows by the reducer."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import map_blocks, row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.source import source
from asymptotix.effects.kernels import (
    Extra,
    Forms,
    Quantity,
    values_and_jacobians,
    values_of,
    weighted_sums,
)
from asymptotix.effects.scale import Scale
from asymptotix.families import AbstractFamily
from asymptotix.fitting.small import plan, x_outline
from asymptotix.model import Regression, layout

TOGETHER = 64
"""Draws with weights of their own that are averaged in one pass."""


class Change(NamedTuple):
    """Some columns of the design at other values: see `Forms`.

    Attributes:
        index: which columns.
        first, second: their values, shape `(n, len(index))`, or `None`.
        variable: the value of the variable in each row, for elasticities.
    """

    index: np.ndarray = np.zeros(0, np.int32)
    first: np.ndarray | None = None
    second: np.ndarray | None = None
    variable: np.ndarray | None = None


class Averages(NamedTuple):
    """Weighted means by group, and their derivatives in theta.

    Attributes:
        weights: the sum of weights of each group, shape `(g,)`.
        values: shape `(g, c)`.
        jacobian: shape `(g, c, p)`.
    """

    weights: Float[Array, "g"]
    values: Float[Array, "g c"]
    jacobian: Float[Array, "g c p"]


class Sample(NamedTuple):
    """The rows at which effects are evaluated.

    Attributes:
        x: covariates, shape `(n, k)`.
        offset: one number a row, or `None`.
        weights: one number a row, or `None`.
        groups: the group of each row, counted from 0, or `None` for a single one.
        n_groups: how many there are.
    """

    x: np.ndarray
    offset: np.ndarray | None = None
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    n_groups: int = 1


def averages(
    model: Regression, scale: Scale, quantity: Quantity, sample: Sample, change: Change = Change()
) -> Averages:
    """Weighted means over the rows of each group, with exact derivatives in theta."""
    wide, rows, index, keep = _prepared(model, sample, change)
    arrays, static = split((wide, scale))
    size = _power_of_two(sample.n_groups)
    with double():
        weights, values, jacobian = source(rows, keep=False).sum(
            lambda b: _sums(static, quantity, size, arrays, index, b)
        )
    g = sample.n_groups
    weights, values, jacobian = weights[:g], values[:g], jacobian[:g][:, :, keep]
    with np.errstate(invalid="ignore", divide="ignore"):
        return Averages(
            weights, values / weights[:, None], jacobian / weights[:, None, None]
        )  # fmt: skip


def rowwise(
    model: Regression,
    scale: Scale,
    quantity: Quantity,
    sample: Sample,
    matrix: np.ndarray,
    change: Change = Change(),
    with_jacobian: bool = False,
):
    """Values of each row `(n, c)` and their variances, or their derivatives `(n, c, p)`.

    Arguments:
        matrix: the covariance of theta.
        with_jacobian: whether derivatives are returned in place of variances.
    """
    wide, rows, index, keep = _prepared(model, sample, change)
    arrays, static = split((wide, scale))
    padded = np.zeros((layout(wide).size,) * 2)
    padded[np.ix_(keep, keep)] = matrix
    with double():
        values, second = source(rows, keep=False).rowwise(
            lambda b: _rowwise(static, quantity, with_jacobian, arrays, index, padded, b)
        )
    return values, second[:, :, keep] if with_jacobian else second


def simulated_averages(model, scale, quantity, sample: Sample, thetas, change: Change = Change()):
    """Weighted means at each of many parameter vectors, shape `(draws, g, c)`."""
    wide, rows, index, keep = _prepared(model, sample, change)
    arrays, static = split((wide, scale))
    padded = np.zeros((len(thetas), layout(wide).size))
    padded[:, keep] = thetas
    size = _power_of_two(sample.n_groups)
    with double():
        weights, values = source(rows, keep=False).sum(
            lambda b: _simulated(static, quantity, size, arrays, index, padded, b)
        )
    g = sample.n_groups
    return values[:, :g] / weights[:g, None]


def resampled_averages(
    model,
    scale,
    quantity,
    sample: Sample,
    thetas,
    counts: Callable[[slice], np.ndarray],
    change: Change = Change(),
):
    """Means at each of many parameter vectors, each with weights of its own: `(draws, g, c)`.

    Arguments:
        counts: from a stretch of draws to what multiplies the sample's weights in each, shape
            `(draws, n)`.
    """
    wide, rows, index, keep = _prepared(model, sample, change)
    arrays, static = split((wide, scale))
    size, found = _power_of_two(sample.n_groups), []
    for first in range(0, len(thetas), TOGETHER):
        part = slice(first, min(first + TOGETHER, len(thetas)))
        # A last stretch is filled up with draws that do not count, so that one program serves all.
        padded, copies = np.zeros((TOGETHER, layout(wide).size)), np.ones((TOGETHER, len(sample.x)))
        padded[: part.stop - first, keep] = thetas[part]
        padded[part.stop - first :, keep] = thetas[0]
        copies[: part.stop - first] = counts(part)
        extra: Any = rows.y
        own = dataclasses.replace(rows, y=Copied(extra.group, extra.variable, copies.T))
        with double():
            weights, values = source(own, keep=False).sum(
                functools.partial(_resampled, static, quantity, size, arrays, index, padded)
            )
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append((values / weights[:, :, None])[: part.stop - first])
    return np.concatenate(found)[:, : sample.n_groups]


def simulated_rows(model, scale, quantity, sample: Sample, thetas, change: Change = Change()):
    """Values of each row at each of many parameter vectors, shape `(draws, n, c)`."""
    wide, rows, index, keep = _prepared(model, sample, change)
    arrays, static = split((wide, scale))
    padded = np.zeros((len(thetas), layout(wide).size))
    padded[:, keep] = thetas
    with double():
        values = source(rows, keep=False).rowwise(
            functools.partial(_simulated_rows, static, quantity, arrays, index, padded)
        )
    return np.swapaxes(values, 0, 1)


def values_by_row(model, scale, quantity, sample: Sample, change: Change = Change()) -> np.ndarray:
    """Values of each row, shape `(n, c)`, without derivatives."""
    wide, rows, index, _ = _prepared(model, sample, change)
    arrays, static = split((wide, scale))
    with double():
        return source(rows, keep=False).rowwise(
            lambda b: _values(static, quantity, arrays, index, b)
        )


class Copied(NamedTuple):
    """`Extra`, with how often each row counts in each of some draws."""

    group: Float[Array, "n"]
    variable: Float[Array, "n"]
    copies: Float[Array, "n draws"]


def means(family: AbstractFamily, eta: np.ndarray) -> np.ndarray:
    """The mean at each of the scalar predictors of each row, shape `(n, m)` as they are."""
    arrays, static = split(family)
    with double():
        rows = source(Rows(eta, np.broadcast_to(0.0, len(eta))), keep=False)
        return rows.rowwise(functools.partial(_means, static, arrays))


def _prepared(model: Regression, sample: Sample, change: Change):
    """`(model, rows, index, keep)`: small data at a standard width, so that little is compiled."""
    x, keep = sample.x, np.arange(layout(model).size)
    if len(x) <= SLAB_ROWS:
        given = plan(model, x_outline(x))
        if given.width:
            keep = given.keep
            theta = np.zeros(given.wide.size)
            theta[keep] = given.layout.flatten(model)
            model = given.wide.replace(model, theta)
            x = np.pad(x, ((0, 0), (0, given.width - x.shape[1])))
    index, forms = _padded(x, change)
    return model, rows_of(sample, forms, change), index, keep


def rows_of(sample: Sample, forms: Forms, change: Change) -> Rows:
    """Rows for the reducer: forms of the covariates, groups, weights and offsets."""
    zeros = np.broadcast_to(0.0, len(forms.x))
    group = zeros if sample.groups is None else np.asarray(sample.groups, float)
    variable = zeros if change.variable is None else change.variable
    return Rows(
        forms,
        Extra(group, variable),
        weights=sample.weights,
        weight_kind=None if sample.weights is None else "sampling",
        offset=sample.offset,
    )


def _padded(x, change: Change) -> tuple[np.ndarray, Forms]:
    """The last changed column repeated up to a standard number of them: it is set twice."""
    index = np.asarray(change.index, np.int32)
    size = _power_of_two(len(index)) if len(index) else 0
    spare = ((0, 0), (0, size - len(index)))

    def wider(columns):
        if columns is None or not len(index):
            return None
        return columns if columns.shape[1] == size else np.pad(columns, spare, mode="edge")

    index = np.pad(index, spare[1], mode="edge") if len(index) else index
    return index, Forms(x, wider(change.first), wider(change.second))


def _power_of_two(n: int) -> int:
    return 1 << (max(n, 1) - 1).bit_length()


@functools.partial(row_jit, static_argnums=(0, 1, 2))
def _sums(static, quantity, n_groups, arrays, index, rows: Block):
    model, scale = static.combine(arrays)

    def block(b: Block):
        weights = _group_weights(b, n_groups)
        return weights.sum(axis=0), *weighted_sums(model, scale, quantity, index, weights, b)

    return sum_blocks(block, rows)


def _group_weights(b: Block, n_groups: int):
    """The weight of each row in the column of its group, 0 in the others."""
    if n_groups == 1:
        return b.weight[:, None]
    belongs = b.y.group[:, None] == np.arange(n_groups)
    return jnp.where(belongs, b.weight[:, None], 0.0)


@functools.partial(row_jit, static_argnums=(0, 1, 2))
def _rowwise(static, quantity, with_jacobian, arrays, index, matrix, rows: Block):
    model, scale = static.combine(arrays)

    def block(b: Block):
        values, jacobian = values_and_jacobians(model, scale, quantity, index, b)
        if with_jacobian:
            return values, jacobian
        return values, jnp.einsum("ncp,pq,ncq->nc", jacobian, matrix, jacobian)

    return map_blocks(block, rows)


@functools.partial(row_jit, static_argnums=(0, 1))
def _values(static, quantity, arrays, index, rows: Block):
    model, scale = static.combine(arrays)
    theta = layout(model).flatten(model)
    return map_blocks(lambda b: values_of(model, scale, quantity, theta, index, b), rows)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _simulated(static, quantity, n_groups, arrays, index, thetas, rows: Block):
    model, scale = static.combine(arrays)

    def block(b: Block):
        weights = _group_weights(b, n_groups)

        def at(theta):
            values = values_of(model, scale, quantity, theta, index, b)
            return weights.T @ values

        return weights.sum(axis=0), jax.lax.map(at, thetas)

    return sum_blocks(block, rows)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _resampled(static, quantity, n_groups, arrays, index, thetas, rows: Block):
    model, scale = static.combine(arrays)

    def block(b: Block):
        weights = _group_weights(b, n_groups)

        def at(given):
            theta, copies = given
            own = weights * copies[:, None]
            return own.sum(axis=0), own.T @ values_of(model, scale, quantity, theta, index, b)

        return jax.lax.map(at, (thetas, b.y.copies.T))

    return sum_blocks(block, rows)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _simulated_rows(static, quantity, arrays, index, thetas, rows: Block):
    model, scale = static.combine(arrays)

    def block(b: Block):
        values = jax.lax.map(lambda t: values_of(model, scale, quantity, t, index, b), thetas)
        return jnp.swapaxes(values, 0, 1)

    return map_blocks(block, rows)


@functools.partial(row_jit, static_argnums=0)
def _means(static, arrays, rows: Block):
    family = static.combine(arrays)
    return map_blocks(lambda b: jax.vmap(jax.vmap(family.mean))(b.x), rows)
