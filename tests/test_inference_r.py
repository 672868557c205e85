"""Tests and intervals beside R's (fixtures of tests/oracles/tests_and_intervals.R)."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import asymptotix as asx

R = json.loads((Path(__file__).parent / "data" / "tests_and_intervals.json").read_text())

FULL = "inlf ~ nwifeinc + educ + exper + I(exper**2) + age + kidslt6 + kidsge6"
SMALL = "inlf ~ nwifeinc + educ + exper + age"
BINARY_ADDED = "I(exper**2) + kidslt6 + kidsge6"


@pytest.fixture(scope="module")
def data(mroz):
    i = np.arange(1, len(mroz) + 1)
    return mroz.assign(w=1.0 + i % 3, o=0.1 * np.sin(i))


@pytest.fixture(scope="module")
def pairs(data):
    def both(fit, small, large, **options):
        return fit(small, data, **options), fit(large, data, **options)

    weighted = {"weights": "w", "weight_kind": "frequency", "offset": "o"}
    return {
        "logit": (*both(asx.logit, SMALL, FULL), BINARY_ADDED),
        "probit": (*both(asx.probit, SMALL, FULL, cov="expected"), BINARY_ADDED),
        "poisson": (
            *both(asx.poisson, "kidsge6 ~ educ", "kidsge6 ~ educ + age + nwifeinc"),
            "age + nwifeinc",
        ),
        "weighted": (*both(asx.logit, SMALL, FULL, **weighted), BINARY_ADDED),
        "gaussian": (
            *both(asx.linear, "nwifeinc ~ educ + age", "nwifeinc ~ educ + age + kidslt6 + kidsge6"),
            "kidslt6 + kidsge6",
        ),
    }


@pytest.mark.parametrize("name", ["logit", "probit", "poisson", "weighted"])
def test_likelihood_ratio_score_and_wald(pairs, name):
    small, large, added = pairs[name]
    theirs = R[name]
    lr, score = asx.lr_test(small, large), small.score_test(added)
    assert lr.statistic == pytest.approx(theirs["lr"], rel=1e-9)
    assert lr.p == pytest.approx(theirs["lr_p"], rel=1e-8)
    assert lr.df == score.df == theirs["df"]
    # lmtest on frequency weights counts rows; its statistic is the same
    assert lr.statistic == pytest.approx(theirs["lrtest"], rel=1e-9)
    assert score.statistic == pytest.approx(theirs["rao"], rel=1e-9)
    assert score.p == pytest.approx(theirs["rao_p"], rel=1e-8)
    names = [n for n in large.names if n not in small.names]
    wald = large.wald_test(names)
    assert wald.statistic == pytest.approx(theirs["wald"], rel=1e-8)
    assert wald.p == pytest.approx(theirs["wald_p"], rel=1e-7)
    table = asx.anova(small, large).frame().iloc[1]
    for column, test in (("LR", lr), ("score", score), ("Wald", wald)):
        assert table[column] == pytest.approx(test.statistic, rel=1e-10)
        assert table[f"{column} log_p"] == pytest.approx(test.log_p, rel=1e-10)


@pytest.mark.parametrize("name", ["logit", "probit", "poisson", "weighted"])
def test_profile_limits(pairs, name):
    """R interpolates its profile; through points 0.05 apart it is right to about 1e-6."""
    ours = pairs[name][1].conf_int(method="profile")
    np.testing.assert_allclose(ours["lower"], R[name]["confint"]["lower"], rtol=2e-6)
    np.testing.assert_allclose(ours["upper"], R[name]["confint"]["upper"], rtol=2e-6)


def test_gaussian(pairs):
    small, large, added = pairs["gaussian"]
    theirs = R["gaussian"]
    lr = asx.lr_test(small, large)
    assert lr.distribution == "F"
    assert (lr.df, lr.df_resid) == (2, large.df_resid)
    assert lr.statistic == pytest.approx(theirs["F"], rel=1e-9)
    assert lr.p == pytest.approx(theirs["F_p"], rel=1e-8)
    wald = large.wald_test("kidslt6 = kidsge6 = 0")
    assert wald.statistic == pytest.approx(theirs["wald_F"], rel=1e-9)
    robust = large.with_cov("HC0").wald_test("kidslt6 = kidsge6 = 0")
    assert robust.statistic == pytest.approx(theirs["wald_HC0_F"], rel=1e-9)
    score = small.score_test(added)
    # R prints the statistic before division, and divides by the larger model's dispersion
    assert score.statistic == pytest.approx(theirs["rao"] / theirs["dispersion_small"], rel=1e-9)


def test_gaussian_profile_is_the_t_interval(pairs):
    """With t in place of R's normal quantile, which gives MASS's interval back exactly."""
    large = pairs["gaussian"][1]
    lower, upper = np.transpose(R["gaussian"]["confint_lm"])
    for method in ("profile", "score", "wald"):
        ours = large.conf_int(method=method)
        np.testing.assert_allclose(ours["lower"], lower, rtol=1e-9)
        np.testing.assert_allclose(ours["upper"], upper, rtol=1e-9)
    t, z = stats.t(large.df_resid), stats.norm
    coverage = 1 - 2 * t.sf(z.ppf(0.975))
    normal = large.conf_int(coverage, method="profile")
    np.testing.assert_allclose(normal["lower"], R["gaussian"]["confint_glm"]["lower"], rtol=1e-6)


def test_robust_wald_hosmer_link_and_reset(pairs):
    logit, line = pairs["logit"][1], pairs["gaussian"][1]
    # R's sandwich has the expected information as its bread; for a logit that is the observed.
    robust = logit.with_cov("HC1").wald_test("I(exper ** 2) = kidslt6 = kidsge6 = 0")
    assert robust.statistic == pytest.approx(R["logit_wald_HC1"], rel=1e-8)
    hosmer = logit.hosmer_lemeshow()
    assert hosmer.statistic == pytest.approx(R["hosmer"], rel=1e-8)
    assert hosmer.df == 8
    assert logit.link_test().statistic == pytest.approx(R["link_z"] ** 2, rel=1e-7)
    reset = line.reset_test()
    assert reset.statistic == pytest.approx(R["gaussian"]["reset_F"], rel=1e-7)
    assert reset.p == pytest.approx(R["gaussian"]["reset_p"], rel=1e-7)


@pytest.mark.parametrize("method", ["holm", "bonferroni", "fdr_bh"])
def test_adjusted_p(method):
    np.testing.assert_allclose(asx.adjust_p(R["adjust"]["p"], method), R["adjust"][method])


def test_gamma(data):
    """A dispersion by moments: F, and the profile at R's normal quantile."""
    theirs = R["gamma"]
    family = asx.Gamma(asx.LogLink())
    small = asx.glm("faminc ~ educ", data, family)
    large = asx.glm("faminc ~ educ + age + kidsge6", data, family)
    lr = asx.lr_test(small, large)
    assert lr.statistic == pytest.approx(theirs["F"], rel=1e-8)
    assert lr.p == pytest.approx(theirs["F_p"], rel=1e-7)
    score = small.score_test("age + kidsge6")
    assert score.statistic == pytest.approx(theirs["rao"] / theirs["dispersion_small"], rel=1e-8)
    coverage = 1 - 2 * stats.t(large.df_resid).sf(stats.norm.ppf(0.975))
    found = large.conf_int(coverage, method="profile")
    np.testing.assert_allclose(found["lower"], theirs["confint"]["lower"], rtol=2e-6)
    np.testing.assert_allclose(found["upper"], theirs["confint"]["upper"], rtol=2e-6)
