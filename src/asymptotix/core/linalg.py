r"""Triangular factors $R$ of information matrices, $R^\top R = I$: never an inverse in disguise.

Each function takes JAX arrays (in a caller's transformation) or NumPy arrays (on the host, where
nothing needs to be compiled for matrices of `p x p`), and returns the same kind.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.typing import Array, Bool, Float

Matrix = Float[Array, "p p"]
Vector = Float[Array, "p"]


def namespace(*arrays):
    """`numpy` if all arrays are NumPy's, else `jax.numpy`."""
    return np if all(isinstance(a, _NUMPY) for a in arrays) else jnp


_NUMPY = np.ndarray, np.generic


def diagonal(matrix: Matrix) -> Vector:
    """The diagonal, without the branch for each platform that `jnp.diagonal` compiles.

    Of each of many matrices, where there are axes before the last two.
    """
    if namespace(matrix) is np:
        return np.diagonal(matrix, axis1=-2, axis2=-1)
    return jnp.sum(jnp.where(np.eye(matrix.shape[-1], dtype=bool), matrix, 0), axis=-2)


def triangular_factor(matrix: Matrix, active: Bool[Array, "p"]) -> Matrix:
    r"""Upper $R$ with $R^\top R$ = matrix on active rows and 1 on the others; NaN if not definite.

    The matrix is brought to unit diagonal first, so that the scale of columns does not decide
    whether the factorisation succeeds.
    """
    xp = namespace(matrix, active)
    filled = fill_inactive(matrix, active)
    on_diagonal = diagonal(filled)
    positive = on_diagonal > 0
    scale = xp.where(positive, xp.sqrt(xp.where(positive, on_diagonal, 1.0)), xp.nan)
    unit = filled / scale[:, None] / scale[None, :]
    return _cholesky(unit).T * scale[None, :]


def _cholesky(matrix: Matrix) -> Matrix:
    if namespace(matrix) is jnp:
        return jnp.linalg.cholesky(matrix, symmetrize_input=False)
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def fill_inactive(matrix: Matrix, active) -> Matrix:
    """The matrix with zero rows and columns, and 1 on the diagonal, where not active."""
    xp = namespace(matrix, active)
    unit = xp.where(np.eye(matrix.shape[0], dtype=bool), xp.ones_like(matrix), 0)
    return xp.where(active[:, None] & active[None, :], matrix, unit)


def share_unexplained(factor: Matrix) -> Vector:
    r"""$|R_{jj}| / \|R_{\cdot j}\|$: the part of each column that earlier columns do not explain.

    Its smallest value is about the square root of the reciprocal condition of $R^\top R$ on
    columns of unit length.
    """
    if namespace(factor) is np:  # in half as many calls: every small fit asks
        return np.abs(factor.diagonal()) / np.sqrt(np.einsum("ij,ij->j", factor, factor))
    return jnp.abs(diagonal(factor)) / jnp.sqrt((factor * factor).sum(axis=0))


def solve_with_factor(factor: Matrix, right):
    r"""$(R^\top R)^{-1}$ times a vector or matrix, by two triangular solves."""
    if namespace(factor, right) is jnp:
        half = jax.scipy.linalg.solve_triangular(factor, right, trans=1)
        return jax.scipy.linalg.solve_triangular(factor, half)
    half = _solve_upper(factor, right, transposed=True)
    return _solve_upper(factor, half)


def _solve_upper(factor, right, transposed: bool = False):
    # LAPACK itself: `scipy.linalg.solve_triangular` wakes BLAS threads for a 5 x 5 matrix.
    return _trtrs()(factor, right, trans=int(transposed))[0]


@functools.cache
def _trtrs():
    from scipy.linalg import get_lapack_funcs  # a tenth of a second at start-up

    return get_lapack_funcs(("trtrs",))[0]


def inverse_from_factor(factor: Matrix) -> Matrix:
    r"""$(R^\top R)^{-1}$, symmetric by construction."""
    if namespace(factor) is jnp:
        eye = np.eye(factor.shape[0], dtype=factor.dtype)
        root = jax.scipy.linalg.solve_triangular(factor, eye)
    elif not (np.isfinite(factor).all() and factor.diagonal().all()):
        return np.full_like(factor, np.nan)
    else:
        root = np.linalg.inv(factor)  # by back substitution: a triangle has no other pivots
    return root @ root.T
