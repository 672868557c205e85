"""Residuals, leverage and influence: R, statsmodels, fits without a row, and hand-made matrices.

`tests/data/diagnostics.json` is made by `tests/oracles/diagnostics.R`.
"""

import json
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

import asymptotix as asx
from conftest import MROZ
from test_compilation import compilations, frame

R = json.loads((Path(__file__).parent / "data" / "diagnostics.json").read_text())
COUNT = "kidsge6 ~ educ + age + nwifeinc"
LINE = "nwifeinc ~ educ + age + kidslt6 + kidsge6"
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def data(mroz):
    return mroz.assign(w=1.0 + (np.arange(len(mroz)) + 1) % 3)


@pytest.fixture(scope="module")
def fits(data):
    return {
        "logit": asx.logit(MROZ, data),
        "probit": asx.probit(MROZ, data, cov="expected"),
        "poisson": asx.poisson(COUNT, data),
        "linear": asx.linear(LINE, data),
        "precision": asx.linear(LINE, data, weights="w", weight_kind="precision"),
    }


@pytest.fixture(scope="module")
def some(data):
    return np.arange(0, len(data), 7)


def close(found, expected, rtol=1e-9):
    expected = np.asarray(expected, float)
    np.testing.assert_allclose(found, expected, rtol=0, atol=rtol * np.abs(expected).max())


# R's probit stops where its deviance no longer changes: its residuals have eight digits. Its
# leverages are those of the weights before the last step.
DIGITS = {"probit": (2e-8, 1e-6)}
FITS = ("logit", "probit", "poisson", "linear", "precision")


@pytest.mark.parametrize("name", FITS)
def test_residuals_and_influence_are_those_of_r(fits, some, name):
    res, expected = fits[name], R[name]
    residual, hat = DIGITS.get(name, (1e-12, 1e-8))
    for kind, values in expected["residuals"].items():
        close(res.residuals(kind)[some], values, residual)
    found = res.augment()
    close(found[".hat"][some], expected["hat"], hat)
    close(found[".cooksd"][some], expected["cooks"], hat)
    close(found[".std.resid"][some], expected["standard"], hat)
    np.testing.assert_array_equal(found[".cooksd"], res.cooks_distance())
    np.testing.assert_array_equal(found[".hat"], res.leverage())
    np.testing.assert_array_equal(found[".resid"], res.residuals("deviance"))


@pytest.mark.parametrize("name", ["linear", "precision"])
def test_dfbetas_are_those_of_r(fits, some, name):
    close(fits[name].dfbetas().to_numpy()[some], R[name]["dfbetas"])
    if "dfbeta" in R[name]:
        close(fits[name].dfbetas(scaled=False).to_numpy()[some], R[name]["dfbeta"])


def test_standard_errors_of_fitted_values_are_those_of_r(fits, some):
    res = fits["probit"]
    for kind in ("link", "response"):
        # R's come from the weights before its last step
        close(res.augment(type=kind)[".se.fit"][some], R["se_fit"][kind], 1e-6)
    np.testing.assert_allclose(res.augment()[".fitted"], res.predict(), rtol=1e-13)


@pytest.mark.parametrize("name", ["logit", "poisson"])
def test_influence_is_that_of_statsmodels(fits, data, name):
    # canonical links: statsmodels takes the observed information, which is then the expected one
    formula, family = {
        "logit": (MROZ, sm.families.Binomial()),
        "poisson": (COUNT, sm.families.Poisson()),
    }[name]
    model = smf.glm(formula, data, family=family).fit(tol=1e-14, maxiter=100)
    influence, res = model.get_influence(), fits[name]
    close(res.leverage(), influence.hat_matrix_diag, 1e-11)
    close(res.cooks_distance(), influence.cooks_distance[0], 1e-11)
    close(res.dfbetas(scaled=False), influence.d_params, 1e-10)
    close(res.dfbetas(), influence.dfbetas, 1e-9)  # its errors are of the weights a step before


def test_leverage_of_probit_by_hand(fits, data):
    res = fits["probit"]
    x = np.asarray(res.rows().x)
    eta = x @ res.params.to_numpy()
    mu = stats.norm.cdf(eta)
    weight = stats.norm.pdf(eta) ** 2 / (mu * (1 - mu))
    root = np.sqrt(weight)[:, None] * x
    hat = np.einsum("ij,ji->i", root, np.linalg.pinv(root))
    close(res.leverage(), hat, 1e-11)
    assert res.leverage().sum() == pytest.approx(len(res.names), rel=1e-12)


@pytest.mark.parametrize("name", ["logit", "probit", "linear"])
def test_exact_deletion_is_a_fit_without_the_row(fits, data, name):
    res = fits[name]
    exact = res.dfbetas("exact", scaled=False)
    row = int(res.cooks_distance().argmax())
    verb = getattr(asx, name)
    again = verb(res.inputs.formula, data.drop(index=data.index[row]))
    close(exact.iloc[row], (res.params - again.params).to_numpy(), 1e-9)
    step = res.dfbetas("one-step", scaled=False)
    if name == "linear":  # one step arrives
        close(step, exact, 1e-11)
        scale = asx.linear(LINE, data.drop(index=data.index[row])).scale
        ratio = exact.iloc[row] / res.dfbetas("exact").iloc[row]
        close(ratio, res.bse * np.sqrt(scale / res.scale), 1e-10)
    else:
        error = np.abs(step - exact).max().max() / np.abs(exact).max().max()
        assert error < {"logit": 0.01, "probit": 0.04}[name]


def test_implicit_deletion_is_the_derivative_in_the_weight(mroz):
    res = asx.probit("inlf ~ educ + exper", mroz)
    rows, step = res.rows(), 1e-4

    def estimates(row, weight):
        w = np.ones(rows.n)
        w[row] = weight
        fit = asx.fit(asx.Probit(3), rows.x, rows.y, weights=w, weight_kind="precision")
        return np.asarray(fit.model.predictor.coef)

    for row in (0, 400, 752):
        slope = (estimates(row, 1 + step) - estimates(row, 1 - step)) / (2 * step)
        close(res.dfbetas("implicit", scaled=False).iloc[row], slope, 1e-7)


def test_a_frequency_weight_is_rows_repeated(data):
    short = data.iloc[::4]
    long = short.loc[short.index.repeat(short["w"].astype(int))]
    formula = "inlf ~ educ + exper"
    weighted = asx.logit(formula, short, weights="w", weight_kind="frequency")
    repeated = asx.logit(formula, long)
    first = ~long.index.duplicated()
    for method in ("one-step", "exact", "implicit"):
        close(weighted.dfbetas(method), repeated.dfbetas(method)[first], 1e-9)
    close(weighted.leverage(), repeated.leverage()[first], 1e-10)
    close(weighted.cooks_distance(), repeated.cooks_distance()[first], 1e-10)
    for kind in ("pearson", "deviance", "score"):
        close(weighted.residuals(kind), repeated.residuals(kind)[first], 1e-10)


def test_rows_that_inform_about_several_predictors(mroz):
    """The multinomial step by hand: scores and information are Kronecker products."""
    labels = np.array(["a", "b", "c"])[np.arange(150) % 3]
    data = mroz.iloc[::5].iloc[:150].assign(y=labels)
    res = asx.glm("y ~ age", data, family=asx.Multinomial())
    x, p = np.asarray(res.rows().x), np.asarray(res.predict())[:, 1:]
    seen = (labels[:, None] == np.array(["b", "c"])).astype(float)
    scores = np.einsum("nj,nk->njk", seen - p, x).reshape(150, 4)
    inner = np.einsum("nj,jl->njl", p, np.eye(2)) - np.einsum("nj,nl->njl", p, p)
    each = np.einsum("njl,na,nb->njalb", inner, x, x).reshape(150, 4, 4)
    whole = each.sum(axis=0)
    step = np.stack([np.linalg.solve(whole - h, s) for h, s in zip(each, scores, strict=True)])
    close(res.dfbetas(scaled=False), step, 1e-10)
    close(res.leverage(), np.einsum("ij,nji->n", np.linalg.inv(whole), each), 1e-10)
    close(res.cooks_distance(), np.einsum("ni,ij,nj->n", step, whole, step) / 4, 1e-10)
    close(res.residuals("score"), seen - p, 1e-10)
    np.testing.assert_allclose(res.residuals("response").sum(axis=1), 0, atol=1e-14)
    error = np.abs(res.dfbetas("exact", scaled=False) - step).max().max()
    assert error < 0.02 * np.abs(step).max()
    with pytest.raises(asx.InputError, match="several"):
        res.residuals("deviance")


def test_families_without_a_deviance_have_pearson_residuals(mroz):
    formulas = {"mu": "nwifeinc ~ educ", "log_sigma": "~ age"}
    res = asx.glm(formulas, mroz, family=asx.LocationScale())
    with pytest.raises(asx.InputError, match="saturated"):
        res.residuals("deviance")
    eta = res.predict(type="link")
    z = (mroz["nwifeinc"] - eta["mu"]) / np.exp(eta["log_sigma"])
    close(res.residuals("pearson"), z, 1e-12)
    close(res.residuals("quantile"), z, 1e-12)
    found = res.augment()
    close(found[".resid"], z, 1e-12)
    close(found[".std.resid"], z / np.sqrt(1 - res.leverage()), 1e-12)


def test_rows_left_out_are_nan_and_the_index_is_kept(mroz):
    data = mroz.iloc[::6].rename(index=lambda i: f"row {i}")
    data.loc["row 6", "educ"] = np.nan
    with pytest.warns(asx.MissingRowsWarning):
        res = asx.logit("inlf ~ educ", data)
    found = res.augment()
    assert list(found.index) == list(data.index)
    assert found.loc["row 6"].filter(like=".").isna().all()
    assert found.drop(index="row 6").filter(like=".").notna().all().all()
    assert list(res.dfbetas().columns) == list(res.names)
    assert res.residuals().index.equals(data.index)


def test_omitted_columns_have_no_shift(mroz):
    data = mroz.iloc[::6].assign(twice=lambda d: 2 * d["educ"])
    with pytest.warns(asx.CollinearWarning):
        res = asx.logit("inlf ~ educ + twice + age", data)
    plain = asx.logit("inlf ~ educ + age", data)
    for method in ("one-step", "exact", "implicit"):
        found = res.dfbetas(method)
        assert found["twice"].isna().all()
        close(found.drop(columns="twice"), plain.dfbetas(method), 1e-8)


def test_data_that_were_let_go_are_asked_for(mroz):
    res = asx.logit("inlf ~ educ", mroz, keep_data=False)
    held = asx.logit("inlf ~ educ", mroz)
    with pytest.raises(asx.InputError, match="data="):
        res.residuals()
    pd.testing.assert_frame_equal(res.augment(data=mroz), held.augment())
    with pytest.raises(asx.InputError, match="changed"):
        res.leverage(data=mroz.assign(educ=mroz["educ"] + 1))


def test_what_does_not_exist_is_said(fits):
    res = fits["logit"]
    with pytest.raises(asx.InputError, match="Did you mean 'pearson'"):
        res.residuals("pearsn")
    with pytest.raises(asx.InputError, match="key="):
        res.residuals("quantile")
    with pytest.raises(asx.InputError, match="no JAX random key"):
        res.residuals("quantile", key=0)
    with pytest.raises(asx.InputError, match="key="):
        res.residuals("pearson", key=KEY)
    with pytest.raises(asx.InputError, match="one-step"):
        res.dfbetas("two-step")
    with pytest.raises(asx.InputError, match="'response' or 'link'"):
        res.augment(type="mean")


def test_familiar_names(mroz, fits):
    line = smf.ols(LINE, mroz).fit()
    res = fits["linear"]
    assert res.rsquared == pytest.approx(line.rsquared, rel=1e-10)
    assert res.rsquared_adj == pytest.approx(line.rsquared_adj, rel=1e-10)
    close(res.resid, line.resid, 1e-11)
    logit = smf.logit(MROZ, mroz).fit(disp=0)
    res = fits["logit"]
    assert res.llr == pytest.approx(logit.llr, rel=1e-7)
    assert res.llr_pvalue == pytest.approx(logit.llr_pvalue, rel=1e-5)
    assert res.prsquared == pytest.approx(logit.prsquared, rel=1e-7)
    close(res.resid_pearson, logit.resid_pearson, 1e-6)
    assert np.isnan(res.rsquared)
    for name, family in (("logit", sm.families.Binomial()), ("poisson", sm.families.Poisson())):
        formula = {"logit": MROZ, "poisson": COUNT}[name]
        theirs = smf.glm(formula, mroz, family=family).fit()
        glance = fits[name].glance().iloc[0]
        assert glance["null.deviance"] == pytest.approx(theirs.null_deviance, rel=1e-9)
        assert glance["df.null"] == mroz.shape[0] - 1
    assert fits["linear"].null_deviance == pytest.approx(line.centered_tss, rel=1e-9)


def test_one_more_row_and_another_formula_compile_nothing():
    def everything(formula, data):
        res = asx.logit(formula, data)
        for kind in ("pearson", "deviance", "working", "score"):
            res.residuals(kind)
        res.dfbetas()
        res.dfbetas("implicit")
        res.leverage()
        res.cooks_distance()
        res.auc(cv=3, key=KEY)
        res.brier()

    everything("y ~ x0 + x1 + x2 + x3", frame(1000))
    with compilations() as found:
        everything("y ~ x0 + x1 + x2 + x3 + x4", frame(1001, seed=1))
    assert found[0] == 0


BROOM = [".fitted", ".se.fit", ".resid", ".hat", ".std.resid", ".cooksd"]


def test_augment_of_several_levels_and_of_several_predictors(mroz):
    data = mroz.assign(area=np.where(mroz["age"] > 45, "c", np.where(mroz["age"] > 36, "b", "a")))
    plain = asx.logit("inlf ~ educ", data).augment()
    assert list(plain.columns[-6:]) == BROOM
    res = asx.glm("area ~ educ", data, family=asx.Multinomial())
    found, predicted = res.augment(), res.predict()
    parts = [f".{part}.{level}" for part in ("fitted", "se.fit", "resid") for level in "abc"]
    assert list(found.columns[-12:]) == [".fitted", *parts, ".hat", ".cooksd"]
    fitted = found[[".fitted.a", ".fitted.b", ".fitted.c"]].to_numpy()
    assert np.allclose(fitted, predicted.to_numpy(), rtol=1e-12)
    assert (found[".fitted"] == predicted.idxmax(axis=1)).all()
    errors = res.predictions(data.head(1)).frame["std.error"]
    assert np.allclose(found[[".se.fit.a", ".se.fit.b", ".se.fit.c"]].iloc[0], errors, rtol=1e-10)
    own = ((data["area"] == "b") - fitted[:, 1]) / np.sqrt(fitted[:, 1] * (1 - fitted[:, 1]))
    assert np.allclose(found[".resid.b"], own, rtol=1e-10)
    both = asx.glm(
        {"mu": "hours ~ educ", "log_sigma": "~ age"}, data, family=asx.LocationScale()
    ).augment(type="link")
    assert {".fitted.mu", ".fitted.log_sigma", ".se.fit.mu", ".resid", ".cooksd"} <= set(both)
