r"""Factors of information matrices: triangular $R$ with $R^\top R = I$, never an inverse in disguise."""

import jax
import jax.numpy as jnp

from asymptotix.core.typing import Array, Bool, Float


def triangular_factor(matrix: Float[Array, "p p"], active: Bool[Array, "p"]) -> Float[Array, "p p"]:
    r"""Upper $R$ with $R^\top R$ = matrix on active rows and 1 on the others; NaN if not definite.

    The matrix is brought to unit diagonal first, so that the scale of columns does not decide
    whether the factorisation succeeds.
    """
    filled = fill_inactive(matrix, active)
    diagonal = jnp.diagonal(filled)
    scale = jnp.sqrt(jnp.where(diagonal > 0, diagonal, jnp.nan))
    lower = jnp.linalg.cholesky(filled / scale[:, None] / scale[None, :], symmetrize_input=False)
    return lower.T * scale[None, :]


def fill_inactive(matrix, active):
    """The matrix with zero rows and columns, and 1 on the diagonal, where not active."""
    both = active[:, None] & active[None, :]
    return jnp.where(both, matrix, jnp.diag(jnp.where(active, 0.0, 1.0).astype(matrix.dtype)))


def share_unexplained(factor: Float[Array, "p p"]) -> Float[Array, "p"]:
    r"""$R_{jj} / \|R_{\cdot j}\|$: the part of each column that earlier columns do not explain.

    Its smallest value is about the square root of the reciprocal condition of $R^\top R$ on
    columns of unit length.
    """
    return jnp.abs(jnp.diagonal(factor)) / jnp.linalg.norm(factor, axis=0)


def solve_with_factor(factor, right):
    r"""$(R^\top R)^{-1}$ times a vector or matrix, by two triangular solves."""
    half = jax.scipy.linalg.solve_triangular(factor, right, trans="T")
    return jax.scipy.linalg.solve_triangular(factor, half)


def inverse_from_factor(factor):
    r"""$(R^\top R)^{-1}$, symmetric by construction."""
    root = jax.scipy.linalg.solve_triangular(factor, jnp.eye(factor.shape[0], dtype=factor.dtype))
    return root @ root.T


def quadratic(factor, vector):
    r"""$\|R v\|^2 = v^\top I v$."""
    image = factor @ vector
    return image @ image
