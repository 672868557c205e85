"""Families with a parameter of their own in theta: negative binomial and beta."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import asymptotix as asx
from asymptotix.core.gamma import log1p_excess, log_rising, stirling_error_of_reciprocal
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.likelihood import Coordinates, generic, structured
from asymptotix.model import layout
from registry import differences

R = json.loads((Path(__file__).parent / "data" / "families_r.json").read_text())
FORMULA = "count ~ x + z"


@pytest.fixture(scope="module")
def data():
    return pd.DataFrame(R["data"])


@pytest.fixture(scope="module")
def res(data):
    return asx.glm(FORMULA, data, family=asx.NegativeBinomial())


def design(data):
    return np.column_stack([np.ones(len(data)), data["x"], data["z"]])


def log_likelihood(theta, data):
    mu = np.exp(design(data) @ theta[:3])
    return np.sum(stats.nbinom.logpmf(data["count"], 1 / theta[3], 1 / (1 + theta[3] * mu)))


# --- functions with every digit -------------------------------------------------------------------


def _jet(function, at, orders=3):
    """A function and its derivatives by JAX at one point."""
    found = []
    with jax.enable_x64(True):
        for _ in range(orders):
            found.append(float(function(jnp.asarray(at))))
            function = jax.grad(function)
    return found


@pytest.mark.parametrize("w", [1e-12, 1e-3, 0.08, 0.1, 0.7, 5.0, 400.0])
def test_stirling_error_against_mpmath(w):
    with mp.workdps(50):

        def exact(v):
            z = 1 / v
            return mp.loggamma(z) - (z - mp.mpf(1) / 2) * mp.log(z) + z - mp.log(2 * mp.pi) / 2

        step = mp.mpf(w) * mp.mpf(10) ** -12
        expected = [mp.diff(exact, mp.mpf(w), k, h=step) for k in range(3)]
    got = _jet(stirling_error_of_reciprocal, w)
    # below z = 12 rounding is that of sums of size 30
    np.testing.assert_allclose(got, [float(v) for v in expected], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("u", [0.0, 1e-9, 0.3, 0.49, 0.51, 40.0])
def test_log1p_excess_against_mpmath(u):
    expected = [0, -1 / 2, 2 / 3]  # of log(1 + u)/u - 1 = -u/2 + u^2/3 - ... at 0
    if u:
        with mp.workdps(60):
            orders = [mp.diff(lambda v: mp.log1p(v) / v - 1, mp.mpf(u), k) for k in range(3)]
        expected = [float(v) for v in orders]
    np.testing.assert_allclose(_jet(log1p_excess, u), expected, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("alpha", [0.0, 1e-14, 1e-4, 0.3, 2.0, 300.0])
@pytest.mark.parametrize("y", [0, 1, 7, 60])
def test_log_rising_is_the_sum(y, alpha):
    r"""$\sum_{j<y}\log(1 + \alpha j)$ and its two derivatives, added up."""
    j = np.arange(y)
    ratio = j / (1 + alpha * j)
    expected = [np.sum(np.log1p(alpha * j)), np.sum(ratio), -np.sum(ratio**2)]
    got = _jet(lambda a: log_rising(jnp.asarray(float(y)), a), alpha)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=2e-13)


@pytest.mark.parametrize("alpha", [1e-14, 1e-6, 0.3, 7.0])
@pytest.mark.parametrize("y", [0.0, 3.0, 1e6])
def test_derivatives_in_eta_and_alpha_against_mpmath(y, alpha):
    eta = 13.5 if y > 100 else 0.4

    def exact(e, a):
        r, mu = 1 / a, mp.exp(e)
        value = mp.loggamma(y + r) - mp.loggamma(r) - mp.loggamma(y + 1)
        return value + r * mp.log(r / (r + mu)) + y * mp.log(mu / (r + mu))

    orders = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    with mp.workdps(120):
        at = (mp.mpf(eta), mp.mpf(alpha))
        expected = [float(mp.diff(exact, at, k, h=mp.mpf(10) ** -30)) for k in orders]

    def value(z):
        return asx.NegativeBinomial(alpha=z[1]).log_prob(z[0], jnp.asarray(y))

    with jax.enable_x64(True):
        z = jnp.array([eta, alpha])
        hessian = jax.hessian(value)(z)
        got = [value(z), *jax.grad(value)(z), hessian[0, 0], hessian[0, 1], hessian[1, 1]]
    # a count of 1e6 has terms of size 1e7 in its log-probability, of 1e-9 rounding
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-8 if y > 100 else 1e-13)


@pytest.mark.parametrize("own", [0.0, -0.3])
@pytest.mark.parametrize(("family", "y"), [(asx.NegativeBinomial, 2.0), (asx.Beta, 0.5)])
def test_probability_zero_where_the_own_parameter_is_not_positive(family, y, own):
    def value(eta):
        return family(family().link, own).log_prob(eta, jnp.float32(y))

    found, slope = jax.value_and_grad(value)(jnp.float32(0.3))
    assert found == -np.inf
    assert not np.isnan(slope)


# --- the fit --------------------------------------------------------------------------------------


def test_estimates_and_errors_are_those_of_statsmodels(res, data, quiet):
    import statsmodels.api as sm

    model = sm.NegativeBinomial(data["count"].to_numpy(), design(data))
    rough = model.fit(disp=0, method="bfgs", maxiter=500)
    theirs = model.fit(start_params=rough.params, method="newton", tol=1e-14, disp=0)
    assert res.status == "converged"
    np.testing.assert_allclose(res.params, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(res.bse, theirs.bse, rtol=1e-8)
    assert res.llf == pytest.approx(theirs.llf, rel=1e-12)
    assert res.aic == pytest.approx(theirs.aic, rel=1e-12)


def test_estimates_and_deviance_are_those_of_r(res):
    """MASS::glm.nb: theta = 1/alpha; its deviance is that at the estimated theta."""
    theirs = R["negative_binomial-log"]
    # R stops when its deviance no longer moves: coefficients to about 1e-10 of the largest
    np.testing.assert_allclose(res.params[:3], theirs["coef"], rtol=1e-8, atol=1e-9)
    assert 1 / res.params["alpha"] == pytest.approx(theirs["theta"], rel=1e-8)
    assert res.llf == pytest.approx(theirs["llf"], rel=1e-10)
    assert res.deviance == pytest.approx(theirs["deviance"], rel=1e-8)


def test_errors_at_a_fixed_alpha_are_those_of_r(data):
    theirs = R["negative_binomial-log"]
    family = asx.NegativeBinomial(alpha=asx.freeze(1 / theirs["theta"]))
    res = asx.glm(FORMULA, data, family=family, cov="expected")
    assert list(res.params.index) == ["Intercept", "x", "z"]
    np.testing.assert_allclose(res.params, theirs["coef"], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(res.bse, theirs["se_fixed_theta"], rtol=1e-8)


def test_errors_are_those_of_a_numerical_hessian(res, data):
    def gradient(theta):
        return differences(lambda t: log_likelihood(t, data), theta)

    hessian = differences(gradient, res.params.to_numpy())
    np.testing.assert_allclose(res.bse, np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=1e-7)


def test_alpha_stands_below_the_coefficients(res):
    assert list(res.params.index) == ["Intercept", "x", "z", "alpha"]
    text = str(res.summary())
    assert text.index("\nz ") < text.index("Parameters of the family") < text.index("\nalpha ")
    assert "normal" in text


def test_null_model_has_its_own_alpha(res, data):
    null = asx.glm("count ~ 1", data, family=asx.NegativeBinomial())
    assert res.llnull == pytest.approx(null.llf, rel=1e-10)


@pytest.mark.parametrize("family", [asx.NegativeBinomial(alpha=0.7), asx.Beta(phi=6.0)])
def test_structured_and_generic_path_agree(family, data):
    rng = np.random.default_rng(2)
    y = data["count"].to_numpy(float)
    y = y if family.name == "negative binomial" else rng.beta(2, 3, len(y))
    model = asx.Regression(asx.Linear(3), family)
    with jax.enable_x64(True):
        theta = jnp.asarray([0.4, 0.3, -0.2, float(layout(family).flatten(family)[0])])
        weights = rng.uniform(0, 2, len(y)) * (rng.uniform(size=len(y)) < 0.8)
        block = Rows(design(data), y, weights=weights, weight_kind="precision").block(float)
        plain = (Coordinates(jnp.zeros(3), jnp.ones(3), jnp.zeros(3)),)
        ours = jax.jit(lambda t: structured.block_sums(model, plain, "observed", t, block))(theta)
        other = jax.jit(lambda t: generic.block_sums(model, layout(model), "observed", t, block))(
            theta
        )
    for a, b in zip(ours, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_in_a_users_jit_and_vmap(data, res):
    x, y = design(data), data["count"].to_numpy(float)
    model = asx.Regression(asx.Linear(3), asx.NegativeBinomial())
    with jax.enable_x64(True):
        both = jnp.asarray(np.stack([y, y[::-1]]))
        fit = jax.jit(jax.vmap(lambda b: asx.fit(model, jnp.asarray(x), b)))(both)
    assert np.asarray(fit.converged).all()
    np.testing.assert_allclose(
        np.asarray(fit.model.family.alpha)[0], res.params["alpha"], rtol=1e-9
    )


def test_in_slabs():
    """More rows than one slab give what their distinct rows give with frequency weights."""
    rng = np.random.default_rng(3)
    n = SLAB_ROWS + 1000
    x = rng.integers(0, 3, n).astype(float)
    y = rng.poisson(np.exp(0.5 + 0.4 * x) * rng.gamma(2.0, 0.5, n)).astype(float)
    distinct, counts = np.unique(np.column_stack([x, y]), axis=0, return_counts=True)
    model = asx.Regression(asx.Linear(2), asx.NegativeBinomial())
    large = asx.fit(model, np.column_stack([np.ones(n), x]), y)
    columns = np.column_stack([np.ones(len(distinct)), distinct[:, 0]])
    few = asx.fit(model, columns, distinct[:, 1], weights=counts, weight_kind="frequency")
    assert large.status_name == few.status_name == "converged"
    np.testing.assert_allclose(large.model.predictor.coef, few.model.predictor.coef, rtol=1e-9)
    assert float(large.model.family.alpha) == pytest.approx(float(few.model.family.alpha), rel=1e-9)


def test_counts_that_vary_less_than_poissons_end_at_the_boundary(data):
    counts = np.round(3 * np.exp(0.3 * data["x"])) + (np.arange(len(data)) % 3 == 0)
    with pytest.warns(asx.FitWarning, match="Poisson, where the alpha .* goes to 0"):
        res = asx.glm("y ~ x", {"y": counts, "x": data["x"]}, family=asx.NegativeBinomial())
    assert res.status == "boundary"
    assert res.bse.isna().all()
    assert 0 < res.params["alpha"] < 1e-6


def test_expected_information_is_refused_where_alpha_is_estimated(data):
    with pytest.raises(asx.InputError, match="expected"):
        asx.glm(FORMULA, data, family=asx.NegativeBinomial(), cov="expected")


def test_start_by_moments():
    y, w = jnp.asarray([0.0, 4.0, 2.0, 6.0, 99.0]), jnp.asarray([1.0, 1.0, 1.0, 1.0, 0.0])
    assert float(asx.NegativeBinomial().initial(y, w).alpha) == pytest.approx((5 - 3) / 9)
    assert float(asx.NegativeBinomial().initial(y[2:3], w[2:3]).alpha) > 0
    frozen = asx.NegativeBinomial(alpha=asx.freeze(0.5))
    assert frozen.initial(y, w) is frozen


# --- beta -----------------------------------------------------------------------------------------


def test_beta_regression_is_that_of_statsmodels(data, quiet):
    """Its precision is on the log scale there: the delta method maps its standard error."""
    from statsmodels.othermod.betareg import BetaModel

    rng = np.random.default_rng(5)
    mu = 1 / (1 + np.exp(-0.3 - data["x"]))
    shares = rng.beta(8 * mu, 8 * (1 - mu))
    res = asx.glm("y ~ x + z", data.assign(y=shares), family=asx.Beta())
    model = BetaModel(shares, design(data))
    theirs = model.fit(start_params=model.fit(disp=0).params, method="newton", tol=1e-14, disp=0)
    phi = np.exp(theirs.params[3])
    np.testing.assert_allclose(res.params, [*theirs.params[:3], phi], rtol=1e-9)
    np.testing.assert_allclose(res.bse, [*theirs.bse[:3], phi * theirs.bse[3]], rtol=1e-7)
    assert res.llf == pytest.approx(theirs.llf, rel=1e-11)
    assert list(res.params.index) == ["Intercept", "x", "z", "phi"]
    held = asx.glm("y ~ x + z", data.assign(y=shares), family=asx.Beta(phi=asx.freeze(phi)))
    np.testing.assert_allclose(held.params, theirs.params[:3], rtol=1e-8)


def test_under_dispersed_counts_end_at_poisson_with_its_estimates():
    """The maximum within bounds is at alpha = 0: Poisson's coefficients, and no errors."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(400), rng.normal(size=400)])
    mean = np.exp(x @ [0.5, 0.3])
    y = rng.binomial(10, np.clip(mean / 10, 0, 1)).astype(float)  # variance below the mean
    model = asx.Regression(asx.Linear(2), asx.NegativeBinomial())
    found, poisson = asx.fit(model, x, y), asx.fit(asx.PoissonRegression(2), x, y)
    assert found.status_name == "boundary"
    np.testing.assert_allclose(found.model.predictor.coef, poisson.model.predictor.coef, rtol=1e-7)
    np.testing.assert_allclose(found.log_likelihood, poisson.log_likelihood, rtol=1e-9)
    assert np.isnan(asx.covariance(found, x, y).matrix).all()
    large = asx.fit(model, np.tile(x, (170, 1)), np.tile(y, 170))
    assert large.status_name == "boundary"
    np.testing.assert_allclose(large.model.predictor.coef, poisson.model.predictor.coef, rtol=1e-7)


def test_fisher_scoring_is_refused_where_alpha_is_estimated():
    x, y = np.ones((9, 1)), np.arange(9.0)
    model = asx.Regression(asx.Linear(1), asx.NegativeBinomial())
    with pytest.raises(asx.InputError, match="expected information"):
        asx.fit(model, x, y, solver=asx.Newton(curvature="expected"))
