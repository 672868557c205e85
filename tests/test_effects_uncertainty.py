"""Unconditional and simulated errors, other models, hypotheses, and what is refused."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import asymptotix as asx

FORMULA = "inlf ~ educ + exper + I(exper**2) + kidslt6"
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def logit(mroz):
    return asx.logit(FORMULA, mroz)


def logistic(e):
    return 1 / (1 + np.exp(-e))


# Unconditional errors: the stack of all estimating equations, written out


def stacked_errors(x, slope, y, weights=None, clusters=None, mean_weights="same"):
    """Errors of the average slope from the joint sandwich of scores and slopes.

    The parameters are (beta, m) with equations w (y - p) x = 0 and v (g - m) = 0.
    """
    w = np.ones(len(y)) if weights is None else weights
    v = w if isinstance(mean_weights, str) else mean_weights
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        p = logistic(x @ beta)
        hessian = (x * (w * p * (1 - p))[:, None]).T @ x
        beta = beta + np.linalg.solve(hessian, x.T @ (w * (y - p)))
    p = logistic(x @ beta)
    density = p * (1 - p)
    effect = density * (slope @ beta)
    mean = np.average(effect, weights=v)
    by_beta = (v[:, None] * (density[:, None] * slope
               + (density * (1 - 2 * p) * (slope @ beta))[:, None] * x)).sum(axis=0)  # fmt: skip
    k = x.shape[1]
    bread = np.zeros((k + 1, k + 1))
    bread[:k, :k] = -(x * (w * density)[:, None]).T @ x
    bread[k, :k], bread[k, k] = by_beta, -v.sum()
    moments = np.column_stack([(w * (y - p))[:, None] * x, v * (effect - mean)])
    if clusters is not None:
        moments = pd.DataFrame(moments).groupby(clusters).sum().to_numpy()
    inverse = np.linalg.inv(bread)
    n = len(moments)
    covariance = inverse @ (moments.T @ moments) @ inverse.T * n / (n - 1)
    return mean, np.sqrt(covariance[k, k])


def exper_design(mroz):
    exper = mroz["exper"].to_numpy(float)
    one, zero = np.ones(len(mroz)), np.zeros(len(mroz))
    columns = [one, mroz["educ"], exper, exper**2, mroz["kidslt6"]]
    x = np.column_stack(columns).astype(float)
    return x, np.column_stack([zero, zero, one, 2 * exper, zero]), mroz["inlf"].to_numpy(float)


def test_unconditional_errors_are_those_of_the_stacked_equations(logit, mroz):
    mean, error = stacked_errors(*exper_design(mroz))
    found = logit.avg_slopes(variables="exper", unconditional=True).frame.iloc[0]
    assert found["estimate"] == pytest.approx(mean, rel=1e-9)
    assert found["std.error"] == pytest.approx(error, rel=1e-7)
    assert found["std.error"] != pytest.approx(
        logit.avg_slopes(variables="exper", vcov="HC0").frame["std.error"].item(), rel=1e-3
    )


def test_unconditional_errors_with_clusters(logit, mroz):
    clusters = mroz["age"].to_numpy()
    _, error = stacked_errors(*exper_design(mroz), clusters=clusters)
    found = logit.avg_slopes(variables="exper", unconditional="age").frame["std.error"].item()
    assert found == pytest.approx(error, rel=1e-7)
    same = logit.avg_slopes(variables="exper", unconditional=True, vcov=asx.Cluster("age"))
    assert same.frame["std.error"].item() == pytest.approx(error, rel=1e-7)


@pytest.mark.parametrize("kind", ["sampling", "frequency", "precision"])
def test_unconditional_errors_with_weights(mroz, kind):
    weights = np.random.default_rng(1).integers(1, 4, len(mroz)).astype(float)
    res = asx.logit(FORMULA, mroz, weights=weights, weight_kind=kind)
    found = res.avg_slopes(variables="exper", unconditional=True).frame["std.error"].item()
    x, slope, y = exper_design(mroz)
    if kind == "frequency":
        again = np.repeat(np.arange(len(y)), weights.astype(int))
        _, error = stacked_errors(x[again], slope[again], y[again])
    else:
        averaged = "same" if kind == "sampling" else np.ones(len(y))
        _, error = stacked_errors(x, slope, y, weights, mean_weights=averaged)
    assert found == pytest.approx(error, rel=1e-7)


def test_unconditional_covariance_of_several_averages(logit):
    """The errors of a difference need the covariance between the averages."""
    both = logit.avg_predictions(by="kidslt6", unconditional=True, hypothesis="b2 - b1")
    one = logit.avg_predictions(by="kidslt6", unconditional=True)
    expected = one.covariance[1, 1] + one.covariance[0, 0] - 2 * one.covariance[0, 1]
    assert both.frame["std.error"].item() == pytest.approx(np.sqrt(expected), rel=1e-12)


# Frequency weights, offsets, missing rows, omitted columns


def test_frequency_weights_equal_repeated_rows(mroz):
    weights = np.random.default_rng(2).integers(0, 3, len(mroz))
    repeated = mroz.loc[np.repeat(mroz.index, weights)].reset_index(drop=True)
    weighted = asx.logit(FORMULA, mroz, weights=weights.astype(float), weight_kind="frequency")
    plain = asx.logit(FORMULA, repeated)
    for ask in (
        lambda r: r.avg_slopes(),
        lambda r: r.slopes(newdata="mean"),
        lambda r: r.avg_predictions(by="kidslt6"),
        lambda r: r.avg_comparisons(unconditional=True),
    ):
        a, b = ask(weighted).frame, ask(plain).frame
        np.testing.assert_allclose(a["estimate"], b["estimate"], rtol=1e-8)
        np.testing.assert_allclose(a["std.error"], b["std.error"], rtol=1e-6)


def test_an_offset_takes_part(mroz):
    data = mroz.assign(exposure=np.log(1 + mroz["age"] / 50))
    res = asx.poisson("kidsge6 ~ educ + exper", data, offset="exposure")
    mu = res.predict().to_numpy()
    found = res.avg_slopes()
    np.testing.assert_allclose(
        found.frame["estimate"], mu.mean() * res.params[["educ", "exper"]], rtol=1e-12
    )
    at = np.exp(
        res.params["Intercept"]
        + res.params[["educ", "exper"]] @ data[["educ", "exper"]].mean()
        + data["exposure"].mean()
    )
    typical = res.predictions(newdata="mean").frame["estimate"].item()
    assert typical == pytest.approx(at, rel=1e-12)
    by_array = asx.poisson("kidsge6 ~ educ + exper", data, offset=data["exposure"].to_numpy())
    assert by_array.predictions(newdata="mean").frame["estimate"].item() == pytest.approx(at)
    with pytest.raises(asx.InputError, match="array as its offset"):
        by_array.predictions(newdata=data.head())


def test_rows_that_the_fit_left_out_are_not_averaged(mroz):
    holes = mroz.astype({"inlf": float, "educ": float})
    holes.loc[[3, 5], "inlf"] = np.nan
    holes.loc[7, "educ"] = np.nan
    with pytest.warns(asx.MissingRowsWarning):
        res = asx.logit(FORMULA, holes)
    clean = asx.logit(FORMULA, holes.dropna(subset=["inlf", "educ"]))
    np.testing.assert_allclose(
        res.avg_slopes().frame["estimate"], clean.avg_slopes().frame["estimate"], rtol=1e-12
    )
    assert set(res.predictions().frame["rowid"]) == set(range(len(mroz))) - {3, 5, 7}


def test_effects_of_omitted_columns_are_withheld(mroz):
    data = mroz.assign(twice=2 * mroz["educ"])
    with pytest.warns(asx.CollinearWarning):
        res = asx.logit("inlf ~ educ + exper + twice", data)
    frame = res.avg_slopes().frame.set_index("term")
    assert np.isnan(frame.loc["twice", ["estimate", "std.error"]].astype(float)).all()
    assert np.isfinite(frame.loc["exper", "std.error"])
    assert np.isnan(res.hypotheses("twice = 0").frame["estimate"].item())
    assert np.isfinite(res.hypotheses("educ = exper").frame["std.error"].item())
    assert "withheld" in str(res.avg_slopes())


def test_data_that_changed_are_refused(mroz):
    data = mroz.copy()
    res = asx.logit(FORMULA, data)
    data["educ"] = data["educ"] + 1.0
    with pytest.raises(asx.InputError, match="changed since the fit"):
        res.avg_slopes()


def test_without_data_newdata_is_needed(mroz):
    res = asx.logit(FORMULA, mroz, keep_data=False)
    with pytest.raises(asx.InputError, match="pass newdata"):
        res.avg_slopes()
    kept = asx.logit(FORMULA, mroz)
    a, b = res.avg_slopes(newdata=mroz).frame, kept.avg_slopes().frame
    np.testing.assert_allclose(a["estimate"], b["estimate"], rtol=1e-12)


# Simulation


def test_simulation_agrees_with_the_delta_method(logit):
    draws = 4000
    asked = {"method": "simulation", "key": jax.random.key(7), "n_draws": draws}
    found, exact = logit.avg_slopes(**asked).frame, logit.avg_slopes().frame
    np.testing.assert_allclose(found["estimate"], exact["estimate"], rtol=1e-14)
    # A standard deviation of normal draws has an error of 1 / sqrt(2 draws), quantiles more.
    np.testing.assert_allclose(found["std.error"], exact["std.error"], rtol=4 / np.sqrt(2 * draws))
    width = (exact["conf.high"] - exact["conf.low"]).to_numpy()
    for limit in ("conf.low", "conf.high"):
        assert (np.abs(found[limit] - exact[limit]) < 0.06 * width).all()
    again = logit.avg_slopes(**asked).frame
    np.testing.assert_array_equal(found["std.error"], again["std.error"])


def test_simulated_functions_and_rows(logit, mroz):
    asked = {"method": "simulation", "key": jax.random.key(3), "n_draws": 2000}
    ratio = logit.avg_comparisons(
        variables={"educ": (8, 12)}, comparison="ratio", hypothesis="b1 - 1", **asked
    ).frame.iloc[0]
    exact = logit.avg_comparisons(variables={"educ": (8, 12)}, comparison="ratio").frame.iloc[0]
    assert ratio["estimate"] == pytest.approx(exact["estimate"] - 1)
    assert ratio["std.error"] == pytest.approx(exact["std.error"], rel=0.08)
    rows = logit.predictions(newdata=mroz.head(3), **asked).frame
    link = logit.predictions(newdata=mroz.head(3)).frame
    np.testing.assert_allclose(rows["conf.low"], link["conf.low"], rtol=0.05)
    np.testing.assert_allclose(rows["conf.high"], link["conf.high"], rtol=0.05)


# Other models


def test_several_levels_have_a_row_each(mroz):
    data = mroz.assign(kids=np.where(mroz["kidsge6"] > 1, "many",
                       np.where(mroz["kidsge6"] == 1, "alone", "none")))  # fmt: skip
    res = asx.glm("kids ~ educ + age + I(age**2)", data, family=asx.Multinomial())
    found = res.avg_slopes(variables="age")
    assert list(found.frame["component"]) == ["alone", "many", "none"]
    assert found.frame["estimate"].sum() == pytest.approx(0, abs=1e-12)
    theta, k = res.params.to_numpy(), 4
    age = data["age"].to_numpy(float)
    columns = {
        "Intercept": np.ones(len(age)), "educ": data["educ"].to_numpy(float), "age": age,
        "I(age ** 2)": age**2,
    }  # fmt: skip
    x = np.column_stack([columns[name] for name in res.spec.names])
    derivatives = {"age": np.ones(len(age)), "I(age ** 2)": 2 * age}
    d = np.column_stack([derivatives.get(name, np.zeros(len(age))) for name in res.spec.names])

    def average(t):
        beta = np.column_stack([np.zeros(k), t[:k], t[k:]])
        p = np.exp(x @ beta)
        p = p / p.sum(axis=1, keepdims=True)
        eta_slopes = d @ beta
        return (p * (eta_slopes - (p * eta_slopes).sum(axis=1, keepdims=True))).mean(axis=0)

    np.testing.assert_allclose(found.frame["estimate"], average(theta), rtol=1e-9)
    steps = 1e-4 * np.maximum(np.abs(theta), 1e-2)
    jacobian = np.column_stack(
        [(8 * (average(theta + e) - average(theta - e)) - average(theta + 2 * e)
          + average(theta - 2 * e)) / (12 * e.sum()) for e in np.diag(steps)]
    )  # fmt: skip
    expected = np.sqrt(np.diagonal(jacobian @ res.cov_params().to_numpy() @ jacobian.T))
    np.testing.assert_allclose(found.frame["std.error"], expected, rtol=1e-7)
    unconditional = res.avg_slopes(variables="age", unconditional=True).frame["std.error"]
    np.testing.assert_allclose(unconditional, expected, rtol=0.3)
    probability = res.avg_predictions(type="probability", value=1).frame["estimate"].item()
    assert probability == pytest.approx((data["kids"] == "many").mean(), rel=1e-8)


def test_several_formulas(mroz):
    working = mroz[mroz["inlf"] == 1]
    res = asx.glm(
        {"mu": "lwage ~ educ + exper", "log_sigma": "~ exper + I(exper**2)"},
        working,
        family=asx.LocationScale(),
    )
    found = res.avg_slopes().frame.set_index("term")
    names = list(res.names)
    for name in ("educ", "exper"):
        (own,) = [n for n in names if n in (f"mu: {name}", f"mu:{name}")]
        assert found.loc[name, "estimate"] == pytest.approx(res.params[own], rel=1e-10)
        assert found.loc[name, "std.error"] == pytest.approx(res.bse[own], rel=1e-10)
    link = res.avg_slopes(type="link", variables="exper").frame.set_index("component")
    slope = res.params["log_sigma: exper"] + 2 * res.params["log_sigma: I(exper ** 2)"] * (
        working["exper"].mean()
    )
    assert link.loc["log_sigma", "estimate"] == pytest.approx(slope, rel=1e-9)


def test_a_network_moves_with_its_variable(mroz):
    res = asx.mlp(
        "inlf ~ educ + exper + I(exper**2)",
        mroz,
        hidden=(3,),
        penalty=asx.Ridge(1.0),
        key=jax.random.key(0),
        restarts=2,
    )
    found = res.avg_slopes(variables="exper").frame.iloc[0]

    def average(model):
        def at(step):
            moved = mroz.assign(exper=mroz["exper"] + step)
            x = res.spec.design(moved)[0]
            with jax.enable_x64(True):
                return float(np.mean(np.asarray(model(x))))

        h = 0.05
        return (8 * (at(h) - at(-h)) - at(2 * h) + at(-2 * h)) / (12 * h)

    assert found["estimate"] == pytest.approx(average(res.model), rel=1e-7)
    from asymptotix.model import layout

    where = layout(res.model)
    theta = np.asarray(where.flatten(res.model))
    gradient = []
    for j in range(len(theta)):
        e = np.zeros(len(theta))
        e[j] = 1e-4
        up, down = (average(where.replace(res.model, theta + s * e)) for s in (1, -1))
        gradient.append((up - down) / 2e-4)
    gradient = np.array(gradient)
    expected = np.sqrt(gradient @ res.cov_params().to_numpy() @ gradient)
    assert found["std.error"] == pytest.approx(expected, rel=1e-5)
    unconditional = res.avg_slopes(variables="exper", unconditional=True).frame["std.error"].item()
    assert unconditional == pytest.approx(expected, rel=0.5)


# Arrays


class Bend(eqx.Module):
    """A small predictor that is not linear in its parameters."""

    weight: jax.Array = asx.parameter()
    rate: jax.Array = asx.parameter()

    def __call__(self, x):
        return jnp.tanh(self.weight @ x) * self.rate[0] + self.rate[1] * x[0] ** 2


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(3000), rng.standard_normal((3000, 2))])
    y = (rng.random(3000) < logistic(x @ [0.2, 0.5, -0.3])).astype(float)
    return x, y, rng.uniform(0.5, 2, 3000)


def test_average_slopes_of_arrays(arrays):
    x, y, w = arrays
    rows = asx.Rows(x, y, weights=w, weight_kind="sampling")
    fit = asx.fit(asx.Logit(3), rows)
    cov = asx.covariance(fit, rows, "HC0")
    beta = np.asarray(fit.model.predictor.coef)
    density = logistic(x @ beta) * (1 - logistic(x @ beta))
    curve = density * (1 - 2 * logistic(x @ beta))
    found = asx.average_slopes(fit, rows, cov, columns=[1, 2])
    value = np.average(density, weights=w) * beta[1:]
    jacobian = np.outer(beta[1:], np.average(curve[:, None] * x, axis=0, weights=w))
    jacobian[[0, 1], [1, 2]] += np.average(density, weights=w)
    expected = jacobian @ np.asarray(cov.matrix) @ jacobian.T
    np.testing.assert_allclose(found.value, value, rtol=1e-12)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-10)
    np.testing.assert_allclose(found.standard_error, np.sqrt(np.diagonal(expected)), rtol=1e-10)


def test_average_slopes_of_any_module(arrays):
    x, y, _ = arrays
    rng = np.random.default_rng(0)
    model = asx.Regression(Bend(rng.standard_normal(3), np.array([0.7, 0.2])), asx.Poisson())
    matrix = np.eye(5) * 0.01
    rows = asx.Rows(x, y)
    found = asx.average_slopes(model, rows, matrix)

    def value(theta):
        weight, rate = theta[:3], theta[3:]
        inner = np.tanh(x @ weight)
        mu = np.exp(inner * rate[0] + rate[1] * x[:, 0] ** 2)
        slopes = rate[0] * (1 - inner**2)[:, None] * weight
        slopes[:, 0] += 2 * rate[1] * x[:, 0]
        return (mu[:, None] * slopes).mean(axis=0)

    theta = np.concatenate([model.predictor.module.weight, model.predictor.module.rate])
    np.testing.assert_allclose(found.value, value(theta), rtol=1e-10)
    h = 1e-3
    jacobian = np.column_stack(
        [(8 * (value(theta + e) - value(theta - e)) - value(theta + 2 * e) + value(theta - 2 * e))
         / (12 * h) for e in np.eye(5) * h]
    )  # fmt: skip
    np.testing.assert_allclose(found.covariance, jacobian @ matrix @ jacobian.T, rtol=1e-6)


def test_average_slopes_inside_transformations(arrays):
    x, y, _ = arrays
    matrix = np.eye(3) * 0.01
    rows = asx.Rows(x, y)
    model = asx.Logit(3)
    model = eqx.tree_at(lambda m: m.predictor.coef, model, np.array([0.1, 0.4, -0.2]))
    outside = asx.average_slopes(model, rows, matrix)

    def first(coef):
        moved = eqx.tree_at(lambda m: m.predictor.coef, model, coef)
        return asx.average_slopes(moved, asx.Rows(jnp.asarray(x), jnp.asarray(y)), matrix).value[1]

    with jax.enable_x64(True):
        coef = jnp.asarray([0.1, 0.4, -0.2])
        inside, gradient = jax.jit(jax.value_and_grad(first))(coef)
    assert float(inside) == pytest.approx(float(outside.value[1]), rel=1e-12)
    by_formula = np.asarray(outside.covariance)[1, 1] / 0.01
    gradient = np.asarray(gradient)
    assert gradient @ gradient == pytest.approx(by_formula, rel=1e-9)


# Hypotheses


def test_hypotheses_of_coefficients(logit):
    params, cov = logit.params, logit.cov_params()
    ratio = logit.hypotheses("b2 / b3 = 1").frame.iloc[0]
    a, b = params["educ"], params["exper"]
    gradient = np.array([1 / b, -a / b**2])
    part = cov.loc[["educ", "exper"], ["educ", "exper"]].to_numpy()
    assert ratio["estimate"] == pytest.approx(a / b - 1, rel=1e-12)
    assert ratio["std.error"] == pytest.approx(np.sqrt(gradient @ part @ gradient), rel=1e-10)
    assert ratio["statistic"] == pytest.approx(ratio["estimate"] / ratio["std.error"])
    linear = logit.hypotheses(["educ = 2 * exper", "`I(exper ** 2)` = I(exper**2)", "b1 = b2 = 0"])
    assert len(linear) == 4
    test = logit.wald_test("educ = 2 * exper")
    assert linear.frame["statistic"][0] ** 2 == pytest.approx(float(test.statistic), rel=1e-9)
    same = logit.hypotheses(lambda v: v[1] - 2 * v[2]).frame["std.error"].item()
    assert same == pytest.approx(linear.frame["std.error"][0], rel=1e-12)
    again = logit.hypotheses(np.array([0, 1, -2, 0, 0.0])).frame["std.error"].item()
    assert again == pytest.approx(same, rel=1e-12)
    by_delta = logit.delta(lambda m: m.predictor.coef[1] / m.predictor.coef[2] - 1)
    assert float(by_delta.standard_error) == pytest.approx(ratio["std.error"], rel=1e-12)
    robust = logit.hypotheses("educ", vcov="HC1").frame["std.error"].item()
    assert robust == pytest.approx(logit.with_cov("HC1").bse["educ"], rel=1e-12)


def test_hypotheses_about_effects(logit):
    slopes = logit.avg_slopes()
    difference = slopes.hypotheses("educ = exper")
    gradient = np.array([1.0, -1.0, 0.0])
    expected = np.sqrt(gradient @ slopes.covariance @ gradient)
    assert difference.frame["std.error"].item() == pytest.approx(expected, rel=1e-12)
    asked = logit.avg_slopes(hypothesis="educ = exper")
    pd.testing.assert_frame_equal(difference.frame, asked.frame)
    pairs = list(slopes.hypotheses("pairwise").frame["term"])
    assert pairs == ["exper - educ", "kidslt6 - educ", "kidslt6 - exper"]
    against = logit.avg_slopes(variables="educ", hypothesis=0.03).frame.iloc[0]
    assert against["statistic"] == pytest.approx(
        (against["estimate"] - 0.03) / against["std.error"], rel=1e-12
    )
    assert against["conf.low"] < against["estimate"] < against["conf.high"]


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "b99", "educ.x", "b1 == b2", "b1 if b2 else b3", "lambda: 1", "b1; b2",
     "", "exp(b1, b2)", "'a'", "b1 < b2", "(b1 := 2)", "[b1]", "-" * 1500 + "b1", "open(b1)"],
)  # fmt: skip
def test_expressions_that_are_none(logit, text):
    with pytest.raises(asx.InputError) as error:
        logit.hypotheses(text)
    assert error.value.code == "hypothesis"


def test_names_that_are_no_identifiers():
    from asymptotix.effects.expressions import parse

    names = ("b2", "C(g)[T.b]", "C(g)[T.b]:x", "I(x ** 2)")
    values = np.array([1.0, 10.0, 100.0, 1000.0])

    def value(text):
        ((_, function),) = parse(text, names)
        return float(function(values))

    assert value("b2") == 1  # a name comes before a position
    assert value("b3") == 100
    assert value("C(g)[T.b]:x - C(g)[T.b]") == 90
    assert value("I(x**2) / `C(g)[T.b]` = 2 ** 2") == 96
    assert value("exp(log(b4)) + sqrt(b2 * 4)") == pytest.approx(1002)


# Grids, intervals, tables


def test_grids(logit, mroz):
    grid = asx.datagrid(logit, educ=[8, 12, 16], kidslt6=[0, 1])
    assert len(grid) == 6
    assert (grid["exper"] == mroz["exper"].mean()).all()
    found = logit.predictions(newdata=asx.datagrid(educ=[8, 12, 16], kidslt6=[0, 1])).frame
    np.testing.assert_allclose(found["estimate"], logit.predict(grid), rtol=1e-12)
    assert list(found["educ"]) == [8, 8, 12, 12, 16, 16]
    copies = asx.datagrid(logit, grid_type="counterfactual", educ=[8, 12])
    assert len(copies) == 2 * len(mroz)
    by = logit.avg_predictions(
        newdata=asx.datagrid(grid_type="counterfactual", educ=[8, 12]), by="educ"
    )
    values = logit.avg_predictions(variables={"educ": [8, 12]})
    np.testing.assert_allclose(by.frame["estimate"], values.frame["estimate"], rtol=1e-12)
    np.testing.assert_allclose(by.frame["std.error"], values.frame["std.error"], rtol=1e-10)
    assert asx.datagrid(mroz, age=np.median)["age"].item() == mroz["age"].median()
    with pytest.raises(asx.InputError, match="no variable"):
        asx.datagrid(logit, edu=3)


def test_probabilities_of_counts(mroz):
    res = asx.poisson("kidsge6 ~ educ + age", mroz)
    mu = res.predict().to_numpy()
    found = res.avg_predictions(type="probability", value=0).frame.iloc[0]
    assert found["estimate"] == pytest.approx(np.exp(-mu).mean(), rel=1e-12)
    slope = res.avg_slopes(type="probability", value=0, variables="educ").frame["estimate"].item()
    assert slope == pytest.approx(-(mu * np.exp(-mu)).mean() * res.params["educ"], rel=1e-10)
    grouped = pd.DataFrame({"s": [1, 3, 5, 7], "x": [0.0, 1, 2, 4], "n": [10, 10, 10, 10]})
    binomial = asx.glm("s ~ x", grouped, family=asx.Binomial(), trials="n")
    share = binomial.predict().to_numpy()
    none = binomial.avg_predictions(type="probability", value=(0, 2)).frame["estimate"].item()
    assert none == pytest.approx(np.mean((1 - share) ** 2), rel=1e-10)
    linear = asx.linear("lwage ~ educ", mroz.dropna(subset=["lwage"]))
    with pytest.raises(asx.InputError, match="continuous"):
        linear.avg_predictions(type="probability", value=1)
    with pytest.raises(asx.InputError, match="does not take"):
        res.avg_predictions(type="probability", value=0.5)


def test_tables_fit_the_screen(logit):
    for table in (logit.avg_slopes(), logit.predictions(), logit.hypotheses("b1 = b2")):
        lines = str(table).splitlines()
        assert max(map(len, lines)) <= 80
        assert len(lines) < 60
        assert "<table" in table._repr_html_()
        assert "tabular" in table.summary().to_latex()
    with pytest.raises(AttributeError):
        table.frame = None


def test_transform_and_confidence(logit):
    log_odds = {"variables": "educ", "comparison": "lnor"}
    plain = logit.avg_comparisons(**log_odds, confidence=0.9).frame.iloc[0]
    changed = logit.avg_comparisons(**log_odds, confidence=0.9, transform=np.exp).frame.iloc[0]
    for name in ("estimate", "conf.low", "conf.high"):
        assert changed[name] == pytest.approx(np.exp(plain[name]), rel=1e-12)
    assert changed["p.value"] == plain["p.value"]
    assert np.isnan(changed["std.error"])
    reach = (plain["conf.high"] - plain["estimate"]) / plain["std.error"]
    assert reach == pytest.approx(1.6448536269514722, rel=1e-12)


def test_covariances_by_name(logit):
    robust = logit.with_cov("HC1").avg_slopes().frame
    pd.testing.assert_frame_equal(logit.avg_slopes(vcov="HC1").frame, robust)
    clustered = logit.avg_slopes(vcov=asx.Cluster("age"))
    assert clustered.reference.symbol == "t"
    matrix = logit.with_cov("HC1").cov_params().to_numpy()
    np.testing.assert_allclose(
        logit.avg_slopes(vcov=matrix).frame["std.error"], robust["std.error"], rtol=1e-12
    )
    small = logit.avg_slopes(vcov=asx.Cluster("age", correction="CR2"))
    assert np.isfinite(small.frame["conf.low"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variables": "edu"}, "Did you mean 'educ'"),
        ({"type": "odds"}, "must be one of"),
        ({"type": "probability"}, "go together"),
        ({"slope": "dxdy"}, "must be one of"),
        ({"method": "jackknife"}, "must be one of"),
        ({"method": "bootstrap"}, "needs a key"),
        ({"method": "simulation"}, "needs a key"),
        ({"unconditional": True, "newdata": "mean"}, "averages over the rows of the fit"),
        ({"newdata": "medoid"}, "'mean' or 'median'"),
        ({"variables": {"educ": 4}}, "use comparisons"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"transform": "exp"}, "must be a function"),
        ({"by": "town"}, "no column 'town'"),
        ({"hypothesis": {}}, "must be a number"),
        ({"hypothesis": float("nan")}, "no number to test against"),
        ({"hypothesis": "b1="}, "a side of = is missing"),
        ({"hypothesis": lambda b: np.exp(b[0])}, "jax.numpy"),
        ({"hypothesis": lambda a, b: a}, "a function of the vector of estimates"),
        ({"method": "simulation", "key": 0}, "no JAX random key"),
        ({"method": "bootstrap", "key": "0"}, "no JAX random key"),
        ({"method": "simulation", "key": KEY, "n_draws": "10"}, "whole number"),
        ({"method": "simulation", "key": KEY, "n_draws": 10.5}, "whole number"),
        ({"n_draws": 1000}, "no other method takes it"),
        ({"variables": 5}, "a list of names"),
        ({"variables": True}, "a list of names"),
        ({"by": 5}, "a list of names"),
        ({"variables": {"educ": []}}, "no value of 'educ'"),
        ({"transform": math.exp}, "numpy.exp"),
        ({"transform": lambda v: v[:1]}, "a number for each number"),
        ({"vcov": np.triu(np.ones((5, 5)))}, "not symmetric"),
    ],
)
def test_what_cannot_be_asked(logit, options, message):
    with pytest.raises(asx.InputError, match=message):
        logit.avg_slopes(**options)


@pytest.mark.parametrize("verb", ["comparisons", "avg_comparisons"])
@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        (lambda high, low: np.log(high) - low, "jax.numpy"),
        (lambda high, low: high if high > low else low, "jnp.where"),
        (lambda a: a, "of the high and the low prediction"),
        (lambda high, low: jnp.ones(3), "as many numbers"),
        (lambda high, low: "more", "cannot be evaluated"),
        (lambda high, low: None, "returns None"),
    ],
)
def test_what_compares_nothing(logit, verb, comparison, message):
    with pytest.raises(asx.InputError, match=message):
        getattr(logit, verb)(variables="educ", comparison=comparison)


def test_functions_of_jax_compare_as_names_do(logit):
    given = {"variables": ["educ", "exper"]}
    named = logit.avg_comparisons(**given, comparison="lnratio").frame
    made = logit.avg_comparisons(**given, comparison=lambda a, b: jnp.log(a / b)).frame
    np.testing.assert_allclose(made["std.error"], named["std.error"], rtol=1e-12)


def test_rows_alone_take_no_weights(logit):
    for verb in (logit.predictions, logit.slopes, logit.comparisons):
        with pytest.raises(asx.InputError, match="weights= are of averages"):
            verb(weights="age")
    assert len(logit.predictions(weights="age", by="kidslt6")) > 1


def test_an_estimate_without_labels_has_no_name(logit):
    for text in ("b1=", "=b1", "`` = 1"):
        with pytest.raises(asx.InputError, match=r"missing|no estimate"):
            logit.avg_predictions(hypothesis=text)
    half = logit.avg_predictions(hypothesis="b1 = 0.5").frame
    against = logit.avg_predictions(hypothesis=0.5).frame
    np.testing.assert_allclose(half["statistic"], against["statistic"], rtol=1e-12)


def test_odds_are_of_probabilities(mroz):
    counts = asx.poisson("kidsge6 ~ educ", mroz)
    linear = asx.linear("nwifeinc ~ educ", mroz)
    for res in (counts, linear):
        with pytest.raises(asx.InputError, match="only probabilities have odds"):
            res.avg_comparisons(comparison="lnor")
    of_event = {"type": "probability", "value": ">= 1", "variables": "educ"}
    assert np.isfinite(counts.avg_comparisons(comparison="lnor", **of_event).frame["estimate"][0])
    # A linear probability model predicts probabilities, where it does not leave 0 and 1.
    share = asx.lpm("inlf ~ educ", mroz)
    found = share.avg_comparisons(comparison="lnor").frame["estimate"][0]
    low, high = share.predict().mean(), share.predict(mroz.assign(educ=mroz.educ + 1)).mean()
    assert found == pytest.approx(np.log(high / (1 - high) / (low / (1 - low))), rel=1e-9)


def test_why_a_number_is_withheld(mroz):
    centred = mroz.assign(y=mroz.nwifeinc - mroz.nwifeinc.mean())
    res = asx.linear("y ~ educ", centred)
    table = res.comparisons(comparison="lnratio", newdata=asx.datagrid(educ=[5, 12]))
    crossed = res.predict(pd.DataFrame({"educ": [5, 6, 12, 13]}))
    assert np.isnan(table.frame["estimate"]).tolist() == [
        crossed[1] / crossed[0] <= 0,
        crossed[3] / crossed[2] <= 0,
    ]
    assert "no logarithm" in table.notes[-1]
    negative = res.avg_slopes(vcov=-np.eye(2))
    assert np.isnan(negative.frame["std.error"][0])
    assert "variance is negative" in negative.notes[-1]
    for matrix in (-np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]])):
        with pytest.raises(asx.InputError, match="not positive definite"):
            res.avg_slopes(vcov=matrix, method="simulation", key=KEY)


def test_functions_of_the_model_are_jax(logit):
    for function, message in (
        (lambda m: np.exp(m.predictor.coef), "jax.numpy"),
        (lambda m: m.foo, "no attribute 'foo'"),
        ("x/z", "a function of the model"),
    ):
        with pytest.raises(asx.InputError, match=message):
            logit.delta(function)
    with pytest.raises(asx.InputError, match="no attribute 'foo'"):
        logit.wald_test(lambda m: m.foo)


def test_unknown_keywords_are_errors(logit):
    with pytest.raises(TypeError, match="eps"):
        logit.avg_slopes(eps=1e-4)


def test_a_formula_that_jumps_has_no_slope(mroz):
    res = asx.logit("inlf ~ I(1.0 * (educ > 12)) + exper", mroz)
    with pytest.raises(asx.InputError, match="no derivative in 'educ'"):
        res.avg_slopes(variables="educ")
    assert len(res.avg_comparisons(variables={"educ": (12, 13)})) == 1
    cut = asx.logit("inlf ~ C(np.minimum(kidslt6, 1)) + exper", mroz)
    with pytest.raises(asx.InputError, match="into categories"):
        cut.avg_slopes(variables="kidslt6")
    assert len(cut.avg_comparisons(variables={"kidslt6": (0, 1)})) == 1


# --- what simulation and influence functions leave alone ----------------------------------------


def test_simulation_withholds_what_has_no_distribution():
    data = asx.load_example("mroz")
    logit = asx.logit("inlf ~ educ", data)
    found = logit.avg_slopes(vcov=False, method="simulation", key=jax.random.key(0)).frame
    assert found[["std.error", "p.value", "conf.low", "conf.high"]].isna().all(axis=None)
    worked = data[data.hours > 0]
    linear = asx.linear("hours ~ educ", worked, keep_data=False)
    found = linear.predictions(
        worked.head(1), type="quantile", q=0.95, method="simulation", key=jax.random.key(0)
    ).frame  # the dispersion's variance takes the rows
    assert found["std.error"].isna().all()


@pytest.mark.parametrize("kind", ["pearson", "deviance", "ml"])
def test_errors_of_quantiles_follow_the_dispersion_that_was_chosen(kind):
    """Against the infinitesimal jackknife by numbers: the quantile's derivative in each weight."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal(80)
    data = pd.DataFrame({"x": x, "y": rng.gamma(2, np.exp(0.3 * x))})
    at = {"type": "quantile", "q": 0.9}
    family = asx.Gamma(asx.LogLink())

    def quantile(weights=None):
        given = {} if weights is None else {"weights": weights, "weight_kind": "frequency"}
        res = asx.glm("y ~ x", data, family=family, dispersion=kind, cov="HC0", **given)
        return res.predictions(data.head(1), **at).frame.iloc[0]

    moved = []
    for i in range(80):
        ends = []
        for sign in (1, -1):
            weights = np.ones(80)
            weights[i] += sign * 1e-4
            ends.append(quantile(weights)["estimate"])
        moved.append((ends[0] - ends[1]) / 2e-4)
    moved = np.array(moved)
    # one more row also adds to n - k, as the mean of its residual says; influences sum to zero
    error = np.sqrt(np.sum((moved - moved.mean()) ** 2))
    assert quantile()["std.error"] == pytest.approx(error, rel=2e-3)
    if kind != "pearson":
        res = asx.glm("y ~ x", data, family=family, dispersion=kind)
        with pytest.raises(asx.InputError, match="takes each refit's dispersion from Pearson"):
            res.predictions(data.head(1), method="bootstrap", key=jax.random.key(0), **at)


def test_unconditional_errors_read_no_other_covariance():
    data = asx.load_example("mroz")
    res = asx.logit("inlf ~ educ + C(city)", data)
    with pytest.raises(asx.InputError, match="has a covariance of its own"):
        res.avg_slopes(unconditional=True, vcov="HC3")
    with pytest.raises(asx.InputError, match="knows independent rows and one grouping"):
        res.with_cov(asx.HAC(bandwidth=3)).avg_slopes(unconditional=True)
    by_column = res.avg_slopes(variables="educ", unconditional="age").frame
    by_kind = res.with_cov(asx.Cluster("age")).avg_slopes(variables="educ", unconditional=True)
    for name in ("std.error", "p.value", "conf.low"):  # t(G - 1) both times
        assert by_column[name][0] == pytest.approx(by_kind.frame[name][0], rel=1e-10)
