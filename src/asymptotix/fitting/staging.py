"""Replicates on their way to a program: padded to standard sizes in memory that is used again."""

import dataclasses
import threading
from typing import Any

import jax
import numpy as np

from asymptotix.data.slabs import column_bucket

CHUNK_BYTES = 2**23
"""Bytes of replicates a chunk: enough to hide a dispatch, little enough to stay in a cache."""
LONGEST_CHUNK = 512
NARROW = 8
LINE = 64


def row_steps(n: int) -> int:
    """The number of rows to pad to: steps of 64, then of an eighth of the power of two below."""
    step = max(64, 2 ** (n.bit_length() - 4))
    return -(-n // step) * step


def column_steps(k: int) -> int:
    """The number of columns to pad to: 2, 4, 6, 8, and then as all small designs.

    The time of many fits is in their columns; that of one is not.
    """
    return -(-k // 2) * 2 if k <= NARROW else column_bucket(k)


@dataclasses.dataclass(frozen=True)
class Stage:
    """How arrays of replicates are padded.

    Attributes:
        rows: padded number of rows.
        width: padded number of columns of `x`; 0 where it is not padded.
        parameters: padded number of parameters.
        keep: which of them are the model's.
        feature_major: whether `x` is turned, so that its columns lie one after another.
    """

    rows: int
    width: int
    parameters: int
    keep: np.ndarray
    feature_major: bool

    def one(self, name: str, value):
        """What all replicates share, padded."""
        mapped = jax.tree.map(lambda a: np.asarray(a)[None], value)
        return jax.tree.map(lambda a: a[0], self._padded(name, mapped, None, 1, 1))

    def many(
        self, local: threading.local, mapped: dict[str, Any], count: int, size: int, group: int
    ):
        """Replicates' own data, padded, in a thread's own buffers of `size` replicates.

        The last one is repeated to the end of its group, which would wait for what is there.
        """
        buffers = getattr(local, "buffers", {})
        out = {
            name: self._padded(name, value, buffers.get(name), count, size)
            for name, value in mapped.items()
        }
        local.buffers = out
        if count % group:
            for leaf in jax.tree.leaves(out):
                leaf[count : count + group - count % group] = leaf[count - 1]
        return out

    def chunk(self, sample: dict[str, Any]) -> int:
        """How many replicates a program takes at a time, given the data of one."""
        padded = {name: self._padded(name, v, None, 1, 1) for name, v in sample.items()}
        size = sum(leaf.nbytes for leaf in jax.tree.leaves(padded))
        return int(np.clip(CHUNK_BYTES // max(size, 1), 4, LONGEST_CHUNK))

    def _padded(self, name: str, value, buffer, count: int, size: int):
        leaves, treedef = jax.tree.flatten(value)
        held = [None] * len(leaves) if buffer is None else jax.tree.leaves(buffer)
        filled = [
            self._fill(name, np.asarray(leaf), into, count, size)
            for leaf, into in zip(leaves, held, strict=True)
        ]
        return jax.tree.unflatten(treedef, filled)

    def _fill(self, name: str, array: np.ndarray, buffer, count: int, size: int):
        if buffer is None:
            buffer = _aligned_zeros((size, *self._shape(name, array.shape[1:])))
        part = buffer[:count]
        if name == "start":
            part[:, self.keep] = array
            return buffer
        axis = 1
        if name == "x" and self.feature_major:
            axis, array = 2, array.swapaxes(1, 2)
        n = array.shape[axis]
        inner = tuple(slice(0, s) for s in array.shape)
        part[inner] = array
        if name not in ("weight", "offset") and n < self.rows:
            # Rows of weight zero repeat the first: zeros might be outside a family's support.
            pad = (*inner[:axis], slice(n, None), *inner[axis + 1 :])
            part[pad] = array[(slice(None),) * axis + (slice(0, 1),)]
        return buffer

    def _shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        if name == "start":
            return (self.parameters,)
        if name == "x" and self.width:
            return (self.width, self.rows) if self.feature_major else (self.rows, self.width)
        return (self.rows, *shape[1:])


def _aligned_zeros(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros that begin on a cache line: XLA reads such arrays where they lie, and copies others."""
    count = int(np.prod(shape))
    whole = np.zeros(count + LINE // 8)
    first = -whole.ctypes.data % LINE // 8
    return whole[first : first + count].reshape(shape)
