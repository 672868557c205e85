"""What cannot be estimated is said, and never dressed up as an estimate."""

import warnings

import numpy as np
import pandas as pd
import pytest

import asymptotix as asx
from conftest import MROZ

# Five points that a line separates (published elsewhere with coefficients of a stopped descent).
FIVE = {"y": [1, 1, 1, 0, 0], "a": [1.0, 3.0, 2.0, 6.0, 5.0], "b": [3.0, 5.0, 4.0, 2.0, 1.0]}


def rng():
    return np.random.default_rng(3)


def quasi(n=60):
    """Separated but for one tie at zero: x > 0 means y = 1, x < 0 means 0, x = 0 both."""
    x = np.r_[np.linspace(-2, -0.1, n // 2), np.linspace(0.1, 2, n // 2), 0.0, 0.0]
    return {"y": np.r_[np.zeros(n // 2), np.ones(n // 2), 0, 1], "x": x}


def one_sided():
    """Quasi-separation by a dummy: everyone in the group has the event, not so outside."""
    g = np.repeat([0.0, 1.0], [80, 20])
    y = np.r_[(rng().uniform(size=80) < 0.4), np.ones(20)].astype(float)
    return {"y": y, "g": g, "z": rng().standard_normal(100)}


INFINITE = {
    "complete": {"Intercept", "a", "b"},
    "complete, one column": {"Intercept", "x"},
    "quasi": {"x"},
    "a dummy": {"g"},
    "a dummy without intercept": {"C(g)[1]"},
}
CASES = {
    "complete": ("y ~ a + b", FIVE),
    "complete, one column": ("y ~ x", {"y": np.r_[np.zeros(20), np.ones(20)], "x": np.arange(40)}),
    "quasi": ("y ~ x", quasi()),
    "a dummy": ("y ~ g + z", one_sided()),
    "a dummy without intercept": ("y ~ C(g) + z - 1", one_sided()),
}


@pytest.mark.parametrize("entry", [asx.logit, asx.probit])
@pytest.mark.parametrize("case", list(CASES))
def test_separated_data_never_converge(entry, case):
    formula, data = CASES[case]
    with pytest.warns(asx.FitWarning, match="are separated"):
        res = entry(formula, data)
    assert not res.converged
    assert res.status == "separated"
    infinite = np.isinf(res.params)
    assert set(res.params.index[infinite]) == INFINITE[case]
    assert (res.bse.isna() == infinite).all()
    assert (res.pvalues.isna() == infinite).all()
    assert np.isinf(res.conf_int()[infinite]).any(axis=1).all()
    assert np.isnan(res.cov_params().to_numpy()[infinite]).all()
    assert "NOT CONVERGED" in str(res.summary())
    for kind in ("expected", "HC0", "HC1", "opg"):
        assert (res.with_cov(kind).bse.isna() == infinite).all()


@pytest.mark.parametrize("link", [asx.CloglogLink(), asx.LoglogLink(), asx.CauchitLink()])
@pytest.mark.parametrize("case", ["complete", "a dummy"])
def test_separation_under_other_links(link, case):
    formula, data = CASES[case]
    with pytest.warns(asx.FitWarning):
        res = asx.glm(formula, data, asx.Bernoulli(link))
    assert res.status == "separated"
    assert (res.bse.isna() == np.isinf(res.params)).all()


def test_separation_in_a_poisson_regression():
    """All counts zero in a group: its coefficient runs to minus infinity."""
    g = np.repeat([0.0, 1.0], [80, 20])
    y = np.r_[rng().poisson(2.0, 80), np.zeros(20)]
    with pytest.warns(asx.FitWarning):
        res = asx.poisson("y ~ g", {"y": y, "g": g})
    assert res.status == "separated"
    assert res.params["g"] == -np.inf
    assert np.isnan(res.bse["g"])


def test_separation_on_large_data():
    n = 70_000
    x = np.column_stack([np.ones(n), rng().standard_normal(n)])
    fit = asx.fit(asx.Logit(2), x, (x[:, 1] > 0).astype(float))
    assert fit.status_name in ("diverging", "separated")
    assert not bool(fit.converged)


@pytest.mark.parametrize("seed", range(3))
def test_nearly_separated_data_do_converge(seed):
    """One point on the wrong side is enough for an optimum, however far out."""
    r = np.random.default_rng(seed)
    x = np.sort(r.standard_normal(200))
    y = (x > 0).astype(float)
    y[np.searchsorted(x, 0.0)] = 0.0
    y[np.searchsorted(x, 0.0) - 1] = 1.0
    res = asx.logit("y ~ x", {"x": x, "y": y})
    assert res.converged
    assert np.isfinite(res.bse).all()
    p = 1 / (1 + np.exp(-(res.params.iloc[0] + res.params.iloc[1] * x)))
    assert abs(np.sum(y - p)) < 1e-7
    assert abs(np.sum(x * (y - p))) < 1e-7


# --- rank -----------------------------------------------------------------------------------------


def collinear_data():
    r = rng()
    a, b = r.standard_normal((2, 150))
    y = (r.uniform(size=150) < 1 / (1 + np.exp(-a + 0.3 * b))).astype(float)
    g = np.array(["u", "v", "w"])[r.integers(0, 3, 150)]
    return pd.DataFrame({
        "y": y, "a": a, "b": b, "twin": a, "sum": a + 2 * b, "shifted": 3 * a + 7,
        "u": (g == "u") * 1.0, "v": (g == "v") * 1.0, "w": (g == "w") * 1.0, "five": 5.0,
    })  # fmt: skip


RANK = {
    "exact duplicate": ("y ~ a + twin + b", "y ~ a + b", ["twin"]),
    "the later of two": ("y ~ twin + b + a", "y ~ twin + b", ["a"]),
    "a linear combination": ("y ~ a + b + Q('sum')", "y ~ a + b", None),
    "a shifted copy": ("y ~ a + shifted", "y ~ a", ["shifted"]),
    "dummy trap": ("y ~ u + v + w + a", "y ~ u + v + a", ["w"]),
    "a second constant": ("y ~ five + a", "y ~ a", ["five"]),
    "no intercept": ("y ~ a + twin - 1", "y ~ a - 1", ["twin"]),
    "two at once": ("y ~ a + twin + five + b", "y ~ a + b", ["twin", "five"]),
}


@pytest.mark.parametrize("entry", [asx.logit, asx.probit, asx.lpm, asx.linear])
@pytest.mark.parametrize("case", list(RANK))
def test_collinear_columns_are_omitted_last_first(entry, case):
    formula, smaller, omitted = RANK[case]
    data = collinear_data()
    with pytest.warns(asx.CollinearWarning) as caught:
        res = entry(formula, data)
    reduced = entry(smaller, data)
    gone = [n for n in res.names if n not in reduced.names]
    assert omitted is None or gone == omitted
    assert any(all(n in str(w.message) for n in gone) for w in caught)
    assert res.converged
    assert res.rank == reduced.rank
    assert res.params[gone].isna().all()
    assert res.bse[gone].isna().all()
    kept = list(reduced.names)
    np.testing.assert_allclose(res.params[kept], reduced.params, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(res.bse[kept], reduced.bse, rtol=1e-8)
    for statistic in ("llf", "aic", "bic", "llnull", "df_model", "df_resid"):
        assert getattr(res, statistic) == pytest.approx(getattr(reduced, statistic), rel=1e-10)
    np.testing.assert_allclose(res.predict(data), reduced.predict(data), rtol=1e-9)
    assert "Omitted" in str(res.summary())
    assert all(n in str(res.summary()) for n in gone)
    robust, plain = res.with_cov("HC1"), reduced.with_cov("HC1")
    np.testing.assert_allclose(robust.bse[kept], plain.bse, rtol=1e-8)


def test_how_near_to_collinear_is_ones_own_choice():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"a": rng.standard_normal(300)})
    data["b"] = data["a"] + 1e-3 * rng.standard_normal(300)
    data["y"] = rng.integers(0, 2, 300)
    assert np.isfinite(asx.logit("y ~ a + b", data).params).all()
    with pytest.warns(asx.CollinearWarning, match=r"explain them but for 0.01: 'b' = "):
        res = asx.logit("y ~ a + b", data, collinear_tol=0.01)
    alone = asx.logit("y ~ a", data)
    np.testing.assert_allclose(res.params[["Intercept", "a"]], alone.params, rtol=1e-10)
    assert np.isnan(res.params["b"])
    with pytest.raises(asx.InputError, match="must lie between 0 and 1") as caught:
        asx.logit("y ~ a + b", data, collinear_tol=1)
    assert caught.value.code == "option"


def test_collinear_raise():
    with pytest.raises(asx.InputError, match="twin") as caught:
        asx.logit("y ~ a + twin", collinear_data(), collinear="raise")
    assert caught.value.code == "collinear"


def test_collinear_arrays_name_the_position():
    d = collinear_data()
    x = np.column_stack([np.ones(150), d["a"], d["b"], d["a"]])
    with pytest.warns(asx.CollinearWarning, match=r"x\[:, 3\]"):
        fit = asx.fit(asx.Logit(4), x, d["y"].to_numpy())
    assert bool(fit.converged)
    assert list(np.asarray(fit.active)) == [True, True, True, False]
    errors = np.asarray(asx.covariance(fit, x, d["y"].to_numpy()).standard_errors)
    assert np.isnan(errors[3])
    assert np.isfinite(errors[:3]).all()


def test_collinear_and_separated_at_once_is_not_an_estimate():
    data = {**FIVE, "c": FIVE["a"]}
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        res = asx.logit("y ~ a + b + c", {k: list(v) * 3 for k, v in data.items()})
    assert not res.converged
    assert res.bse.isna().all()


def test_nearly_collinear_columns_are_kept_and_warned():
    d = collinear_data()
    d["close"] = d["a"] + 1e-9 * np.random.default_rng(77).standard_normal(150)
    with pytest.warns(asx.CollinearWarning, match="nearly"):
        res = asx.linear("y ~ a + close", d)
    assert res.params.notna().all()


def test_a_nearly_collinear_column_is_named():
    d = collinear_data()
    d["close"] = d["a"] + 1e-9 * np.random.default_rng(77).standard_normal(150)
    with pytest.warns(asx.CollinearWarning, match="'close'"):
        asx.linear("y ~ a + close", d)


# --- steps and boundaries -------------------------------------------------------------------------


def test_out_of_steps(mroz):
    with pytest.warns(asx.FitWarning, match="max_steps"):
        res = asx.logit(MROZ, mroz, solver=asx.Newton(max_steps=1))
    assert res.status == "max_steps"
    assert not res.converged
    assert res.bse.isna().all()
    assert res.params.notna().all()


def test_throw():
    x = np.column_stack([np.ones(5), FIVE["a"], FIVE["b"]])
    y = np.array(FIVE["y"], float)
    fit = asx.fit(asx.Logit(3), x, y)
    assert not bool(fit.converged)
    with pytest.raises(asx.FitError, match="predicts the outcome perfectly"):
        asx.fit(asx.Logit(3), x, y, throw=True)


def test_a_log_binomial_whose_maximum_is_on_the_boundary():
    """All of the top group have the event: the likelihood rises up to mean = 1 there."""
    x = np.repeat([0.0, 1.0, 2.0], 40)
    y = np.r_[np.tile([0, 0, 0, 1], 10), np.tile([0, 1], 20), np.ones(40)]
    with pytest.warns(asx.FitWarning):
        res = asx.glm("y ~ x", {"x": x, "y": y}, asx.Bernoulli(asx.LogLink()))
    assert not res.converged
    assert res.status in ("boundary", "stalled", "max_steps")
    assert res.bse.isna().all()
    assert (res.predict({"x": [0.0, 1.0, 2.0]}) <= 1).all()


def test_a_status_is_an_item_of_the_enumeration():
    x = np.column_stack([np.ones(5), FIVE["a"], FIVE["b"]])
    fit = asx.fit(asx.Logit(3), x, np.array(FIVE["y"], float))
    assert fit.status == getattr(asx.Status, fit.status_name) != asx.Status.successful
    fine = asx.fit(asx.LinearRegression(1), np.ones((5, 1)), np.arange(5.0))
    assert fine.status == asx.Status.successful


# --- bad arrays -----------------------------------------------------------------------------------


def arrays():
    r = rng()
    x = np.column_stack([np.ones(50), r.standard_normal((50, 2))])
    return x, (r.uniform(size=50) < 0.5).astype(float)


def broken(index, value):
    x, y = arrays()
    x[index] = value
    return x, y


X, Y = arrays()
BAD_ARRAYS = {
    "nan": (lambda: asx.fit(asx.Logit(3), *broken((7, 2), np.nan)), "missing_values",
            ["x[:, 2]", "7", "1 row"]),
    "inf": (lambda: asx.fit(asx.Logit(3), *broken((9, 1), -np.inf)), "infinite_values",
            ["x[:, 1]", "9"]),
    "many nan": (lambda: asx.fit(asx.Logit(3), *broken((slice(3, 11), 2), np.nan)),
                 "missing_values", ["8 rows", "3, 4, 5"]),
    "nan in y": (lambda: asx.fit(asx.Logit(3), X, np.where(np.arange(50) == 4, np.nan, Y)),
                 "missing_values", ["y", "4"]),
    "nan in offset": (lambda: asx.fit(asx.Logit(3), X, Y, offset=np.r_[np.nan, np.zeros(49)]),
                      "missing_values", ["offset", "0"]),
    "support": (lambda: asx.fit(asx.Logit(3), X, np.where(np.arange(50) == 6, 2.0, Y)),
                "response_support", ["2.0", "6"]),
    "share": (lambda: asx.fit(asx.Probit(3), X, np.where(np.arange(50) == 6, 0.5, Y)),
              "response_support", ["0.5"]),
    "negative count": (
        lambda: asx.fit(asx.PoissonRegression(3), X, np.where(np.arange(50) == 3, -1.0, Y)),
                       "response_support", ["-1", "3"]),
    "fractional count": (lambda: asx.fit(asx.PoissonRegression(3), X, Y + 0.5),
                         "response_support", ["0.5"]),
    "more successes": (
        lambda: asx.fit(asx.Regression(asx.Linear(3), asx.Binomial()), X, (Y + 3, Y * 0 + 3)),
        "response_support", ["successes", "trials"]),
    "no trials": (
        lambda: asx.fit(asx.Regression(asx.Linear(3), asx.Binomial()), X, (Y * 0, Y * 0)),
        "response_support", ["trials"]),
    "lengths": (lambda: asx.fit(asx.Logit(3), X, Y[:-1]), "lengths", ["50", "49", "y"]),
    "length of weights": (
        lambda: asx.fit(asx.Logit(3), X, Y, weights=np.ones(7), weight_kind="frequency"),
        "lengths", ["50", "7", "weights"]),
    "length of offset": (lambda: asx.fit(asx.Logit(3), X, Y, offset=np.ones(7)),
                         "lengths", ["50", "7", "offset"]),
    "empty": (lambda: asx.fit(asx.Logit(3), X[:0], Y[:0]), "no_rows", ["no rows"]),
    "k > n": (lambda: asx.fit(asx.Logit(3), X[:2], Y[:2]), "more_columns_than_rows", ["3", "2"]),
    "k > n by weights": (
        lambda: asx.fit(asx.Logit(3), X, Y, weights=(np.arange(50) < 2) * 1.0,
                        weight_kind="frequency"),
        "more_columns_than_rows", ["3", "2"]),
    "constant 1": (lambda: asx.fit(asx.Logit(3), X, np.ones(50)), "constant_response", ["1"]),
    "constant 0": (lambda: asx.fit(asx.Probit(3), X, np.zeros(50)), "constant_response", ["0"]),
    "negative weight": (
        lambda: asx.fit(asx.Logit(3), X, Y, weights=np.r_[-1.0, np.ones(49)],
                        weight_kind="frequency"),
        "negative_weights", ["weights", "0"]),
    "zero weights": (
        lambda: asx.fit(asx.Logit(3), X, Y, weights=np.zeros(50), weight_kind="frequency"),
        "no_rows", ["weights", "zero"]),
    "weights without kind": (lambda: asx.fit(asx.Logit(3), X, Y, weights=np.ones(50)),
                             "weight_kind", ["frequency", "precision", "sampling"]),
    "unknown kind": (
        lambda: asx.fit(asx.Logit(3), X, Y, weights=np.ones(50), weight_kind="freq"),
        "weight_kind", ["freq", "frequency"]),
    "kind without weights": (lambda: asx.fit(asx.Logit(3), X, Y, weight_kind="frequency"),
                             "weight_kind", ["weights"]),
    "columns of the model": (lambda: asx.fit(asx.Logit(4), X, Y), None, ["3", "4"]),
    "text": (lambda: asx.fit(asx.Logit(3), X.astype(str), Y), "dtype", ["not numbers"]),
    "a vector for x": (lambda: asx.fit(asx.Logit(1), X[:, 0], Y), None, ["x"]),
    "a matrix for y": (lambda: asx.fit(asx.Logit(3), X, Y[:, None]), None, ["y"]),
    "y missing": (lambda: asx.fit(asx.Logit(3), X), "arguments", ["y"]),
    "rows and y": (lambda: asx.fit(asx.Logit(3), asx.Rows(X, Y), Y), "arguments", ["Rows"]),
    "covariance": (lambda: asx.covariance(asx.fit(asx.Logit(3), X, Y), X, Y, "HC11"),
                   "covariance", ["HC11", "Did you mean", "HC1"]),
    "other rows": (lambda: asx.covariance(asx.fit(asx.Logit(3), X, Y), X[::-1], Y),
                   "other_rows", ["rows"]),
    "fewer rows": (lambda: asx.covariance(asx.fit(asx.Logit(3), X, Y), X[1:], Y[1:]),
                   "other_rows", ["50", "49"]),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BAD_ARRAYS))
def test_bad_arrays(case):
    call, code, words = BAD_ARRAYS[case]
    with pytest.raises(asx.InputError) as caught:
        call()
    message = str(caught.value)
    assert code is None or caught.value.code == code
    assert all(word in message for word in words), message
    assert message.rstrip().endswith((".", "?"))


def fields(**f):
    return {"weights": 1.0 + np.arange(50) % 3, "weight_kind": "frequency", **f}


@pytest.mark.parametrize(
    "other",
    [
        {},
        fields(weights=2.0 + np.arange(50) % 3),
        fields(weight_kind="precision"),
        fields(weights=np.roll(1.0 + np.arange(50) % 3, 1)),
        fields(offset=np.linspace(0, 1, 50)),
    ],
    ids=["forgotten", "other weights", "other kind", "other order", "an offset"],
)
def test_the_rows_of_a_covariance_are_those_of_the_fit(other):
    fit = asx.fit(asx.Logit(3), X, Y, **fields())
    asx.covariance(fit, X, Y, "HC1", **fields())
    for call in (
        lambda: asx.covariance(fit, X, Y, "HC1", **other),
        lambda: asx.covariance(fit, X, Y, "observed", **other),
        lambda: asx.information(fit, X, Y, **other),
        lambda: asx.score_contributions(fit, X, Y, **other),
    ):
        with pytest.raises(asx.InputError) as caught:
            call()
        assert caught.value.code == "other_rows"


def test_shuffled_rows_are_the_same_sum():
    """A permutation of rows changes no sum, so that it cannot be told and need not be."""
    fit = asx.fit(asx.Logit(3), X, Y)
    order = np.random.default_rng(0).permutation(50)
    np.testing.assert_allclose(
        np.asarray(asx.covariance(fit, X[order], Y[order]).matrix),
        np.asarray(asx.covariance(fit, X, Y).matrix),
        rtol=1e-12,
    )


def test_a_family_without_expected_information_refuses_it():
    import jax.numpy as jnp

    class Laplace(asx.AbstractFamily):
        name = "logistic"
        dispersion_rule = "fixed"

        def log_prob(self, eta, y):
            r = y - eta
            return -r - 2 * jnp.log1p(jnp.exp(-r))

        def mean(self, eta):
            return eta

        def variance(self, eta):
            return jnp.full_like(eta, jnp.pi**2 / 3)

        def sample(self, eta, *, key):
            raise NotImplementedError

    y = X @ [1.0, 2.0, 3.0] + rng().logistic(size=50)
    fit = asx.fit(asx.Regression(asx.Linear(3), Laplace()), X, y)
    assert bool(fit.converged)
    with pytest.raises(asx.InputError, match="observed") as caught:
        asx.covariance(fit, X, y, "expected")
    assert caught.value.code == "covariance"


def test_undeclared_fields_are_refused_by_name():
    import equinox as eqx

    class Bent(eqx.Module):
        knot: np.ndarray

        def __call__(self, x):
            return x[0] - self.knot

    with pytest.raises(asx.InputError, match="knot") as caught:
        asx.fit(asx.Regression(Bent(np.array(0.5)), asx.Bernoulli()), X, Y)
    assert caught.value.code == "undeclared_parameter"


# --- bad formulas and frames ----------------------------------------------------------------------


def frame(**changes):
    x, y = arrays()
    d = pd.DataFrame({"y": y, "educ": x[:, 1], "exper": x[:, 2], "w": 1.0, "g": ["a", "b"] * 25})
    return d.assign(**changes)


BAD_FORMULAS = {
    "unknown column": (lambda: asx.logit("y ~ edu + exper", frame()), "unknown_column",
                       ["edu", "Did you mean", "educ"]),
    "unknown response": (lambda: asx.logit("yy ~ educ", frame()), "unknown_column", ["yy"]),
    "inf": (lambda: asx.logit("y ~ educ", frame(educ=np.r_[np.inf, np.zeros(49)])),
            "infinite_values", ["educ", "0"]),
    "missing raise": (
        lambda: asx.logit("y ~ educ", frame(educ=np.r_[np.nan, np.arange(49)]), missing="raise"),
        "missing_values", ["educ"]),
    "no rows left": (lambda: asx.logit("y ~ educ", frame(educ=np.full(50, np.nan))), "no_rows",
                     ["educ"]),
    "no rows": (lambda: asx.logit("y ~ educ", frame().iloc[:0]), "no_rows", ["empty"]),
    "constant": (lambda: asx.logit("y ~ educ", frame(y=1.0)), "constant_response", ["'y'", "1"]),
    "constant linear": (lambda: asx.lpm("y ~ educ", frame(y=0.0)), "constant_response", ["'y'"]),
    "not 0/1": (lambda: asx.logit("y ~ educ", frame(y=np.arange(50) % 3)), "response_values",
                ["'y'", "3 values"]),
    "three levels": (
        lambda: asx.logit("y ~ educ", frame(y=np.array(["a", "b", "c"])[np.arange(50) % 3])),
        "response_levels", ["'y'", "3 levels"]),
    "counts": (lambda: asx.poisson("y ~ educ", frame(y=-np.arange(50.0))), "response_support",
               ["'y'", "-1.0"]),
    "k > n": (lambda: asx.logit("y ~ educ + exper", frame().iloc[[0, 1]].assign(y=[0, 1])),
              "more_columns_than_rows", ["3", "2"]),
    "unknown option": (lambda: asx.logit("y ~ educ", frame(), weight="w"), "option",
                       ["weight", "Did you mean", "weights"]),
    "unknown covariance": (lambda: asx.logit("y ~ educ", frame(), cov="HC_1"), "covariance",
                           ["HC_1", "Did you mean", "HC1"]),
    "confidence": (lambda: asx.logit("y ~ educ", frame(), confidence=95), "option", ["95"]),
    "reference": (lambda: asx.logit("y ~ educ", frame(), reference="T"), "option", ["'t'"]),
    "missing option": (lambda: asx.logit("y ~ educ", frame(), missing="ignore"), "option",
                       ["ignore"]),
    "weights without kind": (lambda: asx.logit("y ~ educ", frame(), weights="w"), "weight_kind",
                             ["frequency"]),
    "weights column": (
        lambda: asx.logit("y ~ educ", frame(), weights="ww", weight_kind="frequency"),
        "unknown_column", ["ww", "Did you mean"]),
    "negative weights": (
        lambda: asx.logit("y ~ educ", frame(w=-1.0), weights="w", weight_kind="frequency"),
        None, ["'w'", "negative"]),
    "weights of another length": (
        lambda: asx.logit("y ~ educ", frame(), weights=np.ones(3), weight_kind="frequency"),
        "lengths", ["3", "50"]),
    "no trials": (lambda: asx.glm("y ~ educ", frame(), asx.Binomial()), "trials", ["trials"]),
    "ambiguous share": (
        lambda: asx.glm("s ~ educ", frame(s=0.5, n=4.0), asx.Binomial(), trials="n"),
        "trials", ["proportion"]),
    "no data": (lambda: asx.logit("y ~ educ", 17), "data_type", ["int"]),
    "family": (lambda: asx.glm("y ~ educ", frame(), "binomial"), None, ["family"]),
    "family class": (lambda: asx.glm("y ~ educ", frame(), asx.Bernoulli), None, ["family"]),
    "solver": (lambda: asx.logit("y ~ educ", frame(), solver="newton"), None, ["solver"]),
    "response elsewhere": (lambda: asx.logit("y ~ educ", frame(), response="proportion"),
                           "option", ["response", "bernoulli"]),
    "trials elsewhere": (lambda: asx.logit("y ~ educ", frame(), trials="w"), None, ["trials"]),
    "curvature": (lambda: asx.Newton(curvature="fisher"), None, ["observed", "expected"]),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BAD_FORMULAS))
def test_bad_formulas(case):
    call, code, words = BAD_FORMULAS[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", asx.MissingRowsWarning)
        with pytest.raises(asx.InputError) as caught:
            call()
    assert code is None or caught.value.code == code
    message = str(caught.value)
    assert all(word in message for word in words), message


def test_an_unseen_category_at_prediction():
    res = asx.logit("y ~ educ + g", frame())
    with pytest.raises(asx.InputError, match="'z'") as caught:
        res.predict(frame(g="z"))
    assert caught.value.code == "unseen_category"
    assert "'g'" in str(caught.value)
    assert "'a'" in str(caught.value)


def test_verbs_refuse_what_they_do_not_know():
    res = asx.logit("y ~ educ", frame())
    for call, words in (
        (lambda: res.predict(type="mean"), "response"),
        (lambda: res.r_squared("adjusted"), "mcfadden"),
        (lambda: res.conf_int(95), "0.95"),
        (lambda: res.with_cov("robust"), "HC1"),
    ):
        with pytest.raises(asx.InputError, match=words):
            call()
