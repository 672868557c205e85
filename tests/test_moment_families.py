"""Gamma, inverse Gaussian and quasi-likelihoods against R's glm, and what they have in common."""

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, special, stats

import asymptotix as asx

R = json.loads((Path(__file__).parent / "data" / "families_r.json").read_text())
CASES = {
    "gamma-inverse": asx.Gamma(),
    "gamma-log": asx.Gamma(asx.LogLink()),
    "gamma-identity": asx.Gamma(asx.IdentityLink()),
    "inverse_gaussian-inverse_square": asx.InverseGaussian(),
    "inverse_gaussian-log": asx.InverseGaussian(asx.LogLink()),
    "quasipoisson-log": asx.QuasiPoisson(),
    "quasibinomial-logit": asx.QuasiBinomial(),
}
LIKELIHOODS = [name for name in CASES if not name.startswith("quasi")]


def fitted(name, data, **options):
    response = {"quasipoisson": "count", "quasibinomial": "successes"}.get(name.split("-")[0])
    if name.startswith("quasibinomial"):
        options["trials"] = "trials"
    return asx.glm(f"{response or 'amount'} ~ x + z", data, family=CASES[name], **options)


@pytest.fixture(scope="module")
def data():
    return pd.DataFrame(R["data"])


@pytest.fixture(scope="module")
def fits(data):
    return {name: fitted(name, data, cov="expected") for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_estimates_errors_and_dispersion_are_those_of_r(fits, name):
    res, theirs = fits[name], R[name]
    assert res.status == "converged"
    np.testing.assert_allclose(res.params, theirs["coef"], rtol=1e-8)
    np.testing.assert_allclose(res.bse, theirs["se"], rtol=1e-8)
    assert res.scale == pytest.approx(theirs["scale"], rel=1e-8)
    assert res.deviance == pytest.approx(theirs["deviance"], rel=1e-10)
    assert res.reference.label == "t(77)"


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_log_likelihood_is_at_the_deviance_over_n(fits, name):
    """R's `logLik` of these families; its AIC counts the dispersion."""
    assert fits[name].llf == pytest.approx(R[name]["llf"], rel=1e-10)
    assert fits[name].aic == pytest.approx(R[name]["aic"], rel=1e-10)


@pytest.mark.parametrize("name", ["quasipoisson-log", "quasibinomial-logit"])
def test_a_quasi_likelihood_is_none(fits, name, data):
    res = fits[name]
    assert np.isnan([res.llf, res.aic, res.llnull]).all()
    small = asx.glm("count ~ x", data, family=asx.QuasiPoisson())
    with pytest.raises(asx.InputError, match="quasi-likelihood") as caught:
        asx.lr_test(small, fits["quasipoisson-log"])
    assert caught.value.code == "no_likelihood"
    with pytest.raises(asx.InputError, match="no distribution to draw"):
        res.model.sample(np.ones((2, 3)), key=jax.random.key(0))
    with pytest.raises(asx.InputError, match="no density"):
        asx.check_family(CASES[name], support="counts")
    assert np.isfinite(res.predict(data)).all()


def test_quasi_estimates_are_the_familys_with_wider_errors(fits, data):
    poisson = asx.poisson("count ~ x + z", data)
    res = fits["quasipoisson-log"]
    np.testing.assert_allclose(res.params, poisson.params, rtol=1e-12)
    phi = poisson.pearson_chi2 / poisson.df_resid
    # both stop at 1e-8 standard errors from the maximum
    np.testing.assert_allclose(res.bse, poisson.bse * np.sqrt(phi), rtol=1e-8)


@pytest.mark.parametrize("dispersion", [1e-8, 0.3, 2.5])
@pytest.mark.parametrize("kind", ["gamma", "inverse_gaussian"])
def test_densities_at_any_dispersion_are_scipys(kind, dispersion):
    family = (asx.Gamma if kind == "gamma" else asx.InverseGaussian)(asx.LogLink(), dispersion)
    mu, y = 1.7, np.array([0.4, 1.6999, 1.7, 3.0])
    with jax.enable_x64(True):
        got = jax.vmap(lambda v: family.log_prob(jnp.log(mu), v))(jnp.asarray(y))
        best = jax.vmap(family.saturated)(jnp.asarray(y))
        unit = family.with_dispersion(1.0)
        kernels = [float(f.kernel(jnp.log(mu), jnp.asarray(3.0))) for f in (family, unit)]
        variance = float(family.variance(jnp.log(mu)))
    if kind == "gamma":
        expected = stats.gamma.logpdf(y, 1 / dispersion, scale=mu * dispersion)
        highest = stats.gamma.logpdf(y, 1 / dispersion, scale=y * dispersion)
    else:
        expected = stats.invgauss.logpdf(y, mu * dispersion, scale=1 / dispersion)
        highest = stats.invgauss.logpdf(y, y * dispersion, scale=1 / dispersion)
    # SciPy takes differences of terms near 1/dispersion
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-14 / dispersion)
    np.testing.assert_allclose(best, highest, rtol=1e-11, atol=1e-14 / dispersion)
    assert kernels[0] == kernels[1]
    power = 2 if kind == "gamma" else 3
    assert variance == pytest.approx(dispersion * mu**power, rel=1e-13)


def test_a_step_out_of_the_domain_is_halved(data):
    """Of the canonical link, whose predictor must stay positive, from a poor start."""
    x, y = np.column_stack([np.ones(len(data)), data["x"]]), data["amount"].to_numpy()
    model = asx.Regression(asx.Linear(2), asx.Gamma())
    poor = eqx.tree_at(lambda m: m.predictor.coef, model, np.array([5.0, 4.9]))
    cold, far = asx.fit(model, x, y), asx.fit(poor, x, y)
    assert far.status_name == "converged"
    np.testing.assert_allclose(far.model.predictor.coef, cold.model.predictor.coef, rtol=1e-8)


# --- other dispersions --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def waits():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    w = rng.integers(1, 4, 300).astype(float)
    return {"y": rng.gamma(2, np.exp(0.3 * x)), "x": x, "w": w}


@pytest.fixture(scope="module")
def waiting(waits):
    x = sm.add_constant(waits["x"])
    family = sm.families.Gamma(sm.families.links.Log())
    return sm.GLM(waits["y"], x, family=family).fit(tol=1e-14)


def gamma(data, **options):
    return asx.glm("y ~ x", data, family=asx.Gamma(asx.LogLink()), **options)


def test_likelihood_at_pearsons_dispersion_is_that_of_statsmodels(waits, waiting):
    res = gamma(waits, llf_dispersion="pearson", criteria="statsmodels")
    assert res.llf == pytest.approx(waiting.llf, rel=1e-12)
    # statsmodels leaves the null model at the full model's dispersion; here it has its own
    null = asx.glm("y ~ 1", waits, family=asx.Gamma(asx.LogLink()), llf_dispersion="pearson")
    assert res.llnull == pytest.approx(null.llf, rel=1e-12)
    assert res.aic == pytest.approx(waiting.aic, rel=1e-12)
    assert res.n_parameters == 2
    assert res.null_deviance == pytest.approx(waiting.null_deviance, rel=1e-12)
    assert res.conventions["log-likelihood dispersion"] == "Pearson chi2 / (n - k)"
    assert res.conventions["AIC counts"] == "parameters without the dispersion"


def test_most_likely_dispersion_of_a_gamma_response(waits):
    """The root of log(a) - digamma(a) = D / (2 n) at a = 1 / phi, and where the density peaks."""
    res = gamma(waits, dispersion="ml", llf_dispersion="ml")
    half = res.deviance / (2 * res.nobs)
    shape = optimize.brentq(lambda a: np.log(a) - special.digamma(a) - half, 0.1, 100, xtol=1e-14)
    assert res.scale == pytest.approx(1 / shape, rel=1e-10)
    density = stats.gamma(shape, scale=res.predict() / shape)
    assert res.llf == pytest.approx(density.logpdf(waits["y"]).sum(), rel=1e-12)
    usual = gamma(waits)
    ratio = np.sqrt(res.scale / usual.scale)
    np.testing.assert_allclose(res.bse, ratio * usual.bse, rtol=1e-12)


@pytest.mark.parametrize("family", [asx.Gamma(asx.LogLink()), asx.Gaussian(), asx.InverseGaussian(
    asx.LogLink())], ids=lambda f: f.name)  # fmt: skip
def test_most_likely_dispersion_under_precision_weights(family, waits):
    """The log-likelihood of rows with dispersion phi / w has no slope there."""
    options = {"weights": "w", "weight_kind": "precision", "family": family}
    res = asx.glm("y ~ x", waits, dispersion="ml", llf_dispersion="ml", **options)
    y, w, mu = waits["y"], waits["w"], np.asarray(res.predict())
    density = {
        "gamma": lambda f: stats.gamma(w / f, scale=mu * f / w).logpdf(y),
        "gaussian": lambda f: stats.norm(mu, np.sqrt(f / w)).logpdf(y),
        "inverse-gaussian": lambda f: stats.invgauss(mu * f / w, scale=w / f).logpdf(y),
    }[family.name.replace(" ", "-").replace("_", "-")]
    assert res.llf == pytest.approx(density(res.scale).sum(), rel=1e-10)
    for factor in (0.99, 1.01):
        assert density(factor * res.scale).sum() < res.llf
    if family.name != "gamma":
        assert res.scale == pytest.approx(res.deviance / 300, rel=1e-10)


def test_deviance_over_its_degrees_of_freedom(waits):
    res = gamma(waits, dispersion="deviance")
    assert res.scale == pytest.approx(res.deviance / 298, rel=1e-14)
    assert float(res.model.family.dispersion) == res.scale
    np.testing.assert_allclose(res.with_cov("observed").bse, res.bse, rtol=1e-14)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        (asx.Poisson(), {"dispersion": "ml"}, "that of poisson is 1, so leave it out"),
        (asx.NegativeBinomial(), {"llf_dispersion": "ml"}, "among its parameters"),
        (asx.QuasiPoisson(), {"dispersion": "ml"}, "has no likelihood"),
        (asx.QuasiPoisson(), {"llf_dispersion": "pearson"}, "has no likelihood"),
        (asx.Gaussian(), {"dispersion": "mle"}, "must be 'pearson', 'deviance' or 'ml'"),
        (asx.Gaussian(), {"criteria": "r"}, "must be 'statsmodels'"),
    ],
)
def test_dispersions_that_are_refused(family, options, message):
    counts = {"y": [0.0, 1, 3, 2, 1, 0], "x": [1.0, 2, 3, 4, 5, 6]}
    with pytest.raises(asx.InputError, match=message):
        asx.glm("y ~ x", counts, family=family, **options)
