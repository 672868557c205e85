"""Rows that fits were made of, so that a covariance right after knows them again at once.

A fit holds no data. What is kept here, for as long as its estimates live, is one number: a
checksum of the bits of its rows, or of a few thousand of many, which must then also be the same
arrays. Rows with another one are not refused but looked at closely.
"""

import contextlib
import functools
import weakref

import jax
import numpy as np

from asymptotix.data.checks import totals
from asymptotix.data.rows import Rows
from asymptotix.fitting.fit import Fit

GLANCE = 4_096
"""Rows that are looked at of arrays that are the same ones still."""

_known: dict[int, tuple[weakref.ref, weakref.ref, int]] = {}
_NOTHING = None, None, 0
_glanced: dict[int, tuple[weakref.ref, list[weakref.ref], int, list[float] | None]] = {}


def remember(fit: Fit, noted: int) -> None:
    """Note the rows of a fit on the host, of which this is the `checksum`."""
    params, key = fit.params, id(fit.params)
    if isinstance(params, np.ndarray):
        forget = weakref.ref(params, lambda _: _known.pop(key, None))
        _known[key] = forget, weakref.ref(fit), noted


def is_noted(fit: Fit) -> bool:
    """Whether this is, untouched, a fit of few rows on the host: nothing of it is traced."""
    _, made, _ = _known.get(id(fit.params), _NOTHING)
    return made is not None and made() is fit


def is_remembered(fit: Fit, rows: Rows) -> bool:
    """Whether these are, bit by bit, the rows that were noted."""
    reference, _, noted = _known.get(id(fit.params), _NOTHING)
    return reference is not None and reference() is fit.params and noted == checksum(rows)


def remember_arrays(fit: Fit, rows: Rows, sums: list[float] | None = None) -> None:
    """Note the arrays of a fit of many rows, without reading them all.

    Arguments:
        fit, rows: the fit and its rows.
        sums: their `totals`, where they are known.
    """
    params, key = fit.params, id(fit.params)
    with contextlib.suppress(TypeError):  # arrays of other libraries may not take weak references
        arrays = [weakref.ref(leaf) for leaf in _leaves(rows)]
        forget = weakref.ref(params, lambda _: _glanced.pop(key, None))
        _glanced[key] = forget, arrays, checksum(_few(rows)), sums


def are_remembered(fit: Fit, rows: Rows) -> bool:
    """Whether these are the very arrays that were noted, to all appearances unchanged.

    For what reads nothing of them: of numbers that were changed in place a few may go unnoticed.
    """
    reference, arrays, noted, _ = _glanced.get(id(fit.params), (None, [], 0, None))
    if reference is None or reference() is not fit.params:
        return False
    leaves = _leaves(rows)
    same = len(arrays) == len(leaves) and all(a() is b for a, b in zip(arrays, leaves, strict=True))
    return same and noted == checksum(_few(rows))


def are_unchanged(fit: Fit, rows: Rows) -> bool:
    """The same of arrays whose sums are, bit by bit, those that were noted too."""
    if not are_remembered(fit, rows):
        return False
    sums = _glanced[id(fit.params)][3]
    return sums is not None and sums == totals(rows)


def _leaves(rows: Rows) -> list:
    return jax.tree.leaves((rows.x, rows.y, rows.weights, rows.offset))


def _few(rows: Rows) -> Rows:
    step = -(-rows.n // GLANCE)
    return jax.tree.map(lambda a: np.asarray(a[::step]), rows)


def checksum(rows: Rows) -> int:
    """A sum of all bits, each 64 of them times an odd number of their position, modulo 2^64."""
    total = hash(rows.weight_kind)
    for i, leaf in enumerate(_leaves(rows)):
        bits = np.ascontiguousarray(leaf, np.float64).reshape(-1).view(np.uint64)
        total = (2 * i + 3) * total + int(np.dot(bits, _multipliers(bits.size)))
    return total


@functools.lru_cache(maxsize=16)
def _multipliers(size: int) -> np.ndarray:
    return (
        np.random.default_rng(size).integers(2**63, size=size, dtype=np.uint64) * np.uint64(2) + 1
    )
