"""Factors of information matrices a row at a time, against LAPACK's."""

import jax
import numpy as np
import pytest

from asymptotix.core.linalg import FEW, solve_with_factor, triangular_factor


def information(p: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((3 * p + 4, p)) * 10.0 ** np.arange(p)
    return x.T @ x


@jax.jit
def by_rows(matrix, active, right):
    factor = triangular_factor(matrix, active, by_rows=True)
    return factor, solve_with_factor(factor, right, by_rows=True)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("p", [1, 2, 7, FEW, FEW + 1])
def test_factor_and_solution_are_those_of_lapack(p):
    matrix, right = information(p), np.arange(1.0, p + 1)
    active = np.arange(p) != 1
    factor, solution = by_rows(matrix, active, right)
    expected = triangular_factor(matrix, active)
    scale = np.sqrt(np.diag(expected.T @ expected))
    np.testing.assert_allclose(factor / scale, expected / scale, rtol=1e-12, atol=1e-14)
    assert not np.tril(factor, -1).any()
    np.testing.assert_allclose(solution, solve_with_factor(expected, right), rtol=1e-10)


def test_many_at_once():
    matrices = np.stack([information(5, seed) for seed in range(4)])
    active, right = np.ones(5, bool), np.ones(5)
    factors, solutions = jax.vmap(by_rows, in_axes=(0, None, None))(matrices, active, right)
    for matrix, factor, solution in zip(matrices, factors, solutions, strict=True):
        alone, solved = by_rows(matrix, active, right)
        np.testing.assert_allclose(factor, alone, rtol=1e-13)
        np.testing.assert_allclose(solution, solved, rtol=1e-13)


@pytest.mark.parametrize("spoilt", [-1.0, 0.0, np.nan])
def test_what_is_not_definite_has_no_factor(spoilt):
    """As from LAPACK, not a part of one: the last pivot decides."""
    matrix = np.eye(4)
    matrix[3, 3] = spoilt
    factor, solution = by_rows(matrix, np.ones(4, bool), np.ones(4))
    assert np.isnan(factor).all()
    assert np.isnan(solution).all()
    indefinite = np.full((3, 3), 2.0) - np.eye(3)
    assert np.isnan(by_rows(indefinite, np.ones(3, bool), np.ones(3))[0]).all()
