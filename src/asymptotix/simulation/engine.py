"""The replications of one design cell, a chunk at a time on all cores."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.quick_jit import quick_jit
from asymptotix.core.static import split
from asymptotix.data.slabs import cores, in_threads
from asymptotix.simulation.estimators import Estimates, Estimator
from asymptotix.simulation.performance import Replications

CHUNK = 500
"""Replications between two looks at the clock; each is kept before the next begins."""


def replicate(
    generate, estimate, key, count: int, before: Replications | None, *, traced: bool, tick, keep
) -> Replications:
    """All replications, beginning where an interrupted study left off.

    Arguments:
        generate, estimate: as in `asx.monte_carlo`.
        key: of the cell.
        count: replications.
        before: those that were made already, or `None`.
        traced: whether the two functions can be traced.
        tick: told how many are done.
        keep: given all replications after each chunk.
    """
    found = before
    start = 0 if found is None else min(len(found.codes), count)
    tick(start)
    make = _looped if not traced else _many if isinstance(estimate, Estimator) else _mapped
    run = make(generate, estimate, key)
    for first in range(start, count, CHUNK):
        part = run(np.arange(first, min(first + CHUNK, count)))
        found = part if found is None else Replications(*map(_joined, found, part))
        keep(found)
        tick(len(part.codes))
    assert found is not None
    return Replications(*(a[:count] for a in found))


def _joined(a, b):
    return np.concatenate([a, b])


def _as_replications(out: Estimates, count: int) -> Replications:
    values = np.asarray(out.values, float).reshape(count, -1)
    errors = np.asarray(out.standard_errors, float).reshape(count, -1)
    codes = np.broadcast_to(np.asarray(out.code, np.int32), (count,)).copy()
    dof = np.asarray(out.dof, float)
    dof = np.broadcast_to(dof, (count, *dof.shape[1:])).copy()
    return Replications(values, errors, codes, dof)


def _estimates(out: Any) -> Estimates:
    if isinstance(out, Estimates):
        return out
    if not isinstance(out, tuple | list) or not 2 <= len(out) <= 4:
        raise InputError(
            f"estimate must return asx.Estimates (values, standard errors, status code, degrees of "
            f"freedom) or a tuple of its fields, not a {type(out).__name__}; asx.Estimator(model) "
            "makes such a function.",
            code="arguments",
        )
    return Estimates(*out)


def _many(generate, estimate: Estimator, key):
    """Data sets drawn on all cores, then fitted by the engine for many fits."""

    def run(indices) -> Replications:
        samples = _in_parts(lambda part: _traced(generate)(key, part), indices)
        return _as_replications(estimate.many(samples), len(indices))

    return run


def _in_parts(program, indices):
    """What a program makes of indices, in as many threads as there are cores."""
    parts = in_threads(
        lambda part: jax.tree.map(np.asarray, program(jnp.asarray(part, jnp.int32))),
        np.array_split(indices, min(cores(), len(indices))),
    )
    return jax.tree.map(lambda *a: np.concatenate(a), *parts)


@functools.cache
def _compiled(static):
    return quick_jit(
        lambda arrays, key, indices: lax.map(
            lambda i: static.combine(arrays)(jax.random.fold_in(key, i)), indices
        )
    )


def _traced(function):
    """The function over keys folded with indices, compiled once for modules of one structure."""
    arrays, static = split(function)
    return functools.partial(_compiled(static), arrays)


def _mapped(generate, estimate, key):
    """Any functions that JAX can trace: one replication after another, on each core."""

    def one(index):
        sample = generate(jax.random.fold_in(key, index))
        return Estimates(*map(jnp.asarray, _estimates(estimate(sample))))

    program = quick_jit(lambda part: lax.map(one, part))  # one for all chunks
    return lambda indices: _as_replications(_in_parts(program, indices), len(indices))


def _looped(generate, estimate, key):
    """Functions of the host, one call a replication."""

    def run(indices) -> Replications:
        with double():
            found = [
                _estimates(estimate(generate(jax.random.fold_in(key, int(i))))) for i in indices
            ]
        fields = (np.stack([np.asarray(v) for v in field]) for field in zip(*found, strict=True))
        return _as_replications(Estimates(*fields), len(indices))

    return run
