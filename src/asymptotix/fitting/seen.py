"""Rows that small fits were made of, so that a covariance right after knows them again at once.

A fit holds no data. What is kept here, for as long as its estimates live, is one number: a
checksum of the bits of its rows. Rows with another one are not refused but looked at closely.
"""

import functools
import weakref

import jax
import numpy as np

from asymptotix.data.rows import Rows
from asymptotix.fitting.fit import Fit

_known: dict[int, tuple[weakref.ref, int]] = {}


def remember(fit: Fit, rows: Rows) -> None:
    """Note the rows of a fit on the host."""
    params, key = fit.params, id(fit.params)
    if isinstance(params, np.ndarray):
        _known[key] = weakref.ref(params, lambda _: _known.pop(key, None)), _checksum(rows)


def is_remembered(fit: Fit, rows: Rows) -> bool:
    """Whether these are, bit by bit, the rows that were noted."""
    reference, checksum = _known.get(id(fit.params), (None, 0))
    return reference is not None and reference() is fit.params and checksum == _checksum(rows)


def _checksum(rows: Rows) -> int:
    """A sum of all bits, each 64 of them times an odd number of their position, modulo 2^64."""
    total = hash(rows.weight_kind)
    for i, leaf in enumerate(jax.tree.leaves((rows.x, rows.y, rows.weights, rows.offset))):
        bits = np.ascontiguousarray(leaf, np.float64).reshape(-1).view(np.uint64)
        total = (2 * i + 3) * total + int(np.dot(bits, _multipliers(bits.size)))
    return total


@functools.lru_cache(maxsize=16)
def _multipliers(size: int) -> np.ndarray:
    return (
        np.random.default_rng(size).integers(2**63, size=size, dtype=np.uint64) * np.uint64(2) + 1
    )
