r"""Triangular factors $R$ of information matrices, $R^\top R = I$: never an inverse in disguise.

Each function takes JAX arrays (in a caller's transformation) or NumPy arrays (on the host, where
nothing needs to be compiled for matrices of `p x p`), and returns the same kind.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.typing import Array, Bool, Float

FEW = 16
"""Parameters up to which XLA can factor matrices itself as fast as by LAPACK, which JAX takes from
SciPy: to load that is a twentieth of a first fit."""

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


def triangular_factor(matrix: Matrix, active: Bool[Array, "p"], *, by_rows: bool = False) -> Matrix:
    r"""Upper $R$ with $R^\top R$ = matrix on active rows and 1 on the others; NaN if not definite.

    The matrix is brought to unit diagonal first, so that the scale of columns does not decide
    whether the factorisation succeeds.

    Arguments:
        matrix: symmetric.
        active: which rows and columns count.
        by_rows: whether a small one may be factored by XLA itself and not by LAPACK: as fast, but
            to a digit less where columns are nearly collinear.
    """
    xp = namespace(matrix, active)
    filled = fill_inactive(matrix, active)
    on_diagonal = diagonal(filled)
    positive = on_diagonal > 0
    scale = xp.where(positive, xp.sqrt(xp.where(positive, on_diagonal, 1.0)), xp.nan)
    unit = filled / scale[:, None] / scale[None, :]
    if by_rows and unit.shape[0] <= FEW:
        return _root_by_rows(unit) * scale[None, :]
    return _cholesky(unit).T * scale[None, :]


def _cholesky(matrix: Matrix) -> Matrix:
    if namespace(matrix) is jnp:
        return jnp.linalg.cholesky(matrix, symmetrize_input=False)
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def _root_by_rows(matrix: Matrix) -> Matrix:
    """The upper factor, a row at a time: XLA makes one short function of it."""
    position = np.arange(matrix.shape[0])

    def body(j, left):
        row = lax.dynamic_index_in_dim(left, j, keepdims=False)
        row = row / jnp.sqrt(_at(row, j))
        below = left - row[:, None] * row[None, :]
        here = (position == j)[:, None]
        return jnp.where(here, row[None, :], jnp.where((position > j)[:, None], below, left))

    root = lax.fori_loop(np.int32(0), np.int32(len(position)), body, matrix)
    root = jnp.where(position[:, None] <= position[None, :], root, 0)
    return jnp.where(jnp.isfinite(root).all(), root, jnp.nan)


def _solved_by_rows(factor: Matrix, right: Vector) -> Vector:
    p = factor.shape[0]
    position = np.arange(p)

    def forward(j, x):
        row = lax.dynamic_index_in_dim(factor, j, keepdims=False)
        value = _at(x, j) / _at(row, j)
        return jnp.where(position == j, value, jnp.where(position > j, x - row * value, x))

    def backward(i, x):
        j = np.int32(p - 1) - i
        row = lax.dynamic_index_in_dim(factor, j, keepdims=False)
        value = (_at(x, j) - jnp.sum(jnp.where(position > j, row * x, 0))) / _at(row, j)
        return jnp.where(position == j, value, x)

    half = lax.fori_loop(np.int32(0), np.int32(p), forward, right)
    return lax.fori_loop(np.int32(0), np.int32(p), backward, half)


def _at(vector: Vector, j):
    return lax.dynamic_index_in_dim(vector, j, keepdims=False)


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


def solve_with_factor(factor: Matrix, right, *, by_rows: bool = False):
    r"""$(R^\top R)^{-1}$ times a vector or matrix, by two triangular solves.

    Arguments:
        factor: upper.
        right: the vector or matrix; `by_rows`, a vector.
        by_rows: as in `triangular_factor`.
    """
    if by_rows and factor.shape[0] <= FEW:
        return _solved_by_rows(factor, right)
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
