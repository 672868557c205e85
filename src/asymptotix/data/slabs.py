"""The host evaluator of sums over rows: fixed slabs, fed to one executable by all cores."""

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import numpy as np

from asymptotix.core.precision import double
from asymptotix.core.typing import Array, PyTree
from asymptotix.data.rows import Block, Rows
from asymptotix.data.windows import WHOLE_BLOCKS, fits, rows_after, rows_before, window

SLAB_ROWS = 65_536
"""Rows a slab: large enough to hide a dispatch, small enough to keep several in flight."""


def slab_rows(n: int) -> int:
    """Rows a slab, of so many in memory that programs cut into blocks themselves.

    Twice as many where each core has two such slabs at least: half the calls.
    """
    return 2 * SLAB_ROWS if n >= 4 * SLAB_ROWS * cores() else SLAB_ROWS


class Slabs:
    """Rows cut into slabs of one size, so that any number of rows uses one executable.

    Full slabs are views of the caller's arrays wherever those are float64 and contiguous; only
    the last one is copied, padded with rows of weight zero. In place, the last window reaches back
    over rows of the one before it, and only the few rows that no window can reach are copied. The
    arrays must not change meanwhile.

    Arguments:
        rows: NumPy or JAX arrays.
        size: rows a slab.
        in_place: whether designs are handed on as windows on the caller's arrays, which only
            functions that cut them into blocks can read.
        keep: whether slabs are kept for further passes, which those that are copies make dear.
    """

    keep = False  # evaluators of rows that lie elsewhere keep nothing

    def __init__(
        self, rows: Rows, size: int = SLAB_ROWS, keep: bool = True, in_place: bool = False
    ):
        self.keep, self.in_place = keep, in_place
        self.rows = jax.tree.map(np.asarray, rows)
        self.n, self.size = rows.n, size
        self.stretches = stretches(self.rows.x, self.n, size, in_place)
        self.slabs: list[Block | None] = [None] * len(self.stretches)

    def slab(self, index: int) -> Block:
        """One slab, cut when it is first asked for: by the thread that will work on it."""
        found = self.slabs[index]
        if found is None:
            found = self._cut(index)
            if self.keep:
                self.slabs[index] = found
        return found

    def prepare(self) -> None:
        """Cut the slabs that are kept, while XLA is busy with something else."""
        if self.keep:
            for index in range(len(self.slabs)):
                self.slab(index)

    def _cut(self, index: int) -> Block:
        rows, stretch = self.rows, self.stretches[index]
        first, last, skip, end, rest = stretch

        def part(array):
            taken = np.asarray(array[first:last], np.float64)
            if rest:
                taken = np.concatenate([taken, np.asarray(array[:rest], np.float64)])
            return pad_rows(taken, self.size)

        def covariates(array):
            if self.in_place and fits(array):
                return window(array, slice(first, last), self.size, rest)
            return part(array)

        everything = end - skip == self.size
        if rows.weights is None:
            weight = _constant(self.size, 1.0) if everything else _present(skip, end, self.size)
        else:
            weight = part(rows.weights)
            weight = weight if everything else weight * _present(skip, end, self.size)
        offset = _constant(self.size, 0.0) if rows.offset is None else part(rows.offset)
        counting = np.asarray(skip, np.int32), np.asarray(end, np.int32)
        with double():
            x, y = jax.tree.map(covariates, rows.x), jax.tree.map(part, rows.y)
            return jax.device_put(Block(x, y, weight, offset, counting if self.in_place else None))

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
            own = (v[s.skip : s.end] for v, s in zip(leaves, self.stretches, strict=True))
            return np.roll(np.concatenate(list(own)), self.stretches[0].first, axis=0)

        return jax.tree.map(whole, *parts)

    def each(self, function: Callable[[Block], PyTree[Array]]) -> Iterator:
        """The same one after another, so that not all need be held at once."""

        def run(index):
            with double():  # the precision scope belongs to a thread
                return jax.tree.map(np.asarray, function(self.slab(index)))

        last = len(self.slabs) - 1
        if last == 0:
            return iter([run(0)])
        # A last slab that takes a copy at first must not keep the other cores waiting.
        order = range(last + 1) if self.in_place else (last, *range(last))
        futures = {index: pool().submit(run, index) for index in order}
        return (futures.pop(index).result() for index in range(last + 1))


class Stretch(NamedTuple):
    """The rows of a slab.

    Attributes:
        first, last: where they begin and end.
        skip, end: which of these count; the others are other slabs'.
        rest: how many of the very first rows come after them, and count.
    """

    first: int
    last: int
    skip: int
    end: int
    rest: int = 0


def stretches(x: PyTree[Array], n: int, size: int, in_place: bool = False) -> list[Stretch]:
    """All rows, each in one slab: in place as far as windows reach, if that is asked for.

    There, cores get as many slabs each and slabs as many rows, as near as whole blocks allow:
    windows overlap, and say what of them counts.
    """
    matrices = [leaf for leaf in jax.tree.leaves(x) if fits(leaf)] if in_place else []
    start = max(map(rows_before, matrices), default=0)
    stop = n - max(map(rows_after, matrices), default=0)
    if not matrices or stop - start < size:
        plain = range(0, max(n, 1), size)
        return [Stretch(i, min(i + size, n), 0, min(size, n - i)) for i in plain]
    count = -(-(stop - start) // (size * cores())) * cores()
    rows = min(-(-(stop - start) // (count * WHOLE_BLOCKS)) * WHOLE_BLOCKS, size)
    found = []
    for own in range(start, stop, rows):
        first = min(own, stop - size)
        end = min(own + rows, stop) - first
        found.append(Stretch(first, first + size, own - first, end))
    if stop < n or start:
        found.append(Stretch(stop, n, 0, n - stop + start, rest=start))
    return found


@functools.lru_cache(maxsize=4)
def _constant(size: int, value: float) -> Array:
    """The same number for each row: weights and offsets of rows that have none."""
    with double():
        return jax.device_put(np.full(size, value))


@functools.lru_cache(maxsize=4)
def _present(skip: int, end: int, size: int) -> np.ndarray:
    """One for each row that counts."""
    row = np.arange(size)
    return ((row >= skip) & (row < end)) * 1.0


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
