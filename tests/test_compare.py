"""Models side by side and exponentiated coefficients, in every form of table."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from stargazer.stargazer import Stargazer
from stargazer.translators import register_class

import asymptotix as asx
from conftest import MROZ


@pytest.fixture(scope="module")
def models(mroz_fits):
    return tuple(mroz_fits[name] for name in ("logit", "probit", "lpm"))


def test_estimates_stand_over_their_errors(models):
    table = asx.compare(*models)
    assert table.columns == ("Logit", "Probit", "Linear probability")
    lines = {row.label: i for i, row in enumerate(table.rows) if row.label}
    assert list(lines)[:2] == ["nwifeinc", "educ"]
    assert list(lines)[7] == "Intercept"  # last of the coefficients
    for j, res in enumerate(models):
        for name in res.names:
            above, below = (table.rows[lines[name] + k].cells[j] for k in (0, 1))
            assert float(above) == pytest.approx(
                res.params[name], abs=0.5 * 10.0 ** -decimals(above)
            )
            error = below.strip("()")
            assert f"({error})" == below
            assert float(error) == pytest.approx(res.bse[name], abs=0.5 * 10.0 ** -decimals(error))
            assert significant(error) >= 3
    statistics = {row.label: row.cells for row in table.rows if row.section == "Model"}
    assert statistics["Observations"] == ("753", "753", "753")
    assert statistics["Log-likelihood"][0] == f"{models[0].llf:.3f}"
    assert statistics["Covariance"] == ("observed", "observed", "HC1")
    assert statistics["R²"][:2] == ("", "")
    assert "*" not in table.to_text().replace("**", "")  # no stars unless asked for


def decimals(text):
    return len(text.partition(".")[2])


def significant(text):
    return len(text.replace(".", "").lstrip("0"))


def test_text_fits_its_width_and_wraps(models):
    for width in (60, 80, 120):
        text = asx.compare(*models, *models, below="interval").to_text(width)
        assert max(map(len, text.splitlines())) <= width
    assert text.count("nwifeinc") > 1  # in panels below each other


def test_stars_follow_p_values_and_are_explained(models):
    table = asx.compare(models[0], stars=True)
    for name, p in models[0].pvalues.items():
        cell = next(row.cells[0] for row in table.rows if row.label == name)
        assert cell.count("*") == sum(p < level for level in (0.05, 0.01, 0.001))
    assert "p < 0.05" in table.notes[0]


@pytest.mark.parametrize(
    ("below", "shown"),
    [
        ("statistic", lambda r, n: f"({r.tvalues[n]:.3f})"),
        ("p.value", lambda r, n: f"({r.pvalues[n]:.3f})" if r.pvalues[n] > 1e-3 else "(<0.001)"),
    ],
)
def test_other_numbers_below(models, below, shown):
    table = asx.compare(models[0], below=below)
    rows = list(table.rows)
    for name in models[0].names:
        i = next(i for i, row in enumerate(rows) if row.label == name)
        assert rows[i + 1].cells[0] == shown(models[0], name)


def test_models_with_other_terms_and_responses_leave_gaps(mroz):
    short = asx.logit("inlf ~ educ", mroz)
    other = asx.poisson("kidsge6 ~ educ + city", mroz)
    table = asx.compare(short, other, names=["city", "educ"], statistics=["nobs"])
    assert table.rows[0].cells[0] == ""
    assert [r.label for r in table.rows] == ["city", "", "educ", "", "Response", "Observations"]
    assert table.title == "Models"
    failed = pd.DataFrame({"y": [0.0, 0, 0, 1, 1, 1], "x": [1.0, 2, 3, 4, 5, 6]})
    with pytest.warns(asx.FitWarning):
        separated = asx.logit("y ~ x", failed)
    text = asx.compare(short, separated).to_text()
    assert "NOT CONVERGED: (2)" in text
    assert "(—)" in text


def test_odds_ratios_have_carried_limits_and_delta_errors(mroz, mroz_fits):
    res = mroz_fits["logit"]
    plain, found = res.tidy(), res.tidy(exponentiate=True)
    np.testing.assert_allclose(found["estimate"], np.exp(plain["estimate"]), rtol=1e-14)
    np.testing.assert_allclose(found["conf.low"], np.exp(plain["conf.low"]), rtol=1e-14)
    np.testing.assert_allclose(found["conf.high"], np.exp(plain["conf.high"]), rtol=1e-14)
    pd.testing.assert_series_equal(found["p.value"], plain["p.value"])
    delta = res.delta(lambda model: np.e**model.predictor.coef)
    np.testing.assert_allclose(found["std.error"], delta.standard_error, rtol=1e-12)
    theirs = smf.logit(MROZ, mroz).fit(disp=0)
    np.testing.assert_allclose(found["conf.low"], np.exp(theirs.conf_int()[0]), rtol=1e-6)
    assert "Odds ratio" in res.summary(exponentiate=True).to_text()
    wide = res.tidy(0.99, exponentiate=True)
    assert (wide["conf.low"] < found["conf.low"]).all()
    table = asx.compare(res, exponentiate=True, below="interval")
    cell = next(row.cells[0] for row in table.rows if row.label == "educ")
    assert float(cell) == pytest.approx(math.exp(res.params["educ"]), abs=1e-4)
    assert "odds ratios" in table.notes[0]


def test_own_parameters_of_a_family_are_not_exponentiated(mroz):
    data = mroz.assign(y=np.random.default_rng(0).negative_binomial(2, 0.4, len(mroz)))
    res = asx.glm("y ~ educ", data, family=asx.NegativeBinomial())
    found = res.tidy(exponentiate=True)
    assert found["estimate"].iloc[-1] == res.params.iloc[-1]
    assert found["std.error"].iloc[-1] == res.bse.iloc[-1]
    assert asx.compare(res).rows[4].label == "alpha"  # after the intercept


def test_what_cannot_be_compared_is_said(models):
    with pytest.raises(asx.InputError, match="at least one"):
        asx.compare()
    for wrong in (5, list(models), {"a": models[0]}):
        with pytest.raises(asx.InputError, match="one after the other"):
            asx.compare(models[0], wrong)
    with pytest.raises(asx.InputError, match="2 labels for 1"):
        asx.compare(models[0], labels=["a", "b"])
    with pytest.raises(asx.InputError, match="Did you mean 'educ'"):
        asx.compare(models[0], names=["edcu"])
    with pytest.raises(asx.InputError, match="statistic 'nob'"):
        asx.compare(models[0], statistics=["nob"])
    with pytest.raises(asx.InputError, match="below="):
        asx.compare(models[0], below="se")
    with pytest.raises(asx.InputError, match="link probit"):
        models[1].tidy(exponentiate=True)


def test_every_renderer_marks_minus_signs_and_stars(models):
    table = asx.compare(models[0], below="interval", stars=True)
    latex = table.to_latex()
    assert r"nwifeinc & $-0.02135$$^{*}$ \\" in latex
    assert r"{[}$-0.03785$, $-0.00484${]}" in latex
    html = table.to_html()
    assert "−0.02135*" in html
    assert "[−0.03785, −0.00484]" in html
    assert "| nwifeinc | -0.02135\\* |" in table.to_markdown()
    typst = table.to_typst()
    assert "[nwifeinc], [−0.02135\\*]," in typst
    assert typst.count("table.hline") == 4
    assert typst.count("(") == typst.count(")")


def from_statsmodels_names(model):
    """What stargazer asks of a model, by the names of statsmodels' attributes."""
    limits = model.conf_int()
    return {
        "p_values": model.pvalues,
        "cov_values": model.params,
        "cov_std_err": model.bse,
        "r2": model.rsquared,
        "r2_adj": model.rsquared_adj,
        "pseudo_r2": model.prsquared if math.isnan(model.rsquared) else None,
        "degree_freedom": model.df_model,
        "degree_freedom_resid": model.df_resid,
        "nobs": int(model.nobs),
        "dependent_variable": model.endog_names,
        "cov_names": model.params.index.values,
        "conf_int_low_values": limits.iloc[:, 0],
        "conf_int_high_values": limits.iloc[:, 1],
        "resid_std_err": math.sqrt((model.resid**2).sum() / model.df_resid),
        "f_statistic": None,
        "f_p_value": None,
    }


def test_a_table_package_reads_results(mroz):
    register_class(asx.Results, from_statsmodels_names)
    formula = "nwifeinc ~ educ + age"
    ours = asx.linear(formula, mroz)
    theirs = smf.ols(formula, mroz).fit()
    tables = []
    for model in (ours, theirs):
        made = Stargazer([model])
        made.show_f_statistic = False
        tables.append(made.render_latex())
    assert tables[0] == tables[1]
    assert "educ" in tables[0]
