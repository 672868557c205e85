"""The different rows of a stream with how often each occurs, where they are few."""

from __future__ import annotations

import contextlib

import jax
import numpy as np

from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.streamed import StreamedRows

MOST = SLAB_ROWS
"""Different rows up to here are gathered; they then fit like any small data."""


def distinct_rows(rows: StreamedRows, most: int = MOST) -> Rows | None:
    """Rows under frequency weights that stand for all rows of a stream, by one pass over it.

    Whatever is a sum over rows, of the likelihood or of its derivatives, is the same of them.

    Arguments:
        rows: a stream without weights, or with frequency weights.
        most: different rows up to which this is worth while.

    Returns:
        The different rows; `None` where there are more than `most`, or weights of another kind.
    """
    if rows.weight_kind not in (None, "frequency") or rows.evaluator is not None:
        return None
    held, count = None, np.empty(0)
    with contextlib.closing(rows.parts()) as parts:
        for part in parts:
            table, weight = _table(part)
            if held is not None:
                table, weight = np.vstack([held, table]), np.r_[count, weight]
            held, count = _merged(table, weight)
            if len(held) > most:
                return None
    return None if held is None else _rows(held, count, rows.sample)


def _leaves(rows: Rows) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves((rows.x, rows.y, rows.offset))]


def _table(part: Rows) -> tuple[np.ndarray, np.ndarray]:
    """One line a row of positive weight, and the weights."""
    flat = [leaf.reshape(part.n, -1).astype(np.float64) for leaf in _leaves(part)]
    weight = np.ones(part.n) if part.weights is None else np.asarray(part.weights, float)
    return np.hstack(flat)[weight > 0], weight[weight > 0]


def _merged(table: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = np.ascontiguousarray(table) + 0.0  # no negative zeros
    line = np.dtype((np.void, table.dtype.itemsize * table.shape[1]))
    _, first, of_row = np.unique(table.view(line).ravel(), return_index=True, return_inverse=True)
    return table[first], np.bincount(of_row, weights=weight)


def _rows(table: np.ndarray, count: np.ndarray, like: Rows) -> Rows:
    shapes = (like.x, like.y, like.offset)
    leaves, treedef = jax.tree.flatten(shapes)
    found, start = [], 0
    for leaf in leaves:
        width = int(np.prod(np.shape(leaf)[1:]))
        part = table[:, start : start + width].reshape(len(table), *np.shape(leaf)[1:])
        found.append(np.ascontiguousarray(part.astype(np.asarray(leaf).dtype)))
        start += width
    x, y, offset = jax.tree.unflatten(treedef, found)
    return Rows(x, y, weights=count, weight_kind="frequency", offset=offset)
