"""Adjusted p-values and simultaneous intervals."""

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

import asymptotix as asx


@pytest.mark.parametrize("method", ["holm", "bonferroni", "fdr_bh"])
def test_beside_statsmodels(method):
    rng = np.random.default_rng(0)
    for m in (1, 2, 9, 50):
        p = rng.uniform(size=m) ** 2
        expected = multipletests(p, method=method)[1]
        np.testing.assert_allclose(asx.adjust_p(p, method), expected, rtol=1e-13)


def test_by_hand():
    """Holm: 3 x 0.01, 2 x 0.03, then 0.06 again since it may not fall below the one before."""
    np.testing.assert_allclose(asx.adjust_p([0.03, 0.01, 0.04]), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(asx.adjust_p([0.03, 0.01, 0.04], "fdr_bh"), [0.04, 0.03, 0.04])


def test_series_ties_and_withheld():
    p = pd.Series([0.02, np.nan, 0.02, 1e-300], index=list("abcd"))
    found = asx.adjust_p(p, "holm")
    assert found.index.tolist() == list("abcd")
    assert np.isnan(found["b"])
    np.testing.assert_allclose(found[["a", "c", "d"]], [0.04, 0.04, 3e-300])


def test_refusals():
    with pytest.raises(asx.InputError, match="Did you mean 'bonferroni'"):
        asx.adjust_p([0.1], "bonferoni")
    for bad in ([1.2], [-0.1], [[0.1]]):
        with pytest.raises(asx.InputError, match="between 0 and 1"):
            asx.adjust_p(bad)


# --- simultaneous intervals ---------------------------------------------------------------------

KEY = jax.random.key(4)


def critical_value(correlation, coverage=0.95):
    """The quantile of max |z| by the joint distribution function over a box."""
    law = stats.multivariate_normal(np.zeros(len(correlation)), correlation, seed=1)
    law.abseps = law.releps = 1e-7

    def gap(c):
        box = np.full(len(correlation), c)
        return law.cdf(box, lower_limit=-box) - coverage

    return optimize.brentq(gap, 1.9, 4.0, xtol=1e-5)


@pytest.fixture(scope="module")
def res(mroz):
    return asx.logit("inlf ~ educ + age + kidslt6", mroz)


def test_critical_value_beside_the_joint_distribution(res):
    draws = 200_000
    found = res.simultaneous_intervals(key=KEY, draws=draws)
    v = res.cov_params().to_numpy()[1:, 1:]
    scale = np.sqrt(np.diag(v))
    exact = critical_value(v / scale[:, None] / scale)
    # of a quantile: sqrt(0.95 x 0.05 / draws) over the density of max |z| there, about 0.13
    error = np.sqrt(0.95 * 0.05 / draws) / 0.13
    assert found.attrs["critical_value"] == pytest.approx(exact, abs=3 * error)
    assert found.index.tolist() == ["educ", "age", "kidslt6"]
    np.testing.assert_allclose(found["error"], res.bse.iloc[1:], rtol=1e-12)
    reach = found.attrs["critical_value"] * found["error"]
    np.testing.assert_allclose(found["upper"] - found["estimate"], reach)
    wald = res.conf_int().iloc[1:]
    assert (found["lower"] < wald["lower"]).all()
    bonferroni = stats.norm.ppf(1 - 0.05 / 6)
    assert found.attrs["critical_value"] < bonferroni + 3 * error


def test_the_same_key_the_same_numbers(res):
    a, b = (res.simultaneous_intervals(key=KEY, draws=20_000) for _ in range(2))
    pd.testing.assert_frame_equal(a, b)
    other = res.simultaneous_intervals(key=jax.random.key(5), draws=20_000)
    assert other.attrs["critical_value"] != a.attrs["critical_value"]


def test_one_hypothesis_is_the_plain_interval(mroz_fits):
    """With one combination the critical value is that of t, and p is its p-value."""
    res = mroz_fits["lpm"]
    found = res.simultaneous_intervals("educ = 0.03", key=KEY, draws=200_000)
    t = stats.t(res.df_resid)
    assert found.attrs["critical_value"] == pytest.approx(t.ppf(0.975), abs=0.02)
    test = res.wald_test("educ = 0.03")
    assert found["p"].iloc[0] == pytest.approx(test.p, abs=0.005)
    assert found["estimate"].iloc[0] == pytest.approx(res.params["educ"] - 0.03)


def test_more_combinations_than_coefficients(res):
    """All pairwise differences of three: one of them follows from the others."""
    texts = ["educ - age", "educ - kidslt6", "age - kidslt6"]
    found = res.simultaneous_intervals(texts, key=KEY, draws=50_000)
    assert found.index.tolist() == texts
    v = res.cov_params()
    spread = v.loc["educ", "educ"] + v.loc["age", "age"] - 2 * v.loc["educ", "age"]
    assert found["error"].iloc[0] == pytest.approx(np.sqrt(spread), rel=1e-10)
    assert found.attrs["critical_value"] < stats.norm.ppf(1 - 0.05 / 6)


def test_joint_coverage():
    """Both of two correlated slopes are covered in 95% of 1,000 samples."""
    rng = np.random.default_rng(8)
    n, replications = 60, 1000
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 2)) @ [[1, 0.8], [0, 0.6]]])
    half = np.linalg.inv(x.T @ x)
    root = np.sqrt(np.diag(half))[1:]
    y = rng.standard_normal((replications, n))
    b = y @ x @ half
    scale = np.sqrt(np.sum((y - b @ x.T) ** 2, axis=1) / (n - 3))
    largest = np.max(np.abs(b[:, 1:]) / root / scale[:, None], axis=1)
    one = asx.linear("y ~ a + b", {"y": y[0], "a": x[:, 1], "b": x[:, 2]})
    found = one.simultaneous_intervals(key=KEY)
    share = np.mean(largest <= found.attrs["critical_value"])
    assert abs(share - 0.95) < 3 * np.sqrt(0.95 * 0.05 / replications)


def test_withheld_and_refused(mroz):
    with pytest.warns(asx.CollinearWarning):
        res = asx.logit("inlf ~ educ + I(2*educ) + age", mroz)
    assert res.simultaneous_intervals(key=KEY, draws=1000).index.tolist() == ["educ", "age"]
    with pytest.raises(asx.InputError, match="omitted"):
        res.simultaneous_intervals(["educ", "I(2 * educ)"], key=KEY)
    with pytest.raises(asx.InputError, match="at least 1000"):
        res.simultaneous_intervals(key=KEY, draws=10)
    with pytest.raises(asx.InputError, match="between 0 and 1"):
        res.simultaneous_intervals(key=KEY, confidence=95)
