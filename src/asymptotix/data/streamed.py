"""Rows that this process does not hold together: what a fit asks of them, and sums over streams."""

import collections
import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from typing import Any

import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.typing import Array, PyTree
from asymptotix.data.memory import EVERY, give_back
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS, Slabs, cores, pool, stretches


def _unseen(_: int):
    return contextlib.nullcontext(lambda more: None)


def _judged(check: Callable[[PyTree[Array]], None]) -> None:
    """Responses that were judged when the source was surveyed."""


@dataclasses.dataclass(frozen=True)
class StreamedRows:
    """What a fit asks of its rows, of rows that are never held together.

    They are read from a source again and again, or lie on several devices or workers.

    Arguments:
        read: reads the source once, from its first row on: its rows, a stretch at a time.
        n, total: rows, and the sum of their weights.
        present_rows: rows of positive weight.
        weight_kind: as in `Rows`.
        sample: rows spread evenly over the source.
        constant: the design's columns that are 1 in every row by definition.
        distinct: the different responses with their weights, where they are few.
        groups: codes of clusters, one a row, by label.
        tags: integers beside each row, which its blocks carry next to the response.
        intercept_only: whether covariates are replaced by a single 1.
        marks: sums over each slab as it was first read.
        progress: from a number of rows to a bar that counts them.
        checkpoint: keeps the state of a fit after each pass.
        evaluator: from these rows to the evaluator of sums over them; `StreamedSlabs` by default.
        together: whether the evaluator has one sum over all rows, none of a slab each.
        judge: from a check of responses to its verdict on all of them.
    """

    read: Callable[[], Iterator[Rows]]
    n: int
    total: float
    present_rows: int
    weight_kind: Any
    sample: Rows
    constant: tuple[int, ...] = ()
    distinct: Rows | None = None
    groups: dict[str, np.ndarray] | None = None
    tags: tuple[np.ndarray, ...] | None = None
    intercept_only: bool = False
    marks: list = dataclasses.field(default_factory=list)
    progress: Callable[[int], Any] = _unseen
    checkpoint: Any = None
    evaluator: "Callable[[StreamedRows], Slabs] | None" = None
    together: bool = False
    judge: Callable[[Callable], None] = _judged

    @property
    def counts(self) -> tuple[float, float, float]:
        """Rows present, observations, and the sum of weights."""
        n = self.total if self.weight_kind == "frequency" else self.present_rows
        return float(self.present_rows), float(n), self.total

    @property
    def present(self) -> np.ndarray:
        """Which rows have positive weight."""
        if self.weight_kind is None:
            return np.ones(self.n, bool)
        return slabs_of(self).rowwise(_is_present)

    def with_groups(self, groups: dict[str, np.ndarray]) -> "StreamedRows":
        """The same rows with these codes of clusters."""
        return dataclasses.replace(self, groups=groups)

    def tagged(self, tags: tuple[np.ndarray, ...]) -> "StreamedRows":
        """The same rows with integers beside each response."""
        return dataclasses.replace(self, tags=tags)

    def with_constant(self) -> "StreamedRows":
        """The same rows with a single covariate, which is 1."""
        return dataclasses.replace(
            self,
            intercept_only=True,
            sample=constant_rows(self.sample),
            constant=(0,),
            distinct=None,
            checkpoint=None,
        )

    def parts(self) -> Generator[Rows, None, None]:
        """The rows in slabs, the last one shorter.

        Raises:
            InputError: the source gave other rows than before, or in another order.
        """
        found = 0
        for index, part in enumerate(_slabs(self.read(), SLAB_ROWS)):
            self._same(index, part)
            found += part.n
            yield constant_rows(part) if self.intercept_only else part
        if found != self.n:
            raise _changed(f"{found} rows where it had {self.n}")

    def _same(self, index: int, part: Rows) -> None:
        values = (part.x, part.y, part.weights, part.offset)
        mark = [float(np.sum(leaf)) for leaf in jax.tree.leaves(values)]
        if index == len(self.marks):
            self.marks.append(mark)
        elif not np.array_equal(mark, self.marks[index], equal_nan=True):
            raise _changed(f"other numbers from row {index * SLAB_ROWS} on")


def _is_present(block: Block):
    return block.weight > 0


def _changed(what: str) -> InputError:
    return InputError(
        f"The stream gave {what} when it was read again; a fit needs the same rows in the same "
        "order every time (ORDER BY in a query, and no file that is still being written).",
        code="source_changed",
    )


def constant_rows(rows: Rows) -> Rows:
    """The rows with a single covariate, which is 1."""
    return Rows(
        np.ones((rows.n, 1)),
        rows.y,
        weights=rows.weights,
        weight_kind=rows.weight_kind,
        offset=rows.offset,
    )


def _slabs(parts: Iterator[Rows], size: int) -> Iterator[Rows]:
    """The same rows, `size` at a time."""
    held: list[Rows] = []
    count = 0
    for part in parts:
        first = 0
        while count + part.n - first >= size:
            held.append(_cut(part, first, first + size - count))
            first += held[-1].n
            yield joined_rows(held)
            held, count = [], 0
        if first < part.n:
            held.append(_cut(part, first, part.n))
            count += held[-1].n
    if held:
        yield joined_rows(held)


def _cut(rows: Rows, first: int, last: int) -> Rows:
    whole = first == 0 and last == rows.n
    return rows if whole else jax.tree.map(lambda a: a[first:last], rows)


def joined_rows(rows: list[Rows]) -> Rows:
    """Some stretches of rows as one."""
    if len(rows) == 1:
        return rows[0]
    return jax.tree.map(lambda *parts: np.concatenate(parts), *rows)


class StreamedSlabs(Slabs):
    """The evaluator of sums over a stream: reading, evaluating and computing overlap.

    The reader's thread decodes, this thread evaluates the formula, all cores compute; few slabs
    wait for their turn.

    Arguments:
        rows: a stream.
    """

    def __init__(self, rows: StreamedRows):
        self.stream, self.n, self.size = rows, rows.n, SLAB_ROWS
        self.stretches = stretches(None, self.n, self.size)

    def each(self, function: Callable[[Block], PyTree[Array]]) -> Iterator:
        """`function` of every slab, as NumPy arrays, in order."""

        def run(part: Rows):
            block = Slabs(part, SLAB_ROWS, keep=False).slab(0)
            with double():  # the precision scope belongs to a thread
                return jax.tree.map(np.asarray, function(block))

        waiting: collections.deque[tuple[int, Future]] = collections.deque()
        parts = self.stream.parts()
        with contextlib.closing(parts), self.stream.progress(self.n) as bar:
            for index, part in enumerate(parts):
                waiting.append((part.n, pool().submit(run, self._tagged(part, index))))
                if index % EVERY == EVERY - 1:
                    give_back()
                while len(waiting) > cores():
                    yield _first(waiting, bar)
            while waiting:
                yield _first(waiting, bar)

    def _tagged(self, part: Rows, index: int) -> Rows:
        tags = self.stream.tags
        if tags is None:
            return part
        own = slice(index * SLAB_ROWS, index * SLAB_ROWS + part.n)
        return dataclasses.replace(part, y=(part.y, tuple(one[own] for one in tags)))


def _first(waiting, bar):
    count, future = waiting.popleft()
    found = future.result()
    bar(count)
    return found


def slabs_of(
    rows: Rows | StreamedRows, size: int = SLAB_ROWS, keep: bool = True, in_place: bool = False
) -> Slabs:
    """The host evaluator of sums over these rows; arguments as of `Slabs`."""
    if isinstance(rows, StreamedRows):
        return (rows.evaluator or StreamedSlabs)(rows)
    return Slabs(rows, size, keep, in_place)


def exemplar(rows: Rows | StreamedRows) -> Rows:
    """Rows in memory that stand for these: themselves, or a stream's sample."""
    return rows.sample if isinstance(rows, StreamedRows) else rows
