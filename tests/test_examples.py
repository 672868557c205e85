"""The data sets that ship with the package."""

import numpy as np
import pytest

from asymptotix import InputError
from asymptotix.data.examples import load_example, names


def test_mroz_is_the_published_data_set():
    mroz = load_example("mroz")
    assert mroz.shape == (753, 22)
    # 428 of the 753 women worked for pay in 1975 (Mroz 1987)
    assert mroz["inlf"].sum() == 428
    assert mroz["wage"].isna().sum() == 753 - 428
    assert set(mroz.columns[mroz.isna().any()]) == {"wage", "lwage"}


def test_mroz_columns_agree_with_their_definitions():
    mroz = load_example("mroz")
    np.testing.assert_array_equal(mroz["expersq"], mroz["exper"] ** 2)
    worked = mroz["inlf"] == 1
    # single precision in the source file
    np.testing.assert_allclose(mroz["lwage"][worked], np.log(mroz["wage"][worked]), atol=1e-6)
    income = (mroz["faminc"] - mroz["wage"].fillna(0.0) * mroz["hours"]) / 1000
    np.testing.assert_allclose(mroz["nwifeinc"], income, atol=1e-4)


def test_each_load_is_a_new_frame():
    first = load_example("mroz")
    first["age"] = 0
    assert (load_example("mroz")["age"] > 0).all()


def test_every_name_loads():
    assert all(len(load_example(name)) > 0 for name in names())


def test_an_unknown_name_suggests_a_near_one():
    with pytest.raises(InputError, match="Did you mean 'mroz'") as raised:
        load_example("mrox")
    assert raised.value.code == "unknown_data_set"
