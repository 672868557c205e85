"""Bias reduction and priors against brglm2, by hand, and by numerical differentiation."""

import json
import math
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import chi2

import asymptotix as asx

ORACLE = json.loads((Path(__file__).parent / "data" / "bias_reduction.json").read_text())
DATA = {name: pd.DataFrame(ORACLE[name]) for name in ("endometrial", "counts", "five", "groups")}
TYPES = {
    "MPL_Jeffreys": asx.Jeffreys(),
    "AS_mean": asx.MeanBR(),
    "AS_median": asx.MedianBR(),
    "AS_mixed": asx.MixedBR(),
}
ENDOMETRIAL = "HG ~ NV + PI + EH"
CASES = {
    "logit": (ENDOMETRIAL, "endometrial", asx.Bernoulli(), {}),
    "probit": (ENDOMETRIAL, "endometrial", asx.Bernoulli(link=asx.ProbitLink()), {}),
    "cloglog": (ENDOMETRIAL, "endometrial", asx.Bernoulli(link=asx.CloglogLink()), {}),
    "poisson": (
        "y ~ x + g",
        "counts",
        asx.Poisson(),
        {"offset": "e", "weights": "w", "weight_kind": "frequency"},
    ),
    "five": ("y ~ x1 + x2", "five", asx.Bernoulli(), {}),
    "grouped": ("s ~ z", "groups", asx.Binomial(link=asx.CloglogLink()), {"trials": "m"}),
}


def fitted(case, penalty):
    formula, data, family, options = CASES[case]
    return asx.glm(formula, DATA[data], family, penalty=penalty, **options)


@pytest.mark.parametrize("type_", list(TYPES))
@pytest.mark.parametrize("case", list(CASES))
def test_brglm2(case, type_):
    res, expected = fitted(case, TYPES[type_]), ORACLE["fits"][case][type_]
    assert res.status == "converged"
    assert np.allclose(res.params, expected["params"], rtol=1e-10, atol=1e-11)
    assert np.allclose(res.bse, expected["bse"], rtol=1e-10)


@pytest.fixture(scope="module")
def five():
    return fitted("five", asx.Jeffreys())


@pytest.fixture(scope="module")
def endometrial():
    return fitted("logit", asx.Jeffreys())


def five_by_hand(beta):
    """Firth's adjusted score of the five points, written out: sum x (y - p + h (1/2 - p))."""
    data = DATA["five"]
    x = np.column_stack([np.ones(5), data["x1"], data["x2"]])
    p = 1 / (1 + np.exp(-x @ beta))
    w = p * (1 - p)
    leverage = w * np.einsum("ij,jk,ik->i", x, np.linalg.inv((x.T * w) @ x), x)
    return x.T @ (data["y"].to_numpy() - p + leverage * (0.5 - p))


def test_the_five_points_by_hand(five):
    assert np.abs(five_by_hand(five.params.to_numpy())).max() < 1e-9
    # the published numbers of a stopped descent on the likelihood are nowhere near
    assert np.abs(five_by_hand(np.array([0.428, -1.096, 1.352]))).max() > 0.1


def penalised_log_likelihood(beta, data, columns, y):
    x = np.column_stack([np.ones(len(data)), data[columns]])
    eta = x @ beta
    p = 1 / (1 + np.exp(-eta))
    information = (x.T * (p * (1 - p))) @ x
    return float(y @ eta - np.logaddexp(0, eta).sum() + 0.5 * np.linalg.slogdet(information)[1])


@pytest.mark.parametrize("name", ["five", "endometrial"])
def test_profile_limits_of_the_penalised_likelihood(name, five, endometrial):
    """Another optimiser maximises the other coefficients out; published for the second data."""
    res = five if name == "five" else endometrial
    columns = ["x1", "x2"] if name == "five" else ["NV", "PI", "EH"]
    data = DATA[name]
    y = data["y" if name == "five" else "HG"].to_numpy(float)
    scale = np.r_[1.0, data[columns].std()]
    j, best = 1, res.params.to_numpy()

    def profile(b):
        others = np.delete(best, j) * np.delete(scale, j)

        def loss(rest):
            beta = np.insert(rest / np.delete(scale, j), j, b)
            return -penalised_log_likelihood(beta, data, columns, y)

        found = minimize(loss, others, method="BFGS", options={"gtol": 1e-9})
        return -found.fun

    top = penalised_log_likelihood(best, data, columns, y)
    limits = res.conf_int(method="profile").iloc[j]
    for limit in limits:
        assert 2 * (top - profile(limit)) == pytest.approx(3.841458820694124, abs=2e-6)


def test_published_profile_limits(endometrial):
    """Heinze and Schemper (2002): odds ratio of NV 18.7 within 1.84 and 2,580."""
    limits = np.exp(endometrial.conf_int(method="profile").loc["NV"])
    assert limits["lower"] == pytest.approx(1.84, abs=0.005)
    assert limits["upper"] == pytest.approx(2580, rel=2e-3)
    assert math.exp(endometrial.params["NV"]) == pytest.approx(18.7, abs=0.05)


@pytest.mark.parametrize(
    ("dropped", "published"),
    [(["NV"], 6.7984), (["PI"], 0.7468), (["EH"], 17.7593), (["NV", "EH"], None)],
)
def test_penalised_likelihood_ratio(dropped, published, endometrial):
    """By another optimiser under the restriction; single ones as R's logistf prints them."""
    names, data = ["NV", "PI", "EH"], DATA["endometrial"]
    kept = [n for n in names if n not in dropped]
    small = asx.logit(f"HG ~ {' + '.join(kept)}", data, penalty=asx.Jeffreys())
    found = asx.lr_test(small, endometrial)
    y, best = data["HG"].to_numpy(float), endometrial.params.to_numpy()
    free = [0, *(1 + names.index(n) for n in kept)]
    scale = np.r_[1.0, data[names].std()][free]

    def loss(scaled):
        beta = np.zeros(4)
        beta[free] = scaled / scale
        return -penalised_log_likelihood(beta, data, names, y)

    below = -minimize(loss, best[free] * scale, method="BFGS", options={"gtol": 1e-9}).fun
    expected = 2 * (penalised_log_likelihood(best, data, names, y) - below)
    assert found.statistic == pytest.approx(expected, abs=2e-6)
    assert found.df == len(dropped)
    assert found.p == pytest.approx(chi2.sf(expected, len(dropped)), rel=1e-5)
    if published is not None:
        assert found.statistic == pytest.approx(published, abs=6e-5)


def test_likelihood_ratio_under_a_prior():
    data = DATA["endometrial"]
    large, small = (
        asx.logit(formula, data, penalty=asx.GaussianPrior())
        for formula in ("HG ~ PI + EH", "HG ~ EH")
    )
    x = np.column_stack([np.ones(79), data[["PI", "EH"]]]).astype(float)
    y, sd = data["HG"].to_numpy(float), x[:, 1:].std(axis=0)

    def objective(res):
        beta = res.params.reindex(["Intercept", "PI", "EH"], fill_value=0.0).to_numpy()
        eta = x @ beta
        return y @ eta - np.logaddexp(0, eta).sum() - 0.5 * np.sum((beta[1:] * sd / 2.5) ** 2)

    found = asx.lr_test(small, large)
    assert found.statistic == pytest.approx(2 * (objective(large) - objective(small)), rel=1e-8)
    with pytest.raises(asx.InputError, match="different penalties"):
        asx.lr_test(asx.logit("HG ~ EH", data, penalty=asx.Ridge(1.0)), large)
    with pytest.raises(asx.InputError, match="only corrects the score"):
        asx.lr_test(fitted("probit", asx.MeanBR()), fitted("probit", asx.MeanBR()))


def test_separated_data_have_finite_estimates(five):
    assert five.converged
    assert np.isfinite(five.bse).all()
    text = str(five.summary())
    assert "Jeffreys' prior" in text
    assert "bias-reduced estimate" in text
    assert five.conventions["penalty"] == "Jeffreys' prior"


def test_median_bias_reduction_goes_with_scales():
    """Each coefficient by itself: a covariate in other units has its coefficient in other units."""
    data = DATA["endometrial"]
    one = asx.logit(ENDOMETRIAL, data, penalty=asx.MedianBR())
    scaled = asx.logit(ENDOMETRIAL, data.assign(PI=data["PI"] * 10), penalty=asx.MedianBR())
    assert scaled.params["PI"] == pytest.approx(one.params["PI"] / 10, rel=1e-9)
    assert scaled.params["NV"] == pytest.approx(one.params["NV"], rel=1e-9)


def test_collinear_columns_are_omitted():
    data = DATA["endometrial"].assign(again=lambda d: d["PI"] * 2)
    with pytest.warns(asx.CollinearWarning, match="again"):
        res = asx.logit(ENDOMETRIAL + " + again", data, penalty=asx.Jeffreys())
    expected = ORACLE["fits"]["logit"]["MPL_Jeffreys"]["params"]
    assert np.allclose(res.params.iloc[:4], expected, rtol=1e-8)
    assert np.isnan(res.params["again"])


def test_large_data_take_slabs_and_agree_with_small():
    rng = np.random.default_rng(3)
    n = 70_000
    x = np.column_stack([np.ones(n), rng.standard_normal(n), rng.random(n) < 0.001])
    y = (rng.random(n) < 1 / (1 + np.exp(4 - x[:, 1]))).astype(float)
    large = asx.fit(asx.Logit(3), x, y, penalty=asx.MeanBR())
    # the same data as patterns of frequency weights, few enough for one program
    weights = np.r_[np.ones(n // 2), np.zeros(20)]
    keep = np.r_[np.arange(n // 2), np.arange(20)]
    small = asx.fit(
        asx.Logit(3), x[keep], y[keep], weights=weights, weight_kind="frequency",
        penalty=asx.MeanBR(),
    )  # fmt: skip
    half = asx.fit(
        asx.Logit(3), x, y, weights=np.r_[np.ones(n // 2), np.zeros(n - n // 2)],
        weight_kind="frequency", penalty=asx.MeanBR(),
    )  # fmt: skip
    assert bool(large.converged)
    assert np.allclose(half.model.predictor.coef, small.model.predictor.coef, rtol=1e-9)
    assert float(half.kernel) == pytest.approx(float(small.kernel), rel=1e-12)


def test_searches_for_the_zero_of_an_adjusted_score_arrive():
    """For a logit it is the maximum under Jeffreys' prior, which is a hill and always climbed."""
    rng = np.random.default_rng(30)
    for _ in range(150):
        x = np.column_stack([np.ones(30), rng.standard_normal((30, 3))])
        y = (rng.random(30) < 1 / (1 + np.exp(-(x @ [-1.5, 1, 1, 1])))).astype(float)
        mean = asx.fit(asx.Logit(4), x, y, penalty=asx.MeanBR())
        prior = asx.fit(asx.Logit(4), x, y, penalty=asx.Jeffreys())
        assert mean.status_name.startswith("converged")
        np.testing.assert_allclose(
            mean.model.predictor.coef, prior.model.predictor.coef, rtol=1e-6, atol=1e-6
        )


def test_inside_jit_as_outside():
    data = DATA["endometrial"]
    x = np.column_stack([np.ones(79), data[["NV", "PI", "EH"]]]).astype(float)
    y = data["HG"].to_numpy(float)
    with jax.enable_x64(True):
        found = jax.jit(lambda a, b: asx.fit(asx.Logit(4), a, b, penalty=asx.Jeffreys()))(x, y)
    expected = ORACLE["fits"]["logit"]["MPL_Jeffreys"]["params"]
    assert np.allclose(found.model.predictor.coef, expected, rtol=1e-9)

    def slope(b):
        return asx.fit(asx.Logit(4), x, b, penalty=asx.Jeffreys()).model.predictor.coef[1]

    with jax.enable_x64(True), pytest.raises(asx.InputError, match="no derivatives"):
        jax.grad(slope)(y)
    with pytest.raises(asx.InputError, match="outside of jit"):
        jax.jit(lambda b: asx.fit(asx.Logit(4), x, b, penalty=asx.FLIC()).code)(y)


# --- intercepts for prediction --------------------------------------------------------------------


def test_flic_makes_the_mean_prediction_the_share_of_events(endometrial):
    res = fitted("logit", asx.FLIC())
    share = DATA["endometrial"]["HG"].mean()
    assert res.predict().mean() == pytest.approx(share, abs=1e-10)
    assert endometrial.predict().mean() != pytest.approx(share, abs=1e-4)
    slopes = ["NV", "PI", "EH"]
    assert np.allclose(res.params[slopes], endometrial.params[slopes], rtol=1e-12)


def test_flac_is_maximum_likelihood_on_augmented_rows(endometrial):
    import statsmodels.api as sm

    data = DATA["endometrial"]
    x = np.column_stack([np.ones(79), data[["NV", "PI", "EH"]]])
    y = data["HG"].to_numpy(float)
    p = endometrial.predict().to_numpy()
    w = p * (1 - p)
    h = w * np.einsum("ij,jk,ik->i", x, np.linalg.inv((x.T * w) @ x), x)
    wide = np.column_stack([np.vstack([x, x, x]), np.r_[np.zeros(79), np.ones(158)]])
    oracle = sm.GLM(
        np.r_[y, y, 1 - y],
        wide,
        sm.families.Binomial(),
        freq_weights=np.r_[np.ones(79), h / 2, h / 2],
    ).fit(tol=1e-14, maxiter=200)
    res = fitted("logit", asx.FLAC())
    assert np.allclose(res.params, oracle.params[:4], rtol=1e-9)
    assert res.predict().mean() == pytest.approx(y.mean(), abs=1e-9)


def test_flac_of_grouped_rows_is_that_of_single_trials():
    groups = DATA["groups"].assign(s=lambda d: d["s"].clip(0, d["m"]))
    single = pd.DataFrame(
        [
            {"y": float(i < s), "z": z}
            for z, m, s in groups[["z", "m", "s"]].itertuples(index=False)
            for i in range(int(m))
        ]
    )
    one = asx.logit("y ~ z", single, penalty=asx.FLAC())
    many = asx.glm("s ~ z", groups, asx.Binomial(), trials="m", penalty=asx.FLAC())
    assert np.allclose(one.params, many.params, rtol=1e-8)


@pytest.mark.parametrize("penalty", [asx.FLIC(), asx.FLAC()], ids=lambda p: p.label[-5:-1])
def test_corrected_intercepts_of_large_data(penalty):
    """Each row of the small fit counts for 900 rows of the large one, which takes slabs."""
    data = DATA["endometrial"][["HG", "NV", "PI", "EH"]]
    large = pd.concat([data] * 900, ignore_index=True)
    weighted = asx.logit(ENDOMETRIAL, data.assign(w=900.0), weights="w", weight_kind="frequency",
                         penalty=penalty)  # fmt: skip
    res = asx.logit(ENDOMETRIAL, large, penalty=penalty)
    assert res.status == "converged"
    assert np.allclose(res.params, weighted.params, rtol=1e-9)
    assert np.allclose(res.bse, weighted.bse, rtol=1e-9)
    assert res.predict().mean() == pytest.approx(data["HG"].mean(), abs=1e-9)


# --- priors ---------------------------------------------------------------------------------------


def slopes_loss(data, log_prior):
    x = np.column_stack([np.ones(79), data[["NV", "PI", "EH"]]]).astype(float)
    y = data["HG"].to_numpy(float)
    scale = np.r_[1.0, x[:, 1:].std(axis=0)]

    def loss(gamma):
        beta = gamma / scale
        eta = x @ beta
        return -(y @ eta - np.logaddexp(0, eta).sum() + log_prior(beta[1:], scale[1:]))

    return loss, scale


@pytest.mark.parametrize(
    ("penalty", "log_prior"),
    [
        (asx.GaussianPrior(), lambda b, s: -0.5 * np.sum((b * s / 2.5) ** 2)),
        (asx.GaussianPrior(1.5, standardise=False), lambda b, s: -0.5 * np.sum((b / 1.5) ** 2)),
        (asx.LogF(2), lambda b, s: np.sum(b - 2 * np.logaddexp(0, b))),
    ],
)
def test_priors_by_another_optimiser_and_a_numerical_hessian(penalty, log_prior):
    loss, scale = slopes_loss(DATA["endometrial"], log_prior)
    res = fitted("logit", penalty)
    found = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    assert np.allclose(res.params * scale, found.x, atol=1e-5)
    here, step = res.params.to_numpy() * scale, 1e-4
    hessian = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            e, f = np.eye(4)[i] * step, np.eye(4)[j] * step
            corners = loss(here + e + f) - loss(here + e - f) - loss(here - e + f)
            hessian[i, j] = (corners + loss(here - e - f)) / (4 * step**2)
    errors = np.sqrt(np.diag(np.linalg.inv(hessian))) / scale
    assert np.allclose(res.bse, errors, rtol=1e-4)
    assert "maximum a-posteriori" in " ".join(str(res.summary()).split())


def test_log_f_is_data_augmentation():
    """Greenland and Mansournia: m trials, half of them successes, at each covariate alone."""
    import statsmodels.api as sm

    data = DATA["endometrial"]
    x = np.column_stack([np.ones(79), data[["NV", "PI", "EH"]]]).astype(float)
    wide = np.vstack([x, np.eye(4)[1:]])
    successes = np.r_[data["HG"].to_numpy(float), np.ones(3)]
    trials = np.r_[np.ones(79), np.full(3, 2.0)]
    oracle = sm.GLM(
        np.column_stack([successes, trials - successes]), wide, sm.families.Binomial()
    ).fit(tol=1e-14, maxiter=200)
    res = fitted("logit", asx.LogF(2))
    assert np.allclose(res.params, oracle.params, rtol=1e-8)
    assert np.allclose(res.bse, oracle.bse, rtol=1e-6)


def test_profile_of_a_prior():
    loss, scale = slopes_loss(DATA["endometrial"], lambda b, s: -0.5 * np.sum((b * s / 2.5) ** 2))
    res = fitted("logit", asx.GaussianPrior())
    upper = res.conf_int(method="profile").loc["NV", "upper"]

    def profile(b):
        def inner(rest):
            return loss(np.insert(rest, 1, b * scale[1]))

        start = np.delete(res.params.to_numpy() * scale, 1)
        return minimize(inner, start, method="BFGS", options={"gtol": 1e-9}).fun

    top = loss(res.params.to_numpy() * scale)
    found = brentq(lambda b: 2 * (profile(b) - top) - 3.841458820694124, 8, 20, xtol=1e-8)
    assert upper == pytest.approx(found, rel=1e-6)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [asx.Jeffreys(), asx.MeanBR(), asx.MedianBR()])
def test_other_families_are_refused(penalty):
    data = DATA["counts"].assign(y=lambda d: d["y"] + 0.5)
    with pytest.raises(asx.InputError, match="is known for Bernoulli") as caught:
        asx.linear("y ~ x", data, penalty=penalty)
    assert caught.value.code == "penalty"


def test_what_else_is_refused():
    with pytest.raises(asx.InputError, match="logistic regression"):
        asx.probit(ENDOMETRIAL, DATA["endometrial"], penalty=asx.FLIC())
    with pytest.raises(asx.InputError, match="needs an intercept"):
        asx.logit("HG ~ NV + PI - 1", DATA["endometrial"], penalty=asx.FLAC())
    with pytest.raises(asx.InputError, match="only corrects the score"):
        fitted("probit", asx.MeanBR()).conf_int(method="profile")
    wide = np.random.default_rng(0).standard_normal((300, 201))
    with pytest.raises(asx.InputError, match="up to 200 columns, not 201"):
        asx.fit(asx.Logit(201), wide, (wide[:, 0] > 0) * 1.0, penalty=asx.Jeffreys())
    with pytest.raises(asx.InputError, match="must be positive"):
        asx.GaussianPrior(0.0)
    with pytest.raises(asx.InputError, match="must be positive"):
        asx.LogF(-1)
