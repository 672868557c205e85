"""Checks of arrays on the host, before any tracing: each failure is one clear sentence."""

import math

import jax
import numpy as np

from asymptotix.core.errors import InputError, listed
from asymptotix.data.columns import refuse_inexact, refuse_other_index, refuse_sparse
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS, over_slabs


def check_rows(rows: Rows, names=None) -> list[float]:
    """Lengths, dtypes, finiteness and weights of concrete rows.

    Arguments:
        rows: NumPy or JAX arrays.
        names: names of the columns of `x`, for messages; positions otherwise.

    Returns:
        Their `totals`.

    Raises:
        InputError: with the column, the rows, the cause and the remedy.
    """
    if _is_everyday(rows):
        found = totals(rows)
        if all(map(math.isfinite, found)):
            return found
    check_shapes(rows)
    found = [_check_finite("x", leaf, names) for leaf in jax.tree.leaves(rows.x)]
    found += [_check_finite("y", leaf, None) for leaf in jax.tree.leaves(rows.y)]
    if rows.offset is not None:
        found.append(_check_finite("offset", rows.offset, None))
    if rows.weights is not None:
        found.append(check_weights(rows.weights))
    return found


def totals(rows: Rows) -> list[float]:
    """The sum of all numbers of each array, always added in the same order."""
    leaves = jax.tree.leaves((rows.x, rows.y, rows.offset, rows.weights))
    return [_total(np.asarray(leaf)) for leaf in leaves]


def _is_everyday(rows: Rows) -> bool:
    """Whether a matrix and a vector of floats are all there is: known at a glance."""
    x, y = rows.x, rows.y
    if not (type(x) is type(y) is np.ndarray and x.ndim == 2 and y.ndim == 1):
        return False
    extras = (rows.weights, rows.offset, rows.groups)
    return (
        x.dtype == y.dtype == np.float64
        and 0 < len(x) == len(y)
        and not any(v is not None for v in extras)
    )


def check_shapes(rows: Rows) -> None:
    """The lengths and shapes among them, which take no look at the numbers."""
    n = _length("x", rows.x)
    for what in ("y", "weights", "offset", "groups"):
        value = getattr(rows, what)
        refuse_other_index(value, rows.x, what)
        if value is not None and _length(what, value) != n:
            raise InputError(
                f"x has {n} rows but {what} has {_length(what, value)}; "
                "give both for the same observations.",
                code="lengths",
                column=what,
            )
    if n == 0:
        raise InputError("The data have no rows; check how they were selected.", code="no_rows")
    for leaf in jax.tree.leaves(rows.y):
        _check_vector("y", leaf)
    for what in ("offset", "weights"):
        if getattr(rows, what) is not None:
            _check_vector(what, getattr(rows, what))


def _length(what: str, tree) -> int:
    leaves = jax.tree.leaves(tree)
    for leaf in leaves:
        refuse_sparse(leaf, what, what)
    if isinstance(tree, list) or (what in ("weights", "offset") and isinstance(tree, tuple)):
        raise InputError(
            f"{what} is a {type(tree).__name__}, not an array; give np.asarray({what}).",
            code="shape",
            column=what,
        )
    shapes = {np.shape(leaf)[:1] for leaf in leaves}
    if () in shapes or not leaves:
        raise InputError(
            f"{what} must be an array with one entry a row, not a single value.",
            code="shape",
            column=what,
        )
    if len(shapes) > 1:
        raise InputError(
            f"The parts of {what} have different numbers of rows: "
            f"{sorted(s[0] for s in shapes)}; give all for the same observations.",
            code="lengths",
            column=what,
        )
    return shapes.pop()[0]


def _check_vector(what: str, leaf) -> None:
    if np.ndim(leaf) != 1:
        raise InputError(
            f"{what} must have one entry a row, not shape {np.shape(leaf)}; "
            "a column of shape (n, 1) is flattened by np.ravel.",
            code="shape",
            column=what,
        )


def _check_finite(what: str, leaf, names) -> float:
    array = np.asarray(leaf)
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{what} holds values of type {array.dtype}, which are not numbers; "
            "convert them to numbers, or pass a data frame and a formula.",
            code="dtype",
            column=what,
        )
    _check_unmasked(what, leaf)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        refuse_inexact(array.reshape(array.shape[0], -1).max(axis=1, initial=0), what, what)
        refuse_inexact(array.reshape(array.shape[0], -1).min(axis=1, initial=0), what, what)
    total = _total(array)
    if math.isfinite(total):
        return total
    bad = ~np.isfinite(array)
    if not bad.any():
        return total  # only the total overflowed
    rows = np.flatnonzero(bad.reshape(array.shape[0], -1).any(axis=1))
    column = _first_column(what, bad, names)
    kind = "missing" if np.isnan(array[bad]).all() else "infinite or missing"
    raise InputError(
        f"{column} has {kind} values in {len(rows)} row{'s' if len(rows) > 1 else ''} "
        f"(first: {listed(rows)}); drop or impute them before fitting.",
        code="missing_values" if kind == "missing" else "infinite_values",
        column=column,
        rows=rows[:20],
    )


def _check_unmasked(what: str, leaf) -> None:
    if np.ma.isMaskedArray(leaf) and np.ma.is_masked(leaf):
        hidden = np.ma.getmaskarray(leaf).reshape(leaf.shape[0], -1)
        rows = np.flatnonzero(hidden.any(axis=1))
        raise InputError(
            f"{what} hides values behind a mask in {len(rows)} row{'s' * (len(rows) > 1)} (first: "
            f"{listed(rows)}); leave these rows out, or pass {what}.data to use what is hidden.",
            code="missing_values",
            column=what,
            rows=rows[:20],
        )


def _total(array: np.ndarray) -> float:
    def part(rows: slice):
        with np.errstate(all="ignore"):
            return float(array[rows].sum())

    return part(slice(None)) if len(array) <= SLAB_ROWS else sum(over_slabs(part, len(array)))


def _first_column(what: str, bad: np.ndarray, names) -> str:
    if bad.ndim < 2:
        return what
    column = int(np.flatnonzero(bad.any(axis=0))[0])
    return f"column '{names[column]}'" if names else f"{what}[:, {column}]"


def check_weights(weights, name: str = "weights") -> float:
    """Weights must be finite, not negative, and not all zero; their sum."""
    array = np.asarray(weights)
    _check_vector(name, array)
    total = _check_finite(name, weights, None)
    negative = np.flatnonzero(array < 0)
    if negative.size:
        raise InputError(
            f"{name} has negative values in {negative.size} rows (first: {listed(negative)}); "
            "a weight counts or scales an observation and cannot be below zero.",
            code="negative_weights",
            column=name,
            rows=negative[:20],
        )
    if not array.any():
        raise InputError(
            f"{name} are all zero, which leaves no rows to fit.", code="no_rows", column=name
        )
    return total
