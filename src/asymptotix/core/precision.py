"""Double precision, entered and left again without touching the user's configuration."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from asymptotix.core.static import split


class double:
    """A scope in which JAX computes in float64; the user's own settings return afterwards."""

    def __enter__(self):
        self.wide, self.ranks = jax.enable_x64(True), jax.numpy_rank_promotion("allow")
        self.wide.__enter__()
        self.ranks.__enter__()

    def __exit__(self, *raised):
        self.ranks.__exit__(*raised)
        return self.wide.__exit__(*raised)


def is_traced(tree) -> bool:
    """Whether any leaf belongs to a surrounding `jit`, `vmap` or `grad`."""
    for leaf in jax.tree.leaves(tree):  # a loop, since small fits come here often
        if type(leaf) is not np.ndarray and isinstance(leaf, Tracer):
            return True
    return False


def working_dtype(tree) -> np.dtype:
    """The precision of a computation on these leaves.

    Concrete data are always worked on in float64. Inside a caller's transformation the data's
    own precision is followed: float64 as soon as one leaf is float64, else float32.
    """
    leaves = jax.tree.leaves(tree)
    if not any(isinstance(leaf, Tracer) for leaf in leaves):
        return np.dtype(np.float64)
    wide = any(getattr(leaf, "dtype", None) == np.float64 for leaf in leaves)
    return np.dtype(np.float64 if wide else np.float32)


def scope(dtype):
    """`double()` where the working precision is float64, otherwise the user's own."""
    wide = np.dtype(dtype) == np.float64
    return double() if wide else jax.numpy_rank_promotion("allow")


def in_scope(function, dtype, *args):
    """`function(*args)` in a precision that its derivatives keep.

    JAX transposes a computation in whatever precision is on when the gradient is taken, which
    would round a float64 computation of a user with default settings to float32. Inside a
    transformation the call therefore brings its own backward pass, which enters the scope again.

    Arguments:
        function: of pytrees of arrays; it must not close over arrays of a transformation.
        dtype: the working precision.
        args: pytrees; anything in them that is not an array is held fixed.
    """
    if np.dtype(dtype) != np.float64 or jax.config.read("jax_enable_x64") or not is_traced(args):
        with scope(dtype):
            return function(*args)
    arrays, static = split(args)
    output = []  # the part of the result that is not arrays, noted while tracing

    def inner(leaves):
        found, rest = split(function(*static.combine(leaves)))
        output.append(rest)
        return found

    @jax.custom_vjp
    def call(leaves):
        with double():
            return inner(leaves)

    def forward(leaves):
        with double():
            return jax.vjp(inner, leaves)

    def backward(pull, cotangent):
        with double():
            return pull(cotangent)

    call.defvjp(forward, backward)
    arrays = jax.tree.map(_settled, arrays)
    with double():  # NumPy leaves become float64, not what the user's setting makes of them
        arrays = jax.tree.map(jnp.asarray, arrays)
    found = call(arrays)
    return output[-1].combine(found)


def _settled(leaf):
    """A traced leaf whose numbers have the precision that it says.

    Under `vmap` in single precision, that of a NumPy array in float64 says float32 while its
    numbers are rounded only when they are first used, which must not be in double precision.
    """
    single = isinstance(leaf, Tracer) and leaf.dtype == np.float32
    return jnp.copy(leaf) if single else leaf


def scoped(function):
    """Run a function inside the precision that its array arguments call for."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        leaves = [a for a in jax.tree.leaves((args, kwargs)) if hasattr(a, "dtype")]
        return in_scope(
            lambda a, k: function(*a, **k), working_dtype(leaves), args, kwargs
        )  # fmt: skip

    return wrapped
