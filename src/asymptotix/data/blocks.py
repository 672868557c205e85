"""The traced evaluator of sums over rows: a loop over blocks inside the caller's `jit`."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.quick_jit import ONE_THREAD, QUICKEST, quick_jit
from asymptotix.core.typing import Array, PyTree
from asymptotix.data.rows import Block
from asymptotix.data.windows import cut, is_window

BLOCK_ROWS = 1024
"""Rows a block: 20 columns of float64 stay in a core's second-level cache."""
FEW_ROWS = 2048
"""So many rows are one block: a loop takes 0.1 s to compile, and longer than it saves."""

QUICK_ROWS = 8192
"""Rows up to which a program on them had better compile quickly than run fast."""


def row_jit(function, **kwargs):
    """`jax.jit` of one pass over a stretch of rows, on one thread beside others.

    Not for loops of many passes over few rows, which should run fast before all.

    Arguments:
        function: one of its arguments is a `Block`, by whose size the compiler's options are
            chosen.
        kwargs: as for `jax.jit`.
    """
    few, many = (quick_jit(function, options, **kwargs) for options in (QUICKEST, ONE_THREAD))

    @functools.wraps(function)
    def call(*args):
        rows = next(arg for arg in args if isinstance(arg, Block)).weight.shape[0]
        return (few if rows <= QUICK_ROWS else many)(*args)

    return call


def sum_blocks(
    function: Callable[[Block], PyTree[Array]],
    rows: Block,
    size: int | None = None,
):
    r"""$\sum_{\text{blocks}} f(\text{block})$ without any temporary of `n` rows.

    Arguments:
        function: from a `Block` to a pytree of sums over its rows, each row times its weight.
        rows: all rows as one block.
        size: rows in one block; chosen by how many there are, if not given.
    """
    size = _rows_of_block(rows, size)
    if rows.weight.shape[0] <= size:
        return function(_whole(rows))

    def add(total, block):
        return jax.tree.map(jnp.add, total, function(block))

    shapes = jax.eval_shape(lambda r: function(_take(r, 0, size)), rows)
    start = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    return fold_blocks(add, start, rows, size)


def fold_blocks(function, start, rows: Block, size: int | None = None):
    """`function(carry, block)` over all blocks in turn, from `start`.

    The number of blocks is static unless the rows say which of them count. The last block is moved
    back to end at the last row and the rows that it shares with its neighbour get weight zero, so
    nothing is padded or copied.
    """
    n, size = rows.weight.shape[0], _rows_of_block(rows, size)
    if n <= size:
        return function(start, _whole(rows))
    return lax.fori_loop(
        *_blocks(rows, size), lambda i, c: function(c, _take(rows, i, size)), start
    )


def map_blocks(function: Callable[[Block], PyTree[Array]], rows: Block, size: int | None = None):
    """`function` of each block, its outputs (one entry a row) put together again.

    Blocks of which no row counts are left out, and their outputs zero.

    Arguments:
        function: from a `Block` to a pytree of arrays with one entry for each of its rows.
        rows: all rows as one block.
        size: rows in one block; chosen by how many there are, if not given.
    """
    n, size = rows.weight.shape[0], _rows_of_block(rows, size)
    if n <= size:
        return function(_whole(rows))
    shapes = jax.eval_shape(lambda r: function(_slice(r, np.int32(0), size)), rows)
    start = jax.tree.map(lambda s: jnp.zeros((n, *s.shape[1:]), s.dtype), shapes)

    def body(index, out):
        first = jnp.minimum(index * np.int32(size), np.int32(n - size))
        values = function(_slice(rows, first, size))
        return jax.tree.map(
            lambda o, v: lax.dynamic_update_slice_in_dim(o, v, first, 0), out, values
        )

    return lax.fori_loop(*_blocks(rows, size), body, start)


def leading(rows: Block, share: int) -> tuple[Block, slice]:
    """The same rows, of which only the first of so many shares counts, in whole blocks; and which.

    Arguments:
        rows: a slab of several blocks that says which of its rows count (concrete arrays).
        share: into how many shares its blocks are divided.
    """
    size = _rows_of_block(rows, None)
    first, last = (int(block) for block in _blocks(rows, size))
    begin, end = first * size, (first + -(-(last - first) // share)) * size
    end = min(end, rows.weight.shape[0])
    return rows._replace(counting=(np.int32(begin), np.int32(end))), slice(begin, end)


def _blocks(rows: Block, size: int):
    """The first block with rows that count, and the one after the last."""
    if rows.counting is None:
        return np.int32(0), np.int32(-(-rows.weight.shape[0] // size))
    first, last = rows.counting
    return first // np.int32(size), (last + np.int32(size - 1)) // np.int32(size)


def _rows_of_block(rows: Block, size: int | None) -> int:
    if size is not None:
        return size
    return FEW_ROWS if rows.weight.shape[0] <= FEW_ROWS else BLOCK_ROWS


def _take(rows: Block, index, size: int) -> Block:
    n = rows.weight.shape[0]
    first = jnp.minimum(index * np.int32(size), np.int32(n - size))
    block = _slice(rows, first, size)
    fresh = first + np.arange(size, dtype=np.int32) >= index * np.int32(size)
    return block._replace(weight=jnp.where(fresh, block.weight, 0))


def _whole(rows: Block) -> Block:
    return jax.tree.map(
        lambda a: cut(a, 0, a.shape[0]) if is_window(a) else a,
        rows._replace(counting=None),
        is_leaf=is_window,
    )


def _slice(rows: Block, first, size: int) -> Block:
    rows = rows._replace(counting=None)
    return jax.tree.map(lambda a: cut(a, first, size), rows, is_leaf=is_window)
