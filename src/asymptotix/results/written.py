"""Predictions of a stream, a stretch at a time, to a file or to a Series."""

import contextlib
import os
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.data.batches import Stream
from asymptotix.data.frames import open_source
from asymptotix.data.response import take_column
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.streams import stream
from asymptotix.results.components import component_names


def predicted(res: Any, source: Stream, type: str, given: Any) -> pd.Series | pd.DataFrame:
    """Predictions of all rows of a stream.

    Arguments:
        res: a `Results`.
        source, type, given: the data, the scale, and the offset's column.
    """
    return pd.concat(list(_stretches(res, source, type, given)), ignore_index=True)


def write_predictions(res: Any, data: Any, type: str, given: Any, path: "str | os.PathLike"):
    """The same, written to a Parquet file a stretch at a time.

    Returns:
        The path.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if not str(path).endswith((".parquet", ".pq")):
        raise InputError(f"path='{path}' must end in .parquet.", code="option", column="path")
    source = data if isinstance(data, Stream) else stream(data)
    partial = f"{path}.part"
    with contextlib.ExitStack() as stack:
        writer = None
        for found in _stretches(res, source, type, given):
            frame = found.to_frame() if isinstance(found, pd.Series) else found
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                writer = stack.enter_context(parquet.ParquetWriter(partial, table.schema))
            writer.write_table(table)
    if writer is None:
        raise InputError("The data have no rows to predict.", code="no_rows")
    os.replace(partial, path)
    return path


def _stretches(res, source: Stream, type: str, given):
    if given is not None and not isinstance(given, str):
        raise InputError(
            "Beside a stream, offset must be the name of one of its columns, not an array.",
            code="stream",
            column="offset",
        )
    verb = res.model if type == "response" else res.model.eta
    columns: list[str] = list(
        dict.fromkeys([*res.spec.variables, *([] if given is None else [given])])
    )
    columns = columns or list(source.names[:1])
    open_source(source).check(columns)
    for table in source.tables(columns, SLAB_ROWS):
        x, kept = res.spec.design(table)
        shift = 0.0
        if given is not None:
            shift = take_column(open_source(table).frame([given]), given, kept, "offset")
        with double():
            found = np.asarray(verb(x, shift)) if kept.any() else np.empty(0)
        yield spread(res, found, kept, type)


def spread(res: Any, found: np.ndarray, kept: np.ndarray, type: str, index: Any = None):
    """Predictions of the rows kept among all rows, NaN in the others.

    Arguments:
        res: a `Results`.
        found: predictions of the rows kept.
        kept: which rows these are.
        type: the scale.
        index: of the answer.
    """
    values = np.full((*kept.shape, *found.shape[1:]), np.nan)
    values[kept] = found
    if values.ndim == 2:
        return pd.DataFrame(values, index=index, columns=component_names(res, type))
    return pd.Series(values, index=index, name="mean" if type == "response" else "eta")
