"""Columns out of any data source: frames, relations, dicts of arrays and files.

`open_source` looks at names only; `Source.frame` then reads the columns that are needed and no
others, which is what makes a formula on a wide Parquet file or a lazy query cheap. The second half
keeps the books of rows left out because something in them is missing.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError, MissingRowsWarning, close_matches, listed
from asymptotix.data.batches import Stream
from asymptotix.data.columns import as_series, column, tidy_column
from asymptotix.data.streams import as_stream, is_several

if TYPE_CHECKING:
    import pandas as pd

_HANDLES_MISSING = frozenset(
    ["isna", "isnull", "notna", "notnull", "isnan"]
    + ["fillna", "ffill", "bfill", "nan_to_num", "lag", "shift"]
)
"""Calls by which an expression deals with missing values itself; its result decides then."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A data source whose columns are not read yet.

    Arguments:
        names: all column names, in the source's order.
        load: reads the named columns as pandas Series of any dtype.
    """

    names: tuple[str, ...]
    load: Callable[[list[str]], dict[str, pd.Series]]

    def frame(self, columns: Iterable[str]) -> pd.DataFrame:
        """The named columns, tidied, with row positions from 0 as index."""
        import pandas as pd

        wanted = list(dict.fromkeys(columns))
        self.check(wanted)
        # A model without covariates still needs to know how many rows there are.
        loaded = self.load(wanted or list(self.names[:1]))
        tidied = {name: tidy_column(loaded[name], name) for name in wanted}
        n = max((len(column) for column in loaded.values()), default=0)
        return pd.DataFrame(tidied, index=pd.RangeIndex(n), columns=wanted, copy=False)

    def knowing(self, frame: pd.DataFrame) -> Source:
        """The same source, where columns that have been read are not read again."""

        def load(wanted: list[str]) -> dict[str, pd.Series]:
            if not wanted or not set(wanted) <= set(frame):
                return self.load(wanted)
            return {name: column(frame, name) for name in wanted}

        return Source(self.names, load)

    def check(self, wanted: list[str]) -> None:
        """Raise `InputError` for columns that there are not, or more than once."""
        held = Counter(self.names)
        for name in wanted:
            if name not in held:
                raise InputError(
                    f"The data have no column '{name}'.{close_matches(name, self.names)} "
                    f"Columns: {_some(self.names)}.",
                    code="unknown_column",
                    column=name,
                )
            if held[name] > 1:
                raise InputError(
                    f"The data have {held[name]} columns named '{name}'; rename all but one.",
                    code="duplicate_columns",
                    column=name,
                )


def read_frame(data: Any, columns: Iterable[str]) -> pd.DataFrame:
    """The named columns of a data source as a pandas frame of tidied columns.

    Arguments:
        data: a pandas or Polars frame (eager or lazy), PyArrow table, DuckDB relation, any frame
            that narwhals knows or that has `__arrow_c_stream__`, a dict of arrays, or the path
            of a `.parquet` or `.csv` file. It is never modified, and its index is ignored.
        columns: the names wanted.

    Returns:
        A new frame with row positions from 0 as index.

    Raises:
        InputError: for unknown or repeated columns, lengths that disagree, infinite values, and
            types that no model can use.
    """
    return open_source(data).frame(columns)


def open_source(data: Any) -> Source:
    """The names of a source's columns, and how to read them."""
    if isinstance(data, Source):
        return data
    if isinstance(data, (str, Path)) and not is_several(data):
        return _file(Path(data))
    if isinstance(data, (Stream, str, Path, list)) and (found := as_stream(data)):
        return _streamed(found)
    if isinstance(data, Mapping):
        return _mapping(data)
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return _pandas(data)
    import narwhals as nw

    table = nw.from_native(data, pass_through=True, allow_series=True)
    if isinstance(table, nw.Series):
        raise _unknown(data)
    if not isinstance(table, (nw.DataFrame, nw.LazyFrame)) and hasattr(data, "__arrow_c_stream__"):
        table = nw.from_arrow(data, backend="pyarrow")
    if isinstance(table, (nw.DataFrame, nw.LazyFrame)):
        return _narwhals(table)
    raise _unknown(data)


def _unknown(data: Any) -> InputError:
    return InputError(
        f"Data of type {type(data).__name__} cannot be read; give a pandas, Polars or PyArrow "
        "frame, a DuckDB relation, a dict of arrays, or the path of a .parquet or .csv file.",
        code="data_type",
    )


def _pandas(data: pd.DataFrame) -> Source:
    names = tuple(data.columns)

    def load(wanted: list[str]) -> dict[str, pd.Series]:
        return {n: data.iloc[:, names.index(n)].reset_index(drop=True) for n in wanted}

    return Source(names, load)


def _narwhals(table: Any) -> Source:
    names = tuple(table.collect_schema().names())

    def load(wanted: list[str]) -> dict[str, pd.Series]:
        chosen = table.select(*wanted)
        eager = chosen.collect() if hasattr(chosen, "collect") else chosen
        return {name: as_series(eager[name].to_native(), name) for name in wanted}

    return Source(names, load)


def _mapping(data: Mapping[str, Any]) -> Source:
    """A dict of columns; a single number or word stands for the whole column."""

    def load(wanted: list[str]) -> dict[str, pd.Series]:
        import pandas as pd

        columns = {n: as_series(data[n], n) for n in wanted if not _is_scalar(data[n])}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise InputError(
                f"The columns of the dict have different lengths: {told}.",
                code="lengths",
                column=min(lengths, key=lambda name: lengths[name]),
            )
        n = next(iter(lengths.values()), 1)
        return {m: columns[m] if m in columns else pd.Series([data[m]] * n) for m in wanted}

    return Source(tuple(data), load)


def _streamed(source: Stream) -> Source:
    """All rows of a stream, where they fit into memory."""

    def load(wanted: list[str]) -> dict[str, pd.Series]:
        table = source.whole(wanted)
        return {name: as_series(table[name], name) for name in wanted}

    return Source(source.names, load)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str) or (np.ndim(value) == 0 and not hasattr(value, "__len__"))


def _file(path: Path) -> Source:
    if not path.exists():
        raise InputError(f"There is no file '{path}'.", code="file")
    if path.suffix in (".parquet", ".pq"):
        return _parquet(path)
    if ".csv" in path.suffixes:
        return _csv(path)
    raise InputError(
        f"'{path.name}' is neither .parquet nor .csv; read it with pandas or Polars first.",
        code="file",
    )


def _parquet(path: Path) -> Source:
    import pandas as pd

    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet files need pyarrow: pip install pyarrow.", code="file") from None
    schema = parquet.read_schema(path)

    def load(wanted: list[str]) -> dict[str, pd.Series]:
        return _pandas(pd.read_parquet(path, columns=wanted)).load(wanted)

    return Source(tuple(schema.names), load)


def _csv(path: Path) -> Source:
    import pandas as pd

    # Read as a row of values: as a header, pandas would rename repeated columns silently.
    first = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
    names = tuple(first.iloc[0])

    def load(wanted: list[str]) -> dict[str, pd.Series]:
        positions = sorted(names.index(name) for name in wanted)
        # Before 3.1 the default parser could miss the last bit of a number.
        old = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
        exact: dict[str, Any] = {"float_precision": "round_trip"} if old else {}
        read = pd.read_csv(path, usecols=positions, index_col=False, low_memory=False, **exact)
        read.columns = [names[position] for position in positions]
        return {name: column(read, name) for name in wanted}

    return Source(names, load)


def _some(names: tuple[str, ...], limit: int = 12) -> str:
    more = len(names) - limit
    shown = ", ".join(str(name) for name in names[:limit])
    return f"{shown} and {more} more" if more > 0 else shown


def missing_columns(
    frame: pd.DataFrame,
    columns: Mapping[str, tuple[str, ...]],
    calls: Mapping[str, frozenset[str]],
    extra: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """Rows with a missing value in a used column, by column.

    Arguments:
        frame: the columns.
        columns: for each expression of a formula, the columns it uses.
        calls: for each expression, the names of the functions it calls.
        extra: further columns that must not be missing.

    A comparison such as `x > 3` would turn a missing value into "no", so that columns count and
    not only results, except in expressions that handle missing values themselves.
    """
    strict = [n for e, group in columns.items() if not calls[e] & _HANDLES_MISSING for n in group]
    masks = {
        name: column(frame, name).isna().to_numpy() for name in dict.fromkeys([*strict, *extra])
    }
    return {name: mask for name, mask in masks.items() if mask.any()}


def without(kept: np.ndarray, lost: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mask of kept rows without those lost, by column or term."""
    return functools.reduce(lambda rows, mask: rows & ~mask, lost.values(), kept)


def report_missing(lost: Mapping[str, np.ndarray], kept: np.ndarray, missing: str) -> None:
    """Refuse missing values where they are not to be dropped."""
    if missing == "raise" and lost:
        name, mask = next(iter(lost.items()))
        rows = np.flatnonzero(mask)
        raise InputError(
            f"'{name}' has {len(rows)} missing value{'s' * (len(rows) > 1)} (rows {listed(rows)}); "
            "fill them in, or leave the rows out with missing='drop'.",
            code="missing_values",
            column=name,
            rows=rows[:5],
        )


def require_rows(kept: np.ndarray, lost: Mapping[str, np.ndarray]) -> None:
    """Refuse data of which no row is left, naming what is missing most often."""
    if kept.any():
        return
    worst = sorted(lost, key=lambda name: -int(lost[name].sum()))[:4]
    told = ", ".join(f"'{name}' in {int(lost[name].sum())}" for name in worst)
    why = f"; missing values: {told} of {len(kept)}" if len(kept) else " because the data are empty"
    raise InputError(f"No rows are left{why}.", code="no_rows", column=worst[0] if worst else None)


def warn_dropped(dropped: int, n: int, counts: Mapping[str, int]) -> None:
    """Say how many of `n` rows were left out, and why."""
    if dropped:
        told = ", ".join(f"'{name}' {count}" for name, count in counts.items())
        warnings.warn(
            f"{dropped} of {n} rows have missing values and were left out ({told}).",
            MissingRowsWarning,
            stacklevel=4,
        )
