"""Columns out of every source are the same columns, and unusable data are refused by name."""

import datetime
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from asymptotix.core.errors import InputError
from asymptotix.data.columns import kind
from asymptotix.data.design import build_design
from asymptotix.data.frames import open_source, read_frame

rng = np.random.default_rng(7)
N = 60
TABLE = pd.DataFrame(
    {
        "y": rng.integers(0, 2, N),
        "x": rng.standard_normal(N),
        "small": rng.integers(1, 100, N).astype("int8"),
        "flag": rng.random(N) < 0.4,
        "group": rng.choice(["red", "green", "blue"], N),
        "gap": np.where(rng.random(N) < 0.2, np.nan, rng.standard_normal(N) * 1e-3),
        "unused": rng.standard_normal(N),
    }
)
COLUMNS = ["group", "x", "small", "flag", "gap", "y"]
FORMULA = "y ~ x + I(small**3) + flag + C(group) + group:x + C(y):gap"


class Stream:
    """An object that offers an Arrow stream and nothing else."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def sources(folder):
    arrow = pa.Table.from_pandas(TABLE, preserve_index=False)
    # Frames without row labels have no NaN from pandas' missing values, but nulls.
    polars = pl.from_arrow(arrow)
    TABLE.to_csv(folder / "t.csv", index=False)
    TABLE.to_parquet(folder / "t.parquet")
    nullable = TABLE.convert_dtypes()
    return {
        "polars": polars,
        "lazy": polars.lazy(),
        "arrow": arrow,
        "duckdb": duckdb.connect().from_arrow(arrow),
        "stream": Stream(arrow),
        "dict of arrays": {name: TABLE[name].to_numpy() for name in TABLE},
        "dict of lists": TABLE.to_dict("list"),
        "csv": folder / "t.csv",
        "parquet": str(folder / "t.parquet"),
        "nullable": nullable,
        "arrow-backed": TABLE.convert_dtypes(dtype_backend="pyarrow"),
        "category": TABLE.astype({"group": "category"}),
        "index": TABLE.set_index(np.arange(N)[::-1] // 2),
    }


@pytest.mark.filterwarnings("ignore::asymptotix.core.errors.MissingRowsWarning")
def test_sources_agree_exactly(tmp_path):
    expected = build_design(FORMULA, TABLE)
    frame = read_frame(TABLE, COLUMNS)
    assert list(frame) == COLUMNS
    assert expected.dropped == int(TABLE["gap"].isna().sum()) > 0
    for name, source in sources(tmp_path).items():
        read = read_frame(source, COLUMNS)
        for column in COLUMNS:
            same = read[column].astype(object).where(read[column].notna(), None)
            assert (
                same.tolist()
                == frame[column].astype(object).where(frame[column].notna(), None).tolist()
            ), (name, column)
        design = build_design(FORMULA, source)
        assert design.names == expected.names, name
        np.testing.assert_array_equal(design.x, expected.x, err_msg=name)
        np.testing.assert_array_equal(design.kept, expected.kept, err_msg=name)
        np.testing.assert_array_equal(
            design.response.to_numpy(), expected.response.to_numpy(), err_msg=name
        )


def test_data_are_not_modified():
    before = TABLE.copy(deep=True)
    with pytest.warns(UserWarning, match="left out"):
        build_design(FORMULA, TABLE)
    pd.testing.assert_frame_equal(TABLE, before)


def test_only_needed_columns_are_read():
    class Watched(dict):
        def __getitem__(self, name):
            assert name != "unused"
            return super().__getitem__(name)

    assert list(read_frame(Watched(TABLE.to_dict("list")), ["x"])) == ["x"]


def test_small_integers_do_not_overflow():
    frame = read_frame({"a": np.array([100, 120], dtype="int8")}, ["a"])
    assert (frame["a"] ** 2).tolist() == [10_000, 14_400]


def test_identifiers_beyond_float_precision_stay_apart():
    frame = read_frame({"id": np.array([2**60, 2**60 + 1])}, ["id"])
    assert frame["id"].nunique() == 2


@pytest.mark.parametrize(
    ("values", "expected", "what"),
    [
        ([True, None, False], [1.0, np.nan, 0.0], "number"),
        ([True, False], [True, False], "bool"),
        ([Decimal("1.5"), None], [1.5, np.nan], "number"),
        ([1, None, 2.5], [1.0, np.nan, 2.5], "number"),
        ([None, None], [np.nan, np.nan], "number"),
        (np.array([1, 2], dtype="float32"), [1.0, 2.0], "number"),
        (pd.array([1, None], dtype="Int64"), [1.0, np.nan], "number"),
        (pd.array([True, None], dtype="boolean"), [1.0, np.nan], "number"),
        (pd.array([1.5, 0], dtype=pd.ArrowDtype(pa.decimal128(5, 2))), [1.5, 0.0], "number"),
        (pd.arrays.SparseArray([0.0, 2.0]), [0.0, 2.0], "number"),
        (pl.Series([1, None], dtype=pl.Int16), [1.0, np.nan], "number"),
        (["a", None], ["a", None], "text"),
        (pd.Categorical(["a", "b"], categories=["b", "a"]), ["a", "b"], "category"),
    ],
)
def test_columns_are_tidied(values, expected, what):
    column = read_frame({"v": values}, ["v"])["v"]
    assert kind(column) == what
    np.testing.assert_array_equal(
        column.to_numpy(), np.array(expected, dtype=column.to_numpy().dtype)
    )


def test_declared_orders_of_categories_are_kept():
    declared = ["low", "mid", "high"]
    values = ["high", "low", "mid"]
    polars = pl.DataFrame({"c": values}).with_columns(
        e=pl.col("c").cast(pl.Enum(declared)), k=pl.col("c").cast(pl.Categorical)
    )
    frame = read_frame(polars, ["e", "k"])
    assert list(frame["e"].cat.categories) == declared
    # A Polars Categorical declares no order: alphabetical, as for text.
    assert list(frame["k"].cat.categories) == sorted(declared)
    pandas = pd.DataFrame({"c": pd.Categorical(values, categories=declared)})
    for source in (pandas, pa.Table.from_pandas(pandas), pandas.astype(pandas.dtypes)):
        assert list(read_frame(source, ["c"])["c"].cat.categories) == declared
    relation = duckdb.connect().sql(
        "select unnest(['high', 'low'])::enum('low', 'mid', 'high') as c"
    )
    assert list(read_frame(relation, ["c"])["c"].cat.categories) == declared


def test_dates_stay_dates():
    days = [datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)]
    for source in ({"d": days}, pl.DataFrame({"d": days}), pa.table({"d": days})):
        assert kind(read_frame(source, ["d"])["d"]) == "date"


def test_a_scalar_stands_for_a_column():
    frame = read_frame({"x": [1, 2, 3], "g": "a", "z": 2}, ["x", "g", "z"])
    assert frame["g"].tolist() == ["a"] * 3
    assert frame["z"].tolist() == [2.0] * 3
    assert len(read_frame({"x": 1.0}, ["x"])) == 1


def test_rows_are_counted_without_columns():
    for source in ({"x": [1, 2]}, pl.DataFrame({"x": [1, 2]}).lazy(), pd.DataFrame({"x": [1, 2]})):
        assert len(read_frame(source, [])) == 2


def test_a_source_is_opened_once():
    source = open_source(TABLE)
    assert open_source(source) is source


REPEATED = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "b"])


@pytest.mark.parametrize(
    ("data", "columns", "code", "told"),
    [
        (TABLE, ["grup"], "unknown_column", "'grup'.* Did you mean 'group'"),
        (pl.from_pandas(TABLE[["x"]]), ["X"], "unknown_column", "'X'"),
        (REPEATED, ["a"], "duplicate_columns", "2 columns named 'a'"),
        ({"a": [1, 2], "b": [1, 2, 3]}, ["a", "b"], "lengths", "'a' 2, 'b' 3"),
        ({"a": np.ones((2, 2))}, ["a"], "shape", "'a' has 2 dimensions"),
        ({"a": [1.0, np.inf, -np.inf]}, ["a"], "infinite_values", r"'a' has 2 .*rows 1, 2"),
        (pl.DataFrame({"a": [np.inf]}), ["a"], "infinite_values", r"'a' has 1 .*rows 0"),
        ({"a": [1, "b"]}, ["a"], "mixed_types", "'a' mixes text"),
        ({"a": [1j, 2]}, ["a"], "column_type", "'a' holds complex"),
        ({"a": [object(), object()]}, ["a"], "column_type", "'a' holds Python objects"),
        (pl.DataFrame({"a": [[1], [2]]}), ["a"], "column_type", "'a' holds List"),
        ("nowhere.csv", ["a"], "file", "nowhere.csv"),
        (np.ones((3, 2)), ["a"], "data_type", "ndarray"),
        (3, ["a"], "data_type", "int"),
    ],
)
def test_unusable_data_are_refused(data, columns, code, told):
    with pytest.raises(InputError, match=told) as caught:
        read_frame(data, columns)
    assert caught.value.code == code


def test_infinite_values_name_their_rows():
    with pytest.raises(InputError) as caught:
        read_frame({"wage": [1.0, np.inf, 2.0, np.inf]}, ["wage"])
    assert caught.value.rows == (1, 3)
    assert caught.value.column == "wage"


def test_unused_repeated_columns_do_no_harm():
    assert read_frame(REPEATED, ["b"])["b"].tolist() == [3.0]


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "t.csv").write_text("a,a,b\n1,2,3\n")
    with pytest.raises(InputError, match="2 columns named 'a'"):
        read_frame(tmp_path / "t.csv", ["a"])
    assert read_frame(tmp_path / "t.csv", ["b"])["b"].tolist() == [3.0]
    (tmp_path / "t.xlsx").write_text("")
    with pytest.raises(InputError, match="neither") as caught:
        read_frame(tmp_path / "t.xlsx", ["a"])
    assert caught.value.code == "file"


def test_csv_digits_are_read_exactly(tmp_path):
    numbers = rng.standard_normal(2000) * 10.0 ** rng.integers(-8, 8, 2000)
    pd.DataFrame({"x": numbers}).to_csv(tmp_path / "t.csv", index=False)
    np.testing.assert_array_equal(read_frame(tmp_path / "t.csv", ["x"])["x"], numbers)
