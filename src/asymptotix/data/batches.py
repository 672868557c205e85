"""A source of record batches that can be read again and again, and never as a whole by itself."""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from asymptotix.core.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

DEPTH = 2
"""Stretches of rows that are read ahead."""
MEMORY = 2**30
"""Bytes that a source may take where something needs all of its rows at once."""


@dataclasses.dataclass(frozen=True)
class Stream:
    """Rows that are read a stretch at a time, as often as they are needed; made by `asx.stream`.

    Arguments:
        names: all column names.
        read: the named columns as record batches or tables, from the first row on.
        label: what messages call it.
        memory: bytes that its columns may take where a verb needs all rows at once.
        workers: the cluster that holds them, where there is one.
    """

    names: tuple[str, ...]
    read: Callable[[list[str]], Iterable[Any]]
    label: str
    memory: int = MEMORY
    workers: Any = None

    def tables(self, columns: list[str], size: int) -> Iterator[pa.Table]:
        """Tables of `size` rows each (the last has the rest), read ahead in a thread."""
        return prefetched(recut(self._batches(columns), size))

    def whole(self, columns: list[str]) -> pa.Table:
        """The named columns in memory.

        Raises:
            InputError: they are larger than `memory`.
        """
        import pyarrow as pa

        parts, held = [], 0
        for table in self._batches(columns):
            parts.append(table)
            held += table.nbytes
            if held > self.memory:
                raise InputError(
                    f"This needs all rows of {self.label} at once, more than {self.memory:,} "
                    "bytes; give it fewer rows, or more memory: asx.stream(source, memory=bytes).",
                    code="stream",
                )
        return pa.concat_tables(parts).combine_chunks() if parts else _nothing(columns)

    def _batches(self, columns: list[str]) -> Iterator[pa.Table]:
        import pyarrow as pa

        try:
            for batch in self.read(columns):
                table = pa.table(batch) if not isinstance(batch, pa.Table) else batch
                missing = [name for name in columns if name not in table.column_names]
                if missing:
                    raise InputError(
                        f"A batch of {self.label} has no column '{missing[0]}', which the first "
                        "one has; all batches must have the same columns.",
                        code="stream",
                        column=missing[0],
                    )
                yield table.select(columns)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.label} cannot be read: {error}.", code="file") from error


def _nothing(columns: list[str]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array([], pa.float64()) for name in columns})


def recut(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size` rows, without a copy."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        first = 0
        while count + table.num_rows - first >= size:
            part = table.slice(first, size - count)
            yield _joined([*held, part]) if held else part
            first += part.num_rows
            held, count = [], 0
        if first < table.num_rows:
            held.append(table.slice(first))
            count += table.num_rows - first
    if held:
        yield _joined(held)


def _joined(tables: list[pa.Table]) -> pa.Table:
    """Tables one after another; files may disagree on a column's type (integers and floats)."""
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()


class _Failure:
    def __init__(self, error: BaseException):
        self.error = error


_END = object()


def prefetched(items: Iterable[Any], depth: int = DEPTH) -> Generator[Any, None, None]:
    """The same items, `depth` of them read ahead by a thread, which ends with the generator."""
    ready: queue.Queue[Any] = queue.Queue(depth)
    stopped = threading.Event()

    def offer(item) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work():
        try:
            for item in items:
                if not offer(item):
                    return
            offer(_END)
        except BaseException as error:  # raised again in the thread that reads
            offer(_Failure(error))

    worker = threading.Thread(target=work, name="asymptotix-reader", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stopped.set()
        worker.join()
