"""Designs against patsy and by hand; prediction, pickling, missing rows, and every refusal."""

import math
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import patsy
import polars as pl
import pytest

from asymptotix.core.errors import CollinearWarning, FitWarning, InputError, MissingRowsWarning
from asymptotix.data.design import build_design

rng = np.random.default_rng(11)
N = 80
DATA = pd.DataFrame(
    {
        "y": rng.integers(0, 2, N).astype(float),
        "x": rng.uniform(1, 9, N),
        "z": rng.standard_normal(N),
        "k": rng.integers(1, 4, N),
        "g": rng.choice(["a", "b", "c"], N),
        "h": rng.choice(["u", "v"], N),
        "two words": rng.standard_normal(N),
        "when": pd.date_range("2020-01-01", periods=N),
    }
)


def halved(values):
    return values / 2


def holes(**rows):
    """The data with missing values in the named columns' rows."""
    data = DATA.copy()
    for name, positions in rows.items():
        data.loc[list(positions), name] = None if data[name].dtype.kind in "OUT" else np.nan
    return data


# Designs


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x",
        "y ~ 1",
        "y ~ 0 + x",
        "y ~ x + I(x**2) + np.log(x)",
        "y ~ g",
        "y ~ 0 + g",
        "y ~ C(k)",
        "y ~ C(g, Treatment('b'))",
        "y ~ C(g, Sum)",
        "y ~ x*z",
        "y ~ g*h",
        "y ~ g:h",
        "y ~ x:g",
        "y ~ 0 + x:g + h",
        "y ~ (x + z)**2",
        "y ~ bs(x, df=5)",
        "y ~ bs(x, df=4, degree=2)",
        "y ~ bs(x, knots=[3, 5])",
        "y ~ cc(x, df=4)",
        "y ~ center(x) + standardize(z)",
        "y ~ I(x > 3)",
    ],
)
def test_designs_agree_with_patsy(formula):
    theirs = np.asarray(patsy.dmatrix(formula.split("~", 1)[1], DATA, return_type="matrix"))
    if "I(x > 3)" in formula:  # patsy makes two columns of a comparison's two values
        theirs = theirs[:, :2]
    ours = build_design(formula, DATA)
    assert ours.x.shape[1] == len(ours.names)
    # The order of columns within interactions differs; the sets of columns must not.
    order = [np.lexsort(np.round(m, 9)[::-1]) for m in (ours.x, theirs)]
    np.testing.assert_allclose(ours.x[:, order[0]], theirs[:, order[1]], rtol=1e-10, atol=1e-12)


def test_scale_divides_by_the_sample_standard_deviation():
    x = build_design("y ~ 0 + scale(x)", DATA).x[:, 0]
    np.testing.assert_allclose(x, (DATA.x - DATA.x.mean()) / DATA.x.std(ddof=1))


def test_poly_is_orthonormal():
    x = build_design("y ~ poly(x, 3)", DATA).x
    np.testing.assert_allclose(x[:, 1:].T @ x[:, 1:], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(x[:, 1:].sum(axis=0), 0, atol=1e-12)


def test_names_terms_and_variables():
    design = build_design("y ~ x + C(k) + x:g + I(x**2) + np.log(x) + `two words`", DATA)
    spec = design.spec
    assert design.names == (
        "Intercept", "x", "C(k)[T.2]", "C(k)[T.3]", "I(x ** 2)", "np.log(x)", "two words",
        "x:g[T.b]", "x:g[T.c]",
    )  # fmt: skip
    assert spec.terms["Intercept"] == [0]
    assert spec.terms["C(k)"] == [2, 3]
    assert spec.terms["x:g"] == [7, 8]
    assert spec.term_variables["x:g"] == ("x", "g")
    assert set(spec.variables) == {"x", "k", "g", "two words"}
    assert spec.levels == {"k": (1, 2, 3), "g": ("a", "b", "c")}
    assert spec.kinds == {"x": "number", "k": "number", "g": "text", "two words": "number"}
    assert spec.has_intercept
    assert not build_design("y ~ 0 + x", DATA).spec.has_intercept


def test_the_design_is_ready_for_the_solver():
    design = build_design("y ~ x + g + I(k**2)", DATA.astype({"k": "int8"}))
    assert design.x.dtype == np.float64
    assert design.x.flags.c_contiguous
    assert design.x.shape == (N, 5)
    assert design.kept.all()
    assert design.dropped == 0
    assert design.dropped_by == {}
    np.testing.assert_array_equal(design.response, DATA.y)


def test_every_other_column():
    assert build_design("y ~ .", DATA[["y", "x", "g"]]).names == (
        "Intercept", "x", "g[T.b]", "g[T.c]",
    )  # fmt: skip


def test_level_names_do_not_depend_on_missing_values():
    with pytest.warns(MissingRowsWarning):
        design = build_design("y ~ C(k)", holes(k=[0]))
    assert design.names == ("Intercept", "C(k)[T.2]", "C(k)[T.3]")


def test_levels_without_rows_make_no_columns():
    data = DATA.assign(g=pd.Categorical(DATA.g, ["z", "a", "b", "c"]))
    assert build_design("y ~ g", data).names == ("Intercept", "g[T.b]", "g[T.c]")
    with pytest.warns(MissingRowsWarning):
        design = build_design(
            "y ~ g", data.assign(x=data.x.where(data.g != "a")), extra_columns=["x"]
        )
    assert design.names == ("Intercept", "g[T.c]")


def test_a_category_of_one_level_is_said():
    with pytest.warns(CollinearWarning, match="'g' adds no column"):
        design = build_design("y ~ x + g", DATA.assign(g="a"))
    assert design.names == ("Intercept", "x")
    assert design.spec.terms["g"] == []


# Responses


def test_responses_are_handed_out_as_they_are():
    assert build_design("g ~ x", DATA).response.tolist() == DATA.g.tolist()
    log = build_design("np.log(x) ~ z", DATA)
    np.testing.assert_array_equal(log.response, np.log(DATA.x))
    assert log.response_name == "np.log(x)"
    event = build_design("I(k == 2) ~ z", DATA)
    assert event.response.tolist() == (DATA.k == 2).tolist()
    assert build_design("x", DATA, response=False).response is None
    assert build_design("~ x", DATA, response=False).names == ("Intercept", "x")


def test_a_missing_value_is_not_a_no():
    with pytest.warns(MissingRowsWarning):
        design = build_design("I(x > 3) ~ z", holes(x=[5, 6]))
    assert design.dropped_by == {"x": 2}
    assert design.response.index.tolist() == [i for i in range(N) if i not in (5, 6)]


# Missing rows


def test_missing_rows_are_dropped_counted_and_said():
    data = holes(x=[0, 1], g=[1, 2], y=[3], z=[4])
    with pytest.warns(MissingRowsWarning, match=r"5 of 80 rows .*'y' 1, 'z' 1\)|5 of 80") as said:
        design = build_design("y ~ x + g", data, extra_columns=["z"])
    assert len(said) == 1
    assert design.dropped == 5
    assert design.dropped_by == {"x": 2, "g": 2, "y": 1, "z": 1}
    assert np.flatnonzero(~design.kept).tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(design.x, build_design("y ~ x + g", data.iloc[5:]).x)


@pytest.mark.parametrize(
    "term",
    [
        "scale(x)",
        "center(x)",
        "bs(x, df=4)",
        "poly(x, 2)",
        "cr(x, df=3)",
        "C(k)",
    ],
)
def test_missing_rows_do_not_enter_what_is_estimated(term):
    data = holes(z=range(0, N, 3), x=[1])
    with pytest.warns(MissingRowsWarning):
        design = build_design(f"y ~ {term} + z", data, extra_columns=["x"])
    complete = build_design(f"y ~ {term} + z", data[["y", "x", "z", "k", "g"]].dropna())
    assert design.names == complete.names
    np.testing.assert_allclose(design.x, complete.x, rtol=1e-13, atol=1e-15)


def test_rows_that_an_expression_makes_missing_are_dropped():
    data = DATA.assign(x=DATA.x - 2)
    negative = np.flatnonzero(data.x < 0)
    assert len(negative) > 2
    with pytest.warns(MissingRowsWarning, match=r"scale\(np.log\(x\)\)"):
        design = build_design("y ~ scale(np.log(x)) + scale(z)", data)
    assert np.flatnonzero(~design.kept).tolist() == negative.tolist()
    assert design.dropped_by == {"scale(np.log(x))": len(negative)}
    # Both standardisations are over the rows that are left.
    np.testing.assert_allclose(design.x[:, 1:].mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(design.x[:, 1:].std(axis=0, ddof=1), 1)
    with pytest.warns(MissingRowsWarning):
        response = build_design("np.log(x) ~ z", data)
    assert response.dropped_by == {"np.log(x)": len(negative)}


def test_lags_follow_the_rows_of_the_source():
    with pytest.warns(MissingRowsWarning):
        design = build_design("y ~ lag(x)", holes(z=[10], x=[20]), extra_columns=["z"])
    assert np.flatnonzero(~design.kept).tolist() == [0, 10, 21]
    assert design.dropped_by == {"z": 1, "lag(x)": 2}
    position = np.flatnonzero(np.flatnonzero(design.kept) == 11)
    assert design.x[position, 1] == DATA.x[10]


def test_expressions_may_handle_missing_values():
    design = build_design("y ~ x.fillna(0) + np.isnan(x)", holes(x=[3, 4]))
    assert design.dropped == 0
    np.testing.assert_array_equal(design.x[[3, 4], 1:], [[0, 1], [0, 1]])


def test_missing_raise_names_column_and_rows():
    for formula, column, rows in [("y ~ x", "x", (7, 9)), ("y ~ z + np.sqrt(z)", "np.sqrt(z)", ())]:
        with pytest.raises(InputError, match="missing value") as caught:
            build_design(formula, holes(x=[7, 9]), missing="raise")
        assert caught.value.code == "missing_values"
        assert caught.value.column == column
        assert caught.value.rows == rows or not rows


def test_no_rows_left():
    with pytest.raises(InputError, match=r"No rows are left; .*'x' in 80") as caught:
        build_design("y ~ x", DATA.assign(x=np.nan))
    assert caught.value.code == "no_rows"
    with pytest.raises(InputError, match="data are empty"):
        build_design("y ~ x", DATA.iloc[:0])


# Prediction


def test_new_data_meet_the_training_state():
    formula = (
        "y ~ scale(x) + bs(x, df=5) + poly(z, 2) + C(k) + g*h + np.log(x) + center(`two words`)"
    )
    design = build_design(formula, DATA)
    again, kept = design.spec.design(DATA)
    np.testing.assert_allclose(again, design.x, rtol=1e-14, atol=1e-15)
    assert kept.all()
    few = DATA.drop(columns="y").sample(frac=0.1, random_state=3)
    new, kept = design.spec.design(few[few.columns[::-1]].assign(extra="?"))
    np.testing.assert_allclose(new, design.x[few.index], rtol=1e-14, atol=1e-15)
    one, _ = design.spec.design(pl.from_pandas(few.iloc[:1]))
    np.testing.assert_allclose(one, design.x[few.index[:1]], rtol=1e-14, atol=1e-15)


def test_prediction_does_not_change_the_spec():
    spec = build_design("y ~ scale(x) + g", DATA).spec
    before = pickle.dumps(spec)
    spec.design(DATA.iloc[:5])
    assert pickle.dumps(spec) == before


def test_missing_rows_of_new_data():
    design = build_design("y ~ scale(x) + g", DATA)
    new, kept = design.spec.design(holes(x=[0], g=[2]).iloc[:4])
    assert kept.tolist() == [False, True, False, True]
    np.testing.assert_array_equal(new, design.x[[1, 3]])
    nothing, kept = design.spec.design({"x": [np.nan], "g": [None]})
    assert nothing.shape == (0, 4)
    assert not kept.any()
    with pytest.raises(InputError, match="'x' has 1 missing value"):
        design.spec.design(holes(x=[0]), missing="raise")


def test_new_data_where_a_term_has_no_value():
    with pytest.warns(MissingRowsWarning):
        spec = build_design("y ~ bs(x, df=4) + lag(z)", DATA.sort_values("x")).spec
    # The first row lies below the spline's range, and has no lag: it is left out, not refused.
    _, kept = spec.design(DATA.sort_values("x").iloc[:3])
    assert kept.tolist() == [False, True, True]


def test_an_intercept_alone_counts_rows():
    x, kept = build_design("y ~ 1", DATA).spec.design({"anything": [1, 2, 3]})
    assert x.tolist() == [[1.0]] * 3
    assert len(kept) == 3


def test_categories_may_come_as_text_or_numbers():
    design = build_design("y ~ g + C(k)", DATA.astype({"g": "category", "k": "category"}))
    new, _ = design.spec.design({"g": ["c", "a"], "k": [3, 1]})
    np.testing.assert_array_equal(new, [[1, 0, 1, 0, 1], [1, 0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("formula", "change", "code", "column", "told"),
    [
        ("y ~ g", {"g": ["a", "q"]}, "unseen_category", "g", "'q' .*rows 1.*'a', 'b', 'c'"),
        ("y ~ C(k)", {"k": [9, 1]}, "unseen_category", "k", r"9.* .*rows 0.*1, 2, 3"),
        ("y ~ C(k)", {"k": [1.5, 1]}, "unseen_category", "k", "1.5"),
        ("y ~ x", {"x": ["1", "2"]}, "column_type", "x", "held numbers .* holds text"),
        ("y ~ g", {"g": [1, 2]}, "column_type", "g", "held text .* holds numbers"),
        ("y ~ x", {"x": [1, np.inf]}, "infinite_values", "x", "'x' has 1 infinite"),
        ("y ~ bs(x, df=4)", {"x": [5, 99]}, "outside_knots", "x", "rows 1.*extrapolation"),
        ("y ~ np.log(x)", {"x": [5, 0]}, "infinite_values", "np.log(x)", "rows 1"),
        ("y ~ x", {"X": [1, 2]}, "unknown_column", "x", "no column 'x'"),
    ],
)
def test_new_data_that_do_not_fit(formula, change, code, column, told):
    spec = build_design(formula, DATA).spec
    with pytest.raises(InputError, match=told) as caught:
        spec.design(change)
    assert (caught.value.code, caught.value.column) == (code, column)


# The caller's environment


def test_the_environment_is_captured_by_name():
    knots, unrelated = [3.0, 5.0], (lambda: 1)
    threshold = 4
    frame = sys._getframe()
    formula = "y ~ bs(x, knots=knots) + halved(z) + I(x > threshold) + math.pi:x + abs(z)"
    spec = build_design(formula.replace("math.pi:", "I(math.pi * x) + "), DATA, frame).spec
    assert set(spec.captured.values) == {"knots", "halved", "threshold", "math"}
    x, _ = spec.design(DATA)
    knots.append(7.0)  # The spec has its own copy.
    threshold = unrelated
    np.testing.assert_array_equal(spec.design(DATA)[0], x)
    assert threshold is unrelated


def test_columns_come_before_the_environment():
    design = build_design("y ~ z", DATA, {"z": np.zeros(N), "np": None})
    np.testing.assert_array_equal(design.x[:, 1], DATA.z)


def test_a_column_named_like_a_word():
    data = DATA.rename(columns={"z": "np", "k": "scale"})
    design = build_design("y ~ np.log(x) + scale", data)
    np.testing.assert_array_equal(design.x[:, 2], DATA.k)
    np.testing.assert_array_equal(design.x[:, 1], np.log(DATA.x))


def test_words_win_over_functions_of_the_caller():
    with pytest.warns(FitWarning, match=r"own scale\(\)"):
        design = build_design("y ~ scale(x)", DATA, {"scale": halved})
    np.testing.assert_allclose(design.x[:, 1].std(ddof=1), 1)
    # Neither a number called C nor math.log is a misunderstanding.
    build_design("y ~ C(k) + log(x)", DATA, {"C": 3.0, "log": math.log})


def test_a_spec_needs_no_environment(tmp_path):
    module = tmp_path / "my_transforms.py"
    module.write_text("def tripled(values):\n    return 3 * values\n")
    fit = f"""
        import pickle, sys
        sys.path[:0] = {[str(tmp_path), *sys.path]!r}
        import numpy as np
        import my_transforms
        from my_transforms import tripled
        from asymptotix.data.design import build_design
        shift = 2.0
        data = dict(y=[0, 1, 0, 1, 1, 0], x=[1.0, 2, 3, 4, 5, 6], g=list("abcabc"))
        formula = "y ~ tripled(x) + scale(x) + I(x - shift) + g + my_transforms.tripled(x)"
        design = build_design(formula, data, sys._getframe())
        pickle.dump((design.spec, design.x), open({str(tmp_path / "spec")!r}, "wb"))
        """
    predict = f"""
        import pickle, sys
        sys.path[:0] = {[str(tmp_path), *sys.path]!r}
        spec, x = pickle.load(open({str(tmp_path / "spec")!r}, "rb"))
        new, kept = spec.design(dict(x=[1.0, 2, 3, 4, 5, 6], g=list("abcabc")))
        assert (new == x).all() and kept.all()
        """
    for script in (fit, predict):
        subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_what_cannot_be_pickled_is_named():
    spec = build_design("y ~ f(x)", DATA, {"f": lambda values: values + 1}).spec
    assert spec.design(DATA)[1].all()
    with pytest.raises(InputError, match="uses 'f', which cannot be saved") as caught:
        pickle.dumps(spec)
    assert (caught.value.code, caught.value.column) == ("unpicklable", "f")


def test_what_cannot_be_found_again_is_named(monkeypatch):
    with monkeypatch.context() as here:
        here.setattr(math, "asx_gone", halved, raising=False)
        here.setattr(halved, "__module__", "math")
        here.setattr(halved, "__qualname__", "asx_gone")
        saved = pickle.dumps(build_design("y ~ halved(x)", DATA, {"halved": halved}).spec)
    with pytest.raises(InputError, match="'halved', which cannot be found here"):
        pickle.loads(saved)


# Refusals


@pytest.mark.parametrize(
    ("formula", "code", "told"),
    [
        ("y ~ x +", "formula", r"'y ~ x \+' cannot be used: Operator"),
        ("y ~ (x", "formula", r"'y ~ \(x'"),
        ("y ~ I(x +)", "formula", r"I\(x \+\)"),
        ("y ~ bs(x,", "formula", "bs"),
        ("y ~ x $ z", "formula", "Unknown operator"),
        ("y ~ x + 3", "formula", "Numeric literals"),
        ("y, x", "formula", "'y, x'"),
        (("y", "x"), "formula", "a formula is a text"),
        ("y", "formula", "no response"),
        ("~ x", "formula", "no response"),
        ("1 ~ x", "formula", "is a number, not a column"),
        ("0 ~ x", "formula", "one response"),
        ("y + z ~ x", "formula", "one response"),
        ("y:z ~ x", "formula", "one response"),
        ("y ~ x | z", "formula", "parts separated"),
        ("y ~ y + x", "formula", "'y' is also a term"),
        ("y ~ 0", "formula", "has no columns"),
        ("y ~ x^2", "formula", r"write I\(x\*\*2\)"),
        ("y ~ x**2 + z", "formula", r"write I\(x\*\*2\)"),
        ("y ~ I(x^2)", "formula", r"a power is x\*\*2, not x\^2"),
        ("y ~ xx", "unknown_column", "'xx'.*Did you mean 'x'"),
        ("yy ~ x", "unknown_column", "'yy'.*Did you mean 'y'"),
        ("y ~ np.log(xx)", "unknown_column", "'xx'.*Did you mean 'x'"),
        ("y ~ Q('none')", "unknown_column", "none"),
        ("y ~ when.dt.day", "unknown_column", r"Write I\(when.dt.day\)"),
        ("y ~ scal(x)", "unknown_function", r"scal\(\).*Did you mean 'scale'"),
        ("y ~ x + offset(z)", "unknown_function", "offset='column'"),
        ("cbind(y, k) ~ x", "unknown_function", "trials='column'"),
        ("y ~ factor(k)", "unknown_function", r"C\(x\)"),
        ("y ~ np.nothing(x)", "formula", "np.nothing"),
        ("y ~ np.log(g)", "formula", r"np.log\(g\)"),
        ("y ~ np.mean(x)", "term_length", r"'np.mean\(x\)' gives 1 values for 80 rows"),
        ("np.mean(y) ~ x", "term_length", r"'np.mean\(y\)' must give one value"),
        ("y ~ when", "date_column", "'when' holds dates"),
        ("y ~ np.where(x > 3, 'a', 'b')", "column_type", r"write C\(np.where"),
        ("y ~ np.log(x - x)", "infinite_values", r"'np.log\(x - x\)' is infinite in 80 rows"),
        ("np.log(x - x) ~ z", "infinite_values", r"'np.log\(x - x\)' is infinite"),
        ("y ~ scale(np.log(x - x))", "infinite_values", r"In 'scale\(np.log\(x - x\)\)'"),
        ("y ~ np.exp(400 + z):np.exp(400 + x)", "infinite_values", "not finite"),
        ("y ~ C(g, levels=['a', 'b'])", "unseen_category", "'g' has values .*'c'"),
        ("y ~ I(`two words` + `two words`)", "formula", "uses a quoted name twice"),
        ("y ~ bs(x, df=1)", "formula", "df"),
        ("y ~ rows", "unknown_column", "'rows' is an array of your program"),
    ],
)
def test_formulas_that_cannot_be_used(formula, code, told):
    with pytest.raises(InputError, match=told) as caught:
        build_design(formula, DATA, {"rows": np.zeros(N)})
    assert caught.value.code == code


def test_quoted_names_that_clash_are_refused():
    data = DATA.assign(two_words=1.0)
    with pytest.raises(InputError, match="'two words' and 'two_words' clash"):
        build_design("y ~ scale(`two words`) + two_words", data)
    # Bare names are looked up as they are and cannot clash.
    assert len(build_design("y ~ `two words` + two_words", data).names) == 3


def test_unknown_options_are_refused():
    with pytest.raises(InputError, match="'ignore' must be 'drop' or 'raise'"):
        build_design("y ~ x", DATA, missing="ignore")
    with pytest.raises(InputError, match="no column 'firm'"):
        build_design("y ~ x", DATA, extra_columns=["firm"])


def test_dates_may_enter_through_an_expression():
    design = build_design("y ~ C(when.dt.month) + I(when.dt.dayofyear)", DATA)
    assert design.names[1:3] == ("C(when.dt.month)[T.2]", "C(when.dt.month)[T.3]")
    np.testing.assert_array_equal(design.x[:, 3], np.arange(1, N + 1))
