"""Random weights and responses of replicates: the same for a key, however they are chunked."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.static import split

TOGETHER = 64
"""Replicates drawn from one stream."""


def entropy(key: Any) -> tuple[int, ...]:
    """The numbers behind a key of `jax.random`, in a form that options may hold.

    Raises:
        InputError: there is no key.
    """
    typed = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    data = np.asarray(jax.random.key_data(key) if typed else key)
    if key is None or data.dtype.kind != "u" or data.ndim != 1:
        raise InputError(
            "Resampling needs a key, and the same key gives the same numbers; "
            "pass key=jax.random.key(0).",
            code="key",
            column="key",
        )
    return tuple(int(word) for word in data)


def by_stream(seed: tuple[int, ...], one_stream, index):
    """Rows `index` of what streams of `TOGETHER` replicates each draw.

    Arguments:
        seed: from `entropy`.
        one_stream: from a NumPy generator to an array with `TOGETHER` first.
        index: a slice or an array of replicates.
    """
    wanted = _listed(index)
    parts = []
    for stream in np.unique(wanted // TOGETHER):
        words = np.random.SeedSequence(seed, spawn_key=(int(stream),))
        drawn = one_stream(np.random.Generator(np.random.SFC64(words)))
        parts.append(drawn[wanted[wanted // TOGETHER == stream] % TOGETHER])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def counts(generator: np.random.Generator, size: int) -> np.ndarray:
    """How often each of `size` things is drawn in `size` draws with replacement."""
    drawn = generator.integers(size, size=(TOGETHER, size), dtype=np.int32)
    drawn += (np.arange(TOGETHER, dtype=np.int32) * size)[:, None]
    found = np.bincount(drawn.ravel(), minlength=TOGETHER * size)
    return found.reshape(TOGETHER, size).astype(float)


def frequency_counts(generator: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """The same for rows that stand for `weights` observations each."""
    total = round(float(weights.sum()))
    return generator.multinomial(total, weights / weights.sum(), TOGETHER).astype(float)


class Responses:
    """Responses drawn from a fitted model, one data set a replicate.

    Arguments:
        family: at its estimates, dispersion included.
        eta: the predictor of each row.
        y: the observed response, which lends its trials.
        weights: precision weights, or `None`.
        seed: from `entropy`.
    """

    def __init__(self, family, eta, y, weights, seed):
        self.arrays, self.static = split(jax.tree.map(np.asarray, family))
        trials = jax.tree.leaves(y)[1] if family.response_kind == "grouped" else None
        self.rows = eta, trials, weights
        self.seed = np.asarray(seed, np.uint32)

    def __call__(self, index):
        wanted = _listed(index)
        size = -(-wanted.size // TOGETHER) * TOGETHER  # few sizes, few programs
        padded = np.resize(wanted, size).astype(np.int32)
        with double():
            drawn = _responses(self.static, self.arrays, self.seed, padded, self.rows)
        return jax.tree.map(lambda a: np.asarray(a)[: wanted.size], drawn)


def _listed(index) -> np.ndarray:
    return np.arange(index.start, index.stop) if isinstance(index, slice) else np.asarray(index)


@functools.partial(jax.jit, static_argnums=0)
def _responses(static, arrays, seed, replicates, rows):
    family = static.combine(arrays)
    key = jax.random.wrap_key_data(seed)

    def row(key, eta, trials, weight):
        own = family if weight is None else family.with_dispersion(family.dispersion / weight)
        options = {} if trials is None else {"trials": trials}
        return own.sample(eta, key=key, **options)

    def one(replicate):
        keys = jax.random.split(jax.random.fold_in(key, replicate), rows[0].shape[0])
        axes = (0, 0, *(None if v is None else 0 for v in rows[1:]))
        return jax.vmap(row, in_axes=axes)(keys, *rows)

    return jax.lax.map(one, replicates)
