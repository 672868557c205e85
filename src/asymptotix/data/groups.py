"""Identifiers of clusters and periods as small integers, whatever their type."""

from typing import Any, NamedTuple

import jax
import numpy as np

from asymptotix.core.errors import InputError, close_matches, listed
from asymptotix.core.precision import is_traced
from asymptotix.data.mesh import everywhere

MISSING = np.iinfo(np.int32).min
"""The code of a missing identifier."""
LARGEST = 2**62
"""Identifiers up to this size, of either sign, can be counted from the smallest on in int64."""


def coded(identifiers: Any) -> Any:
    """Identifiers of any type as int32 codes, in sorted order where they have one.

    Arguments:
        identifiers: an array, a pandas or Polars series, a list; or a tuple or dict of such;
            `None` and arrays of a surrounding transformation pass through.

    Returns:
        The same structure with codes from 0; missing identifiers have the code `MISSING`.
    """
    if identifiers is None or is_traced(identifiers):
        return identifiers
    if isinstance(identifiers, Identifiers):
        return coded(identifiers.values)
    if isinstance(identifiers, tuple):
        return tuple(map(coded, identifiers))
    if isinstance(identifiers, dict):
        return {str(name): coded(values) for name, values in identifiers.items()}
    return _codes(identifiers)


def _codes(identifiers) -> np.ndarray:
    array = everywhere(identifiers) if isinstance(identifiers, jax.Array) else identifiers
    values = np.asarray(array, object) if isinstance(array, list) else array
    if np.ndim(values) != 1:
        raise InputError(
            f"Identifiers of groups must have one entry a row, not shape {np.shape(values)}; "
            "give several groupings as a tuple or a dict.",
            code="shape",
            column="groups",
        )
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        found = _codes_of_integers(values)
        if found is not None:
            return found
    import pandas as pd  # takes 0.2 s, which arrays of integers need not spend

    codes, labels = pd.factorize(pd.Series(values))
    try:
        order = np.argsort(np.asarray(labels), kind="stable")
    except TypeError:  # labels of mixed types have no order, and clusters need none
        order = np.arange(len(labels))
    rank = np.empty(len(labels) + 1, np.int32)
    rank[order] = np.arange(len(labels))
    rank[-1] = MISSING
    found = rank[codes]
    if getattr(values, "dtype", None) == np.int32:
        found[np.asarray(values) == MISSING] = MISSING  # codes that were made here before
    return found


def _codes_of_integers(values: np.ndarray) -> np.ndarray | None:
    """The same of integers in a range that a table can hold, in a quarter of the time.

    `None` where they are too far apart, or may hold codes of missing identifiers.
    """
    if not values.size:
        return None
    low, high = int(values.min()), int(values.max())
    if low == MISSING or high - low >= 2 * values.size or not -LARGEST <= low <= high <= LARGEST:
        return None
    shifted = np.subtract(values, low, dtype=np.int64, casting="unsafe")
    occurs = np.zeros(high - low + 1, bool)
    occurs[shifted] = True
    return (np.cumsum(occurs, dtype=np.int32) - np.int32(1))[shifted]


def labelled(columns) -> dict[str, Any]:
    """A label for each column that was asked for: its name, or `groups 1`, ... for arrays."""
    return {
        given if isinstance(given, str) else _unnamed(i, len(columns)): given
        for i, given in enumerate(columns)
    }


def _unnamed(position: int, count: int) -> str:
    return "groups" if count == 1 else f"groups {position + 1}"


def select_groups(groups, columns, n: int) -> dict[str, Any]:
    """The codes of the groupings that a covariance asks for.

    Arguments:
        groups: `Rows.groups`.
        columns: names of its entries, or arrays of identifiers; empty for all entries.
        n: rows.

    Raises:
        InputError: there are no groups, an unknown name, or another length.
    """
    known = _by_label(groups)
    wanted = labelled(columns) if columns else {label: label for label in known}
    if not wanted:
        raise InputError(
            "Clusters need identifiers: name a column, asx.Cluster('firm'), or give "
            "asx.Rows(..., groups=identifiers).",
            code="groups",
            column="groups",
        )
    return {label: _one(known, label, given, n) for label, given in wanted.items()}


def _by_label(groups) -> dict[str, Any]:
    if groups is None:
        return {}
    if isinstance(groups, dict):
        return groups
    if isinstance(groups, tuple):
        return {_unnamed(i, len(groups)): codes for i, codes in enumerate(groups)}
    return {"groups": groups}


def _one(known, label: str, given, n: int):
    if isinstance(given, str):
        if given not in known:
            raise InputError(
                f"The rows have no groups named {given!r}; they have: {', '.join(known) or 'none'}."
                f"{close_matches(given, known)}",
                code="unknown_column",
                column=given,
            )
        return known[given]
    codes = coded(given)
    if len(codes) != n:
        raise InputError(
            f"{label} has {len(codes)} identifiers and there are {n} rows; give one for each row.",
            code="lengths",
            column=label,
        )
    return codes


def refuse_missing(codes: np.ndarray, present: np.ndarray, label: str) -> None:
    """Raise `InputError` for rows that are present but have no identifier."""
    rows = np.flatnonzero(present & (codes == MISSING))
    if rows.size:
        raise InputError(
            f"'{label}' is missing in {rows.size} row{'s' * (rows.size > 1)} "
            f"(rows {listed(rows)}); fill in the identifiers, or leave those rows out.",
            code="missing_groups",
            column=label,
            rows=rows[:5],
        )


class Identifiers:
    """Identifiers that an option holds until it meets its rows; compared as an object.

    Arguments:
        values: one a row.
    """

    def __init__(self, values: Any):
        self.values = values

    def __repr__(self) -> str:
        return f"<{np.size(self.values)} identifiers>"


def held(given: Any) -> "str | Identifiers":
    """A column's name, or the identifiers themselves in a form that options may hold."""
    return given if isinstance(given, str | Identifiers) else Identifiers(given)


class Grouping(NamedTuple):
    """Rows by group, groups of a single row apart.

    Attributes:
        tags: for each row the position of its group, -1 where it is alone in its group.
        size: groups of two or more rows.
        count: groups, those of a single row included.
    """

    tags: np.ndarray
    size: int
    count: int


def grouping(codes: np.ndarray, present: np.ndarray, *, apart: bool = True) -> Grouping:
    """The groups among present rows.

    Arguments:
        codes: from `coded`, without missing ones among present rows.
        present: which rows have positive weight.
        apart: whether rows that are alone in their group are set apart.
    """
    every = bool(present.all())
    kept = codes if every else codes[present]  # no copies of what streams have billions of
    rows = np.bincount(kept) if kept.size else np.zeros(1, int)
    large = rows > 1 if apart else rows > 0
    position = np.where(large, np.cumsum(large) - 1, -1).astype(np.int32)
    if every and np.array_equal(position, np.arange(position.size)):
        tags = kept
    elif every:
        tags = position[kept]
    else:
        tags = np.zeros(codes.size, np.int32)
        tags[present] = position[kept]
    return Grouping(tags, int(large.sum()), int(np.count_nonzero(rows)))


def intersection(parts: list[np.ndarray]) -> np.ndarray:
    """Codes of the cells that several groupings make together."""
    if len(parts) == 1:
        return parts[0].astype(np.int32, copy=False)
    cells = parts[0].astype(np.int64)
    for codes in parts[1:]:
        cells = cells * (int(codes.max(initial=0)) + 1) + codes
        cells = _codes(cells).astype(np.int64)  # dense again, so that products stay small
    return cells.astype(np.int32)
