"""Rows on the workers of a Dask cluster: each sums over its partitions, and only sums travel."""

import dataclasses
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pandas as pd

from asymptotix.core.typing import Array, PyTree
from asymptotix.data.columns import column
from asymptotix.data.groups import MISSING
from asymptotix.data.portable import packed, packed_program, unpacked, unpacked_program
from asymptotix.data.reader import Reader
from asymptotix.data.recipe import Recipe, let_go
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS, Slabs, bucket
from asymptotix.data.streamed import StreamedRows, constant_rows, joined_rows
from asymptotix.data.survey import Survey
from asymptotix.data.workers import Workers, result

FAN = 8
"""How many partial sums are added at a time, where they lie."""


def surveyed(workers: Workers, blank: Survey, sample: int) -> Survey:
    """The survey of all partitions, each of which is read by its worker.

    Arguments:
        workers: the cluster.
        blank: knows the formula and has seen no row.
        sample: rows that all partitions together keep as a sample.
    """
    columns = blank.columns or list(blank.stream.names[:1])
    most = -(-sample // max(workers.frame.npartitions, 1))
    blank.stream = dataclasses.replace(blank.stream, read=_nothing, workers=None)
    futures = workers.each(columns, _surveyed, packed(blank), most)
    for i, future in enumerate(futures):
        blank.merge(result(future, i))
    return blank


def _nothing(_):
    return iter(())


def designed(workers: Workers, recipe: Recipe) -> "Design":
    """The design of every partition, kept on its worker."""
    futures = workers.each(recipe.columns, _evaluated, packed(recipe))
    counts = [workers.submit(_count, future) for future in futures]
    found = tuple(result(count, i) for i, count in enumerate(counts))
    return Design(workers, tuple(futures), found)


@dataclasses.dataclass(frozen=True)
class Design:
    """Rows of a fit on the workers.

    Arguments:
        workers: the cluster.
        futures: the rows of each partition, and which of its rows they are.
        counts: how many.
    """

    workers: Workers
    futures: tuple[Any, ...]
    counts: tuple[int, ...]

    def __call__(self, rows: StreamedRows) -> "PartitionSlabs":
        """The evaluator of sums over them."""
        return PartitionSlabs(rows, self)

    def groups(self, columns: dict[str, str]) -> dict[str, np.ndarray]:
        """Codes of clusters, one a row, by label; arguments as in `Reader.groups`."""
        names = list(dict.fromkeys(columns.values()))
        known: dict[str, dict] = {name: {} for name in names}
        found: dict[str, list] = {name: [] for name in names}
        kept = [self.workers.submit(_kept, future) for future in self.futures]
        for i, future in enumerate(self.workers.each(names, _identified)):
            mask = result(kept[i], i)
            for name, (codes, labels) in result(future, i).items():
                numbers = [known[name].setdefault(label, len(known[name])) for label in labels]
                found[name].append(np.asarray([*numbers, MISSING], np.int32)[codes[mask]])
        return {label: np.concatenate(found[name]) for label, name in columns.items()}


@dataclasses.dataclass(frozen=True)
class PartitionReader(Reader):
    """Reads partitions in this process, where something needs the rows themselves.

    Arguments:
        stream, recipe: as in `Reader`.
        design: the rows on the workers.
    """

    design: Any = None

    def groups(self, columns: dict[str, str], n: int) -> dict[str, np.ndarray]:
        """Codes of clusters, found by the workers."""
        return self.design.groups(columns)  # as many as the counts say


class PartitionSlabs(Slabs):
    """The evaluator of sums over partitions: sums go from worker to worker, the last comes here.

    Arguments:
        rows: the rows, with tags where a sum reads them.
        design: where they lie.
    """

    def __init__(self, rows: StreamedRows, design: Design):
        self.n, self.design, self.workers = rows.n, design, design.workers
        self.intercept_only = rows.intercept_only
        self.tags = [_parted(tags, design.counts) for tags in rows.tags or ()]
        self.is_tagged = rows.tags is not None

    def sum(self, function: Callable[[Block], PyTree[Array]]) -> PyTree[Array]:
        """The sum over all rows of `function(block)`, always added in the same order."""
        parts = self._run("sum", function)
        while len(parts) > 1:
            some = [parts[first : first + FAN] for first in range(0, len(parts), FAN)]
            parts = [self.workers.submit(_added, few) for few in some]
        return result(parts[0], 0)

    def each(self, function: Callable[[Block], PyTree[Array]]) -> Iterator:
        """`function` of every slab of every partition, as NumPy arrays, in order."""
        for i, future in enumerate(self._run("map", function)):
            yield from result(future, i) or ()

    def rowwise(self, function: Callable[[Block], PyTree[Array]]) -> PyTree[Array]:
        """`function` of all rows, one entry a row, in this process."""
        parts = [result(f, i) for i, f in enumerate(self._run("rowwise", function))]
        some = [part for part in parts if part is not None]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *some)

    def _run(self, how: str, function) -> list:
        """Futures of each partition's sums; what is sent is the program and its numbers."""
        program = packed_program(function)
        found = []
        for i, future in enumerate(self.design.futures):
            tags = tuple(parts[i] for parts in self.tags) if self.is_tagged else None
            given = (future, tags, self.intercept_only, how, program)
            found.append(self.workers.submit(_worked, *given))
        return found


def _parted(tags: np.ndarray, counts: tuple[int, ...]) -> list[np.ndarray]:
    return np.split(tags, np.cumsum(counts)[:-1])


# --- what workers do -----------------------------------------------------------------------------


def _tables(frame: pd.DataFrame):
    """A partition as tables of a slab's rows."""
    import pyarrow as pa

    whole = pa.Table.from_pandas(frame, preserve_index=False)
    return (whole.slice(first, SLAB_ROWS) for first in range(0, whole.num_rows, SLAB_ROWS))


def _surveyed(frame: pd.DataFrame, blank: bytes, most: int) -> Survey:
    survey: Survey = pickle.loads(blank)
    for table in _tables(frame):
        survey.add(table)
    return survey.slim(most)


def _evaluated(frame: pd.DataFrame, recipe: bytes) -> tuple[Rows | None, np.ndarray]:
    how: Recipe = unpacked(recipe)
    parts = [how.of_table(table) for table in _tables(frame)]
    rows = [part for part, _ in parts if part is not None]
    kept = [mask for _, mask in parts]
    let_go()
    return (
        joined_rows(rows) if rows else None,
        np.concatenate(kept) if kept else np.zeros(0, bool),
    )


def _count(found: tuple[Rows | None, np.ndarray]) -> int:
    return 0 if found[0] is None else found[0].n


def _kept(found: tuple[Rows | None, np.ndarray]) -> np.ndarray:
    return found[1]


def _identified(frame: pd.DataFrame) -> dict[str, Any]:
    """Of each column the positions of its values among the different ones, and those."""
    found = {str(name): pd.factorize(column(frame, str(name))) for name in frame}
    return {
        name: (codes.astype(np.int32), labels.tolist()) for name, (codes, labels) in found.items()
    }


def _worked(found, tags, intercept_only: bool, how: str, program: bytes) -> Any:
    rows, _ = found
    if rows is None:
        return None
    if intercept_only:
        rows = constant_rows(rows)
    if tags is not None:
        rows = dataclasses.replace(rows, y=(rows.y, tags))
    slabs = Slabs(rows, min(SLAB_ROWS, bucket(rows.n)), keep=False)
    return getattr(slabs, how)(unpacked_program(program))


def _added(parts: list) -> Any:
    some = [part for part in parts if part is not None]
    if not some:
        return None
    return jax.tree.map(lambda *leaves: np.asarray(np.sum(np.stack(leaves), axis=0)), *some)
