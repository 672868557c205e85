"""Compiled passes over rows that tests need, at a parameter value of their own choice."""

import functools
from typing import NamedTuple

import jax
import numpy as np

from asymptotix.core.static import Static, split
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.source import source
from asymptotix.fitting import Fit
from asymptotix.fitting.small import widened
from asymptotix.likelihood import Curvature, Sums, block_sums, outer_products


class Evaluations(NamedTuple):
    """The sums at several parameter values at once, along a leading axis."""

    value: Float[Array, "l"]
    score: Float[Array, "l p"]
    information: Float[Array, "l p p"]
    expected: Float[Array, "l p p"] | None


class Evaluator:
    """Log-likelihood, score and information of a fit's model at any working parameters.

    Small data are padded to a standard width, so that designs of similar size share one program.

    Arguments:
        fit: gives model and coordinates; its family at unit dispersion where that is `moment`.
        rows: the rows of the fit.
        expected: whether the expected information is wanted as well.
    """

    def __init__(self, fit: Fit, rows: Rows, expected: bool):
        small = rows.n <= SLAB_ROWS
        wide, rows, keep = widened(fit, rows) if small else (fit, rows, None)
        self.keep = np.arange(fit.params.shape[0]) if keep is None else np.asarray(keep)
        self.size, self.coordinates = wide.params.shape[0], wide.coordinates
        self.arrays, self.static = split(wide.model)
        self.source, self.expected = source(rows), expected

    def __call__(self, params: Float[Array, "l p"]) -> Evaluations:
        """One pass over the rows for all parameter values."""
        wide = np.zeros((len(params), self.size))
        wide[:, self.keep] = params
        found = self.source.sum(
            lambda b: _many(self.static, self.expected, self.arrays, self.coordinates, wide, b)
        )
        rows, columns = self.keep[:, None], self.keep
        value, score, information, expected = found
        return Evaluations(
            value,
            score[:, columns],
            information[:, rows, columns],
            None if expected is None else expected[:, rows, columns],
        )


@functools.partial(row_jit, static_argnums=(0, 1))
def _many(static: Static, with_expected: bool, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)

    def one(theta, block: Block):
        sums = block_sums(model, coordinates, "observed", theta, block)
        expected = None
        if with_expected:
            expected = block_sums(model, coordinates, "expected", theta, block).information
        return Evaluations(*sums, expected)

    return sum_blocks(lambda b: jax.vmap(one, in_axes=(0, None))(params, b), rows)


@functools.partial(row_jit, static_argnums=(0, 1))
def _sums(static: Static, curvature: Curvature, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: block_sums(model, coordinates, curvature, params, b), rows)


@functools.partial(row_jit, static_argnums=(0, 1))
def _meat(static: Static, weight_kind, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: outer_products(model, coordinates, weight_kind, params, b), rows)


def sums_at(model, coordinates, params, rows: Rows, curvature: Curvature) -> Sums:
    """Log-likelihood, score and information of any model at working parameters."""
    arrays, static = split(model)
    found = source(rows).sum(lambda b: _sums(static, curvature, arrays, coordinates, params, b))
    return Sums(*found)


def meat_at(model, coordinates, params, rows: Rows):
    """The sum of outer products of scores there."""
    arrays, static = split(model)
    kind = rows.weight_kind
    return source(rows).sum(lambda b: _meat(static, kind, arrays, coordinates, params, b))
