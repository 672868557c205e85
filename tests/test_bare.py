"""Files and dicts of bare numbers are read without pandas, and give what it gives."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import asymptotix as asx
from asymptotix.core.errors import InputError
from asymptotix.data import bare
from asymptotix.data.bare import bare_columns
from asymptotix.data.design_spec import Design
from asymptotix.data.plain import bare_design, plain_design

N = 80
rng = np.random.default_rng(8)
DATA = pd.DataFrame(
    {
        "y": rng.integers(0, 2, N),
        "a": rng.standard_normal(N),
        "b": rng.standard_normal(N) * 1e-7,
        "count": rng.integers(0, 9, N),
        "firm": rng.integers(0, 9, N),
    }
)
FORMULA = "y ~ a + b + count"


def as_dict(**change):
    return {name: DATA[name].to_numpy() for name in DATA} | change


@pytest.fixture
def csv(tmp_path):
    DATA.to_csv(tmp_path / "data.csv", index=False)
    return tmp_path / "data.csv"


@pytest.mark.parametrize("formula", [FORMULA, "count ~ a", " a~y+ b"])
@pytest.mark.parametrize("kind", ["file", "text", "dict", "frame"])
def test_the_design_is_that_of_the_frame(csv, kind, formula):
    data = {"file": csv, "text": str(csv), "dict": as_dict(), "frame": DATA}[kind]
    ours, theirs = bare_design(formula, data), plain_design(formula, data, (), "drop")
    assert isinstance(ours, Design)
    assert isinstance(theirs, Design)
    np.testing.assert_array_equal(ours.x, theirs.x)  # to the last bit
    assert ours.x.flags.c_contiguous
    np.testing.assert_array_equal(ours.response, theirs.response)
    np.testing.assert_array_equal(ours.kept, theirs.kept)
    for name in ("names", "response_name", "dropped", "dropped_by", "spec"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize(
    "ending", ["\n", "\r\n", "\n\n", ""], ids=["line", "carriage", "blank", "none"]
)
def test_lines_may_end_as_they_do(csv, ending):
    text = csv.read_text().rstrip("\n")
    csv.write_bytes((text.replace("\n", "\r\n" if "\r" in ending else "\n") + ending).encode())
    found = bare_columns(csv, DATA.columns)
    for name in DATA:
        np.testing.assert_array_equal(found[name], DATA[name])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("y,a", "y,y"),
        ("y,a", '"y",a'),
        ("y,a", "y, a"),
        ("y,a", "\ufeffy,a"),
        ("y,a", "y,ä"),
        ("y,a", ",a"),
        ("\n0,", "\n,"),
        ("\n0,", "\nNA,"),
        ("\n0,", "\nnan,"),
        ("\n0,", "\ninf,"),
        ("\n0,", "\n1e999,"),
        ("\n0,", "\n9007199254740993,"),
        ("\n0,", '\n"0",'),
        ("\n0,", "\n 0,"),
        ("\n0,", "\n1_0,"),
        ("\n0,", "\n-,"),
        ("\n0,", "\n1-2,"),
        ("\n0,", "\n0,0,"),
        ("\n0,", "\n"),
        ("\n0,", "\r0,"),
        ("\n0,", "\nTrue,"),
        ("\n0,", "\n#0,"),
    ],
)
def test_other_files_are_left_to_pandas(csv, old, new):
    text = csv.read_text()
    assert old in text
    csv.write_bytes(text.replace(old, new, 1).encode())
    assert bare_design(FORMULA, csv) is None


def test_so_are_large_files_and_others_than_csv(csv, monkeypatch, tmp_path):
    assert bare_columns(tmp_path / "none.csv", "ya") is None
    other = tmp_path / "data.txt"
    other.write_bytes(csv.read_bytes())
    assert bare_columns(other, "ya") is None
    assert bare_columns(csv, "ya") is not None
    monkeypatch.setattr(bare, "SMALL", csv.stat().st_size - 1)
    assert bare_columns(csv, "ya") is None
    header = tmp_path / "header.csv"
    header.write_text("y,a,b,count\n")
    assert bare_design(FORMULA, header) is None


@pytest.mark.parametrize(
    "values",
    [
        np.where(np.arange(N) == 3, np.nan, 1.0),
        np.where(np.arange(N) == 3, np.inf, 1.0),
        np.full(N, 2**53 + 2),
        np.ones(N - 1),
        np.ones((N, 1)),
        np.ones(N, bool),
        np.ones(N, complex),
        np.ma.masked_array(np.ones(N), np.arange(N) == 3),
        np.full(N, "1"),
        list(range(N)),
        pd.Series(np.arange(N)),
        1.0,
    ],
    ids=lambda v: f"{type(v).__name__}-{getattr(v, 'dtype', '')}-{np.shape(v)}",
)
def test_other_columns_of_a_dict_are_left_to_pandas(values):
    assert bare_design(FORMULA, as_dict(a=values)) is None
    assert bare_design("y ~ b", as_dict(a=values)) is not None


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float32"])
def test_small_numbers_become_float64(dtype):
    values = (np.arange(N) % 7).astype(dtype)
    found = bare_design("y ~ a", as_dict(a=values))
    np.testing.assert_array_equal(found.x[:, 1], values.astype(float))


@pytest.mark.parametrize("verb", [asx.logit, asx.linear, asx.poisson])
def test_results_are_the_same_as_from_a_frame(csv, verb):
    formula = "count ~ a" if verb is not asx.logit else FORMULA
    ours, theirs = verb(formula, csv), verb(formula, DATA)
    assert str(ours.summary()) == str(theirs.summary())
    pd.testing.assert_series_equal(ours.params, theirs.params, check_exact=True)
    pd.testing.assert_frame_equal(ours.conf_int(), theirs.conf_int(), check_exact=True)
    np.testing.assert_array_equal(ours.predict(), theirs.predict())
    np.testing.assert_array_equal(ours.residuals("pearson"), theirs.residuals("pearson"))
    new = DATA.iloc[:5].assign(a=2.0)
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
    clustered = [r.with_cov(asx.Cluster("firm")).bse for r in (ours, theirs)]
    pd.testing.assert_series_equal(*clustered, check_exact=True)


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({"y": 1}, {}),
        ({"y": 2 * DATA["y"]}, {}),
        ({"a": np.nan}, {"missing": "raise"}),
        ({"a": np.inf}, {}),
        ({"a": 2**60 + 1}, {}),
        ({}, {"missing": "ignore"}),
        ({}, {"weights": "nowhere"}),
    ],
)
def test_refusals_are_in_the_same_words(csv, change, options):
    data, told = DATA.assign(**change), []
    data.to_csv(csv, index=False)
    for source in (csv, {name: data[name].to_numpy() for name in data}, data):
        with pytest.raises(InputError) as caught:
            asx.logit(FORMULA, source, **options)
        told.append((str(caught.value), caught.value.code, caught.value.column))
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize(("kind", "safe"), [("file", True), ("dict", False)])
def test_pandas_is_not_loaded_for_a_fit_and_its_table(csv, kind, safe):
    data = repr(str(csv))
    if kind == "dict":
        data = f"dict(zip('yabcf', np.loadtxt({data}, delimiter=',', skiprows=1).T))"
    formula = FORMULA.replace("count", "c") if kind == "dict" else FORMULA
    code = (
        "import sys\nimport numpy as np\nimport asymptotix as asx\n"
        f"res = asx.logit({formula!r}, {data}, safe={safe})\n"
        "print(res.summary())\n"
        "print(sorted({'pandas', 'pyarrow', 'narwhals', 'formulaic', 'scipy'} & set(sys.modules)))"
        "\nprint(res.params.index[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["[]", "a"]
