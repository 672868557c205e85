"""Factors of information matrices by elimination, against LAPACK's."""

import jax
import numpy as np
import pytest

from asymptotix.core.linalg import FEW, factor_and_solver, solve_with_factor, triangular_factor
from asymptotix.fitting.newton import trusted


def information(p: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((3 * p + 4, p)) * 10.0 ** np.arange(p)
    return x.T @ x


@jax.jit
def factored(matrix, active, right):
    factor, solve = factor_and_solver(matrix, active)
    return factor, solve(right)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("p", [1, 2, 7, FEW, FEW + 1])
def test_factor_and_solution_are_those_of_lapack(p):
    matrix, active, right = information(p), np.arange(p) != 1, np.arange(1.0, p + 1)
    factor, solution = factored(matrix, active, right)
    expected = triangular_factor(matrix, active)
    scale = np.sqrt(np.diag(expected.T @ expected))
    np.testing.assert_allclose(factor / scale, expected / scale, rtol=1e-12, atol=1e-14)
    assert not np.tril(factor, -1).any()
    np.testing.assert_allclose(solution, solve_with_factor(expected, right), rtol=1e-10)


def test_many_at_once():
    matrices = np.stack([information(5, seed) for seed in range(4)])
    active, right = np.ones(5, bool), np.ones(5)
    many = jax.vmap(factored, in_axes=(0, None, None))(matrices, active, right)
    for matrix, *found in zip(matrices, *many, strict=True):
        for one, alone in zip(found, factored(matrix, active, right), strict=True):
            np.testing.assert_allclose(one, alone, rtol=1e-13)


@pytest.mark.parametrize("p", [4, FEW + 2])
@pytest.mark.parametrize("spoilt", [-1.0, 0.0, np.nan])
def test_what_is_not_definite_has_no_factor_that_is_trusted(spoilt, p):
    """Nor a step: the last pivot decides."""
    matrix = np.eye(p)
    matrix[-1, -1] = spoilt
    factor, solution = factored(matrix, np.ones(p, bool), np.ones(p))
    assert np.isnan(trusted(factor)).all()
    assert np.isnan(solution).all()


def test_an_indefinite_matrix_of_positive_diagonal_neither():
    indefinite = np.full((3, 3), 2.0) - np.eye(3)
    factor, solution = factored(indefinite, np.ones(3, bool), np.ones(3))
    assert np.isnan(trusted(factor)).all()
    assert np.isnan(solution).all()
