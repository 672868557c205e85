"""Distribution functions of the families, and the residuals that they make normal."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import asymptotix as asx
from asymptotix import families as fam
from asymptotix.diagnostics.rowwise import row_uniforms, row_values
from registry import ALPHA, FAMILIES, coefficients, draw, is_moment, mean

KEY = jax.random.key(0)
PHI = 0.3


def log_tails(family, eta, y):
    return jnp.stack(family.log_tails(eta, y))


def scipy_tails(label, mu, y):
    """`P(Y < y)` and `P(Y > y)`."""
    family = label.split("-")[0]
    if family == "binomial":
        y, trials = y
        law = stats.binom(trials, mu)
    else:
        law = {
            "bernoulli": lambda: stats.bernoulli(mu),
            "poisson": lambda: stats.poisson(mu),
            "negative_binomial": lambda: stats.nbinom(1 / ALPHA, 1 / (1 + ALPHA * mu)),
            "gamma": lambda: stats.gamma(1 / PHI, scale=mu * PHI),
            "inverse_gaussian": lambda: stats.invgauss(mu * PHI, scale=1 / PHI),
            "gaussian": lambda: stats.norm(mu, np.sqrt(PHI)),
        }[family]()
    return law.cdf(y - 1) if not is_moment(label) else law.cdf(y), law.sf(y)


@pytest.mark.parametrize("label", FAMILIES)
def test_tails_are_those_of_scipy(label):
    x, y = draw(label, 60, seed=5)
    eta = x @ coefficients(label)
    family = FAMILIES[label]()
    if is_moment(label):
        family = family.with_dispersion(np.asarray(PHI))
    below, above = np.exp(row_values(log_tails, family, eta, y)).T
    expected = scipy_tails(label, mean(label, eta), y)
    np.testing.assert_allclose(below, expected[0], rtol=1e-8, atol=1e-300)
    np.testing.assert_allclose(above, expected[1], rtol=1e-8, atol=1e-300)


def test_tails_of_families_with_parameters_of_their_own():
    eta, y = np.linspace(-1, 1, 21), np.linspace(0.02, 0.98, 21)
    mu = 1 / (1 + np.exp(-eta))
    found = np.exp(row_values(log_tails, fam.Beta(phi=asx.freeze(7.0)), eta, y)).T
    law = stats.beta(7 * mu, 7 * (1 - mu))
    np.testing.assert_allclose(found, [law.cdf(y), law.sf(y)], rtol=1e-8)
    both = np.stack([eta, -0.3 * eta], axis=1)
    found = np.exp(row_values(log_tails, fam.LocationScale(), both, y)).T
    law = stats.norm(eta, np.exp(-0.3 * eta))
    np.testing.assert_allclose(found, [law.cdf(y), law.sf(y)], rtol=1e-12)


def test_a_family_without_a_distribution_function_says_so(mroz):
    labels = mroz.iloc[:99].assign(y=["a", "b", "c"] * 33)
    res = asx.glm("y ~ age", labels, family=asx.Multinomial())
    with pytest.raises(asx.InputError, match="log_tails"):
        res.residuals("quantile", key=KEY)


def test_residuals_of_a_right_model_are_standard_normal():
    """Kolmogorov's distance of 2000 residuals stays below its 1 per mille point."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=2000)
    data = pd.DataFrame({"x": x, "y": rng.poisson(np.exp(0.3 + 0.8 * x))})
    found = asx.poisson("y ~ x", data).residuals("quantile", key=KEY)
    assert stats.kstest(found, "norm").pvalue > 1e-3
    constant = asx.poisson("y ~ 1", data).residuals("quantile", key=KEY)
    assert stats.kstest(constant, "norm").pvalue < 1e-6


def test_continuous_responses_need_no_key(mroz):
    linear = asx.linear("nwifeinc ~ educ", mroz)
    z = (mroz["nwifeinc"] - linear.predict()) / np.sqrt(linear.scale)
    np.testing.assert_allclose(linear.residuals("quantile"), z, rtol=1e-10, atol=1e-13)


def poisson_steps(m, y):
    return stats.poisson.cdf(y - 1, m), stats.poisson.cdf(y, m)


def logit_steps(m, y):
    return np.where(y > 0, 1 - m, 0), np.where(y > 0, 1, 1 - m)


QUANTILE = {
    "poisson": ("kidsge6 ~ educ", poisson_steps),
    "logit": ("inlf ~ educ", logit_steps),
}


@pytest.mark.parametrize("name", QUANTILE)
def test_quantile_residuals_lie_between_the_steps(mroz, name):
    formula, steps = QUANTILE[name]
    res = getattr(asx, name)(formula, mroz)
    u = stats.norm.cdf(res.residuals("quantile", key=KEY))
    low, high = steps(np.asarray(res.predict()), mroz[formula.split()[0]].to_numpy(float))
    drawn = row_uniforms(KEY, len(mroz))
    np.testing.assert_allclose(u, low + drawn * (high - low), atol=1e-10)
    assert 0 < drawn.min() < 0.01 < 0.99 < drawn.max() < 1


def test_quantile_residuals_are_right_in_the_tails():
    """At forty standard deviations p is 0 in double precision, and its logarithm is not."""
    data = pd.DataFrame({"x": np.arange(50.0), "y": np.sin(np.arange(50.0))})
    data.loc[49, "y"] = 1e4
    res = asx.linear("y ~ 1", data, weights=np.r_[np.ones(49), 1e-9], weight_kind="precision")
    z = (1e4 - res.params["Intercept"]) / np.sqrt(res.scale)
    assert z > 38
    assert res.residuals("quantile").iloc[-1] == pytest.approx(z, rel=1e-10)
