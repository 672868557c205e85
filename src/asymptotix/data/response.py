"""The response of a model as numbers, and the numbers beside it: weights, offset, trials."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError, close_matches, listed
from asymptotix.data.columns import as_series, column, kind, tidy_column
from asymptotix.data.groups import Identifiers, coded, refuse_missing

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Response:
    """A response in numbers.

    Arguments:
        values: float64, one for each row used.
        event: the label coded as 1, or `None` where the data are numbers already.
        levels: the labels of 0 and of 1, or empty.
    """

    values: np.ndarray
    event: str | None = None
    levels: tuple[Any, ...] = ()


def code_response(series: pd.Series, name: str) -> Response:
    """A two-valued response as 0 and 1, for binary models.

    Numbers must be 0 and 1. Of two labels the event is the second: in the order of the categories
    where one is declared, in sorted order otherwise.

    Arguments:
        series: the response in the rows used, without missing values.
        name: its name, for messages.

    Raises:
        InputError: when it is constant, has more than two values, or two numbers but 0 and 1.
    """
    _no_missing(series, name)
    what = kind(series)
    if what == "date":
        raise _not_numbers(name, "dates")
    if what == "number":
        return zero_one(series.to_numpy(dtype=np.float64), name)
    if what == "category":
        levels = series.cat.remove_unused_categories().cat.categories.tolist()
    else:
        levels = sorted(series.unique().tolist())
    _two_levels(levels, name)
    values = (series == levels[1]).to_numpy(dtype=np.float64)
    return Response(values, str(levels[1]), tuple(levels))


def numeric_response(series: pd.Series, name: str) -> Response:
    """A response of numbers, for linear and count models; booleans are 0 and 1."""
    _no_missing(series, name)
    what = kind(series)
    if what not in ("number", "bool"):
        raise _not_numbers(name, {"date": "dates"}.get(what, "labels"))
    return Response(np.ascontiguousarray(series.to_numpy(dtype=np.float64)))


def label_response(series: pd.Series, name: str) -> Response:
    """A response of several levels as numbers from 0, in the order of categories or sorted."""
    _no_missing(series, name)
    what = kind(series)
    if what == "category":
        levels = series.cat.remove_unused_categories().cat.categories.tolist()
    else:
        levels = sorted(series.unique().tolist())
    if len(levels) == 1:
        raise _constant(name, repr(levels[0]))
    if len(levels) > max(20, len(series) // 2):
        raise InputError(
            f"The response '{name}' has {len(levels)} levels in {len(series)} rows, too many for "
            "a model of levels; choose a model for numbers, or pool levels.",
            code="response_levels",
            column=name,
        )
    codes = {level: code for code, level in enumerate(levels)}
    values = series.map(codes).to_numpy(dtype=np.float64)
    return Response(values, None, tuple(levels))


def recoded(series: pd.Series, name: str, known: Response) -> np.ndarray:
    """Labels as the numbers that another part of the response was given.

    Raises:
        InputError: a label that there was none of.
    """
    if not known.levels:
        return numeric_response(series, name).values
    codes = {level: float(code) for code, level in enumerate(known.levels)}
    values = series.astype(object).map(codes).to_numpy(np.float64)
    rows = np.flatnonzero(np.isnan(values))
    if len(rows):
        raise InputError(
            f"The response '{name}' has the value {series.iloc[rows[0]]!r}, which it did not have "
            "before.",
            code="response_levels",
            column=name,
            rows=rows[:5],
        )
    return values


def zero_one(values: np.ndarray, name: str) -> Response:
    """Numbers as the response of a binary model, which must be 0 and 1.

    Arguments:
        values: float64, none missing.
        name: for messages.

    Raises:
        InputError: there is only one, or there are others.
    """
    values = np.ascontiguousarray(values)
    low, high = values.min(), values.max()
    if low == high:
        raise _constant(name, f"{low:g}")
    if ((values == 0) | (values == 1)).all():
        return Response(values)
    distinct = np.unique(values)
    shown = ", ".join(f"{value:g}" for value in distinct[:4])
    remedy = (
        f"write I({name} == {high:g}) ~ ... to model the value {high:g}"
        if len(distinct) == 2
        else f"write an event such as I({name} > {np.median(values):g}) ~ ..., or give trials="
    )
    raise InputError(
        f"The response '{name}' must be 0 or 1 but has {len(distinct)} values "
        f"({shown}{', ...' if len(distinct) > 4 else ''}); {remedy}.",
        code="response_values",
        column=name,
    )


def _two_levels(levels: list, name: str) -> None:
    if len(levels) == 1:
        raise _constant(name, repr(levels[0]))
    if len(levels) > 2:
        shown = ", ".join(repr(level) for level in levels[:4])
        raise InputError(
            f"The response '{name}' has {len(levels)} levels ({shown}"
            f"{', ...' if len(levels) > 4 else ''}) and a binary model takes two; "
            f"write the event, such as I({name} == {levels[-1]!r}) ~ ...",
            code="response_levels",
            column=name,
        )


def _no_missing(series: pd.Series, name: str) -> None:
    rows = np.flatnonzero(series.isna())
    if len(rows):
        raise InputError(
            f"The response '{name}' has {len(rows)} missing values.",
            code="missing_values",
            column=name,
            rows=np.asarray(series.index)[rows[:5]],
        )
    if not len(series):
        raise InputError(f"The response '{name}' has no rows.", code="no_rows", column=name)


def _constant(name: str, value: str) -> InputError:
    return InputError(
        f"The response '{name}' is {value} in every row used, so nothing can be estimated; "
        "look at the rows that were left out, or at how it was coded.",
        code="constant_response",
        column=name,
    )


def _not_numbers(name: str, what: str) -> InputError:
    return InputError(
        f"The response '{name}' holds {what} and this model needs numbers.",
        code="response_type",
        column=name,
    )


def take_column(frame: pd.DataFrame, given: Any, kept: np.ndarray, what: str) -> np.ndarray:
    """Weights, an offset or trials for the rows kept, from a column's name or from an array.

    Arguments:
        frame: the source's columns (`Design.frame`).
        given: a column's name, or one number for each row of the source.
        kept: which rows of the source are used, shape `(n,)`.
        what: `"weights"`, `"trials"` (both refuse negative numbers and all zeros), `"offset"`.

    Returns:
        float64 numbers, shape `(kept.sum(),)`.

    Raises:
        InputError: for an unknown column, another length, text, and values out of range.
    """
    name = given if isinstance(given, str) else what
    values = _given(frame, given, len(kept), what)
    if kind(values) not in ("number", "bool"):
        raise InputError(f"{what} must be numbers; '{name}' is not.", code=what, column=name)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    _require(kept & ~np.isfinite(numbers), "missing", name, what)
    if what in ("weights", "trials"):
        _require(kept & (numbers < 0), "negative", name, what)
        if kept.any() and not numbers[kept].any():
            raise InputError(f"All {what} ('{name}') are zero.", code=what, column=name)
    return np.ascontiguousarray(numbers[kept])


def take_groups(frame: pd.DataFrame, given: Any, present: np.ndarray, label: str) -> np.ndarray:
    """Codes of clusters or periods, from a column's name or from identifiers of any type.

    Arguments:
        frame: the source's columns.
        given: a column's name, or one identifier for each row of the source.
        present: which rows of the source have a part in the fit, shape `(n,)`.
        label: what to call it in messages.

    Returns:
        int32 codes for every row of the source.

    Raises:
        InputError: for an unknown column, another length, and missing identifiers.
    """
    given = given.values if isinstance(given, Identifiers) else given
    codes = coded(_given(frame, given, len(present), label))
    refuse_missing(codes, present, label)
    return codes


def _given(frame: pd.DataFrame, given: Any, n: int, what: str) -> pd.Series:
    if isinstance(given, str):
        if given not in frame:
            raise InputError(
                f"There is no column '{given}' for {what}.{close_matches(given, frame.columns)}",
                code="unknown_column",
                column=given,
            )
        return column(frame, given)
    values = as_series(given, what)
    if len(values) != n:
        raise InputError(
            f"{what} has {len(values)} values and the data have {n} rows; give one for each row.",
            code="lengths",
            column=what,
        )
    return tidy_column(values, what)


def _require(bad: np.ndarray, how: str, name: str, what: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        raise InputError(
            f"{what} ('{name}') has {len(rows)} {how} value{'s' * (len(rows) > 1)} "
            f"(rows {listed(rows)}); correct them or leave those rows out.",
            code=what,
            column=name,
            rows=rows[:5],
        )
