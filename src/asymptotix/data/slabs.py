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
from asymptotix.data.windows import fits, window

SLAB_ROWS = 65_536
"""Rows a slab: large enough to hide a dispatch, small enough to keep several in flight."""


class Slabs:
    """Rows cut into slabs of one size, so that any number of rows uses one executable.

    Full slabs are views of the caller's arrays wherever those are float64 and contiguous; only
    the last one is copied, padded with rows of weight zero. The arrays must not change meanwhile.

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
        self.ones, self.zeros = np.ones(size), np.zeros(size)
        self.slabs: list[Block | None] = [None] * max(-(-self.n // size), 1)

    def slab(self, index: int) -> Block:
        """One slab, cut when it is first asked for: by the thread that will work on it."""
        found = self.slabs[index]
        if found is None:
            found = self._cut(index * self.size)
            if self.keep:
                self.slabs[index] = found
        return found

    def _cut(self, first: int) -> Block:
        rows, ones, zeros = self.rows, self.ones, self.zeros
        last = min(first + self.size, self.n)
        count = last - first

        def part(array):
            return pad_rows(np.asarray(array[first:last], np.float64), self.size)

        def covariates(array):
            if self.in_place and fits(array):
                return window(array, first, self.size)
            return jax.device_put(part(array))

        present = np.arange(self.size) < count
        block = Block(
            None,
            jax.tree.map(part, rows.y),
            (ones if count == self.size else present * 1.0)
            if rows.weights is None
            else np.where(present, part(rows.weights), 0.0),
            zeros if rows.offset is None else part(rows.offset),
        )
        with double():
            x = jax.tree.map(covariates, rows.x)
            return jax.tree.map(jax.device_put, block)._replace(x=x)

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
        return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: self.n], *parts)

    def each(self, function: Callable[[Block], PyTree[Array]]) -> Iterator:
        """The same one after another, so that not all need be held at once."""

        def run(index):
            with double():  # the precision scope belongs to a thread
                return jax.tree.map(np.asarray, function(self.slab(index)))

        if len(self.slabs) == 1:
            return iter([run(0)])
        return pool().map(run, range(len(self.slabs)))


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
    """The number of columns to pad small designs to: 4, 8, 12, 16, 24, 32, 48, ..."""
    for size in (4, 8, 12, 16):
        if k <= size:
            return size
    size = 16
    while size < k:
        if size * 3 // 2 >= k:
            return size * 3 // 2
        size *= 2
    return size
