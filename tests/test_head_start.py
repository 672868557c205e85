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

    def start(begin, covariance, score_of, tolerance):
        def one(point):
            passes["light"] += 1
            return score_of(point)

        return light(begin, covariance, one, tolerance)

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
def test_one_full_pass_to_the_same_maximum(monkeypatch, covariates, family, model):
    y = response(family, covariates)
    monkeypatch.setattr(large, "_has_head_start", lambda *_: False)
    cold = asx.fit(model, covariates, y)
    monkeypatch.undo()
    passes = counted(monkeypatch)
    found = asx.fit(model, covariates, y)
    assert passes["full"] == 1
    assert 1 <= passes["light"] <= MAX_LIGHT_PASSES
    assert found.converged
    assert found.decrement < asx.Newton().tolerance
    assert abs(found.curvature_ratio - 1) < 1e-3  # along the last light step, by its secant
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
    assert passes["full"] == 1
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


def score(at):
    """Of a concave quadratic with its maximum at zero."""
    return -at


def test_a_step_that_does_not_gain_is_not_taken():
    """A covariance far too large: the second point is worse."""
    begin = np.array([1.0, 1.0])
    point, step = head_start(begin, 10 * np.eye(2), score, 1e-8)
    np.testing.assert_array_equal(point, begin)
    assert step is None


def test_a_score_that_is_not_finite_leaves_the_start_alone():
    begin = np.array([1.0, 1.0])
    point, step = head_start(begin, np.eye(2), lambda at: at * np.nan, 1e-8)
    np.testing.assert_array_equal(point, begin)
    assert step is None


def test_a_good_covariance_arrives_and_learns():
    """Errors of 2 % alone would leave 2 % of the distance a step; steps teach the covariance."""
    wrong = np.array([[1.02, 0.01], [0.01, 0.99]])
    asked = []
    point, step = head_start(
        np.array([30.0, 20.0]), wrong, lambda at: asked.append(at) or score(at), 1e-8
    )
    assert np.linalg.norm(point) < 1e-8
    assert len(asked) <= 5
    np.testing.assert_allclose(step.score, score(step.origin))


def test_a_large_fit_takes_the_covariance_from_a_quarter_of_all_rows(monkeypatch, covariates):
    """Steps by it lead nearer than those by the subsample's, so that there are fewer."""
    y = response("logit", covariates)
    few = counted(monkeypatch)
    plain = asx.fit(asx.Logit(K), covariates, y)
    monkeypatch.setattr(large, "MANY_ROWS", N)
    light = few["light"]
    found = asx.fit(asx.Logit(K), covariates, y)
    assert few["light"] - light <= light
    np.testing.assert_allclose(found.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(found.log_likelihood, plain.log_likelihood, rtol=1e-13)


def test_statistics_of_the_last_pass_are_those_of_the_estimate(covariates):
    """They cost no pass of their own, and are what a pass at the estimate would say."""
    y = response("logit", covariates)
    found = asx.fit(asx.Logit(K), covariates, y)
    eta = covariates @ np.asarray(found.model.predictor.coef)
    mean = 1 / (1 + np.exp(-eta))
    llf = np.sum(y * eta - np.logaddexp(0, eta))
    np.testing.assert_allclose(found.log_likelihood, llf, rtol=1e-12)
    np.testing.assert_allclose(found.statistics.deviance, -2 * llf, rtol=1e-12)
    pearson = np.sum((y - mean) ** 2 / (mean * (1 - mean)))
    np.testing.assert_allclose(found.statistics.pearson, pearson, rtol=1e-10)
