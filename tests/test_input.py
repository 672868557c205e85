"""Every kind of input works and gives the numbers of plain float64, or is refused by name."""

import decimal
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

import asymptotix as asx

N = 60
rng = np.random.default_rng(0)
X = rng.integers(0, 9, N).astype(float)
Z = rng.integers(-8, 8, N) / 4  # exact in half precision
Y = (rng.random(N) < 1 / (1 + np.exp(-(X - 4) / 3 - Z))).astype(float)
BASE = pd.DataFrame({"y": Y, "x": X, "z": Z, "g": np.tile(list("abc"), N // 3)})
MATRIX = np.column_stack([np.ones(N), X, Z])
LABELS = np.where(Y > 0, "yes", "no")
DATES = pd.Timestamp("2020-01-01") + pd.to_timedelta(X, unit="D")
HIDDEN = np.arange(N) < 7


def arrow(values, kind):
    return pd.Series(pa.array(values, kind), dtype=pd.ArrowDtype(kind))


def fitted(data, **options):
    return asx.logit("y ~ x + z", data, **options)


def of_arrays(x=MATRIX, y=Y, **fields):
    return asx.fit(asx.Logit(3), x, y, **fields).model.predictor.coef


@pytest.fixture(scope="module")
def plain():
    return fitted(BASE).params.to_numpy()


@pytest.fixture(scope="module")
def without_hidden():
    return fitted(BASE[~HIDDEN]).params.to_numpy()


def refused(call, code, told=None, column=None, rows=None):
    with pytest.raises(asx.InputError, match=told) as caught:
        call()
    assert caught.value.code == code
    if column is not None:
        assert caught.value.column == column
    if rows is not None:
        assert caught.value.rows == rows


# --- columns of a frame ---------------------------------------------------------------------------

SAME = {
    "objects": BASE["x"].astype(object),
    "decimals": [decimal.Decimal(int(v)) for v in X],
    "Int64": BASE["x"].astype("Int64"),
    "UInt8": BASE["x"].astype("UInt8"),
    "Float32": BASE["x"].astype("Float32"),
    "arrow integers": BASE["x"].astype("int64[pyarrow]"),
    "arrow decimals": arrow([decimal.Decimal(int(v)) for v in X], pa.decimal128(10, 2)),
    "unsigned": X.astype(np.uint8),
    "wide unsigned": X.astype(np.uint64),
    "int8": X.astype(np.int8),
    "float16": X.astype(np.float16),
    "float32": X.astype(np.float32),
    "longdouble": X.astype(np.longdouble),
    "big-endian": X.astype(">f8"),
    "sparse column": pd.arrays.SparseArray(X),
    "unmasked": np.ma.masked_array(X, mask=False),
}


@pytest.mark.parametrize("values", SAME.values(), ids=SAME)
def test_numbers_of_any_type(values, plain):
    assert np.allclose(fitted(BASE.assign(x=values)).params, plain, rtol=1e-12)


MISSING = {
    "Int64": pd.array(np.where(HIDDEN, None, X), dtype="Int64"),
    "objects": pd.Series(np.where(HIDDEN, None, X), dtype=object),
    "masked": np.ma.masked_array(X, mask=HIDDEN),
    "masked integers": np.ma.masked_array(X.astype(int), mask=HIDDEN),
    "arrow": pa.array(X, mask=HIDDEN),
    "polars": pl.Series([None if h else v for h, v in zip(HIDDEN, X, strict=True)]),
}


@pytest.mark.parametrize("values", MISSING.values(), ids=MISSING)
def test_missing_values_of_any_type(values, without_hidden):
    data = {"y": Y, "x": values, "z": Z}
    with pytest.warns(asx.MissingRowsWarning, match="7 of 60 rows"):
        assert np.allclose(fitted(data).params, without_hidden, rtol=1e-12)
    refused(lambda: fitted(data, missing="raise"), "missing_values", column="x")


REFUSED = {
    "dates": (DATES, "date_column", "number of days"),
    "spans": (pd.to_timedelta(X, unit="D"), "date_column", "number of days"),
    "complex": (X + 0j, "column_type", "complex"),
    "bytes": ([b"a"] * N, "column_type", "bytes"),
    "lists": ([[1]] * N, "column_type", "objects"),
    "mixed": ([*X[1:], "a"], "mixed_types", "mixes text"),
    "intervals": (pd.IntervalIndex.from_breaks(range(N + 1)), "column_type", "interval"),
    "arrow lists": (arrow([[1]] * N, pa.list_(pa.int64())), "column_type", "list"),
    "arrow nulls": (arrow([None] * N, pa.null()), "no_rows", "'x' in 60 of 60"),
    "all missing": (np.nan, "no_rows", "'x' in 60 of 60"),
    "big integers": (X.astype(np.int64) + 2**60, "large_integers", "subtract"),
}


@pytest.mark.parametrize(("values", "code", "told"), REFUSED.values(), ids=REFUSED)
def test_columns_that_are_no_numbers(values, code, told):
    refused(lambda: fitted(BASE.assign(x=values)), code, told, column="x")


def test_integers_that_float64_holds_are_numbers(plain):
    shifted = fitted(BASE.assign(x=X.astype(np.int64) * 2**56))
    assert shifted.params["x"] == pytest.approx(plain[1] / 2**56, rel=1e-10)


def test_text_and_unused_levels_are_categories(plain):
    wide = pd.Categorical(BASE["g"], categories=list("abcd"))
    formula = "y ~ g + z"
    expected = asx.logit(formula, BASE)
    found = asx.logit(formula, BASE.assign(g=wide))
    assert list(found.names) == list(expected.names)
    assert np.allclose(found.params, expected.params, rtol=1e-12)
    assert expected.params.size == plain.size + 1


SOURCES = {
    "arrow": pa.table(BASE),
    "polars": pl.from_pandas(BASE),
    "polars nulls apart": pl.from_pandas(BASE).with_columns(q=None),
    "dict": BASE.to_dict("list"),
    "one index": BASE.set_index(np.ones(N)),
    "another order": BASE[["z", "g", "x", "y"]],
    "unused repeated column": pd.concat([BASE, BASE[["g"]]], axis=1),
}


@pytest.mark.parametrize("data", SOURCES.values(), ids=SOURCES)
def test_sources(data, plain):
    assert np.allclose(fitted(data).params, plain, rtol=1e-12)


NO_SOURCES = {
    "repeated column": (pd.concat([BASE, BASE[["x"]]], axis=1), "duplicate_columns", "2 columns"),
    "missing column": (BASE.drop(columns="z"), "unknown_column", "'z'"),
    "a matrix": (MATRIX, "data_type", "ndarray"),
    "one column": (BASE["x"], "data_type", "Series"),
    "a row": (BASE.iloc[0], "data_type", "Series"),
    "polars column": (pl.Series(X), "data_type", "Series"),
    "None": (None, "data_type", "NoneType"),
    "matrix in a dict": ({"y": Y, "x": X[:, None], "z": Z}, "shape", "np.ravel"),
    "response of shape (n, 1)": ({"y": Y[:, None], "x": X, "z": Z}, "shape", "np.ravel"),
    "sparse": ({"y": Y, "x": sp.csr_matrix(X[:, None]), "z": Z}, "sparse", "toarray"),
    "lengths": ({"y": Y, "x": X[1:], "z": Z}, "lengths", "different lengths"),
    "empty": (BASE.head(0), "no_rows", "No rows"),
    "no file": ("nowhere.csv", "file", "no file"),
}


@pytest.mark.parametrize(("data", "code", "told"), NO_SOURCES.values(), ids=NO_SOURCES)
def test_sources_that_cannot_be_read(data, code, told):
    refused(lambda: fitted(data), code, told)


# --- responses ------------------------------------------------------------------------------------

RESPONSES = {
    "bool": Y > 0,
    "labels": LABELS,
    "boolean": pd.array(Y > 0, dtype="boolean"),
    "objects": pd.Series(Y > 0, dtype=object),
    "categories": pd.Categorical(LABELS, categories=["no", "yes", "never"]),
    "float16": Y.astype(np.float16),
    "decimals": [decimal.Decimal(int(v)) for v in Y],
    "arrow": arrow(Y > 0, pa.bool_()),
}


@pytest.mark.parametrize("values", RESPONSES.values(), ids=RESPONSES)
def test_binary_responses(values, plain):
    assert np.allclose(fitted(BASE.assign(y=values)).params, plain, rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (DATES, "response_type"),
        (Y + 0j, "column_type"),
        (2 * Y, "response_values"),
        (BASE["g"], "response_levels"),
        (1.0, "constant_response"),
        (np.nan, "no_rows"),
    ],
)
def test_responses_that_are_not_binary(values, code):
    refused(lambda: fitted(BASE.assign(y=values)), code, column="y")


@pytest.mark.parametrize(
    ("verb", "values", "code"),
    [
        (asx.linear, LABELS, "response_type"),
        (asx.linear, DATES, "response_type"),
        (asx.poisson, -Y, "response_support"),
        (asx.poisson, Y / 2, "response_support"),
    ],
)
def test_responses_that_are_no_numbers(verb, values, code):
    refused(lambda: verb("y ~ x + z", BASE.assign(y=values)), code, column="y")


# --- weights, offset, groups ----------------------------------------------------------------------

ONES = {
    "list": [1] * N,
    "bool": np.ones(N, bool),
    "uint8": np.ones(N, np.uint8),
    "Int64": pd.array([1] * N, dtype="Int64"),
    "decimals": [decimal.Decimal(1)] * N,
    "series": pd.Series(np.ones(N)),
    "polars": pl.Series(np.ones(N)),
}


@pytest.mark.parametrize("values", ONES.values(), ids=ONES)
def test_weights_and_offsets_of_any_type(values, plain):
    weighted = fitted(BASE, weights=values, weight_kind="frequency")
    assert np.allclose(weighted.params, plain, rtol=1e-12)
    moved = fitted(BASE, offset=values).params.to_numpy()
    assert np.allclose(moved + [1, 0, 0], plain, rtol=1e-10)


FIRST_MISSING = np.r_[np.nan, np.ones(N - 1)]
NO_NUMBERS = {
    "short": (np.ones(N - 1), "lengths", None),
    "missing": (FIRST_MISSING, None, (0,)),
    "masked": (np.ma.masked_array(np.ones(N), mask=np.arange(N) == 0), None, (0,)),
    "infinite": (np.r_[np.inf, np.ones(N - 1)], "infinite_values", (0,)),
    "unknown column": ("w", "unknown_column", None),
    "text": (LABELS, None, None),
    "text column": ("g", None, None),
    "dates": (DATES, None, None),
    "complex": (np.ones(N) + 0j, "column_type", None),
    "matrix": (np.ones((N, 1)), "shape", None),
    "sparse": (sp.csr_matrix(np.ones((N, 1))), "sparse", None),
    "one number": (2.0, "shape", None),
    "other index": (pd.Series(np.ones(N), index=np.arange(N) + 5), "index", None),
    "other order": (pd.Series(np.ones(N)).sample(frac=1, random_state=1), "index", None),
}


@pytest.mark.parametrize(("values", "code", "rows"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_weights_and_offsets_that_cannot_be_used(values, code, rows):
    refused(
        lambda: fitted(BASE, weights=values, weight_kind="sampling"), code or "weights", rows=rows
    )
    refused(lambda: fitted(BASE, offset=values), code or "offset", rows=rows)


def test_weights_that_count_nothing():
    for values, told in ((-np.ones(N), "60 negative"), (np.zeros(N), "All weights")):
        refused(lambda w=values: fitted(BASE, weights=w, weight_kind="precision"), "weights", told)
    refused(lambda: fitted(BASE, weights=np.ones(N)), "weight_kind", "frequency")
    refused(lambda: fitted(BASE, weights=np.ones(N), weight_kind="freq"), "weight_kind", "'freq'")
    refused(lambda: fitted(BASE, weight_kind="frequency"), "weight_kind", "without weights")


def test_a_series_with_the_index_of_the_data_is_taken_by_position():
    data = BASE.set_index(pd.Index(np.arange(N)[::-1]))
    weights = pd.Series(np.arange(N) + 1.0, index=data.index)
    one = fitted(data, weights=weights, weight_kind="precision")
    other = fitted(BASE, weights=weights.to_numpy(), weight_kind="precision")
    assert np.array_equal(one.params, other.params)
    refused(lambda: fitted(BASE, weights=weights, weight_kind="precision"), "index", "reindex")


def test_groups_of_other_rows():
    shuffled = BASE["g"].sample(frac=1, random_state=2)
    refused(lambda: fitted(BASE, cov=asx.Cluster(shuffled)), "index", "to_numpy")
    same = fitted(BASE, cov=asx.Cluster(BASE["g"]))
    assert np.allclose(same.bse, fitted(BASE, cov=asx.Cluster("g")).bse)


# --- arrays ---------------------------------------------------------------------------------------

ARRAYS = {
    "float32": MATRIX.astype(np.float32),
    "float16": MATRIX.astype(np.float16),
    "longdouble": MATRIX.astype(np.longdouble),
    "column order": np.asfortranarray(MATRIX),
    "strides": np.repeat(MATRIX, 2, axis=0)[::2],
    "frame": pd.DataFrame(MATRIX),
    "polars": pl.DataFrame(MATRIX),
    "unmasked": np.ma.masked_array(MATRIX, mask=False),
}


@pytest.mark.parametrize("x", ARRAYS.values(), ids=ARRAYS)
def test_matrices(x, plain):
    assert np.allclose(of_arrays(x), plain, rtol=1e-12)


VECTORS = {
    "bool": Y > 0,
    "int8": Y.astype(np.int8),
    "unsigned": Y.astype(np.uint64),
    "series": pd.Series(Y),
    "boolean": pd.Series(Y > 0, dtype="boolean"),
    "arrow": pa.array(Y),
}


@pytest.mark.parametrize("y", VECTORS.values(), ids=VECTORS)
def test_vectors(y, plain):
    assert np.allclose(of_arrays(y=y), plain, rtol=1e-12)


NO_ARRAYS = {
    "objects": ({"x": MATRIX.astype(object)}, "dtype"),
    "text": ({"x": MATRIX.astype(str)}, "dtype"),
    "complex": ({"x": MATRIX + 0j}, "dtype"),
    "dates": ({"x": MATRIX.astype("datetime64[s]")}, "dtype"),
    "list": ({"x": MATRIX.tolist()}, "shape"),
    "sparse": ({"x": sp.csr_array(MATRIX)}, "sparse"),
    "masked": ({"x": np.ma.masked_array(MATRIX, mask=MATRIX > 7)}, "missing_values"),
    "missing": ({"x": np.where(MATRIX > 7, np.nan, MATRIX)}, "missing_values"),
    "infinite": ({"x": np.where(MATRIX > 7, np.inf, MATRIX)}, "infinite_values"),
    "big integers": ({"x": (MATRIX + 2.0**60).astype(np.int64) + 1}, "large_integers"),
    "one column": ({"x": X}, "shape"),
    "wide": ({"x": np.hstack([MATRIX, MATRIX])}, "columns"),
    "short": ({"x": MATRIX[1:]}, "lengths"),
    "no x": ({"x": None}, "shape"),
    "no y": ({"y": None}, "arguments"),
    "response of shape (n, 1)": ({"y": Y[:, None]}, "shape"),
    "list of y": ({"y": Y.tolist()}, "shape"),
    "sparse y": ({"y": sp.csr_matrix(Y[:, None])}, "sparse"),
    "labels": ({"y": LABELS}, "dtype"),
    "masked y": ({"y": np.ma.masked_array(Y, mask=HIDDEN)}, "missing_values"),
    "shares": ({"y": Y / 2}, "response_support"),
    "constant": ({"y": np.ones(N)}, "constant_response"),
    "negative weights": (
        {"weights": -np.ones(N), "weight_kind": "frequency"}, "negative_weights"
    ),
    "no weights": ({"weights": np.zeros(N), "weight_kind": "frequency"}, "no_rows"),
    "weights without kind": ({"weights": np.ones(N)}, "weight_kind"),
    "masked weights": (
        {"weights": np.ma.masked_array(np.ones(N), mask=HIDDEN), "weight_kind": "frequency"},
        "missing_values",
    ),
    "text as offset": ({"offset": LABELS}, "dtype"),
    "offset of shape (n, 1)": ({"offset": np.ones((N, 1))}, "shape"),
    "missing offset": ({"offset": FIRST_MISSING}, "missing_values"),
    "index": ({"x": pd.DataFrame(MATRIX), "y": pd.Series(Y, index=np.arange(N) + 1)}, "index"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "code"), NO_ARRAYS.values(), ids=NO_ARRAYS)
def test_arrays_that_cannot_be_used(given, code):
    refused(lambda: of_arrays(**given), code)


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ({"wieghts": X}, "option", "Did you mean 'weights'"),
        ({"colinear": "drop"}, "option", "Did you mean 'collinear'"),
        ({"cov": "HC9"}, "covariance", "'HC3'"),
        ({"cov": "robust"}, "covariance", "HC1"),
        ({"cov": "observd"}, "covariance", "Did you mean 'observed'"),
        ({"cov": "clustr"}, "covariance", "Did you mean 'cluster'"),
        ({"cov": asx.Cluster("firm")}, "unknown_column", "'firm'"),
        ({"missing": "omit"}, "option", "'drop' or 'raise'"),
        ({"collinear": "keep"}, "option", "'keep' must be"),
        ({"confidence": 95}, "option", "between 0 and 1"),
        ({"confidence": "high"}, "option", "between 0 and 1"),
        ({"reference": "norm"}, "option", "'normal' or 't'"),
        ({"keep_data": "no"}, "option", "True or False"),
        ({"safe": "no"}, "option", "True or False"),
        ({"solver": "newton"}, "solver", "asx.Newton"),
        ({"penalty": "ridge"}, "penalty", "asx.Ridge"),
        ({"trials": "x"}, "trials", "Binomial"),
    ],
)
def test_options(options, code, told):
    refused(lambda: fitted(BASE, **options), code, told)


def test_names_of_covariances_in_any_case(plain):
    assert np.allclose(fitted(BASE, cov="hc1").bse, fitted(BASE, cov="HC1").bse)


def test_a_safe_formula_runs_no_code():
    ran = []

    def spy(values):
        ran.append(1)
        return values

    assert spy(X) is X
    formula = "y ~ spy(x) + z"
    refused(lambda: asx.logit(formula, BASE, safe=True), "unsafe_formula", "spy")
    refused(lambda: asx.logit("y ~ x.__class__.__mro__[1]", BASE, safe=True), "unsafe_formula")
    assert ran == [1]


# --- prediction -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def categories():
    res = asx.logit("y ~ x + C(g) + z", BASE)
    return res, res.predict().to_numpy()


NEW = {
    "more columns": BASE.assign(q="more"),
    "another order": BASE[["g", "z", "x", "y"]],
    "no response": BASE.drop(columns="y"),
    "integers": BASE.assign(x=X.astype(np.int8)),
    "nullable": BASE.assign(x=BASE["x"].astype("Int64")),
    "categories": BASE.assign(g=pd.Categorical(BASE["g"], categories=list("cbaq"))),
    "polars": pl.from_pandas(BASE),
    "dict": BASE.to_dict("list"),
}


@pytest.mark.parametrize("data", NEW.values(), ids=NEW)
def test_new_data(data, categories):
    res, expected = categories
    assert np.allclose(res.predict(data), expected, rtol=1e-12)


NO_NEW = {
    "missing column": (BASE.drop(columns="x"), "unknown_column", "x", None),
    "unseen level": (BASE.assign(g=np.where(X > 7, "q", BASE["g"])), "unseen_category", "g", None),
    "text": (BASE.assign(x=BASE["x"].astype(str)), "column_type", "x", None),
    "numbers for text": (BASE.assign(g=1), "column_type", "g", None),
    "dates": (BASE.assign(x=DATES), "column_type", "x", None),
    "complex": (BASE.assign(x=X + 0j), "column_type", "x", None),
    "infinite": (BASE.assign(z=np.where(np.arange(N) == 2, np.inf, Z)), "infinite_values", "z",
                 (2,)),
    "repeated": (pd.concat([BASE, BASE[["x"]]], axis=1), "duplicate_columns", "x", None),
    "a row": (BASE.iloc[0], "data_type", None, None),
    "a matrix": (MATRIX, "data_type", None, None),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code", "column", "rows"), NO_NEW.values(), ids=NO_NEW)
def test_new_data_that_do_not_fit(data, code, column, rows, categories):
    refused(lambda: categories[0].predict(data), code, column=column, rows=rows)


def test_new_rows_with_missing_values_are_missing(categories):
    res, expected = categories
    found = res.predict(BASE.assign(z=np.where(HIDDEN, np.nan, Z)))
    assert found[HIDDEN].isna().all()
    assert np.allclose(found[~HIDDEN], expected[~HIDDEN])


def test_new_offsets():
    res = fitted(BASE, offset=np.ones(N))
    new = BASE.head(7)
    refused(lambda: res.predict(new), "offset", "pass offset=")
    refused(lambda: res.predict(new, offset=np.ones(3)), "lengths", "3 values")
    refused(lambda: res.predict(new, offset="w"), "unknown_column", "'w'")
    other = pd.Series(np.ones(7), index=new.index + 1)
    refused(lambda: res.predict(new, offset=other), "index", "reindex")
    assert np.allclose(res.predict(new, offset=np.ones(7)), res.predict()[:7])


def test_nothing_was_warned_of_plain_data():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(BASE)


def test_several_groupings_are_a_tuple_or_a_dict_of_arrays():
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(200), rng.standard_normal(200)])
    y = (rng.random(200) < 0.5).astype(float)
    firm, year = rng.integers(0, 20, 200), rng.integers(0, 15, 200)
    fit = asx.fit(asx.Logit(2), x, y)
    found = [
        asx.covariance(fit, asx.Rows(x, y, groups=groups), asx.Cluster()).matrix
        for groups in ((firm, year), {"firm": firm, "year": year})
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
    again = asx.fit(asx.Logit(2), asx.Rows(x, y, groups=(firm, year)))
    np.testing.assert_array_equal(again.params, fit.params)
    with pytest.raises(asx.InputError, match="groups"):
        asx.fit(asx.Logit(2), asx.Rows(x, y, groups=(firm, year[:-1])))
