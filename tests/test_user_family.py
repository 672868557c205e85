"""A zero-inflated Poisson as a user would write it; everything else follows from these lines."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.scipy.special import gammaln

import asymptotix as asx
from registry import differences


class ZeroInflatedPoisson(asx.AbstractFamily):
    """Poisson counts with mean exp(eta), of which a share are turned into zeros."""

    inflate: jax.Array = asx.parameter()  # the log-odds of being turned

    name = "zero-inflated Poisson"
    dispersion_rule = "estimated"

    def log_prob(self, eta, y):
        log_turned, log_kept = jax.nn.log_sigmoid(self.inflate), jax.nn.log_sigmoid(-self.inflate)
        rate = jnp.exp(jnp.minimum(eta, 500.0))  # check_family: at 800 its slope was 0 * infinity
        poisson = log_kept + y * eta - rate - gammaln(y + 1)
        return jnp.where(y == 0, jnp.logaddexp(log_turned, poisson), poisson)

    def mean(self, eta):
        return jax.nn.sigmoid(-self.inflate) * jnp.exp(eta)

    def variance(self, eta):
        return self.mean(eta) * (1 + jax.nn.sigmoid(self.inflate) * jnp.exp(eta))

    def sample(self, eta, *, key):
        first, second = jax.random.split(key)
        kept = jax.random.bernoulli(first, jax.nn.sigmoid(-self.inflate))
        return jnp.where(kept, jax.random.poisson(second, jnp.exp(eta)), 0).astype(eta.dtype)


N = 500


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(12)
    x, z = rng.uniform(-1, 1, N), rng.standard_normal(N)
    y = rng.poisson(np.exp(0.8 + 0.5 * x - 0.4 * z)) * (rng.uniform(size=N) > 1 / (1 + np.exp(0.7)))
    return pd.DataFrame({"y": y, "x": x, "z": z})


@pytest.fixture(scope="module")
def res(data):
    return asx.glm("y ~ x + z", data, family=ZeroInflatedPoisson(np.array(0.0)))


def total(theta, data):
    """The log-likelihood by NumPy."""
    from scipy.special import expit
    from scipy.stats import poisson

    mu = np.exp(theta[0] + theta[1] * data["x"] + theta[2] * data["z"])
    turned = expit(theta[3])
    return np.sum(np.log(turned * (data["y"] == 0) + (1 - turned) * poisson.pmf(data["y"], mu)))


def test_the_family_agrees_with_itself():
    report = asx.check_family(ZeroInflatedPoisson(np.array(-0.4)))
    assert report.ok, report


def test_estimates_are_those_of_statsmodels(res, data, quiet):
    from statsmodels.discrete.count_model import ZeroInflatedPoisson as Theirs

    exog = np.column_stack([np.ones(N), data["x"], data["z"]])
    model = Theirs(data["y"], exog, exog_infl=np.ones((N, 1)))
    fitted = model.fit(method="bfgs", maxiter=500, gtol=1e-9, disp=0)
    theirs = np.r_[fitted.params.to_numpy()[1:], fitted.params.to_numpy()[0]]
    assert res.status == "converged"
    np.testing.assert_allclose(res.params, theirs, rtol=1e-6)
    assert res.llf == pytest.approx(fitted.llf, rel=1e-10)


def test_errors_are_those_of_a_numerical_hessian(res, data):
    """statsmodels' own, of the inflation, are 6-8 % small: a block of its Hessian is wrong."""

    def gradient(theta):
        return differences(lambda t: total(t, data), theta, step=0.01)

    theta = res.params.to_numpy()
    np.testing.assert_allclose(gradient(theta) * res.bse, 0.0, atol=1e-7)
    hessian = differences(gradient, theta, step=0.01)
    np.testing.assert_allclose(res.bse, np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=1e-7)


def test_the_table_has_the_share_below_the_coefficients(res):
    assert list(res.params.index) == ["Intercept", "x", "z", "inflate"]
    lines = str(res.summary()).splitlines()
    at = {name: i for i, line in enumerate(lines) if (name := line.split(" ")[0])}
    assert at["z"] < at["Parameters"] < at["inflate"]


def test_predictions_and_simulations_follow(res, data):
    turned = 1 / (1 + np.exp(-res.params["inflate"]))
    mean = (1 - turned) * np.exp(
        res.params["Intercept"] + res.params["x"] * data["x"] + res.params["z"] * data["z"]
    )
    np.testing.assert_allclose(res.predict(data), mean, rtol=1e-12)
    x = np.column_stack([np.ones(N), data["x"], data["z"]])
    draws = [res.model.sample(x, key=key) for key in jax.random.split(jax.random.key(3), 40)]
    counts = np.stack(draws)
    error = np.std(counts.mean(axis=1)) / np.sqrt(40)
    assert abs(counts.mean() - mean.mean()) < 4.5 * error
    assert abs((counts == 0).mean() - np.mean(data["y"] == 0)) < 0.05


def test_other_covariances_and_functions_of_the_estimates_follow(res):
    robust = res.with_cov("HC1").bse
    assert np.isfinite(robust).all()
    share = asx.delta_method(
        lambda m: jax.nn.sigmoid(m.family.inflate), res.fit.model, res.covariance
    )
    p = float(share.value)
    assert float(share.standard_error) == pytest.approx(p * (1 - p) * res.bse["inflate"], rel=1e-9)
