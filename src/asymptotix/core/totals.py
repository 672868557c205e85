"""Sums over rows in programs that should compile quickly."""

import jax.numpy as jnp
from jax import lax

from asymptotix.core.typing import Array, Float

WINDOW = 32
"""Numbers that XLA adds one after another on CPU, whatever the length of a sum."""


def total(values: Float[Array, "n"]) -> Float[Array, ""]:
    """The sum of a vector, by sums of 32 numbers as XLA takes them.

    Left to itself, XLA splits a long sum into windows by an operation that is a module of its own
    to LLVM: 10 ms to compile, and 10 microseconds of a small fit. Reductions of 32 numbers each
    are part of what is computed beside them.
    """
    n = values.shape[0]
    while n > WINDOW and n % WINDOW == 0:
        n //= WINDOW
        # The barrier keeps XLA from making one sum of the two again.
        values = lax.optimization_barrier(jnp.sum(values.reshape(n, WINDOW), axis=1))
    return jnp.sum(values)
