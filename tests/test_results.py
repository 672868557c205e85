"""What a person reads: numbers beside statsmodels' and published ones, tables, and verbs."""

import dataclasses
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

import asymptotix as asx
from conftest import FAIR, MROZ, SPECTOR

SOURCE = Path(asx.__file__).parent.parent


def matrices(formula, data):
    """Response and design by formulaic, as statsmodels takes them."""
    from formulaic import model_matrix

    both = model_matrix(formula, data)
    return np.asarray(both.lhs, float)[:, 0], np.asarray(both.rhs, float)


def tight(model, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(method="newton", tol=1e-14, maxiter=200, disp=0, **options)


def tight_glm(y, x, family):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sm.GLM(y, x, family=family).fit(tol=1e-14, maxiter=200, tol_criterion="params")


def near(a, b, rtol):
    np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), rtol=rtol)


def compare(res, theirs, *, coef=1e-9, se=1e-8, llf=1e-12):
    near(res.params, theirs.params, coef)
    near(res.bse, theirs.bse, se)
    assert res.llf == pytest.approx(theirs.llf, rel=llf)
    assert res.nobs == theirs.nobs
    assert res.df_resid == theirs.df_resid
    assert res.df_model == theirs.df_model
    near(res.tvalues, theirs.tvalues, 1e-8)
    np.testing.assert_allclose(res.pvalues, theirs.pvalues, rtol=1e-6, atol=1e-280)
    np.testing.assert_allclose(res.conf_int(), theirs.conf_int(), rtol=1e-7, atol=1e-9)
    near(np.diag(res.cov_params()), np.diag(theirs.cov_params()), 2e-8)


# --- against statsmodels -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def large():
    """Ten thousand rows, a hundred covariates, coefficients 1 + N(0, 1), logistic noise."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((10_000, 100))
    y = x @ (1 + rng.standard_normal(100)) + rng.logistic(size=10_000) > 0
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(100)]).assign(y=y.astype(float))


@pytest.fixture(scope="module", params=["mroz", "spector", "fair", "rng42", "k100"])
def binary(request):
    name = request.param
    if name == "rng42":
        return "y ~ x1 + x2", pd.DataFrame(request.getfixturevalue("logistic_100k"))
    if name == "k100":
        return "y ~ " + " + ".join(f"x{j}" for j in range(100)), request.getfixturevalue("large")
    formula = {"mroz": MROZ, "spector": SPECTOR, "fair": FAIR}[name]
    return formula, request.getfixturevalue(name)


@pytest.mark.parametrize("name", ["logit", "probit"])
def test_binary_models(binary, name):
    formula, data = binary
    y, x = matrices(formula, data)
    link = sm.families.links.Logit() if name == "logit" else sm.families.links.Probit()
    model = sm.Logit if name == "logit" else sm.Probit
    res = getattr(asx, name)(formula, data)
    theirs = tight(model(y, x))
    compare(res, theirs)
    assert res.aic == pytest.approx(theirs.aic, rel=1e-12)
    assert res.bic == pytest.approx(theirs.bic, rel=1e-12)
    assert res.llnull == pytest.approx(theirs.llnull, rel=1e-9)
    assert res.r_squared() == pytest.approx(theirs.prsquared, rel=1e-8)
    glm = tight_glm(y, x, sm.families.Binomial(link=link))
    expected = res.with_cov("expected")
    near(expected.params, glm.params, 1e-9)
    near(expected.bse, glm.bse, 1e-8)
    assert res.deviance == pytest.approx(glm.deviance, rel=1e-11)
    assert res.pearson_chi2 == pytest.approx(glm.pearson_chi2, rel=1e-8)
    assert res.llf == pytest.approx(glm.llf, rel=1e-11)  # theirs clips probabilities
    near(res.predict(), glm.fittedvalues, 1e-8)


def test_linear_probability(binary):
    formula, data = binary
    y, x = matrices(formula, data)
    robust, plain = sm.OLS(y, x).fit(cov_type="HC1", use_t=True), sm.OLS(y, x).fit()
    res = asx.lpm(formula, data)
    compare(res, robust)
    compare(res.with_cov("observed"), plain)
    compare(asx.linear(formula, data), plain)
    near(res.with_cov("HC0").bse, sm.OLS(y, x).fit(cov_type="HC0").bse, 1e-8)
    assert res.scale == pytest.approx(plain.scale, rel=1e-11)
    assert res.r_squared("cox-snell") == pytest.approx(plain.rsquared, rel=1e-9)
    # AIC and BIC count the variance, as R does; statsmodels does not.
    assert res.aic == pytest.approx(plain.aic + 2, rel=1e-12)
    assert res.bic == pytest.approx(plain.bic + np.log(len(y)), rel=1e-12)
    null = sm.OLS(y, np.ones_like(y)).fit().llf
    assert res.llnull == pytest.approx(null, rel=1e-11)


def test_poisson(fair):
    formula = "affairs_ ~ rate_marriage + age + yrs_married + children + religious + educ"
    data = fair.assign(affairs_=np.round(fair["affairs"]))
    y, x = matrices(formula, data)
    res = asx.poisson(formula, data)
    glm = tight_glm(y, x, sm.families.Poisson())
    compare(res, glm)
    assert res.deviance == pytest.approx(glm.deviance, rel=1e-11)
    assert res.pearson_chi2 == pytest.approx(glm.pearson_chi2, rel=1e-9)
    assert res.llnull == pytest.approx(glm.llnull, rel=1e-9)
    compare(asx.glm(formula, data, asx.Poisson()), glm)
    sandwich = sm.GLM(y, x, family=sm.families.Poisson()).fit(tol=1e-14, cov_type="HC0")
    near(res.with_cov("HC0").bse, sandwich.bse, 1e-7)


@pytest.mark.parametrize("link", ["Logit", "Probit", "CLogLog"])
def test_grouped_binomial(link):
    star = sm.datasets.star98.load_pandas().data.astype(float)
    data = star.rename(columns={"NABOVE": "above", "NBELOW": "below"})
    data = data.assign(n=data["above"] + data["below"])
    data["share"] = data["above"] / data["n"]
    formula = "above ~ LOWINC + PERASIAN + PERBLACK + PERHISP + PCTCHRT"
    ours = {"Logit": asx.LogitLink, "Probit": asx.ProbitLink, "CLogLog": asx.CloglogLink}[link]()
    _, x = matrices(formula, data)
    family = sm.families.Binomial(link=getattr(sm.families.links, link)())
    glm = tight_glm(data[["above", "below"]].to_numpy(), x, family)
    res = asx.glm(formula, data, asx.Binomial(ours), trials="n", cov="expected")
    near(res.params, glm.params, 1e-9)
    near(res.bse, glm.bse, 1e-8)
    assert res.deviance == pytest.approx(glm.deviance, rel=1e-10)
    assert res.pearson_chi2 == pytest.approx(glm.pearson_chi2, rel=1e-9)
    llf = stats.binom.logpmf(data["above"], data["n"], glm.fittedvalues).sum()
    assert res.llf == pytest.approx(llf, rel=1e-11)
    null = stats.binom.logpmf(data["above"], data["n"], data["above"].sum() / data["n"].sum())
    assert res.llnull == pytest.approx(null.sum(), rel=1e-11)
    shares = asx.glm(formula.replace("above", "share"), data, asx.Binomial(ours), trials="n",
                     response="proportion", cov="expected")  # fmt: skip
    near(shares.params, res.params, 1e-11)
    assert shares.llf == pytest.approx(res.llf, rel=1e-12)


def test_weights_and_offset_by_column(fair):
    data = (
        fair.iloc[:6000:8].iloc[:750].assign(w=np.arange(750) % 4, o=0.1 * np.sin(np.arange(750)))
    )
    res = asx.logit("affair ~ age + educ", data, weights="w", weight_kind="frequency", offset="o")
    y, x = matrices("affair ~ age + educ", data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        glm = sm.GLM(y, x, family=sm.families.Binomial(), freq_weights=data["w"].to_numpy(),
                     offset=data["o"].to_numpy()).fit(tol=1e-14)  # fmt: skip
    near(res.params, glm.params, 1e-8)
    near(res.bse, glm.bse, 1e-7)
    assert res.nobs == data["w"].sum()
    assert res.df_resid == glm.df_resid
    near(res.predict(), glm.predict(x, offset=data["o"]), 1e-8)
    by_array = asx.logit("affair ~ age + educ", data, weights=data["w"].to_numpy(),
                         weight_kind="frequency", offset=data["o"].to_numpy())  # fmt: skip
    near(by_array.params, res.params, 1e-13)
    assert "frequency" in str(res.summary())
    sampling = asx.logit("affair ~ age + educ", data, weights="w", weight_kind="sampling")
    assert sampling.conventions["covariance"] == "HC1"


# --- published numbers ---------------------------------------------------------------------------

NAMES = ["nwifeinc", "educ", "exper", "I(exper ** 2)", "age", "kidslt6", "kidsge6", "Intercept"]
# J. M. Wooldridge, Introductory Econometrics: equation (7.29) and table 17.1, digits as printed.
WOOLDRIDGE = {
    "lpm": (["-.0034", ".038", ".039", "-.00060", "-.016", "-.262", ".013", ".586"],
            [".0014", ".007", ".006", ".00018", ".002", ".034", ".013", ".154"]),
    "logit": (["-.021", ".221", ".206", "-.0032", "-.088", "-1.443", ".060", ".425"],
              [".008", ".043", ".032", ".0010", ".015", ".204", ".075", ".860"]),
    "probit": (["-.012", ".131", ".123", "-.0019", "-.053", "-.868", ".036", ".270"],
               [".005", ".025", ".019", ".0006", ".008", ".119", ".043", ".509"]),
}  # fmt: skip


def as_printed(values, printed):
    for value, text in zip(values, printed, strict=True):
        decimals = len(text.partition(".")[2])
        assert abs(value - float(text)) <= 0.5 * 10**-decimals + 1e-12, (value, text)


@pytest.mark.parametrize("name", list(WOOLDRIDGE))
def test_wooldridges_table(mroz_fits, name):
    coefficients, errors = WOOLDRIDGE[name]
    res = mroz_fits[name].with_cov("observed")  # (7.29) has the usual errors
    as_printed(res.params[NAMES], coefficients)
    as_printed(res.bse[NAMES], errors)
    if name != "lpm":
        as_printed([res.llf], [{"logit": "-401.77", "probit": "-401.30"}[name]])
        as_printed([res.r_squared()], [{"logit": ".220", "probit": ".221"}[name]])
    else:
        as_printed([res.r_squared("cox-snell")], [".264"])


def test_greenes_table(spector):
    """W. H. Greene, Econometric Analysis: the effect of PSI on grades (Spector and Mazzeo)."""
    names = ["Intercept", "GPA", "TUCE", "PSI"]
    logit, probit = asx.logit(SPECTOR, spector), asx.probit(SPECTOR, spector)
    as_printed(logit.params[names], ["-13.021", "2.826", ".095", "2.379"])
    as_printed(logit.bse[names], ["4.931", "1.263", ".142", "1.065"])
    as_printed(probit.params[names], ["-7.452", "1.626", ".052", "1.426"])
    # Greene prints errors from the Hessian
    as_printed(probit.bse[names], ["2.542", ".694", ".084", ".595"])
    as_printed([logit.llf, probit.llf], ["-12.890", "-12.819"])


def test_simulated_data_with_published_estimates(logistic_100k):
    res = asx.logit("y ~ x1 + x2", logistic_100k)
    as_printed(res.params, ["0.30124257", "1.51280952", "-0.80280269"])
    as_printed(res.bse, ["0.00788605", "0.0107476", "0.00867147"])


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["logit", "probit", "lpm"])
def test_the_summary_says_what_it_must(mroz_fits, name):
    res = mroz_fits[name]
    text = str(res.summary())
    assert max(map(len, text.splitlines())) <= 80
    moment = name == "lpm"
    for said in ("753", "Rows dropped", "converged", "Decrement", "Covariance",
                 "HC1" if moment else "observed", "t(745)" if moment else "normal",
                 *res.names, " t " if moment else " z "):  # fmt: skip
        assert said in text, said
    table = res.summary()
    for other in (table.to_html(), table.to_latex(), table.to_markdown()):
        assert "753" in other
        assert "nwifeinc" in other
        assert "converged" in other
    assert "<table" in res._repr_html_()
    assert "logit" in repr(res).lower() or name != "logit"


def test_wide_names_keep_to_eighty_columns():
    rng = np.random.default_rng(0)
    long = "a_column_whose_name_goes_on_and_on_and_on_until_nobody_reads_it_any_more"
    data = {"y": rng.integers(0, 2, 90) * 1.0, long: rng.standard_normal(90) * 1e6,
            "big": rng.standard_normal(90) * 1e-6}  # fmt: skip
    res = asx.logit(f"y ~ {long} + big", data, confidence=0.999)
    assert max(map(len, str(res.summary()).splitlines())) <= 80
    assert "99.9%" in str(res.summary())


def test_tidy_and_glance(mroz_fits):
    res = mroz_fits["logit"]
    tidy, glance = res.tidy(), res.glance()
    assert list(tidy.columns) == [
        "term", "estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high"
    ]  # fmt: skip
    assert list(tidy["term"]) == list(res.names)
    near(tidy["statistic"], res.params / res.bse, 1e-14)
    assert len(glance) == 1
    for column, value in {"logLik": res.llf, "AIC": res.aic, "BIC": res.bic, "nobs": 753,
                          "deviance": res.deviance, "df.residual": 745}.items():  # fmt: skip
        assert glance[column][0] == value
    narrow, wide = res.tidy(0.5), res.tidy(0.99)
    assert (narrow["conf.high"] < wide["conf.high"]).all()
    z = stats.norm.ppf(0.995)
    near(wide["conf.low"], res.params - z * res.bse, 1e-12)


def test_glance_of_a_linear_regression_has_brooms_columns(mroz):
    res = asx.linear("hours ~ educ + age", mroz)
    theirs = smf.ols("hours ~ educ + age", mroz).fit()
    glance = res.glance().iloc[0]
    near(glance["r.squared"], theirs.rsquared, 1e-12)
    near(glance["adj.r.squared"], theirs.rsquared_adj, 1e-12)
    near(glance["statistic"], theirs.fvalue, 1e-10)
    near(glance["p.value"], theirs.f_pvalue, 1e-9)
    near(glance["null.deviance"], theirs.centered_tss, 1e-12)
    assert glance["df"] == 2
    assert "r.squared" not in asx.logit("inlf ~ educ", mroz).glance()


def test_delta_of_what_is_constant_or_no_number(mroz_fits):
    res = mroz_fits["logit"]
    assert float(res.delta(lambda m: 1).standard_error) == 0.0
    with pytest.raises(asx.InputError, match="'three', which is no number"):
        res.delta(lambda m: "three")
    with pytest.raises(asx.InputError, match="None, which is no number"):
        res.delta(lambda m: None)


def test_tjur(mroz):
    res = asx.logit("inlf ~ educ + age", mroz)
    fitted, worked = res.predict(), mroz["inlf"] == 1
    near(res.r_squared("tjur"), fitted[worked].mean() - fitted[~worked].mean(), 1e-13)
    with pytest.raises(asx.InputError, match="of an event"):
        asx.linear("hours ~ educ", mroz).r_squared("tjur")


def test_p_values_keep_their_logarithm():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(100_000)
    data = {"y": 3 + 2 * x + 0.5 * rng.standard_normal(100_000), "x": x}
    res = asx.linear("y ~ x", data)
    t = float(res.tvalues["x"])
    assert t > 1000
    assert res.pvalues["x"] == 0
    import mpmath as mp

    n = mp.mpf(99_998)  # leading terms of the tail, exact to a relative 1/n here
    log_p = mp.log(mp.betainc(n / 2, 0.5, 0, n / (n + mp.mpf(t) ** 2), regularized=True))
    assert res.log_pvalues["x"] == pytest.approx(float(log_p), rel=1e-9)
    assert "<0.001" in str(res.summary())


def test_log_p_values_where_t_is_moderate_and_n_is_large():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(100_000)
    res = asx.linear("y ~ x", {"y": 0.2 * x + rng.standard_normal(100_000), "x": x})
    t = float(res.tvalues["x"])
    assert 50 < t < 80
    assert res.log_pvalues["x"] == pytest.approx(np.log(2) + stats.norm.logsf(t), rel=0.05)


def test_reference_distributions(spector):
    z = asx.lpm(SPECTOR, spector, reference="normal")
    t = asx.logit(SPECTOR, spector, reference="t")
    near(z.pvalues, 2 * stats.norm.sf(abs(z.tvalues)), 1e-12)
    near(t.pvalues, 2 * stats.t.sf(abs(t.tvalues), 28), 1e-12)
    assert t.conventions["reference"] == "t(28)"
    assert z.conventions["reference"] == "normal"
    assert " z " in str(z.summary())
    assert " t " in str(t.summary())


def test_conventions_are_named(mroz_fits):
    logit, lpm = mroz_fits["logit"].conventions, mroz_fits["lpm"].conventions
    assert logit["covariance"] == "observed"
    assert lpm["covariance"] == "HC1"
    assert logit["reference"] == "normal"
    assert lpm["reference"] == "t(745)"
    assert all(isinstance(v, str) for v in (*logit.values(), *lpm.values()))
    again = mroz_fits["logit"].with_cov(asx.Sandwich("HC1", bread="expected"))
    assert again.conventions["covariance"] == "HC1"
    assert again.conventions["bread"] == "expected"


# --- another covariance --------------------------------------------------------------------------


def test_with_cov_does_not_fit_again(mroz_fits, monkeypatch):
    from asymptotix.fitting import host, newton

    def refuse(*_, **__):
        raise AssertionError("fitted again")

    monkeypatch.setattr(host, "fit", refuse)
    monkeypatch.setattr(newton, "advance", refuse)
    res = mroz_fits["probit"]
    robust = res.with_cov("HC1")
    assert robust.fit is res.fit
    near(robust.params, res.params, 0)
    assert not np.allclose(robust.bse, res.bse, rtol=1e-3)
    assert robust.conventions["covariance"] == "HC1"
    assert res.conventions["covariance"] == "observed"
    assert "HC1" in str(robust.summary())


def test_every_entry_point_takes_cov(mroz):
    res = asx.probit(MROZ, mroz, cov="hc0")
    near(res.bse, asx.probit(MROZ, mroz).with_cov("HC0").bse, 1e-12)


def test_changed_data_are_noticed(mroz):
    data = mroz.copy()
    res = asx.logit("inlf ~ educ + age", data)
    data["motheduc"] = 0.0  # not used by the model
    res.with_cov("HC1")
    data.loc[5, "educ"] += 1
    with pytest.raises(asx.InputError) as caught:
        res.with_cov("HC1")
    assert caught.value.code == "source_changed"
    res.with_cov("HC1", data=mroz)
    shorter = asx.logit("inlf ~ educ + age", mroz)
    with pytest.raises(asx.InputError) as caught:
        shorter.with_cov("HC1", data=mroz.iloc[:-1])
    assert caught.value.code == "source_changed"


def test_a_change_that_keeps_the_log_likelihood_is_noticed(mroz):
    """Another response order that the fitted model cannot tell, but the meat can: swapped rows."""
    data = mroz.copy()
    res = asx.linear("inlf ~ educ", data)
    educ = data["educ"].to_numpy()
    first, second = (np.flatnonzero((educ == 12) & (data["inlf"] == v))[0] for v in (0, 1))
    data.loc[[first, second], "inlf"] = [1, 0]  # the same rows in another order
    near(res.with_cov("HC1").bse, asx.linear("inlf ~ educ", mroz, cov="HC1").bse, 1e-10)


def test_without_data(mroz):
    res = asx.logit("inlf ~ educ + age", mroz, keep_data=False)
    assert res.inputs.data is None
    for call in (lambda: res.with_cov("HC1"), lambda: res.predict()):
        with pytest.raises(asx.InputError) as caught:
            call()
        assert caught.value.code == "no_data"
    near(res.with_cov("HC1", data=mroz).bse,
         asx.logit("inlf ~ educ + age", mroz, cov="HC1").bse, 1e-12)  # fmt: skip
    near(res.predict(mroz), asx.logit("inlf ~ educ + age", mroz).predict(), 1e-14)


def arrays_in(value, seen, stop):
    """Every array reachable from an object, but not through what `stop` lists."""
    if id(value) in seen or any(value is s for s in stop):
        return
    seen.add(id(value))
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        yield value
    elif isinstance(value, dict):
        for part in (*value.keys(), *value.values()):
            yield from arrays_in(part, seen, stop)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from arrays_in(part, seen, stop)
    elif not isinstance(value, (type, str, bytes, int, float)) and not callable(value):
        for name in getattr(type(value), "__slots__", ()) or ():
            if isinstance(name, str) and hasattr(value, name):
                yield from arrays_in(getattr(value, name), seen, stop)
        if hasattr(value, "__dict__"):
            yield from arrays_in(vars(value), seen, stop)


def test_results_hold_no_rows(mroz):
    res = asx.logit("inlf ~ educ + C(city) + bs(age, df=4)", mroz)
    assert res.inputs.data is mroz
    _ = res.params, res.summary(), res.predict(), res.with_cov("HC1")
    held = [np.shape(a) for a in arrays_in(res, set(), (mroz,))]
    assert len(held) > 5
    assert all(len(mroz) not in shape for shape in held), held


# --- prediction ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(fair):
    data = fair.iloc[:6000:4].assign(g=np.array(["lo", "mid", "hi"])[np.arange(1500) % 3])
    res = asx.logit("affair ~ scale(age) + C(g) * educ + bs(rate_marriage, df=4)", data)
    return data, res


def test_predictions_on_the_data_and_on_new_data(fitted):
    data, res = fitted
    own = res.predict()
    assert isinstance(own, pd.Series)
    assert list(own.index) == list(data.index)
    near(res.predict(data), own, 1e-14)
    some = data.iloc[[700, 3, 44]]  # one row at a time: scale, levels and knots are the fit's
    near(res.predict(some), own.loc[some.index], 1e-13)
    near(res.predict(data.iloc[[8]]), own.iloc[[8]], 1e-13)
    eta = res.predict(some, type="link")
    near(1 / (1 + np.exp(-eta)), res.predict(some), 1e-13)
    assert own.sum() == pytest.approx(data["affair"].sum(), rel=1e-9)  # an intercept and a logit


def test_missing_values_at_prediction(fitted):
    data, res = fitted
    new = data.iloc[:5].copy()
    new.loc[new.index[2], "age"] = np.nan
    predicted = res.predict(new)
    assert list(predicted.isna()) == [False, False, True, False, False]
    near(predicted.dropna(), res.predict().iloc[[0, 1, 3, 4]], 1e-13)
    assert res.predict(new.assign(age=np.nan)).isna().all()


def test_prediction_needs_the_offset_again(fair):
    data = fair.iloc[:6000:20].assign(o=0.2)
    named = asx.logit("affair ~ age", data, offset="o")
    near(named.predict(data.iloc[:3]), named.predict().iloc[:3], 1e-13)
    by_array = asx.logit("affair ~ age", data, offset=np.full(300, 0.2))
    near(by_array.predict(), named.predict(), 1e-12)
    with pytest.raises(asx.InputError) as caught:
        by_array.predict(data.iloc[:3])
    assert caught.value.code == "offset"
    near(by_array.predict(data.iloc[:3], offset=np.full(3, 0.2)), named.predict().iloc[:3], 1e-12)


def test_a_spec_predicts_elsewhere(fitted, tmp_path):
    """Pickled to a process that has neither the caller's names nor the data."""
    data, res = fitted
    power = 2
    curved = asx.logit("affair ~ age + I(age**power) + C(g)", data)
    del power
    new = data.iloc[:4]
    for name, (r, frame) in {"spline": (res, new), "curved": (curved, new)}.items():
        x, kept = r.spec.design(frame)
        path = tmp_path / f"{name}.pickle"
        path.write_bytes(pickle.dumps((r.spec, frame)))
        code = (
            "import pickle, sys, numpy as np\n"
            "spec, frame = pickle.loads(open(sys.argv[1], 'rb').read())\n"
            "x, kept = spec.design(frame)\n"
            "np.save(sys.argv[2], x)"
        )
        out = tmp_path / f"{name}.npy"
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        run = subprocess.run([sys.executable, "-c", code, str(path), str(out)],
                             capture_output=True, text=True, env=environment)  # fmt: skip
        assert run.returncode == 0, run.stderr[-2000:]
        np.testing.assert_array_equal(np.load(out), x)
        assert kept.all()


# --- sources and responses -----------------------------------------------------------------------


def test_all_sources_agree(mroz, mroz_fits, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pandas(mroz)
    mroz.to_csv(tmp_path / "mroz.csv", index=False)
    mroz.to_parquet(tmp_path / "mroz.parquet")
    sources = {
        "polars": polars.from_pandas(mroz),
        "lazy": polars.from_pandas(mroz).lazy(),
        "arrow": table,
        "duckdb": duckdb.from_arrow(table),
        "dict": {c: mroz[c].to_numpy() for c in mroz},
        "csv": tmp_path / "mroz.csv",
        "parquet": str(tmp_path / "mroz.parquet"),
    }
    for name, data in sources.items():
        res = asx.logit(MROZ, data)
        np.testing.assert_array_equal(res.params, mroz_fits["logit"].params, err_msg=name)
        np.testing.assert_array_equal(
            res.with_cov("HC1").bse, mroz_fits["logit"].with_cov("HC1").bse, err_msg=name
        )
        np.testing.assert_array_equal(res.predict(), mroz_fits["logit"].predict(), err_msg=name)
        assert list(res.params.index) == list(mroz_fits["logit"].params.index)


@pytest.mark.parametrize(
    ("coded", "event"),
    [
        (lambda v: v == 1, "True"),
        (lambda v: np.where(v == 1, "works", "at home"), "works"),
        (lambda v: pd.Categorical(np.where(v == 1, "yes", "no"), ["no", "yes"]), "yes"),
        (lambda v: pd.Categorical(np.where(v == 1, "a", "b"), ["b", "a"]), "a"),
    ],
    ids=["bool", "text", "categories", "ordered against the alphabet"],
)
def test_two_valued_responses(mroz, coded, event):
    data = mroz.assign(r=coded(mroz["inlf"]))
    res, plain = asx.logit("r ~ educ + age", data), asx.logit("inlf ~ educ + age", mroz)
    np.testing.assert_array_equal(res.params, plain.params)
    assert res.event == event
    assert f"r = {event}" in str(res.summary())
    assert plain.event is None


def test_missing_rows_are_dropped_counted_and_said(mroz):
    with pytest.warns(asx.MissingRowsWarning, match="325 of 753"):
        res = asx.linear("lwage ~ educ + exper", mroz)
    assert res.nobs == 428
    assert res.dropped == 325
    lines = [line for line in str(res.summary()).splitlines() if "Rows dropped" in line]
    assert "325" in lines[0]
    complete = mroz.dropna()
    near(res.params, asx.linear("lwage ~ educ + exper", complete).params, 1e-13)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once is enough
        near(res.with_cov("HC1").bse,
             asx.linear("lwage ~ educ + exper", complete, cov="HC1").bse, 1e-12)  # fmt: skip
        assert res.predict().notna().all()  # prediction needs no response


def test_missing_weights_drop_rows_too(mroz):
    w = mroz["wage"]  # 325 are missing
    with pytest.warns(asx.MissingRowsWarning, match="325"):
        res = asx.linear("hours ~ educ", mroz, weights="wage", weight_kind="precision")
    assert res.nobs == w.notna().sum()


# --- smooth functions ----------------------------------------------------------------------------


def test_delta_method_against_the_formula(mroz_fits):
    res = mroz_fits["logit"].with_cov("HC1")
    names = list(res.names)
    i, j = names.index("exper"), names.index("I(exper ** 2)")
    found = res.delta(lambda m: -m.predictor.coef[i] / (2 * m.predictor.coef[j]))
    b, v = res.params.to_numpy(), res.cov_params().to_numpy()
    g = np.zeros(len(b))
    g[i], g[j] = -1 / (2 * b[j]), b[i] / (2 * b[j] ** 2)
    assert float(found.value) == pytest.approx(-b[i] / (2 * b[j]), rel=1e-13)
    assert float(found.standard_error) == pytest.approx(np.sqrt(g @ v @ g), rel=1e-11)


def test_delta_method_of_a_prediction_and_of_a_pytree(mroz_fits, mroz):
    res = mroz_fits["logit"]
    x = matrices(MROZ, mroz)[1][:3]
    found = res.delta(lambda m: {"p": m(x), "eta": m.eta(x)})
    p = np.asarray(found.value["p"])
    v = res.cov_params().to_numpy()
    se_eta = np.sqrt(np.einsum("ij,jk,ik->i", x, v, x))
    near(found.standard_error["eta"], se_eta, 1e-10)
    near(found.standard_error["p"], p * (1 - p) * se_eta, 1e-10)


# --- names of the contract -----------------------------------------------------------------------


def test_statsmodels_names_are_there(mroz_fits):
    res = mroz_fits["logit"]
    for name in ("params", "bse", "tvalues", "pvalues"):
        value = getattr(res, name)
        assert isinstance(value, pd.Series)
        assert list(value.index) == list(res.names)
    assert isinstance(res.conf_int(), pd.DataFrame)
    assert isinstance(res.cov_params(), pd.DataFrame)
    for name in ("llf", "llnull", "aic", "bic", "deviance", "nobs", "df_model", "df_resid"):
        assert isinstance(getattr(res, name), (int, float)), name
    assert res.converged is True
    assert res.status == "converged"
    assert res.df_model == 7
    assert res.df_resid == 745
    assert dataclasses.is_dataclass(res)
    assert isinstance(res, asx.Results)


def test_without_an_intercept_the_null_model_still_has_one(mroz):
    res = asx.logit("inlf ~ educ + age - 1", mroz)
    p = mroz["inlf"].mean()
    assert res.llnull == pytest.approx(753 * (p * np.log(p) + (1 - p) * np.log(1 - p)), rel=1e-12)
    assert res.df_model == 2
    assert res.df_resid == 751


def test_an_intercept_alone(mroz):
    res = asx.logit("inlf ~ 1", mroz)
    assert res.params["Intercept"] == pytest.approx(np.log(428 / 325), rel=1e-12)
    assert res.llf == pytest.approx(res.llnull, rel=1e-13)
    assert res.r_squared() == pytest.approx(0, abs=1e-12)


def test_linear_regression_without_an_intercept():
    """R² and F about 0, unless the columns span a constant, as in statsmodels."""
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=400), rng.uniform(0.5, 3, 400)
    data = pd.DataFrame({"x": x, "z": z, "y": 2 + 0.3 * x - 0.1 * z + rng.normal(size=400)})
    data["g"] = np.where(x > 0, "a", "b")
    for formula in ("y ~ x + z - 1", "y ~ C(g) - 1", "y ~ C(g) + x - 1", "y ~ x"):
        res, theirs = asx.linear(formula, data), smf.ols(formula, data).fit()
        glance = res.glance().iloc[0]
        near(glance["r.squared"], theirs.rsquared, 1e-10)
        near(glance["adj.r.squared"], theirs.rsquared_adj, 1e-10)
        near(glance["statistic"], theirs.fvalue, 1e-9)
        near(glance["p.value"], theirs.f_pvalue, 1e-8)
        assert glance["df"] == theirs.df_model
        assert f"{theirs.rsquared:.4f}" in str(asx.compare(res))
    test = asx.linear("y ~ x + z - 1", data)
    near(test.fvalue, test.wald_test("x = z = 0").statistic, 1e-9)
    table = str(asx.linear("y ~ x", data, llf_dispersion="pearson").summary())
    assert f"{smf.ols('y ~ x', data).fit().rsquared:.4f}" in table


@pytest.mark.parametrize("formula", [None, 5, {"y": [0, 1]}, ["y ~ x"]])
def test_a_formula_is_text(formula):
    with pytest.raises(asx.InputError, match="not text such as 'y ~ x'; formula first"):
        asx.logit(formula, {"y": [0, 1], "x": [1, 2]})


@pytest.mark.parametrize("link", ["probit", asx.ProbitLink])
def test_a_link_is_an_instance(link):
    with pytest.raises(asx.InputError, match="is not a link; give an instance"):
        asx.Bernoulli(link=link)
