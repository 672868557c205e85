"""Factors of information matrices by elimination, against LAPACK's."""

import jax
import numpy as np
import pytest

from asymptotix.core.linalg import FEW, factor_with_inverse, triangular_factor
from asymptotix.fitting.newton import trusted


def information(p: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((3 * p + 4, p)) * 10.0 ** np.arange(p)
    return x.T @ x


factored = jax.jit(factor_with_inverse)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("p", [1, 2, 7, FEW, FEW + 1])
def test_factor_and_inverse_are_those_of_lapack(p):
    matrix, active = information(p), np.arange(p) != 1
    factor, inverse = map(np.asarray, factored(matrix, active))
    expected = triangular_factor(matrix, active)
    scale = np.sqrt(np.diag(expected.T @ expected))
    np.testing.assert_allclose(factor / scale, expected / scale, rtol=1e-12, atol=1e-14)
    assert not np.tril(factor, -1).any()
    np.testing.assert_allclose(inverse @ factor.T, np.eye(p), atol=1e-11)


def test_many_at_once():
    matrices = np.stack([information(5, seed) for seed in range(4)])
    active = np.ones(5, bool)
    many = jax.vmap(factored, in_axes=(0, None))(matrices, active)
    for matrix, *found in zip(matrices, *many, strict=True):
        for one, alone in zip(found, factored(matrix, active), strict=True):
            np.testing.assert_allclose(one, alone, rtol=1e-13)


@pytest.mark.parametrize("p", [4, FEW + 2])
@pytest.mark.parametrize("spoilt", [-1.0, 0.0, np.nan])
def test_what_is_not_definite_has_no_factor_that_is_trusted(spoilt, p):
    """Nor a step: the last pivot decides."""
    matrix = np.eye(p)
    matrix[-1, -1] = spoilt
    factor, inverse = factored(matrix, np.ones(p, bool))
    assert np.isnan(trusted(factor)).all()
    assert np.isnan(inverse.T @ (inverse @ np.ones(p))).all()


def test_an_indefinite_matrix_of_positive_diagonal_neither():
    factor, inverse = factored(np.full((3, 3), 2.0) - np.eye(3), np.ones(3, bool))
    assert np.isnan(trusted(factor)).all()
    assert np.isnan(inverse.T @ (inverse @ np.ones(3))).all()
