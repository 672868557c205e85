"""Rows of a NumPy matrix that a compiled program reads where they lie.

XLA reads NumPy memory in place only from addresses that are multiples of 64, which a matrix's
first row seldom has. A window therefore begins up to seven numbers early, at such an address, and
the program skips these when it cuts its blocks: nothing of the matrix's size is copied.
"""

import mmap

import equinox as eqx
import numpy as np
from jax import lax

from asymptotix.core.typing import Array, Float, Int

ALIGNMENT = 64
SPARE = ALIGNMENT // 8
WHOLE_BLOCKS = 4096
"""Rows that are whole blocks of any size: by these slabs share rows, to these copies are filled."""


class Window(eqx.Module):
    """A stretch of rows of a matrix, not yet cut out of the buffer that holds it.

    Attributes:
        flat: the numbers, row after row, with some before the first row.
        shift: how many.
        shape: rows and columns.
    """

    flat: Float[Array, "_"]
    shift: Int[Array, ""]
    shape: tuple[int, int] = eqx.field(static=True)

    def block(self, first, size: int) -> Float[Array, "size k"]:
        """`size` rows from row `first`."""
        k = self.shape[1]
        start = self.shift + first * np.int32(k)
        return lax.dynamic_slice_in_dim(self.flat, start, size * k).reshape(size, k)


def is_window(node) -> bool:
    """Whether a node of a pytree is a window."""
    return isinstance(node, Window)


def cut(leaf, first, size: int):
    """`size` entries from `first` of an array or a window."""
    if isinstance(leaf, Window):
        return leaf.block(first, size)
    return lax.dynamic_slice_in_dim(leaf, first, size)


def fits(array: np.ndarray) -> bool:
    """Whether rows of an array can be read in place."""
    return array.ndim == 2 and array.dtype == np.float64 and array.flags.c_contiguous


def rows_before(array: np.ndarray) -> int:
    """How many rows must come before a window on a matrix if it is to begin in its memory."""
    return 0 if array.ctypes.data % ALIGNMENT == 0 else -(-(SPARE - 1) // array.shape[1])


def rows_after(array: np.ndarray) -> int:
    """How many rows must come after a window on a matrix if it is to end in its memory."""
    return -(-SPARE // array.shape[1])


def window(array: np.ndarray, rows: slice, size: int, rest: int = 0) -> Window:
    """A stretch of rows of a matrix; copied only where it reaches over the matrix's ends.

    Arguments:
        array: the matrix.
        rows: from which row to which.
        size: rows of the window.
        rest: how many of the matrix's first rows come after these. Further rows count for nothing:
            those of a block that has others repeat the first one, the rest are zero.
    """
    k = array.shape[1]
    flat = array.reshape(-1)
    shift = (flat.ctypes.data // 8 + rows.start * k) % SPARE
    begin, length = rows.start * k - shift, size * k + SPARE
    reaches = begin >= 0 and begin + length <= flat.size and flat.ctypes.data % 8 == 0
    if reaches and not rest:
        stretch = flat[begin : begin + length]
    else:
        stretch, shift = _untouched(length), 0
        inside, end = stretch[: size * k].reshape(size, k), rows.stop - rows.start + rest
        inside[: end - rest] = array[rows]
        inside[end - rest : end] = array[:rest]
        inside[end : -(-end // WHOLE_BLOCKS) * WHOLE_BLOCKS] = inside[0]
    return Window(stretch, np.asarray(shift, np.int32), (size, k))


def _untouched(length: int) -> np.ndarray:
    """Zeros from an aligned address on, in memory that costs nothing until it is touched.

    NumPy's own cost milliseconds: a library that has been given so much back keeps it, and writes
    the zeros.
    """
    return np.frombuffer(mmap.mmap(-1, 8 * length))
