"""Sums over one block for any model, by automatic differentiation in all parameters."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.typing import Array, Float
from asymptotix.data.rows import Block
from asymptotix.model import Layout, Regression
from asymptotix.predictors import with_offset


def row_log_likelihoods(model: Regression, block: Block) -> Float[Array, "n"]:
    r"""$w_i \ell_i$ of each row; a row of weight zero contributes exactly zero."""

    def one(x, y, offset):
        return model.family.kernel(with_offset(model.predictor(x), offset), y)

    present = with_absent_replaced(block)
    return weighted(block.weight, jax.vmap(one)(present.x, present.y, present.offset))


def with_absent_replaced(block: Block) -> Block:
    """The block with the values of a present row in rows of weight zero.

    Reverse differentiation multiplies a row's slope by its weight, and infinity times zero is NaN.
    """
    first = lax.argmax(block.weight > 0, 0, np.int32)

    def filled(leaf):
        keep = (block.weight > 0).reshape((-1,) + (1,) * (leaf.ndim - 1))
        return jnp.where(keep, leaf, lax.dynamic_slice_in_dim(leaf, first, 1))

    return Block(
        jax.tree.map(filled, block.x),
        jax.tree.map(filled, block.y),
        block.weight,
        filled(block.offset),
    )


def weighted(weight, values):
    """Rows times their weights, with exact zeros (not NaN) where a row is absent."""
    shaped = weight.reshape(weight.shape + (1,) * (values.ndim - 1))
    return jnp.where(shaped > 0, shaped * values, 0.0)


def block_sums(model: Regression, layout: Layout, curvature: str, theta, block: Block):
    """`(value, score, information)` of one block, with derivatives taken inside it."""

    def value(t):
        return jnp.sum(row_log_likelihoods(layout.replace(model, t), block))

    def slope(t):
        total, score = jax.value_and_grad(value)(t)
        return score, (total, score)

    if curvature == "observed":
        hessian, (total, score) = jax.jacfwd(slope, has_aux=True)(theta)
        return total, score, -hessian
    _, (total, score) = slope(theta)
    return total, score, _expected(model, layout, theta, block)


def block_gradient(model: Regression, layout: Layout, theta, block: Block):
    """`(value, score)` of one block."""

    def value(t):
        return jnp.sum(row_log_likelihoods(layout.replace(model, t), block))

    return jax.value_and_grad(value)(theta)


def _expected(model, layout, theta, block: Block):
    r"""$\sum_i w_i J_i^\top E_i J_i$ with $J_i = \partial\eta_i/\partial\theta$."""
    each = row_informations(model, layout, "expected", theta, block)
    return jnp.sum(weighted(block.weight, each), axis=0)


def row_informations(
    model: Regression, layout: Layout, curvature: str, theta, block: Block
) -> Float[Array, "n p p"]:
    r"""$-\partial^2\ell_i/\partial\theta\,\partial\theta^\top$ of each row, or its expectation.

    Without the row's weight.
    """

    def expected(x, y, offset):
        def eta(t):
            return with_offset(layout.replace(model, t).predictor(x), offset)

        inner = jnp.atleast_2d(
            layout.replace(model, theta).family.expected_information(eta(theta), y)
        )
        jacobian = jnp.atleast_2d(jax.jacrev(eta)(theta))
        return jacobian.T @ inner @ jacobian

    def observed(x, y, offset):
        def value(t):
            candidate = layout.replace(model, t)
            return candidate.family.kernel(with_offset(candidate.predictor(x), offset), y)

        return -jax.hessian(value)(theta)

    one = observed if curvature == "observed" else expected
    return jax.vmap(one)(block.x, block.y, block.offset)


def row_scores(model: Regression, layout: Layout, theta, block: Block) -> Float[Array, "n p"]:
    r"""$s_i = \partial \ell_i/\partial\theta$ of each row, without its weight."""

    def one(x, y, offset):
        def value(t):
            candidate = layout.replace(model, t)
            return candidate.family.kernel(with_offset(candidate.predictor(x), offset), y)

        return jax.grad(value)(theta)

    return jax.vmap(one)(block.x, block.y, block.offset)
