"""Separation: found exactly, said clearly, and the finite coefficients estimated all the same."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import brentq, linprog

import asymptotix as asx
from asymptotix.data.rows import Rows
from asymptotix.fitting.separation import find_separation

FIVE = pd.DataFrame(
    {"x1": [1.0, 3, 2, 6, 5], "x2": [3.0, 5, 4, 2, 1], "y": [1.0, 1, 1, 0, 0]}
)  # five points that a line separates
SEPARATED = "ignore:The data of .* are separated"


def endometrial_like(seed=1, n=79):
    """A dummy whose carriers all have the event, beside two ordinary covariates."""
    rng = np.random.default_rng(seed)
    x, z = rng.standard_normal((2, n))
    dummy = (np.arange(n) < 13).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(0.5 - x + 0.5 * z))).astype(float)
    y[dummy == 1] = 1
    return pd.DataFrame({"y": y, "x": x, "z": z, "dummy": dummy})


def by_program(x, sign, pinned):
    """An independent verdict: is there d with s_i x_i d >= 0, pinned rows still, not all at rest?

    Moves are bounded by 1 each and not the direction by a box, so that the largest number of
    rows that can move is the optimum itself.
    """
    n, k = x.shape
    z = np.where(pinned, 1.0, sign)[:, None] * x
    free = np.flatnonzero(~pinned)
    a_ub = np.hstack([-z[free], np.eye(n)[np.ix_(free, free)]])
    a_eq = np.hstack([z[pinned], np.zeros((pinned.sum(), len(free)))]) if pinned.any() else None
    found = linprog(
        np.r_[np.zeros(k), -np.ones(len(free))],
        A_ub=a_ub,
        b_ub=np.zeros(len(free)),
        A_eq=a_eq,
        b_eq=None if a_eq is None else np.zeros(pinned.sum()),
        bounds=[(None, None)] * k + [(0, 1)] * len(free),
        method="highs",
    )
    moving = np.zeros(n, bool)
    moving[free] = found.x[k:] > 0.5
    return moving


# --- the verdict ----------------------------------------------------------------------------------


def test_five_points_are_completely_separated():
    found = asx.detect_separation("y ~ x1 + x2", FIVE)
    assert found
    assert found.kind == "complete"
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    # both signs of each separate (any line between the classes), that of the widest gap is told
    assert found.coefficients.to_dict() == {
        "Intercept": math.inf, "x1": -math.inf, "x2": math.inf,
    }  # fmt: skip
    assert not found.separation.certain.any()
    assert "x1 → -∞" in repr(found)


def test_quasi_separation_names_one_column_its_sign_and_its_rows():
    data = endometrial_like()
    found = asx.detect_separation("y ~ x + z + dummy", data)
    assert found.kind == "quasi"
    assert found.coefficients.to_dict() == {"Intercept": 0, "x": 0, "z": 0, "dummy": math.inf}
    assert found.rows.tolist() == list(range(13))
    assert found.separation.certain[3]


def test_rows_are_counted_in_the_source_also_after_missing_values():
    data = endometrial_like()
    data = pd.concat([pd.DataFrame({"y": [1.0], "x": [np.nan], "z": 0.0, "dummy": 0.0}), data])
    found = asx.detect_separation("y ~ x + z + dummy", data)
    assert found.rows.tolist() == list(range(1, 14))


def test_a_difference_of_coefficients_may_be_infinite():
    """Within a cell of two dummies only their sum is finite: b + c is, b and c are not."""
    a, b = np.array([0, 0, 0, 0, 1, 1, 1, 1.0]), np.array([0, 0, 0, 0, 0, 1, 1, 1.0])
    y = np.array([0, 1, 0, 1, 1, 1, 0, 1.0])
    found = asx.detect_separation("y ~ a + b", {"y": y, "a": a, "b": b})
    assert found.coefficients.to_dict() == {"Intercept": 0, "a": math.inf, "b": -math.inf}
    assert found.rows.tolist() == [4]


def test_poisson_cells_of_zeros():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.standard_normal(60), "g": np.repeat(list("abc"), 20)})
    data["y"] = rng.poisson(2.0, 60).astype(float) + 1
    data.loc[data["g"] == "b", "y"] = 0.0
    found = asx.detect_separation("y ~ x + g", data, asx.Poisson())
    assert found.coefficients.to_dict() == {
        "Intercept": 0, "g[T.b]": -math.inf, "g[T.c]": 0, "x": 0,
    }  # fmt: skip
    assert found.rows.tolist() == list(range(20, 40))
    # a zero among positive counts with the same covariates holds the direction back
    mixed = data.copy()
    mixed.loc[25, "y"] = 1.0
    assert asx.detect_separation("y ~ g", mixed, asx.Poisson()).kind == "none"
    # means of a square-root link reach 0: no coefficient need be infinite
    assert not asx.detect_separation("y ~ g", data, asx.Poisson(link=asx.SqrtLink()))


def test_grouped_binomial_pins_mixed_groups():
    data = {"s": [0.0, 0, 3, 5, 2], "n": [4.0, 4, 4, 5, 5], "g": list("aabbc")}
    found = asx.detect_separation("s ~ C(g)", data, asx.Binomial(), trials="n")
    assert found.coefficients.to_dict() == {
        "Intercept": -math.inf, "C(g)[T.b]": math.inf, "C(g)[T.c]": math.inf,
    }  # fmt: skip
    assert found.rows.tolist() == [0, 1]


@pytest.mark.parametrize("link", ["Probit", "Cloglog", "Loglog", "Cauchit"])
def test_links_to_open_intervals_have_the_verdict_of_logit(link):
    family = asx.Bernoulli(link=getattr(asx, f"{link}Link")())
    found = asx.detect_separation("y ~ x + z + dummy", endometrial_like(), family)
    assert found.coefficients["dummy"] == math.inf
    assert found.kind == "quasi"


def test_a_log_link_reaches_probability_one_but_not_zero():
    data = endometrial_like()
    family = asx.Bernoulli(link=asx.LogLink())
    assert not asx.detect_separation("y ~ dummy", data, family)
    found = asx.detect_separation("y ~ dummy", data.assign(y=1 - data["y"]), family)
    assert found.coefficients["dummy"] == -math.inf
    assert not asx.detect_separation("y ~ dummy", data, asx.Bernoulli(link=asx.IdentityLink()))


def test_multinomial_levels_that_a_group_never_has():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat([0.0, 1.0], 60), "y": rng.choice(list("abc"), 120)})
    data.loc[(data["g"] == 1) & (data["y"] == "c"), "y"] = "a"
    found = asx.detect_separation("y ~ g", data, asx.Multinomial())
    assert found.coefficients.to_dict() == {
        "b: Intercept": 0, "b: g": 0, "c: Intercept": 0, "c: g": -math.inf,
    }  # fmt: skip


def test_families_without_an_answer_say_so():
    with pytest.raises(asx.InputError, match="does not say") as caught:
        asx.detect_separation("y ~ x1", FIVE, asx.Gaussian())
    assert caught.value.code == "separation"


def random_data(rng):
    n, k = int(rng.integers(8, 40)), int(rng.integers(1, 4))
    x = np.where(rng.random(k) < 0.2, rng.standard_normal((n, k)), rng.random((n, k)) < 0.3)
    return np.column_stack([np.ones(n), x.astype(float)])


def rank(x):
    return np.linalg.matrix_rank(x) == x.shape[1]


@pytest.mark.parametrize("kind", ["logit", "poisson"])
def test_verdicts_of_1000_random_data_sets_agree_with_another_program(kind):
    """Rows, not only verdicts; many of these are separated in part."""
    rng = np.random.default_rng(5 if kind == "logit" else 6)
    seen = {"none": 0, "quasi": 0, "complete": 0}
    tried = 0
    while tried < 500:
        x = random_data(rng)
        slope = rng.standard_normal(x.shape[1]) * rng.choice([0.0, 1.0, 20.0])
        eta = x @ slope
        if kind == "logit":
            y = (rng.random(len(x)) < 1 / (1 + np.exp(-np.clip(eta, -500, 500)))).astype(float)
            sign, pinned = 2 * y - 1, np.zeros(len(x), bool)
            model = asx.Logit(x.shape[1])
        else:
            y = rng.poisson(np.exp(np.clip(eta, -5, 3))).astype(float) * (x[:, -1] < 1.5)
            sign, pinned = -np.ones(len(x)), y > 0
            model = asx.PoissonRegression(x.shape[1])
        if not rank(x):
            continue
        tried += 1
        found = find_separation(model, Rows(x, y), (np.ones(x.shape[1], bool),))
        expected = by_program(x, sign, pinned)
        assert np.array_equal(found.rows, expected)
        seen[found.kind] += 1
    assert min(seen["none"], seen["quasi"]) > 50


def test_no_miss_on_1000_constructed_and_no_false_alarm_on_1000_overlapping():
    rng = np.random.default_rng(7)
    for _ in range(1000):
        n, k = int(rng.integers(10, 40)), int(rng.integers(1, 3))
        x = np.column_stack([np.ones(n), rng.standard_normal((n, k))])
        eta = x @ rng.standard_normal(k + 1)
        ones = (np.ones(k + 1, bool),)
        y = (eta > np.median(eta)).astype(float)
        model = asx.Logit(k + 1)
        assert find_separation(model, Rows(x, y), ones).kind == "complete"
        # every covariate pattern with both outcomes: no direction can move
        twice = Rows(np.vstack([x, x]), np.r_[y, 1 - y])
        assert find_separation(model, twice, ones).kind == "none"


def test_large_data_take_a_working_set():
    rng = np.random.default_rng(8)
    n = 30_000
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 3)), np.arange(n) < 40])
    y = (rng.random(n) < 0.5).astype(float)
    whole = (np.ones(5, bool),)
    assert find_separation(asx.Logit(5), Rows(x, y), whole).kind == "none"
    y[:40] = 0
    found = find_separation(asx.Logit(5), Rows(x, y), whole)
    assert found.signs.tolist() == [0, 0, 0, 0, -1]
    assert found.rows.sum() == 40


# --- the results ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quasi():
    with pytest.warns(asx.FitWarning, match="dummy → ∞; they predict 13 rows") as caught:
        res = asx.logit("y ~ x + z + dummy", endometrial_like())
    assert "0, 1, 2, 3, 4 and 8 more" in str(caught[0].message)
    return res


@pytest.fixture(scope="module")
def reduced():
    data = endometrial_like()
    return asx.logit("y ~ x + z", data[data["dummy"] == 0])


def test_finite_coefficients_are_those_of_the_remaining_rows(quasi, reduced):
    assert quasi.status == "separated"
    assert not quasi.converged
    shared = ["Intercept", "x", "z"]
    assert np.allclose(quasi.params[shared], reduced.params, rtol=1e-10)
    assert np.allclose(quasi.bse[shared], reduced.bse, rtol=1e-10)
    assert np.allclose(quasi.conf_int().loc[shared], reduced.conf_int(), rtol=1e-10)
    assert quasi.params["dummy"] == math.inf
    assert math.isnan(quasi.bse["dummy"])
    assert math.isnan(quasi.pvalues["dummy"])
    assert quasi.llf == pytest.approx(reduced.llf, abs=1e-10)
    assert quasi.deviance == pytest.approx(reduced.deviance, abs=1e-9)
    assert quasi.nobs == 79


def test_other_covariances_and_profiles_of_finite_coefficients(quasi, reduced):
    shared = ["Intercept", "x", "z"]
    robust = quasi.with_cov("HC0")
    assert np.allclose(robust.bse[shared], reduced.with_cov("HC0").bse, rtol=1e-9)
    assert robust.params["dummy"] == math.inf
    assert robust.status == "separated"
    profile = quasi.conf_int(method="profile")
    assert np.allclose(profile.loc[shared], reduced.conf_int(method="profile"), rtol=1e-7)
    assert np.array_equal(profile.loc["dummy"], quasi.conf_int().loc["dummy"])


def test_the_limit_of_an_infinite_coefficient_is_by_profile_likelihood(quasi):
    """The other coefficients are maximised out by statsmodels, with the dummy's as an offset."""
    import statsmodels.api as sm

    data = endometrial_like()
    x = sm.add_constant(data[["x", "z"]])

    def gap(b):
        family = sm.families.Binomial()
        fit = sm.GLM(data["y"], x, family=family, offset=b * data["dummy"]).fit(tol=1e-14)
        return 2 * (quasi.llf - fit.llf) - 3.841458820694124

    lower = brentq(gap, -5, 10, xtol=1e-10)
    assert quasi.conf_int().loc["dummy"].tolist() == pytest.approx([lower, math.inf], rel=1e-7)
    wider = quasi.conf_int(confidence=0.99).loc["dummy"]
    assert wider["lower"] < lower
    assert wider["upper"] == math.inf


def test_the_table_prints_infinities_and_the_reason(quasi):
    text = str(quasi.summary())
    row = next(line for line in text.splitlines() if line.startswith("dummy"))
    assert row.split()[1:5] == ["∞", "—", "—", "—"]
    assert row.endswith("∞")
    assert "NOT CONVERGED (separated)" in text
    assert "dummy → ∞" in text
    assert "nan" not in text.lower()


def test_predictions_are_the_limits(quasi, reduced):
    fitted = quasi.predict()
    assert np.all(fitted[:13] == 1.0)
    assert np.allclose(fitted[13:], reduced.predict(), rtol=1e-9)
    new = pd.DataFrame({"x": [0.0, 0.0], "z": [0.0, 0.0], "dummy": [1.0, 0.0]})
    expected = 1 / (1 + math.exp(-reduced.params["Intercept"]))
    assert quasi.predict(new).tolist() == pytest.approx([1.0, expected], rel=1e-9)


def test_tests_of_finite_coefficients_stand(quasi, reduced):
    assert quasi.wald_test("x = z = 0").statistic == pytest.approx(
        reduced.wald_test("x = z = 0").statistic, rel=1e-9
    )


@pytest.mark.filterwarnings(SEPARATED)
def test_complete_separation_leaves_no_finite_estimate():
    res = asx.logit("y ~ x1 + x2", FIVE)
    assert res.status == "separated"
    assert res.params.tolist() == [math.inf, -math.inf, math.inf]
    assert res.bse.isna().all()
    assert res.llf == pytest.approx(0.0, abs=1e-12)
    limits = res.conf_int()
    assert (limits["lower"] == -math.inf).all()
    assert (limits["upper"] == math.inf).all()
    assert np.allclose(res.predict(), FIVE["y"], atol=1e-12)


@pytest.mark.filterwarnings(SEPARATED)
@pytest.mark.parametrize("link", ["Probit", "Cloglog", "Loglog"])
def test_other_links(link):
    data = endometrial_like()
    family = asx.Bernoulli(link=getattr(asx, f"{link}Link")())
    res = asx.glm("y ~ x + z + dummy", data, family=family)
    rest = asx.glm("y ~ x + z", data[data["dummy"] == 0], family=family)
    assert res.status == "separated"
    assert res.params["dummy"] == math.inf
    shared = ["Intercept", "x", "z"]
    assert np.allclose(res.params[shared], rest.params, rtol=1e-8)
    assert np.allclose(res.bse[shared], rest.bse, rtol=1e-8)
    assert math.isfinite(res.conf_int().loc["dummy", "lower"])


@pytest.mark.filterwarnings(SEPARATED)
def test_poisson_results_with_an_empty_cell_and_an_offset():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.standard_normal(90), "g": np.repeat(list("abc"), 30)})
    data["exposure"] = rng.normal(0, 0.3, 90)
    data["y"] = rng.poisson(np.exp(0.5 + 0.4 * data["x"] + data["exposure"])).astype(float)
    data.loc[data["g"] == "b", "y"] = 0.0
    res = asx.poisson("y ~ x + g", data, offset="exposure")
    rest = asx.poisson("y ~ x + g", data[data["g"] != "b"], offset="exposure")
    shared = ["Intercept", "g[T.c]", "x"]
    assert res.status == "separated"
    assert res.params["g[T.b]"] == -math.inf
    assert np.allclose(res.params[shared], rest.params[shared], rtol=1e-9)
    assert np.allclose(res.bse[shared], rest.bse[shared], rtol=1e-9)
    lower, upper = res.conf_int().loc["g[T.b]"]
    assert lower == -math.inf
    assert math.isfinite(upper)


@pytest.mark.filterwarnings(SEPARATED)
def test_weights_of_every_kind_and_absent_rows():
    data = endometrial_like().assign(w=1.0)
    spoiler = pd.DataFrame({"y": [0.0], "x": 0.0, "z": 0.0, "dummy": 1.0, "w": 0.0})
    both = pd.concat([data, spoiler], ignore_index=True)
    res = asx.logit("y ~ x + z + dummy", both, weights="w", weight_kind="frequency")
    assert res.status == "separated"
    assert res.separated.report.rows.tolist() == list(range(13))
    both.loc[79, "w"] = 1.0
    res = asx.logit("y ~ x + z + dummy", both, weights="w", weight_kind="frequency")
    assert res.converged
    sampled = asx.logit("y ~ x + z + dummy", data, weights="w", weight_kind="sampling")
    assert sampled.params["dummy"] == math.inf
    assert sampled.conf_int().loc["dummy"].isna().all()


def test_a_fit_of_arrays_says_so_too():
    data = endometrial_like()
    x = np.column_stack([np.ones(79), data[["x", "z", "dummy"]]])
    fit = asx.fit(asx.Logit(4), x, data["y"].to_numpy())
    assert fit.status_name == "separated"
    assert not fit.converged
    with pytest.raises(asx.FitError, match="separated"):
        asx.fit(asx.Logit(4), x, data["y"].to_numpy(), throw=True)


@pytest.mark.filterwarnings(SEPARATED)
def test_a_slow_separation_is_not_taken_for_rounding():
    """The Gram factor of these data is lost before the decrement reaches its tolerance."""
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=200), (rng.random(200) < 0.2) * 1.0
    y = np.where(g == 1, 1.0, (rng.random(200) < 0.5) * 1.0)
    assert asx.logit("y ~ x + g", {"y": y, "x": x, "g": g}).status == "separated"


def test_clean_fits_never_ask(monkeypatch, mroz):
    from asymptotix.fitting import separated

    def never(*args):
        raise AssertionError("the linear program was run on clean data")

    monkeypatch.setattr(separated, "find_separation", never)
    assert asx.logit("inlf ~ educ + exper + I(exper**2) + age", mroz).converged


# --- streams --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many_rows():
    """Group c always has the event; seven counts of h."""
    rng = np.random.default_rng(11)
    n = 66_000  # more than a slab
    g, h = rng.integers(0, 3, n), rng.integers(0, 7, n)
    y = (rng.random(n) < 0.2 + 0.05 * h) | (g == 2)
    return pd.DataFrame({"y": y.astype(float), "g": np.array(list("abc"))[g], "h": h / 2})


def test_a_stream_beyond_memory_is_judged_by_its_different_rows(many_rows):
    import pyarrow as pa

    batches = pa.Table.from_pandas(many_rows).to_batches(max_chunksize=20_000)
    stream = asx.stream(batches, memory=1000)
    with pytest.warns(asx.FitWarning, match=r"g\[T.c\] → ∞; they predict \d+ rows perfectly"):
        res = asx.logit("y ~ g + h", stream, cov="HC1", solver=asx.Newton(max_steps=12))
    rest = many_rows[many_rows["g"] != "c"]
    expected = asx.logit("y ~ g + h", rest, cov="HC1")
    finite = ["Intercept", "g[T.b]", "h"]
    assert res.status == "separated"
    assert res.params["g[T.c]"] == math.inf
    assert res.separated.report.count == (many_rows["g"] == "c").sum()
    assert np.allclose(res.params[finite], expected.params, rtol=1e-9)
    assert np.allclose(res.bse[finite], expected.bse, rtol=1e-8)
    with pytest.raises(asx.InputError, match="more memory"):
        res.with_cov("HC0")


def test_a_stream_of_too_many_different_rows_says_what_to_do(many_rows):
    import pyarrow as pa

    data = many_rows.assign(h=np.random.default_rng(12).random(66_000))
    batches = pa.Table.from_pandas(data).to_batches(max_chunksize=20_000)
    with pytest.warns(asx.FitWarning, match=r"diverging.*asx.detect_separation on some"):
        res = asx.logit("y ~ g + h", asx.stream(batches, memory=1000))
    assert res.status == "diverging"
    assert res.bse.isna().all()


# --- several levels -------------------------------------------------------------------------------


def three_levels(n=240):
    """Level c never occurs where g is 1; the other levels overlap everywhere."""
    rng = np.random.default_rng(13)
    g, x = rng.integers(0, 2, n).astype(float), rng.standard_normal(n)
    odds = np.exp(np.column_stack([np.zeros(n), 0.3 + 0.5 * x - 0.4 * g, -0.4 * x - 0.2]))
    odds[g == 1, 2] = 0
    y = (rng.random(n)[:, None] > np.cumsum(odds / odds.sum(axis=1)[:, None], axis=1)).sum(axis=1)
    return pd.DataFrame({"y": np.array(list("abc"))[y], "g": g, "x": x})


def choice_log_likelihood(beta, data):
    """Of b: Intercept, g, x and c: Intercept, x, where rows with g = 1 choose between a and b."""
    one, x, g = np.ones(len(data)), data["x"].to_numpy(), data["g"].to_numpy()
    b, c = beta[0] * one + beta[1] * g + beta[2] * x, beta[3] * one + beta[4] * x
    total = 1 + np.exp(b) + np.where(g == 0, np.exp(c), 0.0)
    seen = np.select([data["y"] == "b", data["y"] == "c"], [b, c], 0.0)
    return seen - np.log(total)


@pytest.fixture(scope="module")
def levels():
    with pytest.warns(asx.FitWarning, match="take away levels from"):
        return asx.glm("y ~ g + x", three_levels(), asx.Multinomial())


FINITE = ["b: Intercept", "b: g", "b: x", "c: Intercept", "c: x"]


def test_finite_coefficients_of_a_multinomial_by_hand(levels):
    data = three_levels()
    beta = levels.params[FINITE].to_numpy()
    assert levels.params["c: g"] == -math.inf
    step = 1e-5 * np.eye(5)
    slopes = np.array([choice_log_likelihood(beta + s, data) for s in step])
    slopes = (slopes - [choice_log_likelihood(beta - s, data) for s in step]) / 2e-5
    assert np.abs(slopes.sum(axis=1)).max() < 1e-7  # the maximum, by numerical differentiation
    assert levels.llf == pytest.approx(choice_log_likelihood(beta, data).sum(), rel=1e-12)

    def gradient(at):
        up = np.array([choice_log_likelihood(at + s, data).sum() for s in step])
        return (up - [choice_log_likelihood(at - s, data).sum() for s in step]) / 2e-5

    wide = 1e-3 * np.eye(5)
    hessian = np.array([(gradient(beta + s) - gradient(beta - s)) / 2e-3 for s in wide])
    assert np.allclose(levels.bse[FINITE], np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=1e-5)
    assert np.isnan(levels.bse["c: g"])
    bread = np.linalg.inv(-hessian)
    robust = np.sqrt(np.diag(bread @ (slopes @ slopes.T) @ bread))
    assert np.allclose(levels.with_cov("HC0").bse[FINITE], robust, rtol=1e-4)


def test_what_else_is_said_of_a_separated_multinomial(levels, tmp_path):
    data = three_levels()
    found = levels.predict()
    assert np.allclose(found.sum(axis=1), 1.0)
    assert found.loc[data["g"] == 1, "c"].max() < 1e-12
    assert found.loc[data["g"] == 0, "c"].min() > 0.005
    assert len(levels.separated.report.rows) == (data["g"] == 1).sum()
    assert "take away levels" in str(levels.summary())
    expected = levels.with_cov("expected")
    assert np.allclose(expected.bse[FINITE], levels.bse[FINITE], rtol=1e-10)
    limits = levels.conf_int(method="profile").loc["c: x"]
    assert limits["lower"] < levels.params["c: x"] < limits["upper"]
    levels.save(tmp_path / "fit.asx")
    again = asx.load(tmp_path / "fit.asx")
    assert np.array_equal(again.bse, levels.bse, equal_nan=True)
    assert again.params["c: g"] == -math.inf


def test_a_multinomial_with_weights_and_a_level_that_a_column_decides():
    """Group 2 has level a only: both other levels go, and its rows are predicted perfectly."""
    data = three_levels().assign(h=0.0, w=np.arange(240) % 3)
    data.loc[:30, ["h", "y"]] = 1.0, "a"
    with pytest.warns(asx.FitWarning, match="separated"):
        res = asx.glm("y ~ g + x + h", data, asx.Multinomial(), weights="w",
                      weight_kind="frequency")  # fmt: skip
    rest = data[data["h"] == 0]
    with pytest.warns(asx.FitWarning, match="separated"):
        expected = asx.glm("y ~ g + x", rest, asx.Multinomial(), weights="w",
                           weight_kind="frequency")  # fmt: skip
    assert list(res.params[["b: h", "c: h", "c: g"]]) == [-math.inf] * 3
    assert np.allclose(res.params[FINITE], expected.params[FINITE], rtol=1e-8)
    assert np.allclose(res.bse[FINITE], expected.bse[FINITE], rtol=1e-8)


# --- another package ------------------------------------------------------------------------------

OTHERS = json.loads((Path(__file__).parent / "data" / "separation.json").read_text())


def test_verdicts_of_firthmodels():
    """Made by tests/oracles/separation.py; its one linear program may leave some directions out."""
    assert sum(case["separation"] for case in OTHERS) > 20
    for case in OTHERS:
        x = np.column_stack([np.ones(len(case["y"])), case["x"]])
        y = np.array(case["y"])
        active = (np.ones(x.shape[1], bool),)
        found = find_separation(asx.Logit(x.shape[1]), Rows(x, y), active)
        assert found is not None
        assert found.is_separated == case["separation"]
        theirs = np.array(case["infinite"])
        assert not (theirs & ~found.infinite).any()
        shared = theirs & found.certain
        assert np.array_equal(found.signs[shared], np.array(case["directions"])[shared])


@pytest.mark.parametrize("position", range(0, 59, 6))
def test_estimates_of_firthmodels(position):
    case = OTHERS[position]
    x = np.column_stack([np.ones(len(case["y"])), case["x"]])
    fit = asx.fit(asx.Logit(x.shape[1]), x, np.array(case["y"]), penalty=asx.Jeffreys())
    assert bool(fit.converged)
    assert np.allclose(fit.model.predictor.coef, case["firth"], rtol=1e-6, atol=1e-7)


def test_quasi_likelihoods_are_separated_as_their_families_are():
    """The others are as without the empty cell, and limits as wide as the dispersion says."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(list("abcd"), 50), "x": rng.standard_normal(200)})
    data["c"] = rng.poisson(2, 200) * (data.g != "b")
    data["s"], data["m"] = np.where(data.g == "b", 0, rng.binomial(5, 0.4, 200)), 5
    for formula, family, options in (
        ("c ~ C(g) + x", asx.QuasiPoisson(), {}),
        ("s ~ C(g) + x", asx.QuasiBinomial(), {"trials": "m"}),
    ):
        with pytest.warns(asx.FitWarning, match="separated"):
            res = asx.glm(formula, data, family=family, **options)
        with pytest.raises(asx.InputError, match="leave dispersion= out"):
            asx.glm(formula, data, family=family, dispersion="deviance", **options)
        rest = asx.glm(formula, data[data.g != "b"], family=family, **options)
        assert res.status == "separated"
        assert res.params["C(g)[T.b]"] == -np.inf
        np.testing.assert_allclose(res.params[list(rest.names)], rest.params, rtol=1e-8)
        np.testing.assert_allclose(res.bse[list(rest.names)], rest.bse, rtol=1e-8)
    with pytest.warns(asx.FitWarning):
        plain = asx.poisson("c ~ C(g)", data)
    with pytest.warns(asx.FitWarning):
        quasi = asx.glm("c ~ C(g)", data, family=asx.QuasiPoisson())
    # without slopes: 2 * 50 * mean_b = q^2 phi at the limit
    q2 = stats.norm.ppf(0.975) ** 2
    base = plain.params["Intercept"]
    for res, phi in ((plain, 1.0), (quasi, quasi.scale)):
        limit = res.conf_int().loc["C(g)[T.b]", "upper"]
        top, y_a, n = limit, data.c[data.g == "a"].sum(), 50

        def fallen(b, y_a=y_a, n=n):  # the other rows' best intercept moves with it
            mean = y_a / (n * (1 + np.exp(b)))
            at = y_a * np.log(mean) - n * mean * (1 + np.exp(b))
            best = y_a * np.log(y_a / n) - y_a
            return 2 * (best - at)

        assert fallen(top) == pytest.approx(q2 * phi, rel=1e-6)
    assert base == pytest.approx(np.log(data.c[data.g == "a"].mean()), rel=1e-9)


def test_the_remedy_that_is_named_is_one_that_the_family_has():
    data = {"y": list("aabbccabab"), "x": [1.0, 2, 3, 4, 9, 10, 1.5, 3.5, 2.5, 3.2]}
    with pytest.warns(asx.FitWarning, match="separated") as said:
        asx.glm("y ~ x", data, family=asx.Multinomial())
    assert any("penalty=asx.LogF()" in str(one.message) for one in said)
    assert asx.glm("y ~ x", data, family=asx.Multinomial(), penalty=asx.LogF()).converged
