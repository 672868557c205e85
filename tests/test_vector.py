"""Families with several predictors: location-scale and multinomial."""

import jax
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import asymptotix as asx
from asymptotix.likelihood import block_sums, traced_coordinates
from asymptotix.model import layout
from asymptotix.predictors import Network


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n = 500
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    frame["y"] = 1 + 2 * frame.x + np.exp(-0.5 + 0.6 * frame.z) * rng.normal(size=n)
    eta = np.column_stack([np.zeros(n), 0.5 + frame.x, -0.3 + 0.5 * frame.x - frame.z])
    p = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    code = np.array([rng.choice(3, p=q) for q in p])
    frame["code"] = code
    frame["choice"] = np.array(["bus", "car", "train"])[code]
    return frame


@pytest.fixture(scope="module")
def location_scale(data):
    formulas = {"mu": "y ~ x", "log_sigma": "~ z"}
    return asx.glm(formulas, data, family=asx.LocationScale())


@pytest.fixture(scope="module")
def choice(data):
    return asx.glm("choice ~ x + z", data, family=asx.Multinomial())


def log_likelihood(theta, d):
    mu, log_sigma = theta[0] + theta[1] * d.x, theta[2] + theta[3] * d.z
    return np.sum(
        -0.5 * ((d.y - mu) / np.exp(log_sigma)) ** 2 - log_sigma - 0.5 * np.log(2 * np.pi)
    )


def numerical(theta, d):
    """Score and Hessian of the location-scale model by central differences of the fourth order."""
    from registry import differences

    def score(t):
        return differences(lambda u: log_likelihood(u, d), t, 1e-3)

    return score(theta), differences(score, theta, 1e-3)


def test_location_scale_against_numerical_derivatives(location_scale, data):
    res = location_scale
    assert list(res.params.index) == [
        "mu: Intercept", "mu: x", "log_sigma: Intercept", "log_sigma: z",
    ]  # fmt: skip
    score, hessian = numerical(res.params.to_numpy(), data)
    assert np.abs(score * res.bse).max() < 1e-6
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose(res.bse, errors, rtol=1e-6)
    np.testing.assert_allclose(res.llf, log_likelihood(res.params.to_numpy(), data), rtol=1e-13)


def test_location_scale_with_a_constant_variance_is_least_squares(data):
    res = asx.glm("y ~ x", data, family=asx.LocationScale())
    ols = sm.OLS(data.y, sm.add_constant(data[["x"]])).fit()
    np.testing.assert_allclose(res.params[:2], ols.params, rtol=1e-9)
    np.testing.assert_allclose(np.exp(2 * res.params.iloc[2]), ols.ssr / len(data), rtol=1e-9)
    np.testing.assert_allclose(res.llf, ols.llf, rtol=1e-12)
    # the null model estimates the variance again
    null = sm.OLS(data.y, np.ones(len(data))).fit()
    np.testing.assert_allclose(res.llnull, null.llf, rtol=1e-12)


def test_multinomial_against_statsmodels(choice, data):
    oracle = sm.MNLogit(data.code, sm.add_constant(data[["x", "z"]])).fit(
        disp=0, method="newton", tol=1e-14, maxiter=100
    )
    np.testing.assert_allclose(choice.params, oracle.params.to_numpy().T.ravel(), rtol=1e-10)
    np.testing.assert_allclose(choice.bse, oracle.bse.to_numpy().T.ravel(), rtol=1e-10)
    np.testing.assert_allclose(choice.llf, oracle.llf, rtol=1e-13)
    shares = data.code.value_counts(normalize=True)
    np.testing.assert_allclose(choice.llnull, len(data) * np.sum(shares * np.log(shares)))
    assert choice.df_model == oracle.df_model
    predicted = choice.predict()
    assert list(predicted.columns) == ["bus", "car", "train"]
    np.testing.assert_allclose(predicted, oracle.predict(), rtol=1e-10)
    # canonical: observed and expected information are the same
    np.testing.assert_allclose(choice.with_cov("expected").bse, choice.bse, rtol=1e-9)
    assert list(choice.params.index)[:2] == ["car: Intercept", "car: x"]


def test_two_levels_are_a_logit(data):
    two = data[data.code < 2]
    res = asx.glm("choice ~ x + z", two, family=asx.Multinomial())
    logit = asx.logit("code ~ x + z", two)
    np.testing.assert_allclose(res.params, logit.params, rtol=1e-10)
    np.testing.assert_allclose(res.bse, logit.bse, rtol=1e-10)


@pytest.mark.parametrize("curvature", ["observed", "expected"])
@pytest.mark.parametrize("which", ["location-scale", "multinomial"])
def test_structured_sums_equal_generic_ones(data, which, curvature):
    x = np.column_stack([np.ones(len(data)), data.x, data.z])
    if which == "multinomial":
        model, y = asx.MultinomialLogit(3, 3), data.code.to_numpy(float)
    else:
        predictor = asx.LinearVector({"mu": 3, "log_sigma": 3}, shared=True)
        model, y = asx.Regression(predictor, asx.LocationScale()), data.y.to_numpy()
    theta = np.linspace(-0.4, 0.5, 6)
    with jax.enable_x64(True):
        rows = asx.Rows(x, y).block(np.float64)
        active = (np.ones(3, bool),) * 2
        coordinates = traced_coordinates(model.predictor.designs, rows, active)
        plain = tuple(type(c)(0 * c.center, 0 * c.center + 1, 0 * c.center) for c in coordinates)
        fast = block_sums(model, plain, curvature, theta, rows)
        generic = block_sums(model, None, curvature, theta, rows)
    for a, b in zip(fast, generic, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-9)


def test_a_network_with_vector_eta_is_fitted(data):
    """The same multinomial model through a linear layer, by the generic path."""
    import equinox as eqx

    x = data[["x", "z"]].to_numpy()
    with jax.enable_x64(True):
        layer = eqx.nn.Linear(2, 2, dtype=np.float64, key=jax.random.key(0))
    model = asx.Regression(Network(layer), asx.Multinomial())
    found = asx.fit(model, x, data.code.to_numpy(float))
    one = asx.MultinomialLogit(3, 3)
    same = asx.fit(one, np.column_stack([np.ones(len(x)), x]), data.code.to_numpy(float))
    np.testing.assert_allclose(found.log_likelihood, same.log_likelihood, rtol=1e-12)
    assert layout(model).size == 6


def test_large_rows_and_jit(data):
    x = np.column_stack([np.ones(len(data)), data.x, data.z])
    y, times = data.code.to_numpy(float), 140
    one = asx.fit(asx.MultinomialLogit(3, 3), x, y)
    many = asx.fit(asx.MultinomialLogit(3, 3), np.tile(x, (times, 1)), np.tile(y, times))
    traced = jax.jit(lambda a, b: asx.fit(asx.MultinomialLogit(3, 3), a, b).model)
    with jax.enable_x64(True):
        inside = traced(x, y)
    for j in range(2):
        coef = one.model.predictor.coef[j]
        np.testing.assert_allclose(many.model.predictor.coef[j], coef, rtol=1e-9)
        np.testing.assert_allclose(inside.predictor.coef[j], coef, rtol=1e-9)


def test_sampling_follows_the_probabilities(choice):
    x = np.tile([1.0, 0.3, -0.2], (20_000, 1))
    draws = np.asarray(choice.model.sample(x, key=jax.random.key(0)))
    p = np.asarray(choice.model(x[0]))
    share = np.bincount(draws.astype(int), minlength=3) / len(draws)
    assert np.all(np.abs(share - p) < 4 * np.sqrt(p * (1 - p) / len(draws)))


def test_missing_rows_are_left_out_of_every_formula(data):
    holed = data.assign(z=data.z.where(data.index != 3))
    formulas = {"mu": "y ~ x", "log_sigma": "~ z"}
    with pytest.warns(asx.MissingRowsWarning, match="1 of 500"):
        res = asx.glm(formulas, holed, family=asx.LocationScale())
    kept = asx.glm(formulas, data.drop(index=3), family=asx.LocationScale())
    np.testing.assert_allclose(res.params, kept.params, rtol=1e-12)
    again = res.with_cov("HC1")
    np.testing.assert_allclose(again.bse, kept.with_cov("HC1").bse, rtol=1e-10)
    assert np.isnan(res.predict()[3])


def test_an_offset_belongs_to_the_first_component(data):
    shifted = data.assign(y=data.y + 0.7 * data.x)
    formulas = {"mu": "y ~ x", "log_sigma": "~ z"}
    res = asx.glm(formulas, shifted, family=asx.LocationScale(), offset=0.7 * data.x.to_numpy())
    plain = asx.glm(formulas, data, family=asx.LocationScale())
    np.testing.assert_allclose(res.params, plain.params, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda d: asx.glm({"mu": "y ~ x", "sigma": "~ z"}, d, asx.LocationScale()), "log_sigma"),
        (lambda d: asx.glm({"log_sigma": "~ z"}, d, asx.LocationScale()), "'mu' is missing"),
        (lambda d: asx.glm({"mu": "y ~ x"}, d, asx.Gaussian()), "dict of formulas"),
        (lambda d: asx.glm("y ~ x", d, asx.Multinomial()), "500 levels"),
        (lambda d: asx.glm("choice ~ x", d, asx.Multinomial(), offset="z"), "offset"),
        (lambda d: asx.LinearVector({}), "at least one"),
        (lambda d: asx.fit(asx.MultinomialLogit(2, 3), np.ones((9, 3)), np.arange(9.0)), "2 columns"),  # noqa: E501
    ],
)  # fmt: skip
def test_errors_say_what_to_do(data, call, says):
    with pytest.raises(asx.InputError, match=says):
        call(data)


def test_a_level_that_there_is_not_has_probability_zero():
    family = asx.Multinomial()
    with jax.enable_x64(True):
        assert family.log_prob(np.zeros(2), 3.0) == -np.inf
        total = sum(np.exp(family.log_prob(np.array([0.3, -1.0]), float(j))) for j in range(3))
    np.testing.assert_allclose(total, 1.0)
