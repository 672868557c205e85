"""Families: densities and their derivatives, information, draws, and what they refuse."""

import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import special as sp
from scipy import stats

from asymptotix import families as fam
from asymptotix import links as lk
from asymptotix.core.errors import InputError
from registry import ALPHA, FAMILIES

GRID = np.array([-800.0, -40.0, -8.0, -1e-3, 0.3, 8.0, 40.0, 800.0])
SHARES = [label for label in FAMILIES if label.startswith(("bernoulli", "binomial"))]


# --- oracles in mpmath: (mu, 1 - mu, mu', mu'') with every digit ------------------------------


def _logit(x):
    s, r = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))
    return s, r, s * r, s * r * (r - s)


def _probit(x):
    density = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
    return mp.erfc(-x / mp.sqrt(2)) / 2, mp.erfc(x / mp.sqrt(2)) / 2, density, -x * density


def _cauchit(x):
    mu = mp.mpf(1) / 2 + mp.atan(x) / mp.pi
    return mu, 1 - mu, 1 / (mp.pi * (1 + x * x)), -2 * x / (mp.pi * (1 + x * x) ** 2)


def _cloglog(x):
    u = mp.exp(x)
    rest = mp.exp(-u)
    return -mp.expm1(-u), rest, u * rest, u * (1 - u) * rest


def _loglog(x):
    mu, rest, slope, bend = _cloglog(-x)
    return rest, mu, slope, -bend


INVERSES = {
    "logit": _logit,
    "probit": _probit,
    "cauchit": _cauchit,
    "cloglog": _cloglog,
    "loglog": _loglog,
    "log": lambda x: (mp.exp(x), -mp.expm1(x), mp.exp(x), mp.exp(x)),
    "identity": lambda x: (x, 1 - x, mp.mpf(1), mp.mpf(0)),
    "sqrt": lambda x: (x * x, 1 - x * x, 2 * x, mp.mpf(2)),
    "inverse": lambda x: (1 / x, 1 - 1 / x, -(x**-2), 2 * x**-3),
    "inverse_square": lambda x: (x**-0.5, 1 - x**-0.5, -(x**-1.5) / 2, 3 * x**-2.5 / 4),
}


def _digits(link):
    # u - u^2 with u = e^800 needs 700 digits; a cauchit tail needs few, a logit tail 350
    return {"cloglog": 900, "loglog": 900, "cauchit": 60, "logit": 400}.get(link, 60)


def _log_jet(p, slope, bend):
    """log p, and its two derivatives from those of p."""
    return [mp.log(p), slope / p, bend / p - (slope / p) ** 2]


def _oracle(label, eta, y):
    """log_prob and its first two derivatives in eta at one point."""
    kind, link = label.split("-")
    with mp.workdps(_digits(link)):
        mu, rest, slope, bend = INVERSES[link](mp.mpf(float(eta)))
        if kind == "gaussian":
            miss = y - mu
            constant = mp.log(2 * mp.pi) / 2
            return [-(miss**2) / 2 - constant, miss * slope, miss * bend - slope**2]
        if kind in ("gamma", "inverse_gaussian"):
            v = 1 / mu
            inverse = [v, -slope * v**2, 2 * slope**2 * v**3 - bend * v**2]
            square = [v**2, -2 * slope * v**3, 6 * slope**2 * v**4 - 2 * bend * v**3]
            parts = [(-1, _log_jet(mu, slope, bend)), (-y, inverse)]
            constant = 0
            if kind == "inverse_gaussian":
                parts = [(-mp.mpf(y) / 2, square), (1, inverse)]
                constant = -1 / mp.mpf(2 * y) - mp.log(2 * mp.pi * mp.mpf(y) ** 3) / 2
        elif kind == "negative_binomial":
            a = mp.mpf(ALPHA)
            total = _log_jet(1 + a * mu, a * slope, a * bend)
            parts = [(y, _log_jet(mu, slope, bend)), (-y - 1 / a, total)]
            constant = mp.loggamma(y + 1 / a) - mp.loggamma(1 / a) - mp.loggamma(y + 1)
            constant += y * mp.log(a)
        elif kind == "poisson":
            parts = [(y, _log_jet(mu, slope, bend)), (1, [-mu, -slope, -bend])]
            constant = -mp.loggamma(y + 1)
        else:
            s, m = (y, 1) if kind == "bernoulli" else y
            parts = [(s, (mu, slope, bend)), (m - s, (rest, -slope, -bend))]
            parts = [(count, _log_jet(*jet)) for count, jet in parts if count]
            constant = mp.log(mp.binomial(m, s))
        total = [sum(count * jet[order] for count, jet in parts) for order in range(3)]
        return [total[0] + constant, total[1], total[2]]


def _inside(label, eta):
    kind, link = label.split("-")
    if link in ("inverse", "inverse_square"):
        return eta > 0
    if link in ("identity", "sqrt", "log") and kind != "gaussian":
        low = -np.inf if link == "log" else 0.0
        high = {"log": 0.0, "identity": 1.0}[link] if kind[0] == "b" else np.inf
        return (eta > low) & (eta < high)
    return np.full(np.shape(eta), True)


def _outcomes(label):
    kind = label.split("-")[0]
    return {
        "bernoulli": [0.0, 1.0],
        "binomial": [(0.0, 5.0), (2.0, 5.0), (5.0, 5.0)],
        "poisson": [0.0, 1.0, 7.0],
        "negative_binomial": [0.0, 1.0, 7.0],
        "gamma": [0.2, 1.1, 7.0],
        "inverse_gaussian": [0.2, 1.1, 7.0],
        "gaussian": [-1.3, 0.0, 2.5],
    }[kind]


# --- one compilation a family ------------------------------------------------------------------


def _everything(family, eta, y):
    score = jax.grad(family.log_prob)
    return SimpleNamespace(
        log_prob=family.log_prob(eta, y),
        score=score(eta, y),
        bend=jax.jvp(lambda e: score(e, y), (eta,), (jnp.ones_like(eta),))[1],
        kernel=family.kernel(eta, y),
        mean=family.mean(eta),
        variance=family.variance(eta),
        information=family.expected_information(eta, y),
        saturated=family.saturated(y),
        response_mean=family.response_mean(y),
        response_variance=family.response_variance(eta, y),
    ).__dict__


BLOCK = 24


@functools.cache
def _compiled(label):
    return jax.jit(jax.vmap(functools.partial(_everything, FAMILIES[label]())))


def _evaluate(label, eta, y, dtype=np.float64):
    """Everything above on the product of points and outcomes: arrays (points, outcomes)."""
    pairs = [(e, outcome) for e in eta for outcome in y]
    pairs += pairs[-1:] * (-len(pairs) % BLOCK)  # one size, hence one compilation
    columns = jax.tree.map(lambda *v: np.array(v, dtype).reshape(-1, BLOCK), *pairs)
    with jax.enable_x64(dtype == np.float64), jax.numpy_rank_promotion("raise"):
        blocks = [
            _compiled(label)(*jax.tree.map(lambda column, b=b: column[b], columns))
            for b in range(len(pairs) // BLOCK)
        ]
    size = len(eta) * len(y)
    joined = jax.tree.map(lambda *v: np.concatenate(v)[:size].reshape(len(eta), len(y)), *blocks)
    return SimpleNamespace(**joined)


def _assert_close(got, expected, rtol, where):
    """Equal to `rtol`, where under- and overflow of the truth mean 0 and infinity."""
    if abs(expected) > mp.mpf("1.79e308"):
        assert got == np.inf * mp.sign(expected), where
    elif abs(expected) < mp.mpf("3e-308"):
        assert abs(got) < 3e-308, where
    else:
        assert abs(mp.mpf(float(got)) - expected) <= rtol * abs(expected), (where, got)


@pytest.mark.parametrize("label", FAMILIES)
def test_log_prob_and_two_derivatives_against_mpmath(label):
    eta, y = GRID[_inside(label, GRID)], _outcomes(label)
    got = _evaluate(label, eta, y)
    for i, e in enumerate(eta):
        for j, outcome in enumerate(y):
            value, score, bend = _oracle(label, e, outcome)
            where = (label, e, outcome)
            _assert_close(got.log_prob[i, j], value, 1e-12, where)
            _assert_close(got.score[i, j], score, 1e-12, where)
            _assert_close(got.bend[i, j], bend, 1e-12, where)


@pytest.mark.parametrize("link", ["logit", "probit", "cauchit"])
def test_pearson_of_binary_responses_against_mpmath(link):
    eta = np.array([-30.0, -5.0, -1e-3, 0.3, 8.0, 30.0])
    family = FAMILIES[f"bernoulli-{link}"]()
    with jax.enable_x64(True):
        got = np.array(
            [[float(family.pearson(jnp.asarray(e), y)) for y in (0.0, 1.0)] for e in eta]
        )
        assert np.isnan(family.pearson(jnp.asarray(np.nan), 1.0))
    for i, e in enumerate(eta):
        with mp.workdps(_digits(link)):
            mu, rest, *_ = INVERSES[link](mp.mpf(e))
            for y, expected in enumerate((mu / rest, rest / mu)):
                _assert_close(got[i, y], expected, 1e-12, (link, e, y))


@pytest.mark.parametrize("label", FAMILIES)
def test_kernel_is_log_prob_without_its_constant(label):
    got = _evaluate(label, _moderate(label), _outcomes(label))
    constant = got.log_prob - got.kernel
    np.testing.assert_allclose(constant, np.broadcast_to(constant[:1], constant.shape), atol=1e-13)


@pytest.mark.parametrize("label", [k for k in FAMILIES if not _inside(k, GRID).all()])
def test_log_prob_outside_the_domain(label):
    eta, y = GRID[~_inside(label, GRID)], _outcomes(label)
    got = _evaluate(label, eta, y)
    np.testing.assert_array_equal(got.log_prob, -np.inf)
    np.testing.assert_array_equal(got.information, np.nan)
    assert not np.isnan(got.score).any()


# --- a second oracle: scipy in the moderate range ------------------------------------------------

SCIPY_INVERSE = {
    "logit": sp.expit,
    "probit": sp.ndtr,
    "cauchit": stats.cauchy.cdf,
    "cloglog": stats.gumbel_l.cdf,
    "loglog": stats.gumbel_r.cdf,
    "log": np.exp,
    "identity": lambda eta: eta,
    "sqrt": np.square,
    "inverse": np.reciprocal,
    "inverse_square": lambda eta: eta**-0.5,
}
SCIPY_LOG_PROB = {
    "bernoulli": lambda y, mu: stats.bernoulli.logpmf(y, mu),
    "binomial": lambda y, mu: stats.binom.logpmf(*y, mu),
    "gaussian": lambda y, mu: stats.norm.logpdf(y, mu),
    "poisson": lambda y, mu: stats.poisson.logpmf(y, mu),
    "negative_binomial": lambda y, mu: stats.nbinom.logpmf(y, 1 / ALPHA, 1 / (1 + ALPHA * mu)),
    "gamma": lambda y, mu: stats.gamma.logpdf(y, 1.0, scale=mu),
    "inverse_gaussian": lambda y, mu: stats.invgauss.logpdf(y, mu),
}
SCIPY_VARIANCE = {
    "bernoulli": lambda mu: mu * (1 - mu),
    "binomial": lambda mu: mu * (1 - mu),
    "gaussian": np.ones_like,
    "poisson": lambda mu: mu,
    "negative_binomial": lambda mu: mu + ALPHA * mu**2,
    "gamma": np.square,
    "inverse_gaussian": lambda mu: mu**3,
}


def _moderate(label):
    grid = np.array([-2.5, -0.7, -0.2, 0.05, 0.3, 0.9, 2.5])
    return grid[_inside(label, grid)]


@pytest.mark.parametrize("label", FAMILIES)
def test_distribution_against_scipy(label):
    kind, link = label.split("-")
    eta, y = _moderate(label), _outcomes(label)
    got = _evaluate(label, eta, y)
    mu = SCIPY_INVERSE[link](eta)
    expected = np.array([[SCIPY_LOG_PROB[kind](outcome, m) for outcome in y] for m in mu])
    # scipy forms 1 - mu, which leaves an absolute error of 1e-16
    np.testing.assert_allclose(got.log_prob, expected, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(got.mean[:, 0], mu, rtol=1e-12)
    variance = SCIPY_VARIANCE[kind](mu)
    np.testing.assert_allclose(got.variance[:, 0], variance, rtol=1e-11, atol=1e-15)
    trials = np.array([outcome[1] for outcome in y]) if kind == "binomial" else 1.0
    np.testing.assert_allclose(got.response_variance * trials, got.variance, rtol=1e-14)


@pytest.mark.parametrize("label", FAMILIES)
def test_saturated_is_the_largest_log_prob(label):
    kind = label.split("-")[0]
    y = _outcomes(label)
    got = _evaluate(label, _moderate(label), y)
    at_its_mean = {
        "bernoulli": lambda y: 0.0,
        "binomial": lambda y: stats.binom.logpmf(*y, y[0] / y[1]),
        "gaussian": lambda y: stats.norm.logpdf(0.0),
        "poisson": lambda y: stats.poisson.logpmf(y, y),
        "negative_binomial": lambda y: SCIPY_LOG_PROB["negative_binomial"](y, y),
        "gamma": lambda y: stats.gamma.logpdf(y, 1.0, scale=y),
        "inverse_gaussian": lambda y: stats.invgauss.logpdf(y, y),
    }[kind]
    np.testing.assert_allclose(got.saturated[0], [at_its_mean(v) for v in y], atol=1e-13)
    assert (got.log_prob <= got.saturated + 1e-13).all()
    share = [v[0] / v[1] if kind == "binomial" else v for v in y]
    np.testing.assert_array_equal(got.response_mean[0], share)


def test_gaussian_dispersion():
    with jax.enable_x64(True):
        family = fam.Gaussian().with_dispersion(jnp.asarray(2.5))
        eta, y = jnp.asarray(0.4), jnp.asarray(-1.2)
        got = [float(v) for v in (family.log_prob(eta, y), family.variance(eta))]
        unit = [float(f.kernel(eta, y)) for f in (family, fam.Gaussian())]
        best = float(family.saturated(y))
    assert got == pytest.approx([stats.norm.logpdf(-1.2, 0.4, np.sqrt(2.5)), 2.5], rel=1e-14)
    assert unit == pytest.approx([-0.5 * 1.6**2] * 2, rel=1e-14)  # half the unit deviance
    assert best == pytest.approx(stats.norm.logpdf(0.0, 0.0, np.sqrt(2.5)), rel=1e-14)
    assert fam.Gaussian().dispersion.dtype == np.float64


# --- expected information --------------------------------------------------------------------


@pytest.mark.parametrize("label", SHARES)
def test_information_of_shares_is_the_mean_squared_score(label):
    # p s^2 = p'^2/p, summed over the outcomes of one trial, far into the tails
    eta = GRID[_inside(label, GRID)]
    y = [1.0] if label.startswith("bernoulli") else [(2.0, 5.0)]
    got = _evaluate(label, eta, y).information[:, 0]
    for value, e in zip(got, eta, strict=True):
        with mp.workdps(_digits(label.split("-")[1])):
            mu, rest, slope, _ = INVERSES[label.split("-")[1]](mp.mpf(float(e)))
            expected = slope**2 / (mu * rest) * (y[0][1] if label.startswith("binomial") else 1)
        _assert_close(value, expected, 1e-12, (label, e))


@pytest.mark.parametrize("label", [k for k in FAMILIES if k.startswith(("binomial", "poisson"))])
def test_information_is_the_sum_over_the_support(label):
    eta = _moderate(label)
    binomial = label.startswith("binomial")
    y = [(float(s), 5.0) for s in range(6)] if binomial else [float(s) for s in range(80)]
    got = _evaluate(label, eta, y)
    expected = np.sum(np.exp(got.log_prob) * got.score**2, axis=1)
    np.testing.assert_allclose(got.information[:, 0], expected, rtol=1e-11)


@pytest.mark.parametrize("label", [k for k in FAMILIES if k.startswith("gaussian")])
def test_information_of_the_gaussian_by_quadrature(label):
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    for e in _moderate(label):
        y = list(SCIPY_INVERSE[label.split("-")[1]](e) + nodes)
        got = _evaluate(label, np.array([e]), y)
        expected = np.sum(weights * got.score[0] ** 2) / np.sqrt(2 * np.pi)
        np.testing.assert_allclose(got.information[0], expected, rtol=1e-11)


# --- draws -----------------------------------------------------------------------------------


def _assert_moments(draws, mean, variance):
    """Mean and variance within 4.5 of their Monte-Carlo standard errors."""
    draws = np.asarray(draws, np.float64)
    n = draws.size
    assert abs(draws.mean() - mean) <= 4.5 * np.sqrt(variance / n)
    fourth = np.mean((draws - draws.mean()) ** 4)
    assert abs(draws.var() - variance) <= 4.5 * np.sqrt((fourth - variance**2) / n)


@pytest.mark.parametrize(
    ("family", "eta"),
    [
        (fam.Bernoulli(), -1.5),
        (fam.Bernoulli(lk.CloglogLink()), 0.3),
        (fam.Gaussian(lk.LogLink()).with_dispersion(0.49), 0.8),
        (fam.Poisson(), 0.7),
        (fam.Poisson(), np.log(40.0)),
        (fam.Poisson(), np.log(3e6)),
        (fam.Gamma(lk.LogLink()).with_dispersion(0.3), 0.8),
        (fam.InverseGaussian(lk.LogLink()).with_dispersion(0.3), 0.8),
        (fam.NegativeBinomial(alpha=0.7), 1.2),
        (fam.NegativeBinomial(alpha=1e-9), 1.2),
        (fam.Beta(phi=3.0), 0.8),
    ],
    ids=str,
)
def test_draws_have_the_moments(family, eta):
    with jax.enable_x64(True):
        eta = jnp.asarray(eta)
        keys = jax.random.split(jax.random.key(20), 20_000)
        draws = np.asarray(jax.jit(jax.vmap(lambda key: family.sample(eta, key=key)))(keys))
        mean, variance = float(family.mean(eta)), float(family.variance(eta))
    assert draws.dtype == np.float64
    _assert_moments(draws, mean, variance)


def test_binomial_draws_have_the_moments():
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(21), 20_000)
        eta = jnp.asarray([-1.0, 1.2, 40.0])
        draw = jax.vmap(
            lambda e, key: fam.Binomial().sample(e, key=key, trials=30), in_axes=(None, 0)
        )
        draws, trials = jax.jit(jax.vmap(draw, in_axes=(0, None)))(eta, keys)
        once = fam.Binomial().sample(eta[0], key=keys[0])
    draws = np.asarray(draws)
    np.testing.assert_array_equal(np.asarray(trials), 30.0)
    for e, column in zip((-1.0, 1.2), draws, strict=False):
        p = sp.expit(e)
        _assert_moments(column, 30 * p, 30 * p * (1 - p))
    np.testing.assert_array_equal(draws[2], 30.0)
    assert float(once.trials) == 1.0


def test_draws_outside_the_domain_are_nan():
    key = jax.random.key(0)
    assert np.isnan(fam.Poisson(lk.IdentityLink()).sample(jnp.float32(-1.0), key=key))


# --- dtypes and transformations --------------------------------------------------------------


# the binomial shares its arithmetic with the Bernoulli; one link stands for all
@pytest.mark.parametrize(
    "label", [k for k in FAMILIES if not k.startswith("binomial")] + ["binomial-logit"]
)
def test_single_precision_follows_the_predictor(label):
    eta, y = _moderate(label), _outcomes(label)
    single, double = _evaluate(label, eta, y, np.float32), _evaluate(label, eta, y)
    for name, value in vars(single).items():
        assert value.dtype == np.float32, name
        np.testing.assert_allclose(value, getattr(double, name), rtol=2e-4, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("label", FAMILIES)
def test_single_precision_stays_single_under_x64(label):
    family = FAMILIES[label]()

    def outputs(eta, y, key):
        out = _everything(family, eta, y), family.sample(eta, key=key)
        return out, family.initial_eta(jax.tree.map(lambda v: v[None], y), eta[None])

    with jax.enable_x64(True):
        one = jax.ShapeDtypeStruct((), jnp.float32)
        y = (one, one) if label.startswith("binomial") else one
        shapes = jax.eval_shape(outputs, one, y, jax.eval_shape(lambda: jax.random.key(0)))
    assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("label", ["bernoulli-cloglog", "gaussian-log", "poisson-sqrt"])
def test_one_observation_without_jit_is_the_same(label):
    with jax.enable_x64(True):
        eta, y = jnp.asarray(0.3), jnp.asarray(1.0)
        got = float(FAMILIES[label]().log_prob(eta, y))
    expected = _evaluate(label, np.array([0.3]), [1.0]).log_prob[0, 0]
    assert got == pytest.approx(expected, rel=1e-14)


def test_zero_probability_gives_no_nan_in_reverse_mode():
    # the branch not taken has an infinite slope at 800: 0 * inf would be NaN
    for label in ("bernoulli-cloglog", "bernoulli-loglog", "binomial-cloglog"):
        y = _outcomes(label)
        got = _evaluate(label, np.array([-800.0, 800.0]), [y[0], y[-1]])
        assert not np.isnan(got.score).any()
        assert not np.isnan(got.bend).any()


# --- starting values ---------------------------------------------------------------------------


@pytest.mark.parametrize("label", FAMILIES)
def test_initial_predictor_reproduces_the_weighted_mean(label):
    kind, link = label.split("-")
    family = FAMILIES[label]()
    weights = np.array([1.0, 2.0, 1.0, 0.0])
    y = np.array([0.0, 1.0, 1.0, 0.0])
    trials = np.array([2.0, 3.0, 1.0, 9.0])
    with jax.enable_x64(True):
        response = jax.tree.map(jnp.asarray, (y, trials) if kind == "binomial" else y)
        eta = float(jax.jit(lambda y, w: family.initial_eta(y, w))(response, weights))
    # successes 3 among 4 (bernoulli) or 9 (binomial) weighted trials, half a trial either side
    expected = {"bernoulli": 3.5 / 5, "binomial": 3.5 / 10}
    counts = 3.5 / 4 if kind in ("poisson", "negative_binomial") else 3 / 4
    assert SCIPY_INVERSE[link](eta) == pytest.approx(expected.get(kind, counts), rel=1e-12)


@pytest.mark.parametrize("label", FAMILIES)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_initial_predictor_is_finite_on_constant_responses(label, value):
    if label.startswith(("gamma", "inverse_gaussian")):
        value += 0.5  # 0 is outside their support
    y = np.full(3, value, np.float32)
    response = (y, np.ones_like(y)) if label.startswith("binomial") else y
    eta = FAMILIES[label]().initial_eta(response, jnp.ones(3, jnp.float32))
    assert np.isfinite(eta)
    assert _inside(label, float(eta)) or label == "gaussian-identity"


def test_initial_predictor_of_a_log_link_with_negative_mean():
    y = jnp.array([-3.0, 1.0, -1.0], jnp.float32)
    eta = fam.Gaussian(lk.LogLink()).initial_eta(y, jnp.ones(3, jnp.float32))
    assert float(eta) == pytest.approx(np.log(5.5 / 3), rel=1e-6)


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "y", "rows", "words"),
    [
        (fam.Bernoulli(), [0, 1, 2, 1, -1], (2, 4), "2 of 5 .* 'died' are not 0 or 1: 2, -1"),
        (fam.Bernoulli(), [0, np.nan], (1,), r"use asx.Binomial\(\)"),
        (fam.Binomial(), ([1, 5, 2], [3, 4, 2]), (1,), "more successes than trials: 5"),
        (fam.Binomial(), ([0, 0, 0], [0, 1, 1.5]), (0, 2), "whole numbers from 1: 0.0, 1.5"),
        (fam.Binomial(), ([0.5, -1], [2, 2]), (0, 1), "response='proportion'"),
        (fam.Poisson(), [3, -1, 0.5], (1, 2), "not counts .*: -1.0, 0.5"),
        (fam.NegativeBinomial(), [3, 0.5], (1,), "not counts .*: 0.5"),
        (fam.Gamma(), [3, 0, -1], (1, 2), "not positive numbers: 0, -1"),
        (fam.InverseGaussian(), [3, np.inf], (1,), "not positive numbers: inf"),
        (fam.QuasiPoisson(), [3, -1], (1,), "not counts .*: -1"),
        (fam.QuasiBinomial(), ([1, 5], [3, 4]), (1,), "more successes than trials: 5"),
        (fam.Beta(), [0.3, 1.0, 0.0], (1, 2), r"not strictly between 0 and 1: 1.0, 0.0"),
        (fam.Gaussian(), [0.0, np.inf], (1,), "not finite: inf"),
        (fam.Gaussian(lk.LogLink()), [np.nan, 2.0], (0,), "not finite: nan"),
    ],
    ids=str,
)
def test_responses_outside_the_support_are_refused(family, y, rows, words):
    y = tuple(np.asarray(part) for part in y) if isinstance(y, tuple) else np.asarray(y)
    with pytest.raises(InputError, match=words) as caught:
        family.check_response(y, "died")
    assert caught.value.code == "response_support"
    assert caught.value.column == "died"
    assert caught.value.rows == rows


def test_long_lists_of_rows_are_cut():
    with pytest.raises(InputError, match=r"row 0, 1, 2, 3, 4 and 995 more"):
        fam.Bernoulli().check_response(np.full(1000, 7.0), "y")


@pytest.mark.parametrize("label", FAMILIES)
def test_responses_in_the_support_pass(label):
    y = jax.tree.map(lambda *v: np.array(v), *_outcomes(label))
    FAMILIES[label]().check_response(y, "y")
