"""The host evaluator of sums over rows: fixed slabs, fed to one executable by all cores."""

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from asymptotix.core.precision import double
from asymptotix.core.typing import Array, PyTree
from asymptotix.data.rows import Block, Rows
from asymptotix.data.windows import fits, rows_before, window

SLAB_ROWS = 65_536
"""Rows a slab: large enough to hide a dispatch, small enough to keep several in flight."""
MANY_ROWS = 2**19
"""From so many rows, slabs twice as large leave both cores enough, and take half the calls."""


def slab_rows(n: int) -> int:
    """Rows a slab, of so many in memory that programs cut into blocks themselves."""
    return 2 * SLAB_ROWS if n >= MANY_ROWS else SLAB_ROWS


class Slabs:
    """Rows cut into slabs of one size, so that any number of rows uses one executable.

    Full slabs are views of the caller's arrays wherever those are float64 and contiguous; only
    the last one is copied, padded with rows of weight zero. Where windows cannot begin at the very
    first row, it is the last one that takes it. The arrays must not change meanwhile.

    Arguments:
        rows: NumPy or JAX arrays.
        size: rows a slab.
        in_place: whether designs are handed on as windows on the caller's arrays, which only
            functions that cut them into blocks can read.
        keep: whether slabs are kept for further passes, which those that are copies make dear.
    """

    def __init__(
        self, rows: Rows, size: int = SLAB_ROWS, keep: bool = True, in_place: bool = False
    ):
        self.keep, self.in_place = keep, in_place
        self.rows = jax.tree.map(np.asarray, rows)
        self.n, self.size = rows.n, size
        self.lead, count = _lead(self.rows.x, self.n, size) if in_place else 0, -(-self.n // size)
        self.slabs: list[Block | None] = [None] * max(count, 1)
        with double():
            self.ones, self.zeros = jax.device_put((np.ones(size), np.zeros(size)))

    def slab(self, index: int) -> Block:
        """One slab, cut when it is first asked for: by the thread that will work on it."""
        found = self.slabs[index]
        if found is None:
            found = self._cut(index)
            if self.keep:
                self.slabs[index] = found
        return found

    def _cut(self, index: int) -> Block:
        rows, first = self.rows, self.lead + index * self.size
        count = min(first + self.size, self.n) - first
        rest = self.lead if index == len(self.slabs) - 1 else 0

        def part(array):
            taken = np.asarray(array[first : first + count], np.float64)
            if rest:
                taken = np.concatenate([taken, np.asarray(array[:rest], np.float64)])
            return pad_rows(taken, self.size)

        def covariates(array):
            if self.in_place and fits(array):
                return window(array, first, self.size, rest)
            return part(array)

        count += rest
        if rows.weights is None:
            weight = self.ones if count == self.size else _present(count, self.size)
        else:
            weight = part(rows.weights)
            if count < self.size:
                weight[count:] = 0.0
        offset = self.zeros if rows.offset is None else part(rows.offset)
        with double():
            x = jax.tree.map(covariates, rows.x)
            return jax.device_put(Block(x, jax.tree.map(part, rows.y), weight, offset))

    def sum(self, function: Callable[[Block], PyTree[Array]]) -> PyTree[Array]:
        """The sum over slabs of `function(slab)`, always added in the same order."""
        parts = self.map(function)
        return jax.tree.map(lambda *leaves: np.asarray(np.sum(np.stack(leaves), axis=0)), *parts)

    def map(self, function: Callable[[Block], PyTree[Array]]) -> list:
        """`function` of every slab, as NumPy arrays, in order."""
        return list(self.each(function))

    def rowwise(self, function: Callable[[Block], PyTree[Array]]) -> PyTree[Array]:
        """`function` of all rows, one entry a row, as NumPy arrays."""
        parts = self.map(function)

        def whole(*leaves):
            return np.roll(np.concatenate(leaves)[: self.n], self.lead, axis=0)

        return jax.tree.map(whole, *parts)

    def each(self, function: Callable[[Block], PyTree[Array]]) -> Iterator:
        """The same one after another, so that not all need be held at once."""

        def run(index):
            with double():  # the precision scope belongs to a thread
                return jax.tree.map(np.asarray, function(self.slab(index)))

        last = len(self.slabs) - 1
        if last == 0:
            return iter([run(0)])
        # The last slab, which takes a copy at first, must not keep the other cores waiting.
        futures = {index: pool().submit(run, index) for index in (last, *range(last))}
        return (futures.pop(index).result() for index in range(last + 1))


def _lead(x: PyTree[Array], n: int, size: int) -> int:
    """How many rows before the first slab leave room for its windows to begin."""
    rows = max((rows_before(leaf) for leaf in jax.tree.leaves(x) if fits(leaf)), default=0)
    return rows if n > size and (n - 1) % size + 1 > rows else 0  # the last one has its own too


def _present(count: int, size: int) -> np.ndarray:
    """Weights of `count` rows without any, padded."""
    return (np.arange(size) < count) * 1.0


@functools.cache
def pool() -> ThreadPoolExecutor:
    """One thread a core: XLA and NumPy let go of the interpreter while they compute."""
    return ThreadPoolExecutor(max_workers=cores(), thread_name_prefix="asymptotix")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def in_threads(function: Callable, parts) -> list:
    """`function` of each part in double precision, on all cores, in order."""

    def run(part):
        with double():  # the precision scope belongs to a thread
            return function(part)

    return list(pool().map(run, parts))


def over_slabs(function: Callable[[slice], object], n: int, size: int = SLAB_ROWS) -> list:
    """`function` of every slice of `size` rows of `n`, on all cores, in order."""
    parts = [slice(first, min(first + size, n)) for first in range(0, n, size)]
    if len(parts) < 2:
        return [function(part) for part in parts]
    return list(pool().map(function, parts))


def pad_rows(array: np.ndarray, size: int) -> np.ndarray:
    """The array with its first row repeated up to `size` rows, in float64.

    Repeated rows get weight zero; a row of zeros might be outside a family's support.
    """
    if array.shape[0] == size:
        return np.ascontiguousarray(array, np.float64)
    padded = np.empty((size, *array.shape[1:]))
    padded[: array.shape[0]] = array
    padded[array.shape[0] :] = array[:1]
    return padded


def bucket(n: int) -> int:
    """The number of rows to pad small data to: 64, 96, 128, 192, 256, ... so that sizes repeat."""
    size = 64
    while size < n:
        if size * 3 // 2 >= n:
            return size * 3 // 2
        size *= 2
    return size


def column_bucket(k: int) -> int:
    """The number of columns to pad small designs to: 4, 8, 12, ..., 32, 48, 64, 96, ...

    A pass costs the square of it, a program for another width half a second.
    """
    if k <= 32:
        return max(-(-k // 4), 1) * 4
    size = 32
    while size < k:
        if size * 3 // 2 >= k:
            return size * 3 // 2
        size *= 2
    return size
