r"""Triangular factors $R$ of information matrices, $R^\top R = I$: never an inverse in disguise.

Each function takes JAX arrays (in a caller's transformation) or NumPy arrays (on the host, where
nothing needs to be compiled for matrices of `p x p`), and returns the same kind.
"""

import functools
from collections.abc import Callable

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


def triangular_factor(matrix: Matrix, active: Bool[Array, "p"]) -> Matrix:
    r"""Upper $R$ with $R^\top R$ = matrix on active rows and 1 on the others; NaN if not definite.

    The matrix is brought to unit diagonal first, so that the scale of columns does not decide
    whether the factorisation succeeds.
    """
    unit, scale = _unit_diagonal(matrix, active)
    return _cholesky(unit).T * scale[None, :]


def factor_and_solver(matrix: Matrix, active: Bool[Array, "p"]) -> tuple[Matrix, Callable]:
    r"""$R$ as `triangular_factor` has it, and $b \mapsto (R^\top R)^{-1} b$, of a traced matrix.

    A small one is factored by XLA itself and not by LAPACK: as fast, but to a digit less where
    columns are nearly collinear, and with NaN only from the first column that is not definite.
    """
    p = matrix.shape[0]
    if p > FEW:
        factor = triangular_factor(matrix, active)
        return factor, functools.partial(solve_with_factor, factor)
    unit, scale = _unit_diagonal(matrix, active)
    both = _eliminated(unit)
    inverse = both[:, p:] / scale[None, :]

    def solve(right: Vector) -> Vector:
        # Sums of products, not `@`: XLA makes a module of its own of each product.
        half = jnp.sum(inverse * right, axis=1)
        return jnp.sum(inverse * half[:, None], axis=0)

    return both[:, :p] * scale[None, :], solve


def _unit_diagonal(matrix: Matrix, active: Bool[Array, "p"]) -> tuple[Matrix, Vector]:
    """The matrix with a diagonal of ones, and the roots of its own; NaN where that is no root."""
    xp = namespace(matrix, active)
    filled = fill_inactive(matrix, active)
    on_diagonal = diagonal(filled)
    positive = on_diagonal > 0
    scale = xp.where(positive, xp.sqrt(xp.where(positive, on_diagonal, 1.0)), xp.nan)
    return filled / scale[:, None] / scale[None, :], scale


def _cholesky(matrix: Matrix) -> Matrix:
    if namespace(matrix) is jnp:
        return jnp.linalg.cholesky(matrix, symmetrize_input=False)
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def _eliminated(matrix: Matrix) -> Float[Array, "p 2p"]:
    r"""$(R, R^{-\top})$ by elimination, a row at a time: XLA makes one short function of it."""
    p = matrix.shape[0]
    position = np.arange(p)[:, None]

    def body(j, left):
        row = lax.dynamic_index_in_dim(left, j, keepdims=False)
        row = row / jnp.sqrt(lax.dynamic_index_in_dim(row, j, keepdims=False))
        below = left - row[:p, None] * row[None, :]
        return jnp.where(position == j, row[None, :], jnp.where(position > j, below, left))

    start = jnp.concatenate([matrix, np.eye(p, dtype=matrix.dtype)], axis=1)
    found = lax.fori_loop(np.int32(0), np.int32(p), body, start)
    return jnp.where(np.tri(p, 2 * p, -1, dtype=bool), 0, found)


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
    elif not (np.isfinite(factor.sum()) and factor.diagonal().all()):
        return np.full_like(factor, np.nan)
    else:
        root = np.linalg.inv(factor)  # by back substitution: a triangle has no other pivots
    return root @ root.T
