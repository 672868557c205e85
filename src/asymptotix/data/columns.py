"""One column as it enters a model: float64, bool, text, categories or dates.

Frame libraries disagree on how they store the same numbers (nullable integers, Arrow decimals,
objects). `tidy_column` brings them all to five kinds, so that a formula gives the same design
whatever the source was.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from asymptotix.core.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 4096
_EXACT = 2**53
"""Integers up to here are float64 numbers; larger ones (identifiers) stay integers."""


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """One column of a frame without repeated names."""
    return cast("pd.Series", frame[name])


def side_by_side(columns: list, n: int, positions: np.ndarray | None = None) -> np.ndarray:
    """Columns as one float64 matrix, row by row in memory.

    Row blocks that stay in the cache are several times faster than `np.stack` at 1e6 rows.

    Arguments:
        columns: of at least `n` rows.
        n: rows of the matrix.
        positions: which rows of the columns, if not all: they are not copied for that.
    """
    x = np.empty((n, len(columns)))
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        taken = rows if positions is None else positions[rows]
        for j, values in enumerate(columns):
            x[rows, j] = values[taken]
    return x


def as_series(values: Any, name: str) -> pd.Series:
    """Any one-dimensional column (list, array, series of a frame library) as a pandas Series."""
    import narwhals as nw
    import pandas as pd

    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    column = nw.from_native(values, allow_series=True, pass_through=True)
    if isinstance(column, nw.Series):
        return _from_narwhals(column, name)
    if not isinstance(values, pd.api.extensions.ExtensionArray):
        # A list of objects keeps its objects: np.asarray would make strings of [1, "a"].
        refuse_sparse(values, f"Column '{name}'", name)
        values = list(values) if isinstance(values, (list, tuple, range)) else unmasked(values)
        if np.ndim(values) != 1:
            raise InputError(
                f"Column '{name}' has {np.ndim(values)} dimensions, shape {np.shape(values)}; give "
                "one value for each row (np.ravel flattens a column of shape (n, 1)).",
                code="shape",
                column=name,
            )
    return pd.Series(values)


def refuse_sparse(values: Any, what: str, name: str) -> None:
    """Raise `InputError` for a sparse matrix of SciPy, which NumPy would take for one object."""
    if hasattr(values, "toarray") and not hasattr(values, "__array__"):
        raise InputError(
            f"{what} is a sparse matrix, which no model takes; give {name}.toarray().",
            code="sparse",
            column=name,
        )


def refuse_inexact(values: np.ndarray, what: str, name: str) -> None:
    """Raise `InputError` for integers that float64 would round to others."""
    rounded = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(
            (np.abs(rounded) >= _EXACT) & (rounded.astype(values.dtype) != values)
        )
    if len(rows):
        raise InputError(
            f"{what} has integers beyond 2**53 in {len(rows)} row{'s' * (len(rows) > 1)} (rows "
            f"{listed(rows)}), which float64 rounds; subtract a whole number from them first, or "
            "use C() where they are identifiers.",
            code="large_integers",
            column=name,
            rows=rows[:5],
        )


def unmasked(values: Any) -> np.ndarray:
    """An array; what a masked array hides is missing, not the number behind the mask."""
    if not (np.ma.isMaskedArray(values) and np.ma.is_masked(values)):
        return np.asarray(values)
    plain = np.array(values.data, dtype=object)
    plain[np.ma.getmaskarray(values)] = None
    return plain


def refuse_other_index(values: Any, data: Any, what: str) -> None:
    """Raise `InputError` for a Series whose index says that its rows are not those of the data.

    Numbers are taken by position, so that another index means numbers on the wrong rows.
    """
    pd = sys.modules.get("pandas")  # whoever has an index has loaded it
    if pd is None:
        return
    both = isinstance(values, pd.Series) and isinstance(data, pd.DataFrame)
    if both and len(values) == len(data) and not values.index.equals(data.index):
        raise InputError(
            f"The index of {what} is not that of the data, so that its rows may be others; give "
            f"{what}.reindex(data.index), or {what}.to_numpy() if the order is right.",
            code="index",
            column=what,
        )


def _from_narwhals(column: Any, name: str) -> pd.Series:
    import narwhals as nw
    import pandas as pd

    dtype, native = column.dtype, column.to_native()
    if isinstance(native, pd.Series):
        return native.reset_index(drop=True)
    if isinstance(dtype, nw.Enum):
        return pd.Series(pd.Categorical(column.to_list(), categories=list(dtype.categories)))
    if isinstance(dtype, nw.Categorical) and hasattr(native, "combine_chunks"):
        return pd.Series(native.to_pandas())  # Arrow dictionaries keep the order they declare.
    if isinstance(dtype, (nw.Categorical, nw.String)):
        labels = pd.Series(column.to_list(), dtype=object)
        # A Polars Categorical is numbered by order of appearance, which declares nothing.
        return labels.astype("category") if isinstance(dtype, nw.Categorical) else labels
    if isinstance(dtype, (nw.List, nw.Struct, nw.Array, nw.Binary)):
        raise InputError(
            f"Column '{name}' holds {dtype}; a model needs numbers, booleans, text or categories.",
            code="column_type",
            column=name,
        )
    if dtype.is_decimal():
        column = column.cast(nw.Float64)
    return pd.Series(column.to_numpy())


def tidy_column(values: pd.Series, name: str) -> pd.Series:
    """A column brought to one of the kinds that `kind` names; the input is not modified.

    Arguments:
        values: the column, of any dtype pandas knows.
        name: its name, for messages.

    Returns:
        The column with positions from 0 as index. Numbers are float64 (so that no power or
        product of small integers overflows), missing is NaN or `None`.

    Raises:
        InputError: for infinite values, mixed types, and types that no model can use.
    """
    import pandas as pd

    types, dtype = pd.api.types, values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain_categories(values)
    if types.is_object_dtype(dtype):
        return _from_objects(values, name)
    if types.is_bool_dtype(dtype):
        return _booleans(values)
    if types.is_datetime64_any_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return values
    if types.is_complex_dtype(dtype):
        raise _unusable(name, "complex numbers")
    if types.is_integer_dtype(dtype):
        return _integers(values)
    if types.is_numeric_dtype(dtype):
        return finite(_floats(values), name)
    if types.is_string_dtype(dtype):
        return values.astype(object).where(values.notna(), None)
    if isinstance(dtype, pd.ArrowDtype) and values.isna().all():
        return values.astype(object).where(values.notna(), None)
    if isinstance(dtype, pd.ArrowDtype):
        return _from_arrow_dtype(values, name)
    if isinstance(dtype, pd.PeriodDtype):
        return values.dt.to_timestamp()
    raise _unusable(name, f"values of type {dtype}")


def _from_arrow_dtype(values: pd.Series, name: str) -> pd.Series:
    import pandas as pd
    import pyarrow as pa

    dtype: Any = values.dtype
    kind = dtype.pyarrow_dtype
    if pa.types.is_dictionary(kind):
        return pd.Series(pa.chunked_array(pa.array(values)).to_pandas())
    if pa.types.is_temporal(kind):
        return values.astype("datetime64[ns]")
    raise _unusable(name, f"values of type {kind}")


def _plain_categories(values: pd.Series) -> pd.Series:
    """Categories of numbers or text in plain dtypes, whatever library encoded them."""
    plain = list(values.cat.categories)
    return values.cat.rename_categories(plain) if plain else values.astype(object)


def _booleans(values: pd.Series) -> pd.Series:
    missing = values.isna()
    return _floats(values) if missing.any() else values.astype(bool)


def _integers(values: pd.Series) -> pd.Series:
    present = values.dropna()
    if len(present) and (present.max() > _EXACT or present.min() < -_EXACT):
        return values
    return _floats(values)


def _floats(values: pd.Series) -> pd.Series:
    import pandas as pd

    if values.dtype == np.float64:
        return values
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(numbers, name=values.name, copy=False)


def _from_objects(values: pd.Series, name: str) -> pd.Series:
    import pandas as pd

    found = pd.api.types.infer_dtype(values, skipna=True)
    if found == "string":
        return values.where(values.notna(), None)
    if found == "boolean":
        return _booleans(values.where(values.notna(), np.nan))
    if found in ("datetime", "datetime64", "date"):
        return pd.to_datetime(values)
    if any(isinstance(value, str) for value in values):
        raise InputError(
            f"Column '{name}' mixes text with other values; make it all numbers or all text.",
            code="mixed_types",
            column=name,
        )
    try:
        numbers = values.where(values.notna(), np.nan).astype(np.float64)
    except (TypeError, ValueError):
        raise _unusable(name, f"Python objects ({found})") from None
    return finite(numbers, name)


def _unusable(name: str, what: str) -> InputError:
    return InputError(
        f"Column '{name}' holds {what}; a model needs numbers, booleans, text or categories.",
        code="column_type",
        column=name,
    )


def finite(values: pd.Series, name: str) -> pd.Series:
    """The numbers as they came; raises when any is infinite."""
    rows = np.flatnonzero(np.isinf(values.to_numpy()))
    if len(rows):
        raise InputError(
            f"Column '{name}' has {len(rows)} infinite value{'s' * (len(rows) > 1)} "
            f"(rows {listed(rows)}); replace them, or mark them missing to leave the rows out.",
            code="infinite_values",
            column=name,
            rows=rows[:5],
        )
    return values


def kind(values: pd.Series) -> str:
    """`"number"`, `"bool"`, `"text"`, `"category"` or `"date"`: what a tidied column holds."""
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        return "category"
    if pd.api.types.is_object_dtype(values.dtype):
        return "text"
    if pd.api.types.is_bool_dtype(values.dtype):
        return "bool"
    return "number" if pd.api.types.is_numeric_dtype(values.dtype) else "date"


def refuse_unfit(term: str, values: Any, kept: np.ndarray) -> None:
    """Refuse what an expression gave if it is no number: dates, text, infinite values."""
    import pandas as pd

    dtype = values.dtype
    if dtype.kind in "mM" or isinstance(dtype, pd.DatetimeTZDtype):
        raise InputError(
            f"'{term}' holds dates, which are no numbers; write a number of days or years such "
            f"as ({term} - {term}.min()).dt.days, or C({term}.dt.year).",
            code="date_column",
            column=term,
        )
    if dtype.kind in "US":
        raise InputError(
            f"'{term}' gives text; write C({term}) to use it as a category.",
            code="column_type",
            column=term,
        )
    if dtype.kind in "iu":
        refuse_inexact(np.asarray(values), f"'{term}'", term)
    if dtype.kind != "f":
        return
    rows = np.flatnonzero(kept & np.isinf(np.asarray(values)))
    if len(rows):
        raise InputError(
            f"'{term}' is infinite in {len(rows)} row{'s' * (len(rows) > 1)} (rows {listed(rows)})"
            ", such as the logarithm of 0; change the term or leave those rows out.",
            code="infinite_values",
            column=term,
            rows=rows[:5],
        )


def used_levels(frame: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    """Categories that occur in no kept row would be columns of zeros."""
    import pandas as pd

    changed = {
        str(name): values.where(kept).cat.remove_unused_categories()
        for name, values in frame.items()
        if isinstance(values.dtype, pd.CategoricalDtype)
    }
    return frame.assign(**changed) if changed else frame


def as_trained(values: pd.Series, name: str, trained: str) -> pd.Series:
    """A new column of the kind the training data had; raises when it is of another."""
    if values.isna().all():
        return values.astype(object) if trained in ("text", "category") else values
    found = kind(values)
    if found == "category" and trained in ("number", "bool"):
        # Numbers stored as categories are those numbers; text is refused below.
        values = tidy_column(values.astype(object), name)
        found = kind(values)
    labels = ("text", "category")
    if trained == "category" and found not in labels:
        return values.astype("category")
    group = {"number": 0, "bool": 0, "text": 1, "category": 1, "date": 2}
    if group[found] != group[trained]:
        raise InputError(
            f"Column '{name}' held {_TOLD[trained]} when the model was fitted and holds "
            f"{_TOLD[found]} now.",
            code="column_type",
            column=name,
        )
    return values


_TOLD = {
    "number": "numbers",
    "bool": "booleans",
    "text": "text",
    "category": "categories",
    "date": "dates",
}
