"""Numbers of single rows: predictors of any model, and functions of a predictor and a response."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.core.typing import Array, Key
from asymptotix.covariances.passes import at_standard_width
from asymptotix.data.blocks import map_blocks, row_jit
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import bucket
from asymptotix.data.source import source
from asymptotix.families import AbstractFamily
from asymptotix.fitting import Fit
from asymptotix.predictors import with_offset


def row_predictors(fit: Fit, rows: Rows) -> np.ndarray:
    r"""$\eta$ of each row, offset included: shape `(n,)`, or `(n, m)` of a vector."""
    with double():
        wide, rows, _ = at_standard_width(fit, rows)
        arrays, static = split(wide.model.predictor)
        return source(rows).rowwise(lambda b: _predictors(static, arrays, b))


@functools.partial(row_jit, static_argnums=0)
def _predictors(static, arrays, rows: Block):
    predictor = static.combine(arrays)

    def one(x, offset):
        return with_offset(predictor(x), offset)

    return map_blocks(lambda b: jax.vmap(one)(b.x, b.offset), rows)


def row_uniforms(key: Key, n: int) -> np.ndarray:
    """One uniform number a row; drawn at a standard size, so that one more row compiles nothing."""
    with double():
        return np.asarray(jax.random.uniform(key, (bucket(n),), np.float64))[:n]


def row_values(function: Callable, family: AbstractFamily, eta: np.ndarray, y: Array):
    """`function(family, eta, y)` of one observation, for all rows.

    One program serves all designs, whatever their columns.

    Arguments:
        function: a module's function, so that the program is found again.
        family: at the dispersion wanted.
        eta: predictors, rows first.
        y: responses, rows first; a pytree.
    """
    arrays, static = split(family)
    with double():
        rows = Rows(eta, y)
        return source(rows).rowwise(lambda b: _values(static, function, arrays, b))


@functools.partial(row_jit, static_argnums=(0, 1))
def _values(static, function, arrays, rows: Block):
    family = static.combine(arrays)
    return map_blocks(lambda b: jax.vmap(lambda e, y: function(family, e, y))(b.x, b.y), rows)
