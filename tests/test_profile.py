"""Profile-likelihood and score intervals against root-solves of their own, and by hand."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special, stats

import asymptotix as asx
from asymptotix.inference import profile as profiles
from conftest import MROZ
from test_compilation import compilations

Q = stats.norm.ppf(0.975)


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(80), rng.standard_normal((80, 2)) * [1.0, 30.0] + [0.0, 200.0]])
    y = (rng.uniform(size=80) < special.expit(-1 + x[:, 1])).astype(float)
    return x, y


def logit_log_likelihood(beta, x, y):
    eta = x @ beta
    return np.sum(y * eta - np.logaddexp(0, eta))


def probit_log_likelihood(beta, x, y):
    eta = x @ beta
    return np.sum(y * special.log_ndtr(eta) + (1 - y) * special.log_ndtr(-eta))


LIKELIHOODS = {
    "logit": (logit_log_likelihood, asx.LogitLink()),
    "probit": (probit_log_likelihood, asx.ProbitLink()),
}


def constrained(function, x, y, j, b, start):
    """The other coefficients at coefficient `j` = b, by Newton with numerical derivatives."""
    scale = x.std(axis=0) + np.abs(x.mean(axis=0))

    def negative(free):
        return -function(np.insert(free / np.delete(scale, j), j, b), x, y)

    begin = np.delete(start * scale, j)
    rough = optimize.minimize(negative, begin, method="BFGS", options={"gtol": 1e-7})
    fine = optimize.minimize(
        negative, rough.x, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-15}
    )
    return -min(rough.fun, fine.fun), np.insert(fine.x / np.delete(scale, j), j, b)


@pytest.mark.parametrize("name", list(LIKELIHOODS))
@pytest.mark.parametrize("j", [0, 1, 2])
def test_the_deviance_at_a_limit_is_the_quantile(small, name, j):
    """A constrained maximum by other means falls by half of 1.96 squared, to 1e-8."""
    (x, y), (function, link) = small, LIKELIHOODS[name]
    rows = asx.Rows(x, y)
    fit = asx.fit(asx.Regression(asx.Linear(3), asx.Bernoulli(link)), rows)
    limits = profiles.likelihood_limits(fit, rows, Q)
    best = np.asarray(fit.model.predictor.coef)
    for b in (limits.lower[j], limits.upper[j]):
        value, _ = constrained(function, x, y, j, b, best)
        assert 2 * (float(fit.log_likelihood) - value) == pytest.approx(Q**2, abs=1e-8)


@pytest.mark.parametrize("name", list(LIKELIHOODS))
def test_a_root_found_by_brent_is_the_limit(small, name):
    (x, y), (function, link) = small, LIKELIHOODS[name]
    rows = asx.Rows(x, y)
    fit = asx.fit(asx.Regression(asx.Linear(3), asx.Bernoulli(link)), rows)
    limits = profiles.likelihood_limits(fit, rows, Q)
    best = np.asarray(fit.model.predictor.coef)

    def gap(b):
        return 2 * (float(fit.log_likelihood) - constrained(function, x, y, 1, b, best)[0]) - Q**2

    for limit in (limits.lower[1], limits.upper[1]):
        near = optimize.brentq(gap, limit - 0.05, limit + 0.05, xtol=1e-12)
        assert limit == pytest.approx(near, rel=1e-8)


@pytest.mark.parametrize("name", list(LIKELIHOODS))
def test_the_score_statistic_at_a_limit_is_the_quantile(small, name):
    """At the constrained maximum, the score times the inverse expected information, by hand."""
    (x, y), (function, link) = small, LIKELIHOODS[name]
    rows = asx.Rows(x, y)
    fit = asx.fit(asx.Regression(asx.Linear(3), asx.Bernoulli(link)), rows)
    limits = profiles.likelihood_limits(fit, rows, Q, "score")
    best = np.asarray(fit.model.predictor.coef)
    j = 1
    for b in (limits.lower[j], limits.upper[j]):
        _, beta = constrained(function, x, y, j, b, best)
        eta = x @ beta
        mu = special.expit(eta) if name == "logit" else special.ndtr(eta)
        slope = mu * (1 - mu) if name == "logit" else stats.norm.pdf(eta)
        score = x.T @ ((y - mu) * slope / (mu * (1 - mu)))
        information = (x * (slope**2 / (mu * (1 - mu)))[:, None]).T @ x
        statistic = score[j] ** 2 * np.linalg.inv(information)[j, j]
        assert statistic == pytest.approx(Q**2, rel=1e-6)


def test_both_searches_agree(mroz_fits):
    """The direct search and the bracketed one find the same limits."""
    res = mroz_fits["probit"]
    rows = res.rows()
    direct = profiles.likelihood_limits(res.fit, rows, 2.5)
    hills, evaluate = profiles._hills(res.fit, rows, False, 2.5)
    with jax.enable_x64(True):
        searches = [
            profiles.bracketed_limit(hill, side, 2.5) for hill in hills.values() for side in (-1, 1)
        ]
        found = np.reshape(profiles.run_searches(searches, evaluate), (-1, 2))
    np.testing.assert_allclose(found, np.transpose(direct), rtol=1e-8)


def test_one_sided_where_the_likelihood_levels_off():
    """Means of two groups on the log scale: the second group's may be 0, its log minus infinity.

    With saturated groups the deviance of $b_2$ is $n_2 (e^{b_2} - m_2)^2$, so that the limits are
    $\\log\\{m_2 \\pm q (\\phi/n_2)^{1/2}\\}$, the lower one only while that is positive.
    """
    y = np.array([5.0, 6.0, 4.5, 5.5, 0.9, -0.7, 0.8, -0.2, 0.4])
    g2 = np.array([0.0] * 4 + [1.0] * 5)
    frame = {"y": y, "g1": 1 - g2, "g2": g2}
    res = asx.glm("y ~ 0 + g1 + g2", frame, asx.Gaussian(asx.LogLink()))
    m, q = y[4:].mean(), stats.t.ppf(0.975, 7)
    reach = q * np.sqrt(res.scale / 5)
    assert m < reach
    with pytest.warns(asx.FitWarning, match=r"g2 does not reach the 95% quantile"):
        found = res.conf_int(method="profile")
    assert found.loc["g2", "lower"] == -np.inf
    assert found.loc["g2", "upper"] == pytest.approx(np.log(m + reach), rel=1e-8)
    first = y[:4].mean() + np.array([-1, 1]) * q * np.sqrt(res.scale / 4)
    np.testing.assert_allclose(found.loc["g1"], np.log(first), rtol=1e-8)
    narrow = res.conf_int(0.5, method="profile")
    assert np.isfinite(narrow.to_numpy()).all()
    t = stats.t.ppf(0.75, 7) * np.sqrt(res.scale / 5)
    np.testing.assert_allclose(narrow.loc["g2"], np.log([m - t, m + t]), rtol=1e-8)


def test_limits_at_the_edge_of_the_model():
    """A Poisson mean on the identity scale must stay positive; its profile by bisection."""
    y = np.array([0.0, 1.0, 0.0, 2.0, 1.0])
    family = asx.Poisson(asx.IdentityLink())
    res = asx.glm("y ~ 1", {"y": y}, family)
    top = y.mean()

    def gap(mu):
        return 2 * (y.sum() * np.log(top / mu) - len(y) * (top - mu)) - Q**2

    lower, upper = optimize.brentq(gap, 1e-9, top), optimize.brentq(gap, top, 20.0)
    np.testing.assert_allclose(res.conf_int(method="profile").iloc[0], [lower, upper], rtol=1e-8)


class Gamma2(asx.AbstractFamily):
    """A response with log mean eta and shape exp(log_shape), estimated by maximum likelihood."""

    log_shape: jax.Array = asx.parameter(default=0.0, converter=np.asarray)
    name = "gamma with shape"
    dispersion_rule = "estimated"

    def log_prob(self, eta, y):
        a = jnp.exp(self.log_shape)
        return (
            a * (self.log_shape - eta)
            + (a - 1) * jnp.log(y)
            - a * y * jnp.exp(-eta)
            - (jax.scipy.special.gammaln(a))
        )

    def mean(self, eta):
        return jnp.exp(eta)

    def variance(self, eta):
        return jnp.exp(2 * eta - self.log_shape)

    def sample(self, eta, *, key):
        a = jnp.exp(self.log_shape)
        return jnp.exp(eta) * jax.random.gamma(key, a, dtype=eta.dtype) / a


def test_a_parameter_of_the_family():
    rng = np.random.default_rng(2)
    x = rng.standard_normal(60)
    y = rng.gamma(2.0, np.exp(0.3 * x) / 2.0)
    res = asx.glm("y ~ x", {"x": x, "y": y}, Gamma2())
    limits = res.conf_int(method="profile")

    def log_likelihood(beta, shape):
        scale = np.exp(beta[0] + beta[1] * x) / shape
        return stats.gamma.logpdf(y, shape, scale=scale).sum()

    def best(log_shape):
        found = optimize.minimize(
            lambda b: -log_likelihood(b, np.exp(log_shape)), res.params.to_numpy()[:2], tol=1e-12
        )
        return -found.fun

    for limit in limits.iloc[2]:
        assert 2 * (res.llf - best(limit)) == pytest.approx(Q**2, abs=1e-7)
    # the family declares no expected information, so that the score interval uses the observed
    score = res.conf_int(method="score")
    assert np.isfinite(score.to_numpy()).all()
    np.testing.assert_allclose(score, limits, atol=0.1)


def test_a_model_that_is_no_linear_predictor(small):
    """The same logit written as a network: automatic differentiation gives the same limits."""
    x, y = small
    x = np.column_stack([x[:, :2], (x[:, 2] - 200) / 30])

    class Line(eqx.Module):
        weight: jax.Array = asx.parameter()

        def __call__(self, xi):
            return xi @ self.weight

    rows = asx.Rows(x, y)
    network = asx.Regression(asx.Network(Line(jnp.zeros(3))), asx.Bernoulli())
    by_network = profiles.likelihood_limits(asx.fit(network, rows), rows, Q)
    linear = profiles.likelihood_limits(asx.fit(asx.Logit(3), rows), rows, Q)
    np.testing.assert_allclose(by_network, linear, rtol=1e-8)


def test_many_rows_are_streamed():
    """Slabs and one small program give the same limits: rows repeated 7,000 times by weight."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(10), rng.standard_normal((10, 2))])
    y = np.array([0.0, 1, 0, 1, 1, 0, 1, 0, 0, 1])
    times = 7000
    weighted = asx.Rows(x, y, weights=np.full(10, float(times)), weight_kind="frequency")
    long = asx.Rows(np.repeat(x, times, axis=0), np.repeat(y, times))
    limits = [profiles.likelihood_limits(asx.fit(asx.Logit(3), r), r, Q) for r in (weighted, long)]
    np.testing.assert_allclose(*limits, rtol=1e-8)


def test_the_curve(mroz_fits):
    res = mroz_fits["logit"]
    curve = res.profile("educ", reach=2.0, points=4)
    assert len(curve) == 9
    assert curve["value"].iloc[4] == pytest.approx(res.params["educ"])
    assert curve["log_likelihood"].iloc[4] == 0
    np.testing.assert_allclose(
        curve["value"], res.params["educ"] + curve["wald"] * res.bse["educ"], rtol=1e-9
    )
    assert (np.diff(curve["likelihood"]) > 0).all()
    rows = res.rows()
    j, b = res.names.index("educ"), curve["value"].iloc[0]
    x = np.asarray(rows.x)
    held = asx.fit(asx.Logit(x.shape[1] - 1), np.delete(x, j, 1), rows.y, offset=b * x[:, j])
    expected = 2 * (res.llf - float(held.log_likelihood))
    assert curve["likelihood"].iloc[0] ** 2 == pytest.approx(expected, rel=1e-9)
    assert curve["likelihood"].iloc[0] < 0


def test_omitted_columns_and_offsets(mroz):
    data = mroz.assign(twice=2 * mroz["educ"], o=0.3)
    with pytest.warns(asx.CollinearWarning):
        res = asx.logit("inlf ~ educ + twice + age", data, offset="o")
    found = res.conf_int(method="profile")
    assert found.loc["twice"].isna().all()
    plain = asx.logit("inlf ~ educ + age", mroz).conf_int(method="profile")
    np.testing.assert_allclose(found.loc[["educ", "age"]], plain.loc[["educ", "age"]], rtol=1e-8)
    np.testing.assert_allclose(found.loc["Intercept"] + 0.3, plain.loc["Intercept"], rtol=1e-8)
    with pytest.raises(asx.InputError, match="was omitted"):
        res.profile("twice")


def test_refusals(mroz_fits, mroz):
    with pytest.raises(asx.InputError, match="HC1 errors say that it may not be"):
        mroz_fits["lpm"].conf_int(method="profile")
    with pytest.raises(asx.InputError, match="must be 'wald', 'profile' or 'score'"):
        mroz_fits["logit"].conf_int(method="profil")
    with pytest.raises(asx.InputError, match=r"no coefficient 'edu'\. Did you mean 'educ'"):
        mroz_fits["logit"].profile("edu")
    sampled = asx.logit(
        "inlf ~ educ", mroz, weights=np.ones(len(mroz)), weight_kind="sampling", cov="observed"
    )
    with pytest.raises(asx.InputError, match="pseudo-likelihood"):
        sampled.conf_int(method="profile")
    forgotten = asx.logit("inlf ~ educ", mroz, keep_data=False)
    with pytest.raises(asx.InputError, match="pass data="):
        forgotten.conf_int(method="profile")
    assert np.isfinite(forgotten.conf_int(method="profile", data=mroz).to_numpy()).all()


def test_the_plot(mroz_fits):
    plt = pytest.importorskip("matplotlib.pyplot")
    res = mroz_fits["logit"]
    figure = asx.profile_plot(res, "educ")
    limits = res.conf_int(method="profile").loc["educ"]
    marked = [line.get_xdata() for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(marked[0], limits)
    _, ax = plt.subplots()
    assert asx.profile_plot(res, "age", ax=ax) is ax.figure
    assert ax.get_xlabel() == "age"
    plt.close("all")


def test_formula_of_mroz_has_all_limits_ordered(mroz):
    res = asx.logit(MROZ, mroz)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("profile", "score"):
            found = res.conf_int(method=method)
            assert (found["lower"] < res.params).all()
            assert (found["upper"] > res.params).all()


def test_separated_data_have_one_limit():
    """All six of the second group succeed: the limit of their log-odds against the first's.

    With p2 = 1 - u, the profile of the difference b over the first group's log-odds a is
    4 log p1 + 5 log(1 - p1) + 6 log p2 at logit p2 = a + b; found by a search of its own.
    """
    y = np.r_[np.ones(6), 0, 1, 0, 1, 1, 0, 0, 0, 1.0]
    g = np.r_[np.ones(6), np.zeros(9)]
    rows = asx.Rows(np.column_stack([np.ones(15), g]), y)
    fit = asx.fit(asx.Logit(2), rows)
    assert not fit.converged
    limits = profiles.likelihood_limits(fit, rows, Q)
    top = 4 * np.log(4 / 9) + 5 * np.log(5 / 9)

    def log_likelihood(a, b):
        return -4 * np.logaddexp(0, -a) - 5 * np.logaddexp(0, a) - 6 * np.logaddexp(0, -a - b)

    def gap(b):
        found = optimize.minimize_scalar(
            lambda a: -log_likelihood(a, b), bounds=(-9, 9), options={"xatol": 1e-12}
        )
        return 2 * (top + found.fun) - Q**2

    assert limits.upper[1] == np.inf
    assert limits.lower[1] == pytest.approx(optimize.brentq(gap, -2, 4, xtol=1e-12), rel=1e-8)
    assert np.isfinite(limits.lower[0])
    score = profiles.likelihood_limits(fit, rows, Q, "score")
    assert score.upper[1] == np.inf
    assert np.isfinite([score.lower[1], score.lower[0], score.upper[0]]).all()


def test_several_predictors_of_one_model():
    """Location and scale, each with a formula: the deviance at every limit is the quantile."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal(90)
    y = 1 + x + np.exp(0.2 + 0.3 * x) * rng.standard_normal(90)
    formulas = {"mu": "y ~ x", "log_sigma": "~ x"}
    res = asx.glm(formulas, {"x": x, "y": y}, asx.LocationScale())
    limits = res.conf_int(method="profile").to_numpy()

    def negative(theta):
        spread = np.exp(theta[2] + theta[3] * x)
        return -stats.norm.logpdf(y, theta[0] + theta[1] * x, spread).sum()

    best = res.params.to_numpy()
    for j in range(4):
        for b in limits[j]:
            free = np.delete(best, j)
            found = optimize.minimize(
                lambda t, j=j, b=b: negative(np.insert(t, j, b)), free, options={"gtol": 1e-8}
            )
            assert 2 * (res.llf + found.fun) == pytest.approx(Q**2, abs=1e-7)


def test_nothing_is_compiled_again():
    """Another formula of similar size, other data and one more row use the same program."""

    def run(n, columns, seed):
        rng = np.random.default_rng(seed)
        data = {f"x{j}": rng.standard_normal(n) for j in range(4)}
        data["y"] = (rng.uniform(size=n) < 0.5).astype(float)
        res = asx.logit(f"y ~ {' + '.join(columns)}", data)
        res.conf_int(method="profile")
        res.score_test("I(x0**2)")

    run(200, ["x0", "x1", "x2"], 0)
    with compilations() as found:
        run(201, ["x0", "x1", "x2"], 1)
        run(200, ["x3", "x1", "x0"], 2)
    assert found == [0]
