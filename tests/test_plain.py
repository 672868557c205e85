"""Sums of columns of numbers do without formulaic, and give what it gives."""

import dataclasses
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest

import asymptotix as asx
from asymptotix.core.errors import InputError, MissingRowsWarning
from asymptotix.data.design import build_design
from asymptotix.data.design_spec import Design, plain_matrix
from asymptotix.data.frames import Source
from asymptotix.data.plain import plain_design

N = 60
rng = np.random.default_rng(3)
DATA = pd.DataFrame(
    {
        "y": rng.integers(0, 2, N) * 1.0,
        "label": np.where(rng.random(N) < 0.5, "no", "yes"),
        "level": pd.Categorical(rng.choice(["a", "b"], N), categories=["a", "b", "never"]),
        "x": rng.standard_normal(N),
        "count": rng.integers(0, 9, N),
        "small": rng.standard_normal(N).astype("float32"),
        "holes": np.where(np.arange(N) % 7 == 2, np.nan, rng.standard_normal(N)),
        "weight": np.where(np.arange(N) % 11 == 3, np.nan, 1.0),
        "flag": rng.random(N) < 0.5,
        "whole": pd.array(rng.integers(0, 9, N), dtype="Int64"),
        "text": rng.choice(["u", "v"], N),
        "two words": rng.standard_normal(N),
        "Intercept": 1.0,
        "class": 1.0,
    },
    index=np.arange(N) * 3,
)
PLAIN = [
    "y ~ x",
    "y~x+count",
    " label ~ count + small\n + x",
    "level ~ x",
    "holes ~ x",
    "y ~ holes",
]


def both(formula, extra=(), missing="drop", data=DATA):
    return plain_design(formula, data, extra, missing), build_design(
        formula, data, None, extra, missing
    )


@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
@pytest.mark.parametrize("extra", [(), ("weight",)])
@pytest.mark.parametrize("formula", PLAIN)
def test_the_design_is_that_of_formulaic(formula, extra):
    ours, theirs = both(formula, extra)
    assert isinstance(ours, Design)
    np.testing.assert_array_equal(ours.x, theirs.x)
    assert ours.x.flags.c_contiguous
    assert ours.x.dtype == np.float64
    np.testing.assert_array_equal(ours.kept, theirs.kept)
    pd.testing.assert_series_equal(ours.response, theirs.response)
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)
    for name in ("names", "response_name", "dropped", "dropped_by"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for field in dataclasses.fields(ours.spec):
        if field.name != "model_spec":
            assert getattr(ours.spec, field.name) == getattr(theirs.spec, field.name), field.name
    assert list(ours.spec.terms) == list(theirs.spec.terms)


def test_the_record_is_made_when_it_is_asked_for():
    ours, theirs = both("y ~ x + count")
    assert ours.spec.model_spec is None
    ours, theirs = ours.spec.record, theirs.spec.record
    assert ours.column_names == theirs.column_names
    assert list(ours.formula) == list(theirs.formula)
    assert ours.term_indices == theirs.term_indices
    assert ours.encoder_state == theirs.encoder_state
    assert ours.transform_state == theirs.transform_state == {}


def test_new_data_meet_the_same_design():
    ours, theirs = both("y ~ x + count")
    spec = pickle.loads(pickle.dumps(ours.spec))
    new = DATA.iloc[5:20].assign(x=2.0)
    for data in (
        new,
        new.assign(x=DATA["holes"]),
        new.assign(count=True),
        new.assign(x=np.nan),
        new.assign(x=pd.Categorical(new["whole"])),
        {"x": [1, 2], "count": [0.5, 3]},
    ):
        for found, expected in zip(spec.design(data), theirs.spec.design(data), strict=True):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
    for change, missing in (
        ({"count": "many"}, "drop"),
        ({"x": np.inf}, "drop"),
        ({"x": np.nan}, "raise"),
    ):
        told = []
        for one in (spec, theirs.spec):
            with pytest.raises(InputError) as caught:
                one.design(new.assign(**change), missing)
            told.append(str(caught.value))
        assert told[0] == told[1]


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ flag",  # a category
        "y ~ x + text",
        "y ~ x + x",
        "y ~ y + x",
        "y ~ x + 1",
        "y ~ x - 1",
        "y ~ x + np.log(count)",
        "y ~ `two words`",
        "y ~ x:count",
        "y ~ Intercept",
        "y ~ class",
        "y ~ x + nowhere",
        "~ x",
        "y + x",
        "",
        None,
    ],
)
def test_anything_else_is_left_to_formulaic(formula):
    found = plain_design(formula, DATA, (), "drop")
    assert isinstance(found, Source)
    assert found.names == tuple(DATA.columns)


@pytest.mark.parametrize(
    ("formula", "change", "missing"),
    [
        ("y ~ x", {"x": np.inf}, "drop"),
        ("y ~ x", {"x": np.nan}, "drop"),
        ("y ~ holes + x", {}, "raise"),
        ("y ~ count", {"count": 2**60 + 1}, "drop"),
    ],
)
def test_refusals_are_in_the_same_words(formula, change, missing):
    data, told = DATA.assign(**change), []
    for build in (
        lambda: plain_design(formula, data, (), missing),
        lambda: build_design(formula, data, missing=missing),
    ):
        with pytest.raises(InputError) as caught:
            build()
        told.append((str(caught.value), caught.value.code, caught.value.column))
    assert told[0] == told[1]


def test_an_option_that_is_none_is_refused():
    with pytest.raises(InputError, match="missing='ignore'"):
        asx.logit("y ~ x", DATA, missing="ignore")


def test_rows_left_out_are_told():
    with pytest.warns(MissingRowsWarning, match="'holes' 9"):
        res = asx.logit("y ~ holes", DATA)
    assert res.fit.n == N - 9


def test_what_has_been_read_is_not_read_again():
    """A file in which a term turns out to be text."""
    read = []

    def load(wanted):
        read.append(list(wanted))
        return {name: DATA[name].reset_index(drop=True) for name in wanted}

    source = Source(tuple(DATA.columns), load)
    found = plain_design("y ~ x + text", source, ("weight",), "drop")
    assert isinstance(found, Source)
    with pytest.warns(MissingRowsWarning):
        build_design("y ~ x + text", found, None, ("weight",))
    assert read == [["x", "text", "y", "weight"]]
    found.frame(["count"])
    assert read[1:] == [["count"]]


@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
@pytest.mark.parametrize("gaps", [False, True])
def test_the_design_is_never_held_twice(gaps):
    """Beside the frame that was read, also where rows are left out."""
    n, k = 40_000, 20
    data = {f"x{j}": np.arange(n) * 1.0 for j in range(k)} | {"y": np.arange(n) % 2 * 1.0}
    if gaps:
        data["x3"][::5] = np.nan
    frame = pd.DataFrame(data)
    formula = "y ~ " + " + ".join(f"x{j}" for j in range(k))
    spec = plain_design(formula, frame, (), "drop").spec
    kept = frame["x3"].notna().to_numpy()
    tracemalloc.start()
    x = plain_matrix(frame, spec.names, kept)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(x) == kept.sum()
    assert peak < 1.3 * x.nbytes


def test_a_fit_and_its_table_load_neither_formulaic_nor_scipy(tmp_path):
    DATA[["y", "x", "count"]].to_csv(tmp_path / "data.csv", index=False)
    code = (
        "import sys\nimport asymptotix as asx\n"
        f"print(asx.logit('y ~ x + count', {str(tmp_path / 'data.csv')!r}).summary())\n"
        "print(sorted({'formulaic', 'narwhals', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
