"""Models written as a bare log-density."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import asymptotix as asx
from asymptotix.model import layout
from registry import differences

N = 200


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(N), rng.standard_normal(N)])
    binary = (rng.uniform(size=N) < 1 / (1 + np.exp(-x @ [0.3, 0.8]))).astype(float)
    times = np.exp(x @ [0.2, 0.5]) * rng.weibull(1.7, N)
    return x, binary, times


def logit(params, x, y):
    return -jnp.logaddexp(0.0, (1 - 2 * y) * (x @ params["beta"]))


def weibull(params, x, y):
    shape = jnp.exp(params["log_shape"])
    z = shape * (jnp.log(y) - x @ params["beta"])
    return params["log_shape"] - jnp.log(y) + z - jnp.exp(z)


def weibull_start(log_shape=0.0):
    return {"beta": np.zeros(2), "log_shape": log_shape}


def beta(fit):
    return np.asarray(fit.model.predictor.params["beta"])


def test_a_logit_written_so_is_the_logit(rows):
    x, y, _ = rows
    ours = asx.fit(asx.from_log_prob(logit, {"beta": np.zeros(2)}), x, y)
    theirs = asx.fit(asx.Logit(2), x, y)
    assert ours.status_name == "converged"
    np.testing.assert_allclose(beta(ours), theirs.model.predictor.coef, rtol=1e-10)
    assert float(ours.log_likelihood) == pytest.approx(float(theirs.log_likelihood), rel=1e-13)
    for kind in ("observed", "opg", "HC0", "HC1"):
        np.testing.assert_allclose(
            asx.covariance(ours, x, y, kind).matrix,
            asx.covariance(theirs, x, y, kind).matrix,
            rtol=1e-9,
            atol=1e-12,
        )
    with pytest.raises(asx.InputError, match="expected"):
        asx.covariance(ours, x, y, "expected")


def test_weibull_regression_by_scipy_and_a_numerical_hessian(rows):
    x, _, y = rows
    fit = asx.fit(asx.from_log_prob(weibull, weibull_start()), x, y)
    theta = np.r_[beta(fit), fit.model.predictor.params["log_shape"]]

    def total(t):
        return np.sum(stats.weibull_min.logpdf(y, np.exp(t[2]), scale=np.exp(x @ t[:2])))

    def gradient(t):
        return differences(total, t, step=0.01)

    assert fit.status_name == "converged"
    assert float(fit.log_likelihood) == pytest.approx(total(theta), rel=1e-12)
    hessian = differences(gradient, theta, step=0.01)
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert np.max(np.abs(gradient(theta) * errors)) < 1e-7
    cov = asx.covariance(fit, x, y)
    np.testing.assert_allclose(cov.standard_errors, errors, rtol=1e-7)
    shape = asx.delta_method(lambda m: jnp.exp(m.predictor.params["log_shape"]), fit.model, cov)
    assert float(shape.standard_error) == pytest.approx(np.exp(theta[2]) * errors[2], rel=1e-7)


def test_names_come_from_the_parameters(rows):
    model = asx.from_log_prob(weibull, weibull_start())
    names = [name.removeprefix("predictor.params") for name in layout(model).names]
    assert names == ["['beta'][0]", "['beta'][1]", "['log_shape']"]


def test_a_frozen_parameter_stays(rows):
    x, _, y = rows
    held = asx.freeze(np.log(1.7))
    fit = asx.fit(asx.from_log_prob(weibull, weibull_start(held)), x, y)
    assert fit.params.shape == (2,)
    free = asx.fit(asx.from_log_prob(weibull, weibull_start()), x, y)
    assert float(fit.log_likelihood) < float(free.log_likelihood)
    assert asx.covariance(fit, x, y).matrix.shape == (2, 2)


def test_a_penalty_is_added(rows):
    x, y, _ = rows
    strength = 3.0
    fit = asx.fit(
        asx.from_log_prob(logit, {"beta": np.zeros(2)}), x, y, penalty=asx.Ridge(strength)
    )
    free = asx.fit(asx.from_log_prob(logit, {"beta": np.zeros(2)}), x, y)
    assert np.linalg.norm(beta(fit)) < np.linalg.norm(beta(free))
    assert bool(fit.converged)


def test_an_offset_is_handed_on_or_refused(rows):
    x, y, _ = rows
    offset = np.linspace(-0.4, 0.4, N)

    def with_offset(params, x, y, offset):
        return -jnp.logaddexp(0.0, (1 - 2 * y) * (x @ params["beta"] + offset))

    ours = asx.fit(asx.from_log_prob(with_offset, {"beta": np.zeros(2)}), x, y, offset=offset)
    theirs = asx.fit(asx.Logit(2), x, y, offset=offset)
    np.testing.assert_allclose(beta(ours), theirs.model.predictor.coef, rtol=1e-10)
    blind = asx.fit(asx.from_log_prob(logit, {"beta": np.zeros(2)}), x, y, offset=offset)
    assert blind.status_name == "not_finite"


def test_weights_and_transformations(rows):
    x, y, _ = rows
    w = np.arange(N) % 3
    model = asx.from_log_prob(logit, {"beta": np.zeros(2)})
    repeated = np.repeat(np.arange(N), w)
    weighted = asx.fit(model, x, y, weights=w, weight_kind="frequency")
    np.testing.assert_allclose(
        beta(weighted), beta(asx.fit(model, x[repeated], y[repeated])), rtol=1e-10
    )
    with jax.enable_x64(True):
        many = jax.vmap(lambda b: asx.fit(model, jnp.asarray(x), b))(np.stack([y, y[::-1]]))
    np.testing.assert_allclose(beta(many)[0], beta(asx.fit(model, x, y)), rtol=1e-9)


def test_moments_and_draws_where_they_are_given(rows):
    x, _, y = rows

    def mean(params, x):
        shape = jnp.exp(params["log_shape"])
        return jnp.exp(x @ params["beta"] + jax.scipy.special.gammaln(1 + 1 / shape))

    def sample(params, x, *, key):
        draw = jax.random.exponential(key, (), x.dtype)
        return jnp.exp(x @ params["beta"]) * draw ** jnp.exp(-params["log_shape"])

    bare = asx.fit(asx.from_log_prob(weibull, weibull_start()), x, y)
    whole = asx.fit(asx.from_log_prob(weibull, weibull_start(), mean=mean, sample=sample), x, y)
    assert np.isnan(bare.model(x)).all()
    shape = np.exp(float(whole.model.predictor.params["log_shape"]))
    expected = np.exp(x @ beta(whole)) * stats.weibull_min(shape).mean()
    np.testing.assert_allclose(whole.model(x), expected, rtol=1e-12)
    draws = np.asarray(whole.model.sample(np.repeat(x[:1], 20_000, axis=0), key=jax.random.key(1)))
    error = stats.weibull_min(shape).std() * expected[0] / stats.weibull_min(shape).mean()
    assert abs(draws.mean() - expected[0]) < 4.5 * error / np.sqrt(20_000)
    with pytest.raises(asx.InputError, match="sample="):
        bare.model.sample(x, key=jax.random.key(0))


def test_the_density_passes_its_check(rows):
    model = asx.from_log_prob(weibull, {"beta": np.array([0.2, 0.5]), "log_shape": 0.3})
    with jax.enable_x64(True):
        eta = [model.predictor(jnp.asarray(row)) for row in rows[0][:2]]
    # positions of x and the offset are no parameters, but their scores have mean zero as well
    report = asx.check_family(model.family, eta=eta, support="positive")
    assert "normalises" not in report.failed
    assert "information equality" not in report.failed


@pytest.mark.parametrize(
    ("fn", "params", "words"),
    [
        (lambda x, y: 0.0, {"b": 1.0}, r"takes \(x, y\)"),
        (lambda p, x, y, extra: 0.0, {"b": 1.0}, r"fn\(params, x, y, offset\)"),
        (logit, {}, "nothing to estimate"),
        (logit, {"beta": asx.freeze(1.0)}, "nothing to estimate"),
        (logit, {"beta": "one"}, "must be numbers"),
    ],
)
def test_what_cannot_be_a_density_is_refused(fn, params, words):
    with pytest.raises(asx.InputError, match=words):
        asx.from_log_prob(fn, params)


def test_a_density_of_many_rows_at_once_is_refused(rows):
    x, y, _ = rows
    model = asx.from_log_prob(lambda p, x, y: p["beta"] * x, {"beta": np.zeros(2)})
    with pytest.raises(asx.InputError, match="one number"):
        asx.fit(model, x, y)
    with pytest.raises(asx.InputError, match=r"x\[:, None\]"):
        asx.fit(asx.from_log_prob(logit, {"beta": np.zeros(2)}), x[:, 1], y)
