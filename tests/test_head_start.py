"""Light passes before Newton's method: they change where it starts, never where it ends."""

import numpy as np
import pytest

import asymptotix as asx
from asymptotix.fitting import large
from asymptotix.fitting.head_start import MAX_LIGHT_PASSES, head_start

N, K = 150_000, 4


@pytest.fixture(scope="module")
def covariates():
    x = np.random.default_rng(5).standard_normal((N, K))
    x[:, 0] = 1.0
    return x


def response(family: str, x):
    rng, eta = np.random.default_rng(6), x @ np.array([-0.5, 0.4, -0.3, 0.2])
    if family == "poisson":
        return rng.poisson(np.exp(eta)).astype(float)
    return (rng.random(len(x)) < 1 / (1 + np.exp(-eta))).astype(float)


def counted(monkeypatch):
    """How often all rows were summed with and without the information, from now on."""
    passes = {"full": 0, "light": 0}
    evaluate, light = large._evaluate, large.head_start

    def full(*arguments, **options):
        passes["full"] += 1
        return evaluate(*arguments, **options)

    def start(begin, covariance, value_and_score):
        def one(point):
            passes["light"] += 1
            return value_and_score(point)

        return light(begin, covariance, one)

    monkeypatch.setattr(large, "_evaluate", full)
    monkeypatch.setattr(large, "head_start", start)
    return passes


@pytest.mark.parametrize(
    ("family", "model"),
    [
        ("logit", asx.Logit(K)),
        ("probit", asx.Probit(K)),
        ("poisson", asx.PoissonRegression(K)),
    ],
)
def test_at_most_three_full_passes_to_the_same_maximum(monkeypatch, covariates, family, model):
    y = response(family, covariates)
    monkeypatch.setattr(large, "_has_head_start", lambda *_: False)
    cold = asx.fit(model, covariates, y)
    monkeypatch.undo()
    passes = counted(monkeypatch)
    found = asx.fit(model, covariates, y)
    assert passes["full"] <= 3
    assert 1 <= passes["light"] <= MAX_LIGHT_PASSES
    assert found.converged
    # Both end within the tolerance, 1e-8 standard errors, of one maximum; a free step squares it.
    errors = np.asarray(asx.covariance(cold, covariates, y).standard_errors)
    assert np.max(np.abs(found.params - cold.params) / errors) < 1e-8
    np.testing.assert_allclose(found.information, cold.information, rtol=1e-9, atol=1e-6)


def test_weights_scale_the_sample(monkeypatch, covariates):
    y = response("logit", covariates)
    weights = np.random.default_rng(7).integers(0, 4, N).astype(float)
    rows = asx.Rows(covariates, y, weights=weights, weight_kind="frequency")
    passes = counted(monkeypatch)
    found = asx.fit(asx.Logit(K), rows)
    assert passes["full"] <= 3
    repeated = np.repeat(np.arange(N), weights.astype(int))
    again = asx.fit(asx.Logit(K), covariates[repeated], y[repeated])
    np.testing.assert_allclose(found.params, again.params, rtol=1e-10)


def test_a_sample_unlike_the_rest_costs_passes_but_not_the_maximum(covariates):
    """Rows in an order that deceives an evenly spaced subsample."""
    x = covariates.copy()
    step = -(-N // large.SAMPLE_ROWS)
    x[::step, 1] *= 0.05  # the rows of the sample hardly vary here
    y = response("logit", x)
    found = asx.fit(asx.Logit(K), x, y)
    shuffled = np.random.default_rng(8).permutation(N)
    again = asx.fit(asx.Logit(K), x[shuffled], y[shuffled])
    assert found.converged
    assert again.converged
    np.testing.assert_allclose(found.params, again.params, rtol=1e-9)


def test_a_step_that_does_not_gain_is_not_taken():
    """Concave quadratic with a covariance far too large: the second point is worse."""
    begin = np.array([1.0, 1.0])
    found = head_start(begin, 10 * np.eye(2), lambda at: (-at @ at / 2, -at))
    np.testing.assert_array_equal(found, begin)


def test_not_finite_sums_leave_the_start_alone():
    begin = np.array([1.0, 1.0])
    found = head_start(begin, np.eye(2), lambda at: (np.nan, at * np.nan))
    np.testing.assert_array_equal(found, begin)


def test_a_good_covariance_arrives():
    covariance = np.eye(2) * 1.02  # 2 % off: each step leaves 2 % of the distance
    found = head_start(np.array([30.0, 20.0]), covariance, lambda at: (-at @ at / 2, -at))
    assert np.linalg.norm(found) < 3e-3
