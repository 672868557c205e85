"""Rare events, extreme scales and saturated models: estimates that other packages lose."""

import json
import math
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest

import asymptotix as asx

DATA = Path(__file__).parent / "data"


def coef(fit):
    return np.asarray(fit.model.predictor.coef)


def errors(fit, x, y, **row_fields):
    return np.asarray(asx.covariance(fit, x, y, **row_fields).standard_errors)


# --- least squares against certified values -------------------------------------------------------


def certified(name):
    found = json.loads((DATA / "certified.json").read_text())[name]
    table = np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1)
    powers = np.arange(0 if found["intercept"] else 1, found["degree"] + 1)
    x, y = table[:, 1:] ** powers, table[:, 0]
    return x, y, np.array(found["coef"], float), np.array(found["std_error"], float)


@pytest.mark.parametrize("name", ["noint1", "noint2"])
def test_nist_without_intercept(name):
    x, y, beta, se = certified(name)
    fit = asx.fit(asx.LinearRegression(1), x, y)
    assert np.allclose(coef(fit), beta, rtol=1e-13)
    assert np.allclose(errors(fit, x, y), se, rtol=1e-11)


@pytest.mark.parametrize("name", [f"wampler{i}" for i in range(1, 6)])
def test_nist_polynomials_of_degree_five(name):
    """Nine digits also where residuals are 1e2 and 1e4 times the polynomial's own size.

    Methods that round residuals to float64 have 8 and 6 there.
    """
    x, y, beta, se = certified(name)
    fit = asx.fit(asx.LinearRegression(6), x, y)
    assert bool(fit.converged)
    assert np.abs(coef(fit) / beta - 1).max() < 1e-9
    if se.any():
        assert np.abs(errors(fit, x, y) / se - 1).max() < 1e-9
    else:  # a perfect fit: what is left is rounding
        assert errors(fit, x, y).max() < 1e-8


def exact(x, y, weight):
    """Weighted least squares in 60 digits, of the numbers that float64 holds."""
    with mpmath.workdps(60):
        a, b = mpmath.matrix(x.tolist()), mpmath.matrix(y.tolist())
        w = mpmath.diag(weight.tolist())
        found = mpmath.lu_solve(a.T * w * a, a.T * w * b)
        return np.array([float(v) for v in found])


POWERS_OF_A_YEAR = """
import numpy as np
rng = np.random.default_rng(degree)
year = np.arange(1990.0, 2021.0)
x = ((year - 1900)[:, None]) ** np.arange(degree + 1)
weight, offset = rng.integers(0, 5, 31).astype(float), 1000 * rng.random(31)
y = (year - 1900) + 1e6 * rng.standard_normal(31)
"""
FITTED = """
import asymptotix as asx
given = {"weights": weight, "weight_kind": "precision", "offset": offset}
fit = asx.fit(asx.LinearRegression(degree + 1), x, y, **given)
print(fit.model.predictor.coef.tolist())
"""


@pytest.mark.parametrize("degree", [4, 6])
def test_least_squares_to_the_last_digits(degree):
    """Weights, an offset and large residuals on the powers of a year, against mpmath.

    In a process of its own, with the compiler's optimisations, which the other tests go without:
    fused multiplications are worth a digit here (1.4e-10 in place of 1.2e-9).
    """
    code = f"degree = {degree}" + POWERS_OF_A_YEAR + FITTED
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    data = {"degree": degree}
    exec(POWERS_OF_A_YEAR, data)
    # y - offset is rounded once here, and not in the fit
    expected = exact(data["x"], data["y"] - data["offset"], data["weight"])
    assert np.allclose(json.loads(run.stdout), expected, rtol=1e-9)


# --- scales ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [asx.Bernoulli(), asx.Poisson()])
def test_badly_scaled_columns_match_standardised_ones(family):
    rng = np.random.default_rng(1)
    z = rng.standard_normal((400, 3))
    year = 2000 + rng.integers(-5, 6, 400).astype(float)
    eta = 0.3 + z @ [0.5, -0.4, 0.2] + 0.05 * (year - 2000)
    y = (rng.random(400) < 1 / (1 + np.exp(-eta))).astype(float)
    data = pd.DataFrame({"y": y, "a": z[:, 0] * 1e8, "b": z[:, 1] * 1e-8, "c": z[:, 2]})
    data["t"] = year
    plain = data.assign(a=z[:, 0], b=z[:, 1])
    raw = asx.glm("y ~ a + b + c + t", data, family)
    nice = asx.glm("y ~ a + b + c + t", plain, family)
    scale = np.array([1, 1e-8, 1e8, 1, 1])
    assert np.allclose(raw.params, nice.params * scale, rtol=1e-8)
    assert np.allclose(raw.bse, nice.bse * scale, rtol=1e-8)


def test_powers_of_a_year_match_powers_of_its_distance():
    rng = np.random.default_rng(2)
    t = rng.integers(-5, 6, 500).astype(float)
    y = (rng.random(500) < 1 / (1 + np.exp(-(0.2 + 0.1 * t - 0.03 * t**2)))).astype(float)
    raw = asx.logit("y ~ year + I(year**2)", {"y": y, "year": 2000 + t})
    nice = asx.logit("y ~ t + I(t**2)", {"y": y, "t": t})
    assert raw.llf == pytest.approx(nice.llf, rel=1e-10)
    assert raw.params.iloc[2] == pytest.approx(nice.params.iloc[2], rel=1e-7)
    assert raw.bse.iloc[2] == pytest.approx(nice.bse.iloc[2], rel=1e-7)
    assert np.allclose(raw.predict(), nice.predict(), rtol=1e-7)


# --- rare events and far tails --------------------------------------------------------------------


def test_twenty_events_in_a_hundred_thousand_rows():
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    n = 100_000
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 2))])
    score = x @ [0, 1.5, -1.0] + rng.logistic(size=n)
    y = (score >= np.sort(score)[-20]).astype(float)
    fit = asx.fit(asx.Logit(3), x, y)
    oracle = sm.Logit(y, x).fit(disp=0, tol=1e-14, maxiter=100)
    assert y.sum() == 20
    assert fit.status_name == "converged"
    assert np.allclose(coef(fit), oracle.params, rtol=1e-9)
    assert np.allclose(errors(fit, x, y), oracle.bse, rtol=1e-8)


def test_an_intercept_of_minus_fifteen():
    """Rows stand for 1e9 each by their weights, so that so rare an event is seen at all."""
    x = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    y = np.array([0.0, 1, 0, 1])
    weights = np.array([1e9, 306.0, 1e9, 832.0])
    fit = asx.fit(asx.Logit(2), x, y, weights=weights, weight_kind="frequency")
    low, high = math.log(306 / 1e9), math.log(832 / 1e9)
    assert fit.status_name == "converged"
    assert np.allclose(coef(fit), [low, high - low], rtol=1e-12)
    se = errors(fit, x, y, weights=weights, weight_kind="frequency")
    a, b = 1 / 306 + 1e-9, 1 / 832 + 1e-9
    assert np.allclose(se, [math.sqrt(a), math.sqrt(a + b)], rtol=1e-10)


def test_fitted_probabilities_of_1e_minus_300():
    """A slope of 700 per unit: what one row adds to the likelihood is its predictor."""
    eta = np.array([-690.0, -1.0, 0.0, 1.0, 690.0])
    y = np.array([0.0, 0.0, 1.0, 0.0, 1.0])
    fit = asx.fit(asx.Logit(1), np.ones((5, 1)), y, offset=eta)
    mpmath.mp.dps = 40

    def score(b):
        return sum(v - 1 / (1 + mpmath.exp(-(b + e))) for v, e in zip(y, eta, strict=True))

    root = mpmath.findroot(score, 0.1)
    assert coef(fit)[0] == pytest.approx(float(root), rel=1e-12)
    value = sum(
        -mpmath.log(1 + mpmath.exp(-(root + e) if v else root + e))
        for v, e in zip(y, eta, strict=True)
    )
    assert float(fit.log_likelihood) == pytest.approx(float(value), rel=1e-13)


@pytest.mark.parametrize("link", [asx.LogitLink(), asx.ProbitLink(), asx.CloglogLink()])
def test_offsets_of_fifty_either_way(link):
    rng = np.random.default_rng(4)
    x = rng.standard_normal(200)
    offset = np.where(np.arange(200) % 10 == 0, np.where(np.arange(200) % 20 == 0, 3.5, -50.0), 0.0)
    y = np.where(offset < -1, 0.0, (rng.random(200) < 0.5)).astype(float)
    family = asx.Bernoulli(link=link)
    res = asx.glm("y ~ x", {"y": y, "x": x}, family, offset=offset)
    assert res.converged
    rest = offset > -1  # rows whose outcome is certain either way say nothing
    other = asx.glm("y ~ x", {"y": y[rest], "x": x[rest]}, family, offset=offset[rest])
    assert np.allclose(res.params, other.params, rtol=1e-9)
    assert np.allclose(res.bse, other.bse, rtol=1e-9)


def test_counts_up_to_a_billion():
    rng = np.random.default_rng(5)
    x = rng.standard_normal(100)
    y = rng.poisson(np.exp(18 + x)).astype(float)
    assert y.max() > 1e8
    res = asx.poisson("y ~ x", {"y": y, "x": x})
    assert res.converged
    design = np.column_stack([np.ones(100), x])
    mu = np.exp(design @ res.params.to_numpy())
    assert np.allclose(design.T @ (y - mu) / (design.T @ y), 0, atol=1e-12)
    assert np.allclose(
        res.bse, np.sqrt(np.diag(np.linalg.inv((design.T * mu) @ design))), rtol=1e-9
    )


def test_weights_that_span_twelve_powers_of_ten():
    rng = np.random.default_rng(6)
    n = 300
    x = np.column_stack([np.ones(n), rng.standard_normal(n)])
    y = (rng.random(n) < 0.5).astype(float)
    w = 10.0 ** rng.uniform(-6, 6, n)
    fit = asx.fit(asx.Logit(2), x, y, weights=w, weight_kind="precision")
    assert bool(fit.converged)
    p = 1 / (1 + np.exp(-x @ coef(fit)))
    assert np.abs(x.T @ (w * (y - p))).max() < 1e-8 * w.sum()
    information = (x.T * (w * p * (1 - p))) @ x
    se = errors(fit, x, y, weights=w, weight_kind="precision")
    assert np.allclose(se, np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-9)


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["linear", "logit", "poisson"])
def test_absent_rows_and_repeated_rows(verb):
    rng = np.random.default_rng(7)
    data = pd.DataFrame({"x": rng.standard_normal(80), "w": rng.integers(0, 4, 80).astype(float)})
    data["y"] = (rng.random(80) < 0.5).astype(float)
    call = getattr(asx, verb)
    weighted = call("y ~ x", data, weights="w", weight_kind="frequency")
    repeated = call("y ~ x", data.loc[data.index.repeat(data["w"].astype(int))])
    for name in ("params", "bse", "tvalues", "log_pvalues"):
        assert np.allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-8)
    for name in ("nobs", "df_resid", "llf", "aic", "bic", "deviance", "scale", "llnull"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-9)
    positive = call("y ~ x", data[data["w"] > 0], weights="w", weight_kind="precision")
    absent = call("y ~ x", data, weights="w", weight_kind="precision")
    assert absent.nobs == positive.nobs
    assert np.allclose(absent.bse, positive.bse, rtol=1e-9)


# --- saturated and empty cells --------------------------------------------------------------------


def test_one_observation_a_cell():
    """As many means as rows: Poisson estimates are the logarithms of the counts."""
    y = np.array([3.0, 1.0, 7.0, 2.0])
    res = asx.poisson("y ~ C(g) - 1", {"y": y, "g": list("abcd")})
    assert res.converged
    assert np.allclose(res.params, np.log(y), rtol=1e-10)
    assert np.allclose(res.bse, 1 / np.sqrt(y), rtol=1e-9)
    assert res.deviance == pytest.approx(0.0, abs=1e-12)
    assert res.df_resid == 0


@pytest.mark.filterwarnings("ignore:The fit of")
def test_a_saturated_linear_model_has_no_dispersion():
    res = asx.linear("y ~ C(g) - 1", {"y": [3.0, 1.0, 7.0], "g": list("abc")})
    assert np.allclose(res.params, [3.0, 1.0, 7.0])
    assert res.bse.isna().all()


def test_interactions_with_an_empty_cell():
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"a": np.repeat(list("pq"), 60), "b": np.tile(list("uvw"), 40)})
    data = data[~((data["a"] == "q") & (data["b"] == "w"))].assign(y=lambda d: rng.random(len(d)))
    with pytest.warns(asx.CollinearWarning, match="= 0"):
        res = asx.linear("y ~ a * b", data)
    assert np.isnan(res.params["a[T.q]:b[T.w]"])
    cells = data.groupby(["a", "b"])["y"].mean()
    fitted = res.predict(pd.DataFrame({"a": ["p", "q", "p"], "b": ["w", "v", "u"]}))
    assert np.allclose(fitted, [cells["p", "w"], cells["q", "v"], cells["p", "u"]])
    assert [one.text for one in res.omitted] == ["'a[T.q]:b[T.w]' = 0"]
    mean = res.avg_predictions(newdata=data[data["b"] == "u"]).frame["estimate"].iloc[0]
    assert mean == pytest.approx(data["y"][data["b"] == "u"].mean())
    with pytest.warns(asx.CollinearWarning, match="do not determine their predictions"):
        res.predict(pd.DataFrame({"a": ["q"], "b": ["w"]}))


def test_omitted_columns_are_written_as_combinations():
    rng = np.random.default_rng(9)
    data = pd.DataFrame(rng.standard_normal((50, 3)) + 5, columns=["y", "a", "b"])
    data = data.assign(c=2 * data["a"] - 0.5 * data["b"] + 7, k=4.0, d=data["b"])
    with pytest.warns(asx.CollinearWarning) as caught:
        res = asx.linear("y ~ a + b + c + k + d", data)
    told = str(caught[0].message)
    assert "'c' = 7 + 2*a - 0.5*b" in told
    assert "'k' = 4" in told
    assert "'d' = b" in told
    assert res.params[["c", "k", "d"]].isna().all()
    assert [one.text for one in res.omitted] == ["'c' = 7 + 2*a - 0.5*b", "'k' = 4", "'d' = b"]
    new = data.head(3).assign(c=[0.0, *data["c"][1:3]])
    with pytest.warns(asx.CollinearWarning, match=r"1 rows \(0\) break what held in the fit"):
        assert np.allclose(res.predict(new), res.predict()[:3])
    assert np.allclose(res.predict(data.head(3)), res.predict()[:3])
    shown = " ".join(str(res.summary()).split())
    assert "explain them exactly: 'c' = 7 + 2*a - 0.5*b, 'k' = 4, 'd' = b." in shown
    assert res.params[["Intercept", "a", "b"]].notna().all()
    assert np.allclose(res.predict(), asx.linear("y ~ a + b", data).predict())
    with pytest.raises(asx.InputError, match="'d' = b") as error:
        asx.linear("y ~ a + b + d", data, collinear="raise")
    assert error.value.code == "collinear"
    assert error.value.column == "'d'"


# --- convergence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "low"),
    [
        (asx.Bernoulli(link=asx.LogLink()), 0.05),
        (asx.Bernoulli(link=asx.IdentityLink()), 0.05),
        (asx.Bernoulli(link=asx.CauchitLink()), 0.05),
        (asx.Poisson(link=asx.IdentityLink()), 0.05),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_links_with_edges_stay_inside_or_say_why(family, low, seed):
    rng = np.random.default_rng(seed)
    x = rng.random(300)
    mean = low + 0.9 * x * rng.random()
    y = rng.poisson(mean) if isinstance(family, asx.Poisson) else rng.random(300) < mean
    x = np.column_stack([np.ones(300), x])
    fit = asx.fit(asx.Regression(asx.Linear(2), family), x, y.astype(float))
    assert np.isfinite(float(fit.log_likelihood))
    assert np.isfinite(coef(fit)).all()
    if bool(fit.converged):
        assert np.isfinite(errors(fit, x, y.astype(float))).all()
    else:
        assert fit.status_name in ("boundary", "stalled", "max_steps")
        assert np.isnan(errors(fit, x, y.astype(float))).all()


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_responses_whose_squares_leave_float64(size):
    data = {"x": np.arange(9.0), "y": size * np.arange(9.0) ** 2}
    with pytest.raises(asx.InputError, match="rescale it") as error:
        asx.linear("y ~ x", data)
    assert error.value.code == "response_support"


def test_columns_whose_squares_leave_float64_have_a_status():
    rng = np.random.default_rng(14)
    data = {"x": 1e300 * rng.random(50), "y": rng.random(50)}
    with pytest.warns(asx.FitWarning, match="not_finite"):
        assert asx.linear("y ~ x", data).bse.isna().all()


def test_running_out_of_steps_cannot_be_missed():
    rng = np.random.default_rng(10)
    data = pd.DataFrame({"x": rng.standard_normal(100), "y": (rng.random(100) < 0.3).astype(float)})
    with pytest.warns(asx.FitWarning, match="max_steps"):
        res = asx.logit("y ~ x", data, solver=asx.Newton(max_steps=1))
    assert res.status == "max_steps"
    assert "NOT CONVERGED (max_steps)" in str(res.summary())
    assert res.bse.isna().all()
