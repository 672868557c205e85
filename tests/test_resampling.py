"""Bootstrap and jackknife: refits in a plain loop, other packages, and what they estimate."""

import jax
import numpy as np
import pytest
from scipy import stats

import asymptotix as asx
from asymptotix.covariances import draws

KEY = jax.random.key(7)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(120), rng.standard_normal(120)])
    y = (rng.random(120) < 1 / (1 + np.exp(-0.3 - 0.8 * x[:, 1]))).astype(float)
    return x, y


@pytest.fixture(scope="module")
def logit(data):
    return asx.fit(asx.Logit(2), *data)


def statsmodels_loop(data, weights):
    """statsmodels' estimate under each of many frequency weights."""
    import statsmodels.api as sm

    def one(w):
        model = sm.GLM(data[1], data[0], family=sm.families.Binomial(), freq_weights=w)
        return model.fit(tol=1e-14, maxiter=100).params

    return np.array([one(w) for w in weights])


def test_pairs_are_the_refits_of_a_plain_loop(data, logit):
    kind = asx.Bootstrap(70, key=KEY)
    found = asx.resample(logit, *data, kind=kind)
    words = [np.random.SeedSequence(kind.seed, spawn_key=(s,)) for s in (0, 1)]
    weights = np.concatenate(
        [draws.counts(np.random.Generator(np.random.SFC64(w)), 120) for w in words]
    )[:70]
    assert (weights.sum(axis=1) == 120).all()
    expected = statsmodels_loop(data, weights)
    np.testing.assert_allclose(found.replicates, expected, rtol=1e-8, atol=1e-10)
    cov = asx.covariance(logit, *data, kind=kind)
    np.testing.assert_allclose(cov.matrix, np.cov(expected.T), rtol=1e-8)
    np.testing.assert_allclose(cov.matrix, found.covariance(), rtol=1e-12)
    assert cov.describe()["replicates"] == "70 converged"


def test_same_key_same_numbers(data, logit):
    def errors(key, kind="pairs"):
        return asx.covariance(logit, *data, kind=asx.Bootstrap(40, kind, key=key)).standard_errors

    for kind in ("pairs", "bayesian", "parametric"):
        first = errors(KEY, kind)
        np.testing.assert_array_equal(first, errors(jax.random.key(7), kind))
        assert (first != errors(jax.random.key(8), kind)).all()


def test_replicates_do_not_depend_on_how_they_are_chunked():
    stream = lambda g: draws.counts(g, 10)  # noqa: E731
    whole = draws.by_stream((1, 2), stream, slice(0, 200))
    np.testing.assert_array_equal(whole[130:150], draws.by_stream((1, 2), stream, slice(130, 150)))
    picked = np.array([3, 70, 199])
    np.testing.assert_array_equal(whole[picked], draws.by_stream((1, 2), stream, picked))


@pytest.mark.parametrize(
    ("kind", "cov"), [("pairs", "HC0"), ("bayesian", "HC0"), ("parametric", "observed")]
)
def test_standard_errors_are_those_of_theory_in_large_samples(kind, cov):
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(600), rng.standard_normal((600, 2))])
    y = (rng.random(600) < 1 / (1 + np.exp(-0.2 - 0.3 * x[:, 1]))) * 1.0
    fit = asx.fit(asx.Logit(3), x, y)
    count = 1000
    found = asx.covariance(fit, x, y, kind=asx.Bootstrap(count, kind, key=KEY)).standard_errors
    expected = asx.covariance(fit, x, y, cov).standard_errors
    # The relative Monte-Carlo error of a standard deviation is (2 B)^(-1/2).
    # A refit's own bias and spread are of order k/n.
    assert np.abs(found / expected - 1).max() < 3.5 / np.sqrt(2 * count) + 3 / 600


def test_clusters_are_drawn_whole(data, logit):
    rng = np.random.default_rng(5)
    firm = np.repeat(np.arange(100), 20)
    effect = np.repeat(rng.standard_normal(100), 20)
    x = np.column_stack([np.ones(2000), np.repeat(rng.standard_normal(100), 20)])
    y = 1.0 + x[:, 1] + effect + rng.standard_normal(2000)
    fit = asx.fit(asx.LinearRegression(2), x, y)
    kind = asx.Bootstrap(1000, "cluster", key=KEY, groups=firm)
    found = asx.covariance(fit, x, y, kind=kind).standard_errors
    robust = asx.covariance(fit, x, y, asx.Cluster(firm, correction="CR0")).standard_errors
    naive = asx.covariance(fit, x, y, "HC0").standard_errors
    assert np.abs(found / robust - 1).max() < 0.12
    assert (found > 2 * naive).all()


def test_frequency_weights_equal_repeated_rows_in_distribution(data):
    x, y = data
    weights = np.where(np.arange(120) % 3 == 0, 2.0, 1.0)
    fit = asx.fit(asx.Logit(2), x, y, weights=weights, weight_kind="frequency")
    rows = asx.Rows(x, y, weights, "frequency")
    kind = asx.Bootstrap(1500, key=KEY)
    errors = asx.covariance(fit, rows, kind).standard_errors
    again = np.repeat(np.arange(120), weights.astype(int))
    repeated = asx.fit(asx.Logit(2), x[again], y[again])
    expected = asx.covariance(repeated, x[again], y[again], kind).standard_errors
    assert np.abs(errors / expected - 1).max() < 5 / np.sqrt(1500)


def test_replicates_that_fail_are_left_out_and_counted():
    x = np.column_stack([np.ones(40), np.arange(40) == 0, np.linspace(-1, 1, 40)])
    y = np.random.default_rng(2).standard_normal(40)
    fit = asx.fit(asx.LinearRegression(3), x, y)
    cov = asx.covariance(fit, x, y, kind=asx.Bootstrap(200, key=KEY))
    stated = dict(cov.kind.counted)
    # The only row with the dummy is not drawn with probability (1 - 1/40)^40 = 0.363.
    assert abs(stated["rank_deficient"] / 200 - 0.363) < 4 * np.sqrt(0.363 * 0.637 / 200)
    assert stated["converged"] + stated["rank_deficient"] == 200
    assert "rank deficient (left out)" in cov.describe()["replicates"]
    assert np.isfinite(cov.matrix).all()


# --- intervals ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mean():
    """A mean as a regression on a constant, and its bootstrap."""
    y = np.random.default_rng(1).exponential(size=35)
    x = np.ones((35, 1))
    fit = asx.fit(asx.LinearRegression(1), x, y)
    kind = asx.Bootstrap(999, key=KEY, studentised=True)
    return y, fit, asx.resample(fit, x, y, kind=kind)


@pytest.mark.parametrize("kind", ["percentile", "basic", "bca"])
def test_intervals_against_scipy_on_the_same_replicates(mean, kind):
    y, _, found = mean
    theirs = stats.bootstrap(
        (y,),
        np.mean,
        n_resamples=0,
        bootstrap_result=type("Known", (), {"bootstrap_distribution": found.replicates[:, 0]})(),
        method={"bca": "BCa"}.get(kind, kind),
        confidence_level=0.9,
    )
    expected = theirs.confidence_interval
    np.testing.assert_allclose(found.conf_int(kind, 0.9)[0], tuple(expected), rtol=1e-9)


def test_studentised_intervals_by_hand(mean):
    y, _fit, found = mean
    # HC1 of a mean: the residual sum of squares over n (n - 1).
    assert np.isclose(found.standard_errors[0], y.std(ddof=1) / np.sqrt(y.size), rtol=1e-12)
    t = (found.replicates[:, 0] - y.mean()) / found.replicate_errors[:, 0]
    upper, lower = np.quantile(t, [0.975, 0.025])
    expected = y.mean() - found.standard_errors[0] * np.array([upper, lower])
    np.testing.assert_allclose(found.conf_int("studentised")[0], expected, rtol=1e-12)


def test_replicate_errors_are_those_of_each_replicate(mean):
    y, _, found = mean
    kind = asx.Bootstrap(999, key=KEY)
    words = np.random.SeedSequence(kind.seed, spawn_key=(0,))
    counts = draws.counts(np.random.Generator(np.random.SFC64(words)), 35)[5].astype(int)
    drawn = np.repeat(y, counts)
    assert np.isclose(found.replicates[5, 0], drawn.mean(), rtol=1e-12)
    expected = drawn.std(ddof=1) / np.sqrt(35)
    assert np.isclose(found.replicate_errors[5, 0], expected, rtol=1e-10)


# --- jackknife ----------------------------------------------------------------------------------


@pytest.mark.parametrize("center", ["mean", "estimate"])
def test_delete_one_against_a_loop(data, logit, center):
    left_out = statsmodels_loop(data, 1 - np.eye(120))
    full = np.asarray(logit.model.predictor.coef)
    moved = left_out - (left_out.mean(axis=0) if center == "mean" else full)
    expected = 119 / 120 * moved.T @ moved
    found = asx.covariance(logit, *data, kind=asx.Jackknife(center=center))
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-8)
    assert found.describe()["replicates"] == "120 converged"


def test_delete_cluster_against_a_loop(data, logit):
    group = np.arange(120) % 12
    weights = np.array([(group != g) * 1.0 for g in range(12)])
    left_out = statsmodels_loop(data, weights)
    moved = left_out - left_out.mean(axis=0)
    expected = 11 / 12 * moved.T @ moved
    found = asx.covariance(logit, *data, kind=asx.Jackknife(group))
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-8)


def test_delete_one_of_least_squares_is_hc3_centred_at_the_estimate():
    """Leaving out row i moves the estimate by (X'X)^-1 x_i e_i / (1 - h_i) (MacKinnon 1985)."""
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(30), rng.standard_normal(30)])
    y = rng.standard_normal(30)
    fit = asx.fit(asx.LinearRegression(2), x, y)
    found = asx.covariance(fit, x, y, kind=asx.Jackknife(center="estimate")).matrix
    hc3 = asx.covariance(fit, x, y, "HC3").matrix
    np.testing.assert_allclose(found, 29 / 30 * hc3, rtol=1e-9)


def test_jackknife_of_frequency_weights_equals_repeated_rows(data):
    x, y = data
    weights = np.where(np.arange(120) < 10, 3.0, 1.0)
    again = np.repeat(np.arange(120), weights.astype(int))
    fit = asx.fit(asx.Logit(2), x, y, weights=weights, weight_kind="frequency")
    found = asx.covariance(fit, asx.Rows(x, y, weights, "frequency"), asx.Jackknife())
    repeated = asx.fit(asx.Logit(2), x[again], y[again])
    expected = asx.covariance(repeated, x[again], y[again], asx.Jackknife())
    np.testing.assert_allclose(found.matrix, expected.matrix, rtol=1e-8)


@pytest.mark.parametrize("kind", [None, "frequency", "precision", "sampling"])
def test_infinitesimal_jackknife_is_hc0(data, kind):
    x, y = data
    weights = None if kind is None else np.where(np.arange(120) % 2 == 0, 2.0, 1.0)
    rows = asx.Rows(x, y, weights, kind)
    fit = asx.fit(asx.Logit(2), rows)
    found = asx.covariance(fit, rows, asx.InfinitesimalJackknife()).matrix
    np.testing.assert_allclose(found, asx.covariance(fit, rows, "HC0").matrix, rtol=1e-10)


def test_infinitesimal_jackknife_of_clusters_is_cr0(data, logit):
    group = np.arange(120) % 12
    found = asx.covariance(logit, *data, kind=asx.InfinitesimalJackknife(group)).matrix
    cr0 = asx.covariance(logit, *data, kind=asx.Cluster(group, correction="CR0")).matrix
    np.testing.assert_allclose(found, cr0, rtol=1e-10)


# --- at the user's surface ----------------------------------------------------------------------


def test_in_formula_calls_and_with_cov(data):
    frame = {"y": data[1], "x": data[0][:, 1], "firm": np.arange(120) % 30}
    kind = asx.Bootstrap(50, key=KEY)
    res = asx.logit("y ~ x", frame, cov=kind)
    again = asx.logit("y ~ x", frame).with_cov(kind)
    np.testing.assert_array_equal(res.bse, again.bse)
    assert res.conventions["covariance"] == "pairs bootstrap"
    assert res.conventions["replicates"] == "50 converged"
    assert "pairs bootstrap" in str(res.summary())
    by_firm = res.with_cov(asx.Bootstrap(50, "cluster", key=KEY, groups="firm"))
    assert np.isfinite(by_firm.bse).all()
    assert np.isfinite(res.with_cov(asx.Jackknife("firm")).bse).all()


def test_omitted_columns_stay_omitted(data):
    x = np.column_stack([data[0], data[0][:, 1] * 2])
    with pytest.warns(asx.CollinearWarning):
        fit = asx.fit(asx.Logit(3), x, data[1])
    found = asx.covariance(fit, x, data[1], kind=asx.Bootstrap(20, key=KEY)).standard_errors
    np.testing.assert_array_equal(np.isnan(found), [False, False, True])


def test_input_errors(data, logit):
    weighted = {"weights": np.ones(120), "weight_kind": "sampling"}
    fit = asx.fit(asx.Logit(2), *data, **weighted)
    for code, call in {
        "key": lambda: asx.Bootstrap(10),
        "option": lambda: asx.Bootstrap(10, "wild", key=KEY),
        "groups": lambda: asx.covariance(logit, *data, kind=asx.Bootstrap(9, "cluster", key=KEY)),
        "weight_kind": lambda: asx.covariance(
            fit, *data, kind=asx.Bootstrap(9, "parametric", key=KEY), **weighted
        ),
    }.items():
        with pytest.raises(asx.InputError) as error:
            call()
        assert error.value.code == code
    for call in (
        lambda: asx.Bootstrap(1, key=KEY),
        lambda: asx.Bootstrap(9, key=KEY, groups="firm"),
        lambda: asx.Bootstrap(9, "cluster", key=KEY, studentised=True),
        lambda: asx.Jackknife(center="median"),
    ):
        with pytest.raises(asx.InputError) as error:
            call()
        assert error.value.code == "option"


def test_named_intervals_of_a_result(data):
    frame = {"y": data[1], "x": data[0][:, 1], "firm": np.arange(120) % 30}
    res = asx.logit("y ~ x", frame)
    found = res.bootstrap(200, key=KEY, studentised=True)
    assert found.statuses == {"converged": 200}
    np.testing.assert_allclose(found.bse, res.with_cov(asx.Bootstrap(200, key=KEY)).bse, rtol=1e-12)
    for kind in ("percentile", "basic", "bca", "studentised"):
        limits = found.conf_int(kind)
        assert list(limits.index) == list(res.names)
        assert (limits["lower"] < res.params).all()
        assert (res.params < limits["upper"]).all()
    by_firm = res.bootstrap(50, "cluster", key=KEY, groups="firm")
    assert by_firm.replicates.shape == (50, 2)
    with pytest.raises(asx.InputError):
        by_firm.conf_int("studentised")
