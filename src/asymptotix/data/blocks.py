"""The traced evaluator of sums over rows: a loop over blocks inside the caller's `jit`."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.typing import Array, PyTree
from asymptotix.data.rows import Block
from asymptotix.data.windows import cut, is_window

BLOCK_ROWS = 1024
"""Rows a block: 20 columns of float64 stay in a core's second-level cache."""


def sum_blocks(function: Callable[[Block], PyTree[Array]], rows: Block, size: int = BLOCK_ROWS):
    r"""$\sum_{\text{blocks}} f(\text{block})$ without any temporary of `n` rows.

    Arguments:
        function: from a `Block` to a pytree of sums over its rows, each row times its weight.
        rows: all rows as one block.
        size: rows in one block.
    """
    if rows.weight.shape[0] <= size:
        return function(rows)

    def add(total, block):
        return jax.tree.map(jnp.add, total, function(block))

    shapes = jax.eval_shape(lambda r: function(_take(r, 0, size)), rows)
    return fold_blocks(add, jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes), rows, size)


def fold_blocks(function, start, rows: Block, size: int = BLOCK_ROWS):
    """`function(carry, block)` over all blocks in turn, from `start`.

    The number of blocks is static. The last block is moved back to end at the last row and the
    rows that it shares with its neighbour get weight zero, so nothing is padded or copied.
    """
    n = rows.weight.shape[0]
    if n <= size:
        return function(start, rows)
    count = np.int32(-(-n // size))
    return lax.fori_loop(np.int32(0), count, lambda i, c: function(c, _take(rows, i, size)), start)


def map_blocks(function: Callable[[Block], PyTree[Array]], rows: Block, size: int = BLOCK_ROWS):
    """`function` of each block, its outputs (one entry a row) put together again.

    Arguments:
        function: from a `Block` to a pytree of arrays with one entry for each of its rows.
        rows: all rows as one block.
        size: rows in one block.
    """
    n = rows.weight.shape[0]
    if n <= size:
        return function(rows)
    count = np.int32(-(-n // size))
    shapes = jax.eval_shape(lambda r: function(_slice(r, np.int32(0), size)), rows)
    start = jax.tree.map(lambda s: jnp.zeros((n, *s.shape[1:]), s.dtype), shapes)

    def body(index, out):
        first = jnp.minimum(index * np.int32(size), np.int32(n - size))
        values = function(_slice(rows, first, size))
        return jax.tree.map(
            lambda o, v: lax.dynamic_update_slice_in_dim(o, v, first, 0), out, values
        )

    return lax.fori_loop(np.int32(0), count, body, start)


def _take(rows: Block, index, size: int) -> Block:
    n = rows.weight.shape[0]
    first = jnp.minimum(index * np.int32(size), np.int32(n - size))
    block = _slice(rows, first, size)
    fresh = first + np.arange(size, dtype=np.int32) >= index * np.int32(size)
    return block._replace(weight=jnp.where(fresh, block.weight, 0))


def _slice(rows: Block, first, size: int) -> Block:
    return jax.tree.map(lambda a: cut(a, first, size), rows, is_leaf=is_window)
