"""Double precision, entered and left again without touching the user's configuration."""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np


def double():
    """A scope in which JAX computes in float64; the user's own setting returns afterwards."""
    return jax.enable_x64(True)


def is_traced(tree) -> bool:
    """Whether any leaf belongs to a surrounding `jit`, `vmap` or `grad`."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


def working_dtype(tree) -> np.dtype:
    """The precision of a computation on these leaves.

    Concrete data are always worked on in float64. Inside a caller's transformation the data's
    own precision is followed: float64 as soon as one leaf is float64, else float32.
    """
    leaves = jax.tree.leaves(tree)
    if not any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return np.dtype(np.float64)
    wide = any(getattr(leaf, "dtype", None) == np.float64 for leaf in leaves)
    return np.dtype(np.float64 if wide else np.float32)


def scope(dtype):
    """`double()` where the working precision is float64, otherwise no change."""
    return double() if np.dtype(dtype) == np.float64 else contextlib.nullcontext()


def scoped(function):
    """Run a function inside the precision that its array arguments call for."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        leaves = [a for a in jax.tree.leaves((args, kwargs)) if hasattr(a, "dtype")]
        with scope(working_dtype(leaves)):
            return function(*args, **kwargs)

    return wrapped


def as_float(leaf, dtype) -> jax.Array:
    """The leaf as a floating array of the working precision."""
    return jnp.asarray(leaf).astype(dtype)
