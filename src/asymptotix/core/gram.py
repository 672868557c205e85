r"""Weighted Gram products $X^\top \mathrm{diag}(w)\, X$ of blocks of rows, the heart of every pass.

On CPUs XLA hands products of matrices to a library that was built for processors of 2011. What it
compiles itself uses the processor at hand, if it is written as sums of products of numbers; that
takes about two thirds of the time at 20 columns, 0.3 s more to compile, and half of a symmetric
matrix.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.typing import Array, Float

RUN = 16
"""Rows whose products one stretch of code adds up."""
GROUP = 16
"""Columns that share the width of their rows in the lower triangle."""
FEWEST_COLUMNS, MOST_COLUMNS, FEWEST_ROWS = 8, 128, 256


def plain_gram(x: Float[Array, "n k"], weight: Float[Array, "n"]) -> Float[Array, "k k"]:
    r"""$\sum_i w_i x_i x_i^\top$ as a product of two matrices."""
    return (x * weight[:, None]).T @ x


def weighted_gram(x: Float[Array, "n k"], weight: Float[Array, "n"]) -> Float[Array, "k k"]:
    r"""$\sum_i w_i x_i x_i^\top$ of a block, for programs that run often and are not mapped.

    Arguments:
        x: rows of a block.
        weight: one for each, of any sign.
    """
    n, k = x.shape
    if n % RUN or n < FEWEST_ROWS or not FEWEST_COLUMNS <= k <= MOST_COLUMNS:
        return plain_gram(x, weight)
    return lax.platform_dependent(x, weight, cpu=_by_products, default=plain_gram)


def _by_products(x, weight):
    n, k = x.shape
    ends = [*range(k, 0, -GROUP)][::-1]
    groups = list(zip([0, *ends[:-1]], ends, strict=True))

    def sums(x, weighted):
        x, weighted = (v.reshape(n // RUN, RUN, k) for v in (x, weighted))
        runs = [
            functools.reduce(
                jnp.add, [weighted[:, t, a:b, None] * x[:, t, None, :b] for t in range(RUN)]
            )
            for a, b in groups
        ]
        # written out, as XLA would call a library for the sum of 64
        return [functools.reduce(jnp.add, [run[i] for i in range(n // RUN)]) for run in runs]

    def unknown(x, weighted):
        return [jnp.full((b - a, b), jnp.nan) for a, b in groups]

    # What crosses a branch lies in memory: XLA would otherwise compute the weighted rows anew for
    # each product, and sum products one by one. The condition only fails where the sums are NaN.
    found = lax.cond(weight[0] == weight[0], sums, unknown, x, x * weight[:, None])
    padded = [jnp.pad(v, ((0, 0), (0, k - b))) for v, (_, b) in zip(found, groups, strict=True)]
    lower = jnp.concatenate(padded)
    below = np.tri(k, k, -1, dtype=bool)
    return jnp.where(below.T, lower.T, lower)
