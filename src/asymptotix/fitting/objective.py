"""The function that general-purpose optimisers minimise."""

import jax
import jax.numpy as jnp

from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block
from asymptotix.fitting.penalised import penalty_value
from asymptotix.likelihood import block_gradient


def value_and_score(model, coordinates, penalty, rows: Block, params):
    """The penalised log-likelihood and its gradient, by one loop over blocks."""
    value, score = sum_blocks(lambda b: block_gradient(model, coordinates, params, b), rows)
    added, gradient = jax.value_and_grad(lambda p: penalty_value(penalty, coordinates, p))(params)
    return value + added, score + gradient


def mean_loss(model, coordinates, penalty, rows: Block):
    r"""$\theta \mapsto -(\ell(\theta) + \log p(\theta)) / \sum_i w_i$, infinite where undefined.

    Its derivative is the score, taken inside each block: nothing differentiates the loop over
    blocks, in forward or in reverse.
    """
    total = jnp.sum(rows.weight)

    @jax.custom_jvp
    def loss(params):
        return _both(params)[0]

    def _both(params):
        value, score = value_and_score(model, coordinates, penalty, rows, params)
        finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(score))
        return (
            jnp.where(finite, -value / total, jnp.inf),
            jnp.where(finite, -score / total, 0.0),
        )

    @loss.defjvp
    def _(primals, tangents):
        value, gradient = _both(primals[0])
        return value, gradient @ tangents[0]

    return loss
