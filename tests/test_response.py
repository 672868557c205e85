"""Responses as numbers, the event that is modelled, and the numbers beside them."""

import numpy as np
import pandas as pd
import pytest

from asymptotix.core.errors import InputError
from asymptotix.data.frames import read_frame
from asymptotix.data.response import code_response, numeric_response, take_column


def series(values):
    return read_frame({"v": values}, ["v"])["v"]


@pytest.mark.parametrize(
    ("values", "coded", "event", "levels"),
    [
        ([0, 1, 1], [0, 1, 1], None, ()),
        ([0.0, 1.0], [0, 1], None, ()),
        ([True, False], [1, 0], "True", (False, True)),
        (["no", "yes", "no"], [0, 1, 0], "yes", ("no", "yes")),
        (pd.Categorical(["no", "yes"], ["yes", "no"]), [1, 0], "no", ("yes", "no")),
        (pd.Categorical(["a", "c"], ["c", "b", "a"]), [1, 0], "a", ("c", "a")),
        (pd.Categorical([1, 2]), [0, 1], "2", (1, 2)),
    ],
)
def test_two_valued_responses(values, coded, event, levels):
    response = code_response(series(values), "v")
    assert response.values.dtype == np.float64
    assert response.values.flags.c_contiguous
    assert response.values.tolist() == coded
    assert response.event == event
    assert response.levels == levels


@pytest.mark.parametrize(
    ("values", "code", "told"),
    [
        ([1, 2, 2], "response_values", r"'v' must be 0 or 1 .*1, 2.*I\(v == 2\)"),
        ([0, 1, 2], "response_values", r"'v' .*3 values .*I\(v > 1\)"),
        ([0.2, 0.4, 0.8], "response_values", "'v'.*trials="),
        (["a", "b", "c"], "response_levels", r"'v' has 3 levels.*I\(v == 'c'\)"),
        (["a", "a"], "constant_response", "'v' is 'a' in every row"),
        ([True, True], "constant_response", "'v' is True"),
        ([1, 1], "constant_response", "'v' is 1 in every row"),
        ([3, 3], "constant_response", "'v' is 3"),
        (np.array(["2020", "2021"], dtype="datetime64[D]"), "response_type", "'v' holds dates"),
        ([0, None, 1], "missing_values", "'v' has 1 missing"),
        ([], "no_rows", "'v' has no rows"),
    ],
)
def test_responses_that_are_not_two_valued(values, code, told):
    with pytest.raises(InputError, match=told) as caught:
        code_response(series(values), "v")
    assert (caught.value.code, caught.value.column) == (code, "v")


def test_numeric_responses():
    assert numeric_response(series([1, 2, 5]), "v").values.tolist() == [1, 2, 5]
    assert numeric_response(series([True, False]), "v").values.tolist() == [1, 0]
    assert numeric_response(series([3, 3]), "v").values.tolist() == [3, 3]
    for values in (["a", "b"], pd.Categorical([1, 2])):
        with pytest.raises(InputError, match="'v' holds labels") as caught:
            numeric_response(series(values), "v")
        assert caught.value.code == "response_type"


FRAME = read_frame(
    {"w": [1.0, 2.0, 0.0, 4.0], "neg": [1, -1, 2, -3], "g": list("abab")}, ["w", "neg", "g"]
)
KEPT = np.array([True, True, False, True])


def test_a_column_by_name_or_as_an_array():
    np.testing.assert_array_equal(take_column(FRAME, "w", KEPT, "weights"), [1, 2, 4])
    array = np.array([1, 2, np.nan, 4])  # Missing where the row is not used anyway.
    np.testing.assert_array_equal(take_column(FRAME, array, KEPT, "weights"), [1, 2, 4])
    indexed = pd.Series([5, 6, 7, 8], index=[3, 2, 1, 0])
    np.testing.assert_array_equal(take_column(FRAME, indexed, KEPT, "weights"), [5, 6, 8])
    np.testing.assert_array_equal(take_column(FRAME, "neg", KEPT, "offset"), [1, -1, -3])


@pytest.mark.parametrize(
    ("given", "what", "code", "told", "rows"),
    [
        ("neg", "weights", "weights", r"'neg'.* 2 negative values \(rows 1, 3\)", (1, 3)),
        ([1, np.nan, 1, 1], "weights", "weights", r"1 missing value \(rows 1\)", (1,)),
        ([1, np.inf, 1, 1], "offset", "infinite_values", "'offset' has 1 infinite", (1,)),
        ([0, 0, 5, 0], "weights", "weights", "All weights", ()),
        ([-1, 0, 5, 0], "trials", "trials", "1 negative", (0,)),
        ([1, 2, 3], "weights", "lengths", "weights has 3 values and the data have 4 rows", ()),
        ("ww", "weights", "unknown_column", "no column 'ww'.*Did you mean 'w'", ()),
        ("g", "offset", "offset", "offset must be numbers; 'g'", ()),
        (["a", "b", "c", "d"], "weights", "weights", "weights must be numbers", ()),
    ],
)
def test_columns_that_cannot_be_used(given, what, code, told, rows):
    with pytest.raises(InputError, match=told) as caught:
        take_column(FRAME, given, KEPT, what)
    assert (caught.value.code, caught.value.rows) == (code, rows)
