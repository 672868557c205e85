"""Each row's own information, and what share of an estimate hangs on that row."""

import jax.numpy as jnp

from asymptotix.core.typing import Array, Float
from asymptotix.data.rows import Block
from asymptotix.families import AbstractFamily
from asymptotix.likelihood import generic, structured
from asymptotix.likelihood.structured import block_predictor
from asymptotix.model import Regression, layout


def row_informations(
    model: Regression, coordinates, curvature: str, theta, block: Block
) -> Float[Array, "n p p"]:
    r"""$H_i$ of each row, without its weight, in working coordinates."""
    if coordinates is None:
        return generic.row_informations(model, layout(model), curvature, theta, block)
    designs, eta, psi = block_predictor(model, coordinates, theta, block)
    if _is_scalar(eta, psi):
        _, _, second = structured.scalar_derivatives(model.family, curvature, eta, block.y)
        return second[:, None, None] * designs[0][:, :, None] * designs[0][:, None, :]
    _, _, second = structured.vector_derivatives(model.family, curvature, eta, psi, block.y)
    jacobian = _jacobians(designs, psi.size)
    return jnp.einsum("nja,njl,nlb->nab", jacobian, second, jacobian)


def _is_scalar(eta, psi) -> bool:
    return eta.ndim == 1 and psi.shape == (0,)


def _jacobians(designs, own: int):
    r"""$\partial z_i / \partial\theta$: each component of $z$ sees its own design."""
    n = designs[0].shape[0]
    wide = (*designs, *([jnp.ones((n, 1), designs[0].dtype)] * own))
    rows, start, p = [], 0, sum(d.shape[1] for d in wide)
    for d in wide:
        rows.append(jnp.pad(d, ((0, 0), (start, p - start - d.shape[1]))))
        start += d.shape[1]
    return jnp.stack(rows, axis=1)


def row_leverages(
    model: Regression, coordinates, curvature: str, theta, inverse, block: Block
) -> Float[Array, "n"]:
    r"""$\mathrm{tr}(A H_i)$ of each row, without its weight.

    With the expected information this is a generalised linear model's leverage.

    Arguments:
        inverse: $A$, the inverse of the information of all rows.
    """
    if coordinates is not None:
        designs, eta, psi = block_predictor(model, coordinates, theta, block)
        if _is_scalar(eta, psi):
            _, _, second = structured.scalar_derivatives(model.family, curvature, eta, block.y)
            return second * jnp.sum((designs[0] @ inverse) * designs[0], axis=1)
    each = row_informations(model, coordinates, curvature, theta, block)
    return jnp.sum(each * inverse.T, axis=(1, 2))


def declares_expected(model: Regression) -> bool:
    """Whether the family knows its expected information in all of its parameters."""
    own = type(model.family).expected_information
    return own is not AbstractFamily.expected_information and layout(model.family).size == 0
