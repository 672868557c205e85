"""Which sources are streams, and how each kind is read a stretch at a time."""

from __future__ import annotations

import dataclasses
import glob
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from asymptotix.core.errors import InputError
from asymptotix.data.batches import MEMORY, Stream
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.workers import stream_of

LARGE = 256 * 2**20
"""Bytes from which a single file is read as a stream."""
_FILES = (".parquet", ".pq", ".csv")


def stream(source: Any, memory: int = MEMORY) -> Stream:
    """A source that fits read a stretch at a time and never hold as a whole.

    Arguments:
        source: the path of a Parquet or CSV file, a folder or a pattern such as
            `"data/*.parquet"`, a PyArrow dataset or table, a list of record batches, a Polars lazy
            frame, a DuckDB relation, a Dask frame, or anything with `__arrow_c_stream__` that
            starts from its first row whenever it is asked.
        memory: bytes that its columns may take where a verb needs all rows at once.

    Returns:
        A `Stream`, for `asx.logit(formula, stream)` and all other one-line calls.

    Raises:
        InputError: the source can be read only once, or not in stretches.
    """
    import pyarrow as pa

    if isinstance(source, (pa.RecordBatchReader, Iterator)):
        raise InputError(
            f"A {type(source).__name__} can be read only once and a fit reads its data several "
            "times; give what it was made from, such as the dataset or the query.",
            code="data_type",
        )
    found = source if isinstance(source, Stream) else _opened(source)
    if found is None:
        raise InputError(
            f"Data of type {type(source).__name__} cannot be read in stretches; give a Parquet or "
            "CSV file, a folder or pattern of them, a PyArrow dataset, a list of record batches, a "
            "Polars lazy frame or a DuckDB relation.",
            code="data_type",
        )
    return dataclasses.replace(found, memory=memory)


def as_stream(data: Any) -> Stream | None:
    """The stream that a source is by itself; `None` for tables in memory and small files."""
    if isinstance(data, Stream):
        return data
    if isinstance(data, (str, Path)):
        path = Path(data)
        if path.is_file():
            return _single(path) if _bytes(path) > LARGE else None
        return _several(str(data)) if is_several(data) else None
    return None if isinstance(data, Mapping) or _is_in_memory(data) else _opened(data)


def is_several(path: str | Path) -> bool:
    """Whether a path is that of a folder, or a pattern."""
    there = Path(path)
    return there.is_dir() or (not there.exists() and any(mark in str(path) for mark in "*?["))


def _is_in_memory(data: Any) -> bool:
    import narwhals as nw
    import pandas as pd

    if isinstance(data, pd.DataFrame):  # narwhals refuses repeated names, wanted or not
        return True
    return isinstance(nw.from_native(data, pass_through=True, eager_only=True), nw.DataFrame)


def _opened(source: Any) -> Stream | None:
    import pyarrow as pa

    if isinstance(source, (str, Path)):
        path = Path(source)
        return _single(path) if path.is_file() else _several(str(source))
    if isinstance(source, pa.RecordBatchReader):
        return None
    if isinstance(source, (list, tuple)):
        return _listed(source)
    kind = type(source).__module__.partition(".")[0]
    if kind == "polars" and hasattr(source, "collect_batches"):
        return _lazy(source)
    if kind in ("duckdb", "_duckdb") and hasattr(source, "to_arrow_reader"):
        return _relation(source)
    if kind == "dask":
        return stream_of(source)
    if hasattr(source, "to_batches") and hasattr(source, "scanner"):
        return _dataset(source, "the dataset")
    return _capsule(source) if hasattr(source, "__arrow_c_stream__") else None


def _single(path: Path) -> Stream:
    if ".csv" in path.suffixes:
        return _csv([path], f"'{path.name}'")
    return _parquet([path], f"'{path.name}'")


def _several(text: str) -> Stream:
    folder = Path(text)
    found = folder.rglob("*") if folder.is_dir() else map(Path, glob.glob(text, recursive=True))
    files = sorted(path for path in found if path.is_file() and path.suffix in _FILES)
    if not files:
        raise InputError(f"There is no .parquet or .csv file in '{text}'.", code="file")
    tables = {path.suffix == ".csv" for path in files}
    if len(tables) > 1:
        raise InputError(
            f"'{text}' has both Parquet and CSV files; name one kind, such as '*.parquet'.",
            code="file",
        )
    return (_csv if tables.pop() else _parquet)(files, f"'{text}'")


def _bytes(path: Path) -> int:
    """Of a Parquet file its uncompressed size, which the footer knows."""
    if path.suffix not in (".parquet", ".pq"):
        return path.stat().st_size
    from pyarrow import parquet

    groups = parquet.read_metadata(path)
    return sum(groups.row_group(i).total_byte_size for i in range(groups.num_row_groups))


def _parquet(files: list[Path], label: str) -> Stream:
    """Files one after another; a dataset would read up to a gigabyte ahead of a slow reader."""
    from pyarrow import parquet

    def read(columns: list[str]):
        for file in files:
            with parquet.ParquetFile(file, pre_buffer=False) as opened:
                yield from opened.iter_batches(SLAB_ROWS, columns=columns)

    return Stream(tuple(parquet.read_schema(files[0]).names), read, label)


def _dataset(source: Any, label: str) -> Stream:
    from pyarrow import dataset

    # By default whole files and as much as a gigabyte of batches would be in flight.
    given: dict[str, Any] = {"batch_readahead": 1, "fragment_readahead": 0}
    if isinstance(getattr(source, "format", None), dataset.ParquetFileFormat):
        given["fragment_scan_options"] = dataset.ParquetFragmentScanOptions(
            pre_buffer=False, use_buffered_stream=True
        )

    def read(columns: list[str]):
        return source.to_batches(columns=columns, batch_size=SLAB_ROWS, **given)

    return Stream(tuple(source.schema.names), read, label)


def _csv(files: list[Path], label: str) -> Stream:
    from pyarrow import csv

    def opened(file: Path, columns: list[str] | None):
        convert = csv.ConvertOptions(include_columns=columns, strings_can_be_null=True)
        reading = csv.ReadOptions(block_size=8 * 2**20)
        return csv.open_csv(file, read_options=reading, convert_options=convert)

    def read(columns: list[str]):
        for file in files:
            with opened(file, columns) as batches:
                yield from batches

    with opened(files[0], None) as first:
        return Stream(tuple(first.schema.names), read, label)


def _listed(batches: Any) -> Stream | None:
    import pyarrow as pa

    if not batches or not all(isinstance(b, (pa.RecordBatch, pa.Table)) for b in batches):
        return None
    return Stream(tuple(batches[0].schema.names), lambda _: iter(batches), "the list of batches")


def _lazy(frame: Any) -> Stream:
    import polars as pl

    schema = frame.collect_schema()
    # Numbered by order of appearance, which differs from one batch to the next.
    labels = [name for name, kind in schema.items() if isinstance(kind, pl.Categorical)]

    def read(columns: list[str]):
        chosen = frame.select(columns).with_columns(
            pl.col(name).cast(pl.String) for name in labels if name in columns
        )
        for batch in chosen.collect_batches(chunk_size=SLAB_ROWS, maintain_order=True):
            yield batch.to_arrow()

    return Stream(tuple(schema), read, "the lazy frame")


def _relation(relation: Any) -> Stream:
    def read(columns: list[str]):
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        return relation.project(quoted).to_arrow_reader(SLAB_ROWS)

    return Stream(tuple(relation.columns), read, "the relation")


def _capsule(source: Any) -> Stream | None:
    import pyarrow as pa

    def read(_):
        return pa.RecordBatchReader.from_stream(source)

    try:
        with pa.RecordBatchReader.from_stream(source) as first:
            names = tuple(first.schema.names)
    except pa.ArrowException:  # one column alone, or values of mixed types
        return None
    return Stream(names, read, f"the {type(source).__name__}")
