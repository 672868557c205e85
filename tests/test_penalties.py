"""Penalties: estimates against SciPy, curvature in the covariance, derivatives in strength."""

import jax
import numpy as np
import pytest
from scipy import optimize

import asymptotix as asx


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(300), rng.normal(size=300), 5 + 3 * rng.normal(size=300)])
    y = (rng.random(300) < 1 / (1 + np.exp(-x @ [-1.0, 1.0, 0.2]))).astype(float)
    return asx.Rows(x, y)


def penalised_loss(beta, rows, weights):
    eta = rows.x @ beta
    return np.logaddexp(0, eta).sum() - rows.y @ eta + 0.5 * np.sum(weights * beta**2)


@pytest.mark.parametrize("standardise", [False, True])
def test_ridge_against_scipy(rows, standardise):
    found = asx.fit(asx.Logit(3), rows, penalty=asx.Ridge(7.0, standardise=standardise))
    scale = np.array([0.0, *rows.x[:, 1:].std(axis=0)]) if standardise else np.array([0, 1, 1])
    weights = 7.0 * scale**2
    oracle = optimize.minimize(
        penalised_loss, np.zeros(3), args=(rows, weights), method="Newton-CG", tol=1e-14,
        jac=lambda b, r, w: r.x.T @ (1 / (1 + np.exp(-r.x @ b)) - r.y) + w * b,
    )  # fmt: skip
    assert found.converged
    np.testing.assert_allclose(found.model.predictor.coef, oracle.x, rtol=1e-6)
    p = 1 / (1 + np.exp(-rows.x @ found.model.predictor.coef))
    gradient = rows.x.T @ (p - rows.y) + weights * found.model.predictor.coef
    assert np.abs(gradient).max() < 1e-9  # the optimum itself, nearer than SciPy gets
    information = (rows.x.T * (p * (1 - p))) @ rows.x + np.diag(weights)
    covariance = asx.covariance(found, rows)
    # the fit's information belongs to the point before its last, free step
    np.testing.assert_allclose(covariance.matrix, np.linalg.inv(information), rtol=1e-7)
    np.testing.assert_allclose(asx.covariance(found, rows, "expected"), covariance, rtol=1e-7)


def test_no_strength_is_no_penalty(rows):
    plain = asx.fit(asx.Logit(3), rows)
    none = asx.fit(asx.Logit(3), rows, penalty=asx.Ridge(0.0))
    np.testing.assert_allclose(none.model.predictor.coef, plain.model.predictor.coef, atol=1e-12)
    np.testing.assert_allclose(none.log_likelihood, plain.log_likelihood, rtol=1e-13)


def test_large_rows_have_the_penalty_of_small_ones(rows):
    times = 300
    many = asx.Rows(np.tile(rows.x, (times, 1)), np.tile(rows.y, times))
    for standardise in (False, True):
        one = asx.fit(asx.Logit(3), rows, penalty=asx.Ridge(5.0, standardise=standardise))
        same = asx.fit(asx.Logit(3), many, penalty=asx.Ridge(5.0 * times, standardise=standardise))
        np.testing.assert_allclose(same.model.predictor.coef, one.model.predictor.coef, rtol=1e-9)


def test_collinear_columns_are_kept_under_a_penalty(rows):
    doubled = asx.Rows(np.column_stack([rows.x, rows.x[:, 1]]), rows.y)
    found = asx.fit(asx.Logit(4), doubled, penalty=asx.Ridge(1.0))
    assert found.converged
    coef = found.model.predictor.coef
    np.testing.assert_allclose(coef[1], coef[3], rtol=1e-8)  # the penalty shares it out evenly


def test_derivative_in_the_strength(rows):
    def total(strength):
        model = asx.fit(asx.Logit(3), rows, penalty=asx.Ridge(strength)).model
        return model.predictor.coef.sum()

    with jax.enable_x64(True):
        slope = jax.grad(total)(5.0)
    difference = (total(5.001) - total(4.999)) / 0.002
    np.testing.assert_allclose(slope, difference, rtol=1e-6)


def test_separated_data_have_a_ridge_estimate():
    x = np.column_stack([np.ones(10), np.arange(10.0)])
    y = (np.arange(10) > 4).astype(float)
    found = asx.fit(asx.Logit(2), x, y, penalty=asx.Ridge(1.0))
    assert found.converged
    assert np.isfinite(asx.covariance(found, x, y).standard_errors).all()


def test_a_negative_strength_is_refused():
    with pytest.raises(asx.InputError, match="strength"):
        asx.Ridge(-1.0)
