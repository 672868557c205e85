"""Linear hypotheses from text, joint Wald, likelihood-ratio and score tests."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

import asymptotix as asx
from asymptotix.core.reference import Chi2, F, Normal, StudentT
from asymptotix.inference.hypotheses import linear_hypothesis
from asymptotix.inference.joint import wald_restrictions
from conftest import MROZ

KEY = jax.random.key(0)
NAMES = ("Intercept", "x1", "x10", "I(exper ** 2)", "C(g)[T.b]", "x1:x10", "a b")


def matrix(text):
    found = linear_hypothesis(text, NAMES)
    return found.matrix.tolist(), found.value.tolist()


def form(**coefficients):
    places = {"c": 0, "x1": 1, "x10": 2, "sq": 3, "b": 4, "inter": 5, "ab": 6}
    row = [0.0] * 7
    for name, value in coefficients.items():
        row[places[name]] = float(value)
    return row


@pytest.mark.parametrize(
    ("text", "rows", "values"),
    [
        ("x1 = 0", [form(x1=1)], [0]),
        ("x1", [form(x1=1)], [0]),
        ("x1 = x10 = 0", [form(x1=1, x10=-1), form(x10=1)], [0, 0]),
        ("x1 == x10", [form(x1=1, x10=-1)], [0]),
        ("2*x1 + x10 = 1", [form(x1=2, x10=1)], [1]),
        ("x1/4 - -x10 = 3 - 1e1", [form(x1=0.25, x10=1)], [-7]),
        ("-(x1 - 2*(x10 + 1)) = 0", [form(x1=-1, x10=2)], [-2]),
        ("x1, x10 = 2", [form(x1=1), form(x10=1)], [0, 2]),
        ("I(exper ** 2) = 0", [form(sq=1)], [0]),
        ("I(exper**2) * 3 = 1", [form(sq=3)], [1]),
        ("C(g)[T.b] = x1:x10", [form(b=1, inter=-1)], [0]),
        ("'a b' = `C( g )[T.b]`", [form(ab=1, b=-1)], [0]),
        ("x1:x10 = x1", [form(inter=1, x1=-1)], [0]),
        ("Intercept + .5 = 0", [form(c=1)], [-0.5]),
    ],
)
def test_texts(text, rows, values):
    assert matrix(text) == (rows, values)


def test_lists_and_arrays():
    assert matrix(["x1", "x10 = 1"]) == ([form(x1=1), form(x10=1)], [0, 1])
    row = np.array(form(x1=1, x10=-2))
    for given in (row, row[None], (row[None], 0.0), (row[None], np.zeros(1))):
        found = linear_hypothesis(given, NAMES)
        assert found.matrix.tolist() == [row.tolist()]
        assert found.text == "x1 - 2*x10 = 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x11 = 0", "no parameter 'x11'. Did you mean 'x1' or"),
        ("'a  c' = 0", "no parameter 'a  c'"),
        ("x1 * x10 = 0", "multiplies parameters"),
        ("1 / x1 = 0", "divides by a parameter"),
        ("x1 / 0 = 0", "divides by zero"),
        ("(x1 = 0", "parenthesis is not closed"),
        ("x1 x10 = 0", "'x10 = 0' is not understood"),
        ("x1 = ", "something is missing"),
        ("x1 + = 2", "a name is missing"),
        ("", "something is missing"),
        ("1 = 0", "holds no parameter"),
        ("x1 = x1", "holds no parameter"),
        ("x1 = 0, x1 = 1", "repeat or contradict"),
        ("x1 = x10 = x1", "repeat or contradict"),
        ("__import__('os') = 0", "no parameter"),
    ],
)
def test_what_cannot_be_read(text, message):
    with pytest.raises(asx.InputError) as caught:
        matrix(text)
    assert message in str(caught.value)


def test_what_is_no_hypothesis():
    for given in (None, 5, {"x1": 0}, object()):
        with pytest.raises(asx.InputError, match="is no hypothesis"):
            linear_hypothesis(given, NAMES)


def test_arrays_that_do_not_fit():
    for given in (np.ones((1, 3)), (np.ones((1, 7)), np.ones(2)), np.full(7, np.nan), []):
        with pytest.raises(asx.InputError):
            linear_hypothesis(given, NAMES)


# --- Wald ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs(mroz):
    return smf.logit(MROZ, mroz).fit(method="newton", tol=1e-14, maxiter=100, disp=0)


@pytest.mark.parametrize(
    "text", ["educ = exper = 0", "2*educ + age = 1", "educ = 0.2, kidslt6 + kidsge6 = -1"]
)
def test_chi2_beside_statsmodels(mroz_fits, theirs, text):
    ours = mroz_fits["logit"].wald_test(text)
    expected = theirs.wald_test(text, scalar=True)
    assert ours.statistic == pytest.approx(float(expected.statistic), rel=1e-7)
    assert ours.p == pytest.approx(float(expected.pvalue), rel=1e-6)
    assert ours.distribution == "chi2"
    assert ours.df == expected.df_denom if expected.distribution == "chi2" else True


def test_f_beside_statsmodels(mroz_fits, mroz):
    text = "educ = exper = 0"
    for kind, keywords in (("HC1", {"cov_type": "HC1", "use_t": True}), ("observed", {})):
        ours = mroz_fits["lpm"].with_cov(kind).wald_test(text)
        expected = smf.ols(MROZ, mroz).fit(**keywords).f_test(text)
        assert ours.statistic == pytest.approx(float(expected.fvalue), rel=1e-8)
        assert ours.p == pytest.approx(float(expected.pvalue), rel=1e-7)
        assert (ours.distribution, ours.df, ours.df_resid) == ("F", 2, expected.df_denom)


def test_one_restriction_is_the_square_of_t(mroz_fits):
    for res in mroz_fits.values():
        for name in res.names:
            test = res.wald_test([name])
            assert test.statistic == pytest.approx(res.tvalues[name] ** 2, rel=1e-10)
            assert test.log_p == pytest.approx(res.log_pvalues[name], rel=1e-9)


def test_spaces_and_quotes_around_names(mroz_fits):
    res = mroz_fits["logit"]
    first = res.wald_test("I(exper**2) = 0")
    assert first.statistic == res.wald_test("`I(exper ** 2)`").statistic
    with pytest.raises(asx.InputError, match="Did you mean 'educ'"):
        res.wald_test("edu = 0")


def test_terms(mroz, mroz_fits):
    data = mroz.assign(g=np.where(mroz["age"] < 40, "a", np.where(mroz["age"] < 50, "b", "c")))
    res = asx.logit("inlf ~ educ + C(g) + C(g):educ", data)
    table = res.wald_terms()
    assert table.index.tolist() == ["Intercept", "educ", "C(g)", "C(g):educ"]
    by_text = res.wald_test("C(g)[T.b] = C(g)[T.c] = 0")
    assert table.loc["C(g)", "statistic"] == pytest.approx(by_text.statistic, rel=1e-12)
    assert table.loc["C(g)", "df"] == 2
    near = pytest.approx([by_text.p, by_text.log_p], rel=1e-12)  # as their statistics are
    assert table.loc["C(g)", ["p", "log_p"]].tolist() == near
    theirs = smf.logit("inlf ~ educ + C(g) + C(g):educ", data).fit(disp=0, tol=1e-14)
    expected = theirs.wald_test_terms(scalar=True).table.loc[table.index]
    np.testing.assert_allclose(table["statistic"], expected["statistic"].to_numpy(float), rtol=1e-5)


def test_a_function_of_the_model(mroz_fits):
    """The ratio of two coefficients, its error by the delta method on paper."""
    res = mroz_fits["logit"]
    i, j = res.names.index("educ"), res.names.index("age")

    def ratio(model):
        return model.predictor.coef[i] / model.predictor.coef[j] + 2.0

    b, v = res.params.to_numpy(), res.cov_params().to_numpy()
    gradient = np.zeros(len(b))
    gradient[i], gradient[j] = 1 / b[j], -b[i] / b[j] ** 2
    expected = (b[i] / b[j] + 2) ** 2 / (gradient @ v @ gradient)
    test = res.wald_test(ratio)
    assert test.statistic == pytest.approx(expected, rel=1e-9)
    assert test.hypothesis == "ratio = 0"
    two = res.wald_test(lambda m: jnp.stack([m.predictor.coef[i], m.predictor.coef[j]]))
    assert two.statistic == pytest.approx(res.wald_test(["educ", "age"]).statistic, rel=1e-9)


def test_p_values_that_underflow():
    """Sixty standard errors away, and a chi2 of 5,000."""
    names, zero = ("a", "b"), np.zeros(2)
    at_60 = wald_restrictions(
        [60.0, 0.0], np.eye(2), linear_hypothesis("a", names), Normal(), names
    )
    assert at_60.p == 0
    assert at_60.log_p == pytest.approx(float(np.log(2) + stats.norm.logsf(60)), rel=1e-12)
    five = np.array([math.sqrt(2500), -math.sqrt(2500)])
    both = linear_hypothesis("a = b = 0", names)
    chi2 = wald_restrictions(five, np.eye(2), both, Normal(), names)
    assert chi2.statistic == pytest.approx(5000, rel=1e-12)
    assert chi2.log_p == pytest.approx(-2500, rel=1e-12)  # chi2(2) is exponential
    assert "e-1086" in str(chi2)
    f = wald_restrictions(five, np.eye(2), both, StudentT(10), names)
    assert f.log_p == pytest.approx(-5 * math.log1p(2 * 2500 / 10), rel=1e-12)  # F(2, d) is Pareto
    assert wald_restrictions(zero, np.eye(2), both, Normal(), names).p == 1


def test_withheld_where_the_covariance_is_not_definite(mroz_fits):
    names = ("a", "b")
    both = linear_hypothesis("a = b = 0", names)
    for v in (np.full((2, 2), np.nan), np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones((2, 2))):
        test = wald_restrictions([1.0, 2.0], v, both, Normal(), names)
        assert math.isnan(test.statistic)
        assert math.isnan(test.log_p)
        assert "not exist or is not positive definite" in test.note
        assert "withheld" in str(test)


def test_joint_tests_of_an_indefinite_covariance_are_withheld(mroz):
    """Two groupings of few clusters: inclusion-exclusion leaves a negative eigenvalue."""
    i = np.arange(len(mroz))
    data = mroz.assign(a=i % 4, b=i // 20 % 3)
    res = asx.linear("nwifeinc ~ educ + age + kidslt6", data, cov=asx.Cluster("a", "b"))
    assert res.covariance.status_name == "indefinite"
    assert np.linalg.eigvalsh(res.cov_params()).min() < 0
    known = [name for name in res.names if np.isfinite(res.bse[name])]
    assert len(known) >= 2
    for name in known:  # coefficients of positive variance keep their tests
        test = res.wald_test([name])
        assert test.statistic == pytest.approx(res.tvalues[name] ** 2, rel=1e-9)
    blocks = [
        (m, n)
        for m in known
        for n in known
        if m < n and np.linalg.eigvalsh(res.cov_params().loc[[m, n], [m, n]]).min() > 0
    ]
    assert blocks  # definite in themselves, and not to be trusted
    k = [res.names.index(n) for n in blocks[0]]
    for joint in (
        res.wald_test(list(blocks[0])),
        res.wald_test(lambda m: m.predictor.coef[jnp.array(k)]),
    ):
        assert math.isnan(joint.statistic)
        assert "not positive semidefinite" in joint.note
        assert "p withheld" in str(joint)
    small = asx.linear("nwifeinc ~ educ", data)
    assert "Wald: The covariance of the estimates is not" in str(asx.anova(small, res, test="Wald"))
    with pytest.warns(asx.FitWarning, match="joint tests are withheld"):
        table = res.simultaneous_intervals(key=KEY, draws=1000)
    assert table[["lower", "upper", "p"]].isna().all(axis=None)
    assert "joint tests are withheld" in str(res.summary())
    mended = res.with_cov(asx.Cluster("a", "b", psd="eigen"))
    assert mended.covariance.status_name == "converged"


def test_why_a_test_is_withheld(mroz, quiet):
    separated = asx.logit("y ~ x", {"y": [0.0, 0, 0, 1, 1, 1], "x": [1.0, 2, 3, 4, 5, 6]})
    assert separated.wald_test("x").note == (
        "The fit is separated, so that the covariance of its estimates is withheld."
    )
    data = mroz.assign(alone=(np.arange(len(mroz)) == 7) * 1.0)
    exact = asx.linear("nwifeinc ~ educ + alone", data, cov="HC3")
    for text in ("educ = 0", "educ = alone = 0"):
        assert "a row has leverage one" in exact.wald_test(text).note


def test_omitted_coefficients(mroz):
    with pytest.warns(asx.CollinearWarning):
        res = asx.logit("inlf ~ educ + I(2*educ) + age", mroz)
    with pytest.raises(asx.InputError, match="was omitted from the fit"):
        res.wald_test("I(2 * educ) = 0")
    assert np.isfinite(res.wald_test("educ = age = 0").statistic)
    assert np.isnan(res.wald_terms().loc["I(2 * educ)", "statistic"])


def test_the_record(mroz_fits):
    test = mroz_fits["lpm"].wald_test("educ = exper = 0")
    assert test.reference == F(2, 745)
    assert str(test).startswith("Wald test of educ = exper = 0\nF = ")
    assert "reference F(2, 745), p = " in str(test)
    assert dataclasses.replace(test, log_p=math.log(0.25)).p == 0.25
    assert mroz_fits["logit"].wald_test("educ").reference == Chi2(1)


# --- likelihood ratio, anova and score ----------------------------------------------------------


@pytest.fixture(scope="module")
def nest(mroz):
    texts = ["inlf ~ educ", "inlf ~ educ + age", "inlf ~ educ + age + kidslt6 + exper"]
    return [asx.logit(text, mroz) for text in texts]


def test_lr_by_hand(nest):
    test = asx.lr_test(nest[0], nest[2])
    assert test.statistic == pytest.approx(2 * (nest[2].llf - nest[0].llf), rel=1e-12)
    assert test.df == 3
    assert test.log_p == pytest.approx(stats.chi2.logsf(test.statistic, 3), rel=1e-9)


def test_nested_by_column_space_and_not_by_name(mroz):
    """age + educ, their sum and difference, and an interaction coded in two ways."""
    data = mroz.assign(s=mroz["age"] + mroz["educ"], d=mroz["age"] - mroz["educ"])
    small = asx.logit("inlf ~ I(3 * age + 1)", data)
    large = asx.logit("inlf ~ s + d", data)
    direct = asx.logit("inlf ~ age + educ", data)
    plain = asx.logit("inlf ~ age", data)
    assert asx.lr_test(small, large).statistic == pytest.approx(
        asx.lr_test(plain, direct).statistic, rel=1e-9
    )
    ours, named = asx.anova(small, large), asx.anova(plain, direct)
    for name in ("LR", "score", "Wald"):
        assert ours.tests[0][name].statistic == pytest.approx(
            named.tests[0][name].statistic, rel=1e-8
        )
    assert named.tests[0]["Wald"].statistic == pytest.approx(
        direct.wald_test("educ = 0").statistic, rel=1e-9
    )


def test_what_is_no_result_or_no_terms(nest):
    for refused in (
        lambda: asx.lr_test(nest[0], "inlf ~ educ"),
        lambda: asx.anova(nest),
        lambda: asx.anova(nest, nest[0]),
    ):
        with pytest.raises(asx.InputError, match=r"asx.anova\(small, large\)|at least two"):
            refused()
    for added in ("", "~ exper", 5):
        with pytest.raises(asx.InputError, match="must be the terms to add"):
            nest[0].score_test(added)


def test_anova_table(nest):
    table = asx.anova(*nest)
    frame = table.frame()
    assert frame["df"].tolist()[1:] == [1, 2]
    assert frame["LR"].iloc[1:].sum() == pytest.approx(asx.lr_test(nest[0], nest[2]).statistic)
    assert frame["log_likelihood"].tolist() == [m.llf for m in nest]
    assert "Model 3: inlf ~ educ + age + kidslt6 + exper" in str(table)
    assert list(asx.anova(*nest, test="Wald").frame().columns[-3:]) == [
        "Wald", "Wald p", "Wald log_p"]  # fmt: skip


def test_score_beside_statsmodels(nest, mroz):
    y, x = mroz["inlf"].to_numpy(float), np.column_stack([np.ones(753), mroz["educ"]])
    glm = sm.GLM(y, x, family=sm.families.Binomial())
    added = mroz[["age", "kidslt6"]].to_numpy(float)
    params = glm.fit(tol=1e-14).params
    expected = glm.score_test(params, exog_extra=added)
    ours = nest[0].score_test("age + kidslt6")
    assert ours.statistic == pytest.approx(float(np.squeeze(expected[0])), rel=1e-8)
    assert ours.df == 2
    by_arrays = asx.score_test(nest[0].fit, nest[0].rows(), added)
    assert by_arrays.statistic == pytest.approx(ours.statistic, rel=1e-12)


def test_score_of_a_probit_by_hand(mroz):
    """Observed and expected information and the robust form, from formulas on paper."""
    res = asx.probit("inlf ~ educ", mroz)
    y = mroz["inlf"].to_numpy(float)
    x = np.column_stack([np.ones(753), mroz["educ"], mroz["age"], mroz["kidslt6"]])
    eta = x[:, :2] @ res.params.to_numpy()
    sign = 2 * y - 1
    mills = sign * np.exp(stats.norm.logpdf(eta) - stats.norm.logcdf(sign * eta))
    scores = x * mills[:, None]
    s = scores.sum(axis=0)
    phi, cdf = stats.norm.pdf(eta), stats.norm.cdf(eta)
    expected = (x * (phi**2 / (cdf * (1 - cdf)))[:, None]).T @ x
    observed = (x * (mills * (mills + eta))[:, None]).T @ x
    for name, information in (("expected", expected), ("observed", observed)):
        ours = res.score_test("age + kidslt6", information=name)
        assert ours.statistic == pytest.approx(s @ np.linalg.solve(information, s), rel=1e-8)
        map_ = np.hstack([-information[2:, :2] @ np.linalg.inv(information[:2, :2]), np.eye(2)])
        middle = map_ @ (scores.T @ scores) @ map_.T
        robust = res.score_test("age + kidslt6", information=name, robust=True)
        assert robust.statistic == pytest.approx(s[2:] @ np.linalg.solve(middle, s[2:]), rel=1e-8)
    assert res.with_cov("HC0").score_test("age + kidslt6").name == "Robust score test"


def test_score_of_terms_partly_there(mroz, nest):
    """What the model spans already is left out; names of the caller may be used."""
    power = 2  # noqa: F841 (the formula reads it)
    ours = nest[1].score_test("I(age**power) + I(age + educ)")
    assert ours.df == 1
    assert ours.statistic == pytest.approx(nest[1].score_test("I(age**2)").statistic, rel=1e-12)
    with pytest.raises(asx.InputError, match="hold nothing that the model has not"):
        nest[1].score_test("I(age + educ)")
    with pytest.raises(asx.InputError, match="must be 'expected' or 'observed'"):
        nest[1].score_test("exper", information="opg")
    missing = mroz.assign(z=mroz["exper"].where(mroz["exper"] > 2))
    res = asx.logit("inlf ~ educ", missing)
    with pytest.raises(asx.InputError, match=r"are missing in .* rows of the fit"):
        res.score_test("z")


def test_score_of_many_rows():
    """Streamed over slabs: frequency weights against repeated rows."""
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(12), rng.standard_normal(12)])
    added = rng.standard_normal((12, 2))
    y = np.array([0.0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1])
    times = 6000
    weighted = asx.Rows(x, y, weights=np.full(12, float(times)), weight_kind="frequency")
    long = asx.Rows(np.repeat(x, times, axis=0), np.repeat(y, times))
    for robust in (False, True):
        a = asx.score_test(asx.fit(asx.Logit(2), weighted), weighted, added, robust=robust)
        b = asx.score_test(
            asx.fit(asx.Logit(2), long), long, np.repeat(added, times, axis=0), robust=robust
        )
        assert a.statistic == pytest.approx(b.statistic, rel=1e-9)


def test_score_of_terms_added_to_a_network():
    import equinox as eqx
    import jax

    class Line(eqx.Module):
        weight: jax.Array = asx.parameter()

        def __call__(self, xi):
            return xi @ self.weight

    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(90), rng.standard_normal(90)])
    z, y = rng.standard_normal((90, 2)), (rng.uniform(size=90) < 0.4).astype(float)
    rows = asx.Rows(x, y)
    network = asx.fit(asx.Regression(asx.Network(Line(jnp.zeros(2))), asx.Bernoulli()), rows)
    linear = asx.fit(asx.Logit(2), rows)
    for robust in (False, True):
        ours = asx.score_test(network, rows, z, robust=robust)
        expected = asx.score_test(linear, rows, z, robust=robust)
        assert ours.statistic == pytest.approx(expected.statistic, rel=1e-8)


def test_models_that_cannot_be_compared(nest, mroz, mroz_fits):
    other = asx.logit("inlf ~ exper", mroz)
    with pytest.raises(asx.InputError, match="its column 'exper' is no combination"):
        asx.lr_test(other, nest[1])
    with pytest.raises(asx.InputError, match="give the smaller model first"):
        asx.lr_test(nest[2], nest[1])
    with pytest.raises(asx.InputError, match="different families or links"):
        asx.lr_test(asx.probit("inlf ~ educ", mroz), nest[1])
    with pytest.raises(asx.InputError, match="different responses"):
        asx.lr_test(asx.logit("I(1 - inlf) ~ educ", mroz), nest[1])
    with pytest.raises(asx.InputError, match="different offsets"):
        asx.lr_test(asx.logit("inlf ~ educ", mroz, offset="city"), nest[1])
    fewer = mroz.assign(age=mroz["age"].where(mroz["age"] > 31))
    with pytest.warns(asx.MissingRowsWarning):
        short = asx.logit("inlf ~ educ + age", fewer)
    with pytest.raises(asx.InputError, match="because of missing values"):
        asx.lr_test(nest[0], short)
    with pytest.raises(asx.InputError, match="HC1 errors say that it may not be"):
        asx.lr_test(nest[0].with_cov("HC1"), nest[1])
    sampled = [
        asx.logit(t, mroz, weights="exper", weight_kind="sampling", cov="observed")
        for t in ("inlf ~ educ", "inlf ~ educ + age")
    ]
    with pytest.raises(asx.InputError, match="pseudo-likelihood"):
        asx.lr_test(*sampled)
    with pytest.raises(asx.InputError, match="at least two"):
        asx.anova(nest[0])
    with pytest.raises(asx.InputError, match="Did you mean 'score'"):
        asx.anova(*nest, test="scor")


def test_data_that_changed(mroz):
    data = mroz.copy()
    res = asx.logit("inlf ~ educ", data)
    data["educ"] = data["educ"] + pd.Series(np.arange(753) % 2)
    with pytest.raises(asx.InputError, match="changed since the fit"):
        res.score_test("age")


# --- sizes --------------------------------------------------------------------------------------


def within(shares, level, replications):
    """Whether shares of rejections are within three Monte-Carlo standard errors of a level."""
    error = math.sqrt(level * (1 - level) / replications)
    return bool(np.all(np.abs(np.asarray(shares) - level) < 3 * error))


def test_sizes_under_the_null():
    """4,000 samples of 400 rows, all refitted at once; the first as a user would test it."""
    n, replications = 400, 4000
    rng = np.random.default_rng(12)
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 3))])
    y = (rng.uniform(size=(replications, n)) < 1 / (1 + np.exp(-0.5 * x[:, 1]))).astype(float)
    small = asx.fit_many(asx.Logit(2), x[:, :2], y)
    large, cov = asx.fit_many(asx.Logit(4), x, y, cov="observed")
    lr = 2 * (np.asarray(large.log_likelihood) - np.asarray(small.log_likelihood))
    b, v = np.asarray(large.model.predictor.coef)[:, 2:], np.asarray(cov.matrix)[:, 2:, 2:]
    wald = np.einsum("ri,ri->r", b, np.linalg.solve(v, b[:, :, None])[:, :, 0])
    mu = 1 / (1 + np.exp(-np.asarray(small.model.predictor.coef) @ x[:, :2].T))
    s = (y - mu) @ x
    information = np.einsum("rn,ni,nj->rij", mu * (1 - mu), x, x, optimize=True)
    score = np.einsum("ri,ri->r", s, np.linalg.solve(information, s[:, :, None])[:, :, 0])
    found = np.array([lr, score, wald])
    sample = {"y": y[0], "x1": x[:, 1], "x2": x[:, 2], "x3": x[:, 3]}
    table = asx.anova(asx.logit("y ~ x1", sample), asx.logit("y ~ x1 + x2 + x3", sample)).frame()
    np.testing.assert_allclose(table[["LR", "score", "Wald"]].iloc[1], found[:, 0], rtol=1e-8)
    sizes = np.mean(found > stats.chi2.ppf(0.95, 2), axis=1)
    assert within(sizes, 0.05, replications), sizes


def test_size_of_the_robust_score_test_where_the_variance_is_wrong():
    """Least squares with a variance that grows with the added column: 5% only if robust."""
    n, replications = 400, 4000
    rng = np.random.default_rng(14)
    x = np.column_stack([np.ones(n), rng.standard_normal(n)])
    added = rng.standard_normal((n, 1))
    y = 1 + added[:, 0] ** 2 * rng.standard_normal((replications, n))
    fits = asx.fit_many(asx.LinearRegression(2), x, y)
    residual = y - np.asarray(fits.model.predictor.coef) @ x.T
    left = added[:, 0] - x @ np.linalg.lstsq(x, added[:, 0], rcond=None)[0]
    s = residual @ left
    plain = s**2 / (left @ left) / np.asarray(fits.dispersion)
    robust = s**2 / np.einsum("rn,n->r", residual**2, left**2)
    for i in range(3):
        rows = asx.Rows(x, y[i])
        fit = asx.fit(asx.LinearRegression(2), rows)
        for kind, statistic in ((True, robust), (False, plain)):
            ours = asx.score_test(fit, rows, added, robust=kind).statistic
            assert ours == pytest.approx(statistic[i], rel=1e-8)
    limit = stats.chi2.ppf(0.95, 1)
    assert within(np.mean(robust > limit), 0.05, replications)
    assert np.mean(plain > limit) > 0.15


# --- predictors of several components ------------------------------------------------------------


def test_location_and_scale():
    rng = np.random.default_rng(6)
    x, z = rng.standard_normal((2, 150))
    data = {"x": x, "z": z, "y": 1 + x + np.exp(0.3 * z) * rng.standard_normal(150)}
    family = asx.LocationScale()
    small = asx.glm({"mu": "y ~ x", "log_sigma": "~ 1"}, data, family)
    large = asx.glm({"mu": "y ~ x + z", "log_sigma": "~ I(2 * z)"}, data, family)
    lr = asx.lr_test(small, large)
    assert lr.df == 2
    assert lr.statistic == pytest.approx(2 * (large.llf - small.llf), rel=1e-10)
    wald = asx.anova(small, large, test=("LR", "Wald")).tests[0]["Wald"]
    named = large.wald_test("mu: z = log_sigma: I(2 * z) = 0")
    assert wald.statistic == pytest.approx(named.statistic, rel=1e-9)
    assert large.wald_terms().index.tolist()[-1] == "log_sigma: I(2 * z)"
    with pytest.raises(asx.InputError, match="test=\\('LR', 'Wald'\\)"):
        asx.anova(small, large)
    with pytest.raises(asx.InputError, match="not said to which of them"):
        small.score_test("z")
    with pytest.raises(asx.InputError, match="several components"):
        small.link_test()
    swapped = asx.glm({"mu": "y ~ 1", "log_sigma": "~ x"}, data, family)
    with pytest.raises(asx.InputError, match="is not nested"):
        asx.lr_test(swapped, large)


def test_multinomial_terms_are_tested_in_all_equations():
    rng = np.random.default_rng(7)
    x, z = rng.standard_normal((2, 200))
    data = {"g": np.array(["a", "b", "c"])[rng.integers(0, 3, 200)], "x": x, "z": z}
    res = asx.glm("g ~ x + z", data, asx.Multinomial())
    table = res.wald_terms()
    assert table["df"].tolist() == [2, 2, 2]
    both = res.wald_test("b: z = c: z = 0")
    assert table.loc["z", "statistic"] == pytest.approx(both.statistic, rel=1e-12)
    lr = asx.lr_test(asx.glm("g ~ x", data, asx.Multinomial()), res)
    assert lr.df == 2
    theirs = [
        sm.MNLogit(data["g"], np.column_stack(c)).fit(method="newton", tol=1e-13, disp=0).llf
        for c in ([np.ones(200), x], [np.ones(200), x, z])
    ]
    assert lr.statistic == pytest.approx(2 * (theirs[1] - theirs[0]), rel=1e-7)


# --- clustered errors, quasi-likelihoods ---------------------------------------------------------


def test_references_of_clustered_errors(mroz):
    """F(q, G - 1), the fewest degrees of freedom of CR2, and refits with the same kind."""
    data = mroz.assign(firm=np.arange(len(mroz)) % 37)
    res = asx.linear("nwifeinc ~ educ + age", data, cov=asx.Cluster("firm"))
    joint = res.wald_test("educ = age = 0")
    assert joint.reference == F(2, 36)
    b, v = res.params.to_numpy()[1:], res.cov_params().to_numpy()[1:, 1:]
    assert joint.statistic == pytest.approx(b @ np.linalg.solve(v, b) / 2, rel=1e-9)
    assert res.reset_test().reference == F(2, 36)
    adjusted = res.with_cov(asx.Cluster("firm", correction="CR2"))
    df = adjusted.reference.df
    assert adjusted.wald_test("educ = age = 0").df_resid == pytest.approx(min(df[1:]))
    one = adjusted.wald_test("age = 0")
    assert one.df_resid == pytest.approx(df[2])
    assert one.log_p == pytest.approx(adjusted.log_pvalues["age"], rel=1e-9)
    with pytest.raises(asx.InputError, match="no form that matches"):
        res.score_test("kidslt6")
    assert res.score_test("kidslt6", robust=True).name == "Robust score test"


def test_quasi_likelihoods_have_wald_tests_only(mroz):
    small = asx.glm("kidsge6 ~ educ", mroz, asx.QuasiPoisson())
    large = asx.glm("kidsge6 ~ educ + age", mroz, asx.QuasiPoisson())
    poisson = asx.poisson("kidsge6 ~ educ + age", mroz)
    ours, plain = large.wald_test("age"), poisson.wald_test("age")
    assert ours.statistic == pytest.approx(plain.statistic / large.scale, rel=1e-8)
    assert ours.distribution == "F"
    for refused in (
        lambda: asx.lr_test(small, large),
        lambda: small.score_test("age"),
        lambda: large.conf_int(method="profile"),
        lambda: large.information_matrix_test(),
    ):
        with pytest.raises(asx.InputError, match="quasi-likelihood"):
            refused()
    robust = small.score_test("age", robust=True)
    assert robust.statistic == pytest.approx(
        asx.poisson("kidsge6 ~ educ", mroz).score_test("age", robust=True).statistic, rel=1e-8
    )
    assert np.isfinite(large.reset_test().statistic)


def test_penalised_fits_are_refused(mroz):
    data = mroz[["inlf", "educ", "age"]]
    res = asx.logit("inlf ~ educ + age", data, penalty=asx.Ridge(1.0))
    smaller = asx.logit("inlf ~ educ", data)
    with pytest.raises(asx.InputError, match="with a penalty; use Wald tests"):
        res.conf_int(method="score")
    with pytest.raises(asx.InputError, match="different penalties"):
        asx.lr_test(smaller, res)
    with pytest.raises(asx.InputError, match="with a penalty; use Wald tests"):
        asx.anova(smaller, res)
