"""Slopes, comparisons and predictions against derivations by hand and other software."""

import json
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.interpolate import BSpline

import asymptotix as asx

ORACLE = json.loads((Path(__file__).parent / "data" / "effects.json").read_text())


@pytest.fixture(scope="module")
def data(mroz):
    age = mroz["age"]
    region = np.where(age > 45, "south", np.where(age > 36, "north", "east"))
    city = (np.arange(len(mroz)) % 3 == 0).astype(float)
    return mroz.assign(region=region, city=city)


# By hand: the design as a function of the variables, written out with NumPy


def by_hand(frame):
    """1, educ, north, south, exper, exper^2, city, educ:north, educ:south, exper:city, and df."""
    x = {name: frame[name].to_numpy(float) for name in ("educ", "exper", "city")}
    north, south = (frame["region"] == "north") * 1.0, (frame["region"] == "south") * 1.0
    zero, one = np.zeros(len(frame)), np.ones(len(frame))
    design = np.column_stack(
        [
            one, x["educ"], north, south, x["exper"], x["exper"] ** 2, x["city"],
            x["educ"] * north, x["educ"] * south, x["exper"] * x["city"],
        ]
    )  # fmt: skip
    slopes = {
        "educ": [zero, one, zero, zero, zero, zero, zero, north, south, zero],
        "exper": [zero, zero, zero, zero, one, 2 * x["exper"], zero, zero, zero, x["city"]],
    }
    return design, {name: np.column_stack(columns) for name, columns in slopes.items()}


FORMULA = "{} ~ educ * region + exper + I(exper**2) + city + exper:city"
LINKS = {
    "logit": (lambda e: 1 / (1 + np.exp(-e)), lambda e: np.exp(-e) / (1 + np.exp(-e)) ** 2),
    "probit": (stats.norm.cdf, stats.norm.pdf),
    "poisson": (np.exp, np.exp),
}


@pytest.fixture(scope="module", params=list(LINKS))
def fitted(request, data):
    response = "kidsge6" if request.param == "poisson" else "inlf"
    res = getattr(asx, request.param)(FORMULA.format(response), data)
    names = [
        "Intercept", "educ", "region[T.north]", "region[T.south]", "exper", "I(exper ** 2)",
        "city", "educ:region[T.north]", "educ:region[T.south]", "exper:city",
    ]  # fmt: skip
    beta = res.params[names].to_numpy()
    covariance = res.cov_params().loc[names, names].to_numpy()
    return res, beta, covariance, *LINKS[request.param]


def numeric_jacobian(function, beta):
    """Central differences of order four."""
    columns = []
    for j in range(len(beta)):
        step = 1e-3 * max(abs(beta[j]), 1e-3)
        e = np.eye(len(beta))[j] * step
        columns.append(
            (8 * (function(beta + e) - function(beta - e))
             - function(beta + 2 * e) + function(beta - 2 * e)) / (12 * step)
        )  # fmt: skip
    return np.column_stack(columns)


def same(found, function, beta, covariance, tolerance=1e-7):
    """Estimates and errors of a result equal those of a function of the coefficients."""
    jacobian = numeric_jacobian(lambda b: np.atleast_1d(function(b)), beta)
    expected = jacobian @ covariance @ jacobian.T
    np.testing.assert_allclose(found.frame["estimate"], np.atleast_1d(function(beta)), rtol=1e-9)
    np.testing.assert_allclose(
        found.frame["std.error"], np.sqrt(np.diagonal(expected)), rtol=tolerance
    )
    np.testing.assert_allclose(
        found.covariance, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max()
    )


def test_average_slopes_move_every_term_of_a_variable(fitted, data):
    res, beta, covariance, _, density = fitted
    x, slopes = by_hand(data)

    def average(b):
        return [np.mean(density(x @ b) * (slopes[name] @ b)) for name in ("educ", "exper")]

    same(res.avg_slopes(variables=["educ", "exper"]), lambda b: np.array(average(b)), beta,
         covariance)  # fmt: skip


def test_slopes_at_means_are_at_means_of_variables(fitted, data):
    res, beta, covariance, _, density = fitted
    typical = data[["educ", "exper", "city"]].mean().to_frame().T.assign(
        region=data["region"].mode()[0]
    )  # fmt: skip
    x, slopes = by_hand(typical)

    def slope(b):
        return density(x @ b) * (slopes["exper"] @ b)

    same(res.slopes(variables="exper", newdata="mean"), slope, beta, covariance)


def test_slopes_of_rows(fitted, data):
    res, beta, covariance, _, density = fitted
    x, slopes = by_hand(data.head(7))

    def slope(b):
        return density(x @ b) * (slopes["exper"] @ b)

    found = res.slopes(variables="exper", newdata=data.head(7))
    same(found, slope, beta, covariance)
    assert list(found.frame["rowid"]) == list(range(7))
    np.testing.assert_array_equal(found.frame["educ"], data["educ"].head(7))


@pytest.mark.parametrize("slope", ["eyex", "dyex", "eydx"])
def test_elasticities(fitted, data, slope):
    res, beta, covariance, inverse, density = fitted
    x, slopes = by_hand(data)
    value = data["exper"].to_numpy(float)

    def average(b):
        ratio = 1 / inverse(x @ b) if slope.startswith("ey") else 1.0
        return np.mean(
            density(x @ b) * (slopes["exper"] @ b) * ratio * (value if slope.endswith("ex") else 1)
        )

    same(res.avg_slopes(variables="exper", slope=slope), average, beta, covariance)


@pytest.mark.parametrize("kind", ["reference", "sequential", "pairwise"])
def test_contrasts_of_a_category(fitted, data, kind):
    res, beta, covariance, inverse, _ = fitted
    designs = {level: by_hand(data.assign(region=level))[0] for level in ("east", "north", "south")}
    pairs = {
        "reference": [("north", "east"), ("south", "east")],
        "sequential": [("north", "east"), ("south", "north")],
        "pairwise": [("north", "east"), ("south", "east"), ("south", "north")],
    }[kind]

    def contrasts(b):
        mean = {level: inverse(x @ b).mean() for level, x in designs.items()}
        return np.array([mean[high] - mean[low] for high, low in pairs])

    found = res.avg_comparisons(variables={"region": kind})
    same(found, contrasts, beta, covariance)
    assert list(found.frame["contrast"]) == [f"{high} - {low}" for high, low in pairs]


COMPARISONS = {
    "difference": lambda high, low: high - low,
    "ratio": lambda high, low: high / low,
    "lnratio": lambda high, low: np.log(high / low),
    "squares": lambda high, low: high**2 - low**2,
}


@pytest.mark.parametrize("kind", list(COMPARISONS))
def test_a_01_variable_is_compared_at_1_and_0(fitted, data, kind):
    res, beta, covariance, inverse, _ = fitted
    high, low = (by_hand(data.assign(city=float(v)))[0] for v in (1, 0))
    compare = COMPARISONS[kind]

    def contrast(b):
        return compare(inverse(high @ b).mean(), inverse(low @ b).mean())

    comparison = compare if kind == "squares" else kind
    found = res.avg_comparisons(variables="city", comparison=comparison)
    same(found, contrast, beta, covariance)
    if kind == "difference":
        assert found.frame["contrast"].item() == "1 - 0"
        same(res.avg_slopes(variables="city"), contrast, beta, covariance)

    def of_rows(b):
        return compare(inverse(high[:4] @ b), inverse(low[:4] @ b))

    rows = res.comparisons(variables="city", comparison=comparison, newdata=data.head(4))
    same(rows, of_rows, beta, covariance)


def test_the_log_odds_ratio(data):
    res = asx.logit(FORMULA.format("inlf"), data)
    found = res.avg_comparisons(variables="city", comparison="lnor")
    high, low = (res.avg_predictions(newdata=data.assign(city=v)).frame["estimate"].item()
                 for v in (1.0, 0.0))  # fmt: skip
    expected = np.log(high / (1 - high)) - np.log(low / (1 - low))
    assert found.frame["estimate"].item() == pytest.approx(expected, rel=1e-12)


def test_steps_and_spreads_of_a_number(fitted, data):
    res, beta, covariance, inverse, _ = fitted
    exper = data["exper"]
    quartiles = exper.quantile([0.25, 0.75]).to_numpy()
    ends = {
        4: (exper, exper + 4),
        (5, 10): (5.0, 10.0),
        "sd": (exper.mean() - exper.std() / 2, exper.mean() + exper.std() / 2),
        "2sd": (exper.mean() - exper.std(), exper.mean() + exper.std()),
        "iqr": tuple(quartiles),
        "minmax": (exper.min(), exper.max()),
    }
    for request, (low, high) in ends.items():
        up, down = (by_hand(data.assign(exper=value))[0] for value in (high, low))

        def contrast(b, up=up, down=down):
            return np.mean(inverse(up @ b) - inverse(down @ b))

        found = res.avg_comparisons(variables={"exper": request})
        same(found, contrast, beta, covariance)


def test_groups_and_weights(fitted, data):
    res, beta, covariance, _, density = fitted
    weights = np.random.default_rng(0).uniform(0.5, 2, len(data))
    x, slopes = by_hand(data)

    def slopes_by_group(b):
        each = density(x @ b) * (slopes["exper"] @ b)
        groups = [(data["region"] == r) & (data["city"] == c)
                  for r in ("east", "north", "south") for c in (0, 1)]  # fmt: skip
        return np.array([np.average(each[g], weights=weights[g]) for g in groups])

    found = res.avg_slopes(variables="exper", by=["region", "city"], weights=weights)
    same(found, slopes_by_group, beta, covariance)
    assert list(found.frame.columns[:4]) == ["term", "contrast", "region", "city"]


def test_average_predictions_at_values(fitted, data):
    res, beta, covariance, inverse, _ = fitted
    designs = [by_hand(data.assign(educ=v))[0] for v in (8.0, 12.0, 16.0)]

    def averages(b):
        return np.array([inverse(x @ b).mean() for x in designs])

    found = res.avg_predictions(variables={"educ": [8, 12, 16]})
    same(found, averages, beta, covariance)
    differences = res.avg_predictions(variables={"educ": [8, 12, 16]}, hypothesis="sequential")
    same(differences, lambda b: np.diff(averages(b)), beta, covariance)


def test_predictions_of_rows_have_limits_from_the_link(fitted, data):
    res, beta, covariance, inverse, _ = fitted
    x, _ = by_hand(data)
    found = res.predictions()
    assert len(found) == len(data)
    np.testing.assert_allclose(found.frame["estimate"], res.predict(), rtol=1e-12)
    reach = stats.norm.ppf(0.975) * np.sqrt(np.einsum("ij,jk,ik->i", x, covariance, x))
    np.testing.assert_allclose(found.frame["conf.low"], inverse(x @ beta - reach), rtol=1e-9)
    np.testing.assert_allclose(found.frame["conf.high"], inverse(x @ beta + reach), rtol=1e-9)
    same(res.predictions(newdata=data.head(5)), lambda b: inverse(x[:5] @ b), beta, covariance)
    same(res.predictions(newdata=data.head(5), type="link"), lambda b: x[:5] @ b, beta, covariance)


def test_splines_and_logarithms_move_with_their_variable(data):
    formula = "inlf ~ bs(age, df=5) + bs(age, df=5):educ + np.log(exper + 1) + educ"
    res = asx.probit(formula, data)
    state = res.spec.model_spec.transform_state["bs(age, df=5)"]
    knots, age = np.array(state["knots"]), data["age"].to_numpy(float)

    def basis(values, order):
        columns = []
        for j in range(1, len(knots) - 4):
            curve = BSpline(knots, np.eye(len(knots) - 4)[j], 3)
            curve = curve.derivative() if order else curve
            inside = np.minimum(values, knots[-1] - 1e-12)  # the right end belongs to the curve
            columns.append(curve(inside))
        return np.column_stack(columns)

    educ, exper = data["educ"].to_numpy(float), data["exper"].to_numpy(float)
    value, slope = basis(age, 0), basis(age, 1)
    names = [f"bs(age, df=5)[{j}]" for j in range(1, 6)]
    crossed = [f"{name}:educ" for name in names]
    order = ["Intercept", *names, *crossed, "np.log(exper + 1)", "educ"]
    one, zero = np.ones((len(data), 1)), np.zeros((len(data), 1))
    x = np.hstack([one, value, value * educ[:, None], np.log(exper + 1)[:, None], educ[:, None]])
    by = {
        "age": np.hstack([zero, slope, slope * educ[:, None], zero, zero]),
        "exper": np.hstack([0 * x[:, :11], 1 / (exper[:, None] + 1), zero]),
        "educ": np.hstack([zero, 0 * value, value, zero, one]),
    }
    beta, covariance = res.params[order].to_numpy(), res.cov_params().loc[order, order].to_numpy()

    def average(b):
        return np.array([np.mean(stats.norm.pdf(x @ b) * (d @ b)) for d in by.values()])

    same(res.avg_slopes(variables=list(by)), average, beta, covariance)


# Other software


@pytest.fixture(scope="module")
def plain(data):
    import statsmodels.api as sm

    formula = "{} ~ educ + exper + age + city"
    x = sm.add_constant(data[["educ", "exper", "age", "city"]].astype(float))
    tight = {"disp": 0, "tol": 1e-14, "maxiter": 100}
    return {
        "logit": (asx.logit(formula.format("inlf"), data), sm.Logit(data["inlf"], x).fit(**tight)),
        "probit": (
            asx.probit(formula.format("inlf"), data),
            sm.Probit(data["inlf"], x).fit(**tight),
        ),
        "poisson": (
            asx.poisson(formula.format("kidsge6"), data),
            sm.Poisson(data["kidsge6"], x).fit(method="newton", **tight),
        ),
    }


@pytest.mark.parametrize("model", list(LINKS))
@pytest.mark.parametrize(
    ("at", "method"),
    [*(("overall", m) for m in ("dydx", "eyex", "dyex", "eydx")), ("mean", "dydx"),
     ("mean", "eyex"), ("median", "dydx")],
)  # fmt: skip
def test_statsmodels_margins(plain, model, at, method):
    ours, theirs = plain[model]
    margins = theirs.get_margeff(at=at, method=method)
    newdata = None if at == "overall" else at
    variables = {"educ": None, "exper": None, "age": None, "city": "dydx"}
    found = ours.avg_slopes(variables=variables, slope=method, newdata=newdata)
    np.testing.assert_allclose(found.frame["estimate"], margins.margeff, rtol=1e-7)
    np.testing.assert_allclose(found.frame["std.error"], margins.margeff_se, rtol=1e-7)


@pytest.mark.parametrize("model", list(LINKS))
def test_statsmodels_margins_of_a_dummy(plain, model):
    ours, theirs = plain[model]
    margins = theirs.get_margeff(at="overall", dummy=True)
    found = ours.avg_slopes()
    np.testing.assert_allclose(found.frame["estimate"], margins.margeff, rtol=1e-7)
    np.testing.assert_allclose(found.frame["std.error"], margins.margeff_se, rtol=1e-7)


@pytest.fixture(scope="module")
def published(data):
    logit = "inlf ~ nwifeinc + educ * region + exper + I(exper**2) + age * kidslt6"
    return {
        "logit": asx.logit(logit, data),
        "poisson": asx.poisson("kidsge6 ~ educ + age + I(age**2) + region", data),
    }


ASKED = {
    "logit slopes": lambda r, d: r.avg_slopes(variables=["nwifeinc", "educ", "exper", "age"]),
    "logit slopes at 8": lambda r, d: r.slopes(
        variables="educ", newdata=d.assign(educ=8.0).head(5)
    ),
    "logit eyex": lambda r, d: r.avg_slopes(variables="exper", slope="eyex"),
    "logit dyex": lambda r, d: r.avg_slopes(variables="exper", slope="dyex"),
    "logit eydx": lambda r, d: r.avg_slopes(variables="exper", slope="eydx"),
    "logit region": lambda r, d: r.avg_comparisons(variables={"region": "pairwise"}),
    "logit educ 4": lambda r, d: r.avg_comparisons(variables={"educ": (8, 12)}),
    "logit educ ratio": lambda r, d: r.avg_comparisons(
        variables={"educ": (8, 12)}, comparison="ratio"
    ),
    "logit educ lnor": lambda r, d: r.avg_comparisons(
        variables={"educ": (8, 12)}, comparison="lnor"
    ),
    "logit by kids": lambda r, d: r.avg_predictions(by="kidslt6"),
    "logit slopes by region": lambda r, d: r.avg_slopes(variables="exper", by="region"),
    "poisson slopes": lambda r, d: r.avg_slopes(variables=["educ", "age"]),
    "poisson region": lambda r, d: r.avg_comparisons(variables={"region": "reference"}),
}


@pytest.mark.parametrize("question", list(ASKED))
def test_marginaleffects_of_pypi(published, data, question):
    """Its derivatives are one-sided differences: in a variable, and again in the coefficients.

    The estimates of slopes are then good to four digits and their errors to two, which the
    derivations by hand above check to seven.
    """
    res = published[question.split()[0]]
    found, expected = ASKED[question](res, data).frame, pd.DataFrame(ORACLE[question])
    key = [c for c in ("term", "contrast", "region", "kidslt6") if c in expected and c in found]
    if question == "logit slopes":  # theirs come sorted by name
        found, expected = found.sort_values(key), expected.sort_values(key)
    np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=2e-4)
    slopes = "slopes" in question or question[-4:] in ("eyex", "dyex", "eydx")
    tolerance = 1e-2 if slopes else 2e-5
    np.testing.assert_allclose(found["std.error"], expected["std_error"], rtol=tolerance)


def test_marginaleffects_of_pypi_hypothesis(published):
    """Its `b5 / b6 = 2`, counted from 0 in the order of patsy."""
    (expected,) = ORACLE["hypothesis"]
    found = published["logit"].hypotheses("`educ:region[T.north]` / educ:region[T.south] = 2")
    frame = found.frame.iloc[0]
    assert frame["estimate"] == pytest.approx(expected["estimate"], rel=1e-6)
    assert frame["std.error"] == pytest.approx(expected["std_error"], rel=1e-4)


# Effects of variables whose columns are collinear

COLLINEAR = {
    "natural": ("cr(age, df=4) + educ", "cr(age, df=4) + educ - 1"),
    "cyclic": ("cc(age, df=4) + educ", "cc(age, df=4) + educ - 1"),
    "twice": ("age + I(2 * age) + educ", "age + educ"),
}
COLLINEAR_VERBS = {
    "slopes": lambda r: r.avg_slopes(),
    "rows": lambda r: r.slopes(variables="age"),
    "means": lambda r: r.slopes(newdata="mean"),
    "groups": lambda r: r.avg_slopes(by="city"),
    "pair": lambda r: r.avg_comparisons(variables={"age": (35, 50)}),
    "sampled": lambda r: r.avg_slopes(unconditional=True),
    "drawn": lambda r: r.avg_slopes(method="simulation", key=jax.random.key(0), n_draws=20_000),
    "values": lambda r: r.avg_predictions(variables={"age": [35, 50]}),
}


@pytest.mark.filterwarnings("ignore::asymptotix.CollinearWarning")
@pytest.mark.parametrize("form", list(COLLINEAR))
@pytest.mark.parametrize("verb", list(COLLINEAR_VERBS))
def test_effects_along_a_relation_that_holds_are_those_of_a_full_rank_design(mroz, form, verb):
    lacking, full = (asx.logit(f"inlf ~ {right}", mroz) for right in COLLINEAR[form])
    assert lacking.params.isna().sum() == 1
    assert full.params.notna().all()
    found, expected = (COLLINEAR_VERBS[verb](res).frame for res in (lacking, full))
    np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-9, atol=1e-14)
    tolerance = 0.03 if verb == "drawn" else 1e-8
    np.testing.assert_allclose(found["std.error"], expected["std.error"], rtol=tolerance)


@pytest.mark.filterwarnings("ignore::asymptotix.CollinearWarning")
def test_slopes_of_a_spline_that_contains_the_constant_by_differences(mroz):
    """A slope by refitted predictions at neighbouring ages, away from the spline's ends."""
    data = mroz.assign(age=mroz["age"].astype(float))
    res = asx.logit("inlf ~ cr(age, df=4) + educ", data)
    inside = data[data["age"].between(31, 59)]
    near = [res.predict(inside.assign(age=inside["age"] + h)).mean() for h in (-1e-4, 1e-4)]
    found = res.avg_slopes(newdata=inside, variables="age").frame["estimate"].item()
    assert found == pytest.approx((near[1] - near[0]) / 2e-4, rel=1e-6)


@pytest.mark.filterwarnings("ignore::asymptotix.CollinearWarning")
def test_effects_that_leave_a_relation_are_withheld_row_by_row(mroz):
    """A town of the south is not one of the north, where nothing is known of it."""
    town = np.random.default_rng(3).choice(["a", "b", "c", "d"], len(mroz))
    country = np.where(town == "a", "north", "south")
    data = mroz.assign(town=town, country=country, exper=1.0 * mroz["exper"])
    res = asx.logit("inlf ~ C(country) + C(town) + exper", data)
    assert list(res.params.index[res.params.isna()]) == ["C(town)[T.d]"]
    pair = {"town": ("b", "d")}
    rows = res.comparisons(variables=pair).frame
    np.testing.assert_array_equal(np.isnan(rows["estimate"]), country == "north")
    np.testing.assert_array_equal(np.isnan(rows["std.error"]), country == "north")
    # Within the south the towns alone are of full rank.
    plain = asx.logit("inlf ~ C(town) + exper", data)
    expected = plain.comparisons(variables=pair).frame[country == "south"]
    for column in ("estimate", "std.error"):
        np.testing.assert_allclose(
            rows.loc[country == "south", column], expected[column], rtol=1e-7
        )
    groups = res.avg_comparisons(variables=pair, by="country")
    assert list(np.isnan(groups.frame["std.error"])) == [True, False]
    assert "'C(town)[T.d]' = C(country)[T.south] - C(town)[T.b]" in str(groups)
    drawn = res.avg_comparisons(
        variables=pair, by="country", method="simulation", key=jax.random.key(0), n_draws=50
    )
    assert list(np.isnan(drawn.frame["conf.low"])) == [True, False]
    values = res.avg_predictions(variables={"town": ["a", "b"]}).frame
    assert np.isnan(values["estimate"]).all()


@pytest.mark.filterwarnings("ignore::asymptotix.CollinearWarning")
def test_relations_of_several_predictors(mroz):
    """Of a multinomial all levels share one design; a location and a scale have one each."""
    kids = np.minimum(mroz["kidsge6"], 2).astype(int).astype(str)
    data = mroz.assign(kids=kids)
    right = "cr(age, df=4) + educ"
    pairs = [
        [asx.glm(f"kids ~ {r}", data, family=asx.Multinomial()) for r in (right, f"{right} - 1")],
        [
            asx.glm({"mu": f"hours ~ {r}", "log_sigma": f"~ {r}"}, data, family=asx.LocationScale())
            for r in (right, f"{right} - 1")
        ],
    ]
    for lacking, full in pairs:
        assert lacking.params.isna().sum() == 2
        for ask in (lambda r: r.avg_slopes(), lambda r: r.avg_comparisons(variables="age")):
            found, expected = ask(lacking).frame, ask(full).frame
            np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-6)
            np.testing.assert_allclose(found["std.error"], expected["std.error"], rtol=1e-5)


# Spreads of a variable


@pytest.mark.parametrize("request_", ["sd", "2sd", "iqr", "minmax"])
def test_spreads_are_those_of_the_rows_of_the_fit(mroz, request_):
    holes = mroz.assign(exper=mroz["exper"].where(mroz["educ"] > 9))
    with pytest.warns(asx.MissingRowsWarning):
        res = asx.logit("inlf ~ educ + exper", holes)
    clean = asx.logit("inlf ~ educ + exper", holes.dropna(subset=["exper"]))
    asked = {"variables": {"educ": request_}}
    for ask in (
        lambda r: r.avg_comparisons(**asked),
        lambda r: r.comparisons(mroz.head(5), **asked),
        lambda r: r.comparisons("mean", **asked),
    ):
        found, expected = ask(res).frame, ask(clean).frame
        assert list(found["contrast"]) == list(expected["contrast"])
        np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-12)
        np.testing.assert_allclose(found["std.error"], expected["std.error"], rtol=1e-12)


@pytest.mark.parametrize("request_", ["sd", "2sd", "iqr", "minmax"])
def test_spreads_of_weighted_rows_are_those_of_repeated_ones(mroz, request_):
    weights = np.random.default_rng(2).integers(0, 4, len(mroz))
    repeated = mroz.loc[np.repeat(mroz.index, weights)].reset_index(drop=True)
    columns = ["educ", "exper", "age"]
    asked = {"variables": dict.fromkeys(columns, request_)}
    formula = "inlf ~ educ + exper + age"
    counted = asx.logit(formula, mroz, weights=weights, weight_kind="frequency")
    expected = asx.logit(formula, repeated).avg_comparisons(**asked).frame
    found = counted.avg_comparisons(**asked).frame
    np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-8)
    np.testing.assert_allclose(found["std.error"], expected["std.error"], rtol=1e-6)
    # Sampling weights all alike say what no weights say, whatever their scale.
    alike = asx.logit(formula, mroz, weights=np.full(len(mroz), 0.3), weight_kind="sampling")
    plain = asx.logit(formula, mroz)
    found, expected = (r.avg_comparisons(**asked).frame["estimate"] for r in (alike, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


# Ratios are 1 where nothing changes


@pytest.fixture(scope="module")
def few(mroz):
    return asx.logit("inlf ~ educ + exper + kidslt6", mroz)


def test_ratios_are_tested_against_one(few):
    asked = {"variables": {"educ": (8, 12)}, "comparison": "ratio"}
    found = few.avg_comparisons(**asked)
    row = found.frame.iloc[0]
    z = (row["estimate"] - 1) / row["std.error"]
    assert row["statistic"] == pytest.approx(z, rel=1e-12)
    assert row["p.value"] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    assert "Tests are of the null value 1." in str(found)
    by_hand = few.avg_comparisons(**asked, hypothesis="b1 = 1").frame.iloc[0]
    assert row["p.value"] == pytest.approx(by_hand["p.value"], rel=1e-9)
    rows = few.comparisons(**asked).frame
    expected = (rows["estimate"] - 1) / rows["std.error"]
    np.testing.assert_allclose(rows["statistic"], expected, rtol=1e-12)
    # The logarithm is 0 there; another null is the user's; differences of ratios are 0 again.
    logs = few.avg_comparisons(variables={"educ": (8, 12)}, comparison="lnratio")
    assert logs.estimates.null == 0
    assert few.avg_comparisons(**asked, hypothesis=2).estimates.null == 2
    assert "null value" not in str(few.avg_comparisons(**asked, hypothesis="b1 - 2"))


def test_a_variable_that_is_set_is_no_group(few):
    with pytest.raises(asx.InputError, match="leave it out of by=") as caught:
        few.avg_predictions(variables={"kidslt6": [0, 1]}, by="kidslt6")
    assert (caught.value.code, caught.value.column) == ("variables", "kidslt6")
    copied = few.avg_comparisons(variables={"kidslt6": (0, 1)}, by="kidslt6").frame
    assert len(copied) == copied["kidslt6"].nunique()


def test_described_variables_do_not_break_the_lines_of_a_table(mroz):
    res = asx.linear("hours ~ educ + age + city", mroz)
    grid = asx.datagrid(educ=[8, 16], age=[30, 40], city=[0, 1])
    broad = res.predictions(grid, type="quantile", q=[0.1, 0.9])
    text = str(broad)
    assert text.count("95% low") == 1
    (heads,) = (line for line in text.splitlines() if "Estimate" in line)
    assert heads.split() == [
        "component", "educ", "age", "Estimate", "Std.", "error", "t", "p", "95%", "low", "high",
    ]  # fmt: skip
    assert "Not shown but in .frame: city." in text
    assert set(broad.frame["city"]) == {0, 1}
    assert " city " in str(res.predictions(grid))
