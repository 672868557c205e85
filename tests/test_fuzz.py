"""Any frame, any formula, any model: finite numbers with a status, or an `InputError`.

Few examples by default; `ASYMPTOTIX_FUZZ=2000 pytest tests/test_fuzz.py` is the long profile.
"""

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import asymptotix as asx

EXAMPLES = int(os.environ.get("ASYMPTOTIX_FUZZ", "60"))
VERBS = ("linear", "lpm", "logit", "probit", "poisson")
TERMS = (
    "x", "z", "g", "flag", "C(g)", "I(x**2)", "np.log(x)", "x:z", "x*g", "k", "scale(x)",
    "C(k)", "poly(z, 2)", "bs(x, df=4)", "nowhere", "1", "0", "big", "tiny", "when",
)  # fmt: skip
SIZES = (4, 9, 24, 60)  # few, so that few programs are compiled


@st.composite
def frames(draw):
    """Columns of many kinds, some of them broken."""
    n = draw(st.sampled_from(SIZES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    eta = rng.standard_normal(n)
    response = draw(st.sampled_from(("binary", "count", "real", "constant", "words", "separated")))
    y = {
        "binary": (rng.random(n) < 0.5).astype(float),
        "count": rng.poisson(1.0, n).astype(float),
        "real": eta,
        "constant": np.ones(n),
        "words": rng.choice(["no", "yes"], n),
        "separated": (eta > 0).astype(float),
    }[response]
    data = pd.DataFrame(
        {
            "y": y,
            "x": eta,
            "z": rng.integers(0, 3, n).astype(float),
            "g": rng.choice(list("abc"), n),
            "flag": rng.random(n) < 0.5,
            "k": rng.integers(0, 4, n),
            "big": rng.standard_normal(n) * 1e12,
            "tiny": rng.standard_normal(n) * 1e-12,
            "when": pd.date_range("2020-01-01", periods=n),
            "w": rng.integers(0, 3, n).astype(float),
        }
    )
    for column in draw(st.sets(st.sampled_from(("x", "z", "big", "w")), max_size=2)):
        value = draw(st.sampled_from((np.nan, np.inf, 0.0, 1e300, -1.0)))
        data.loc[draw(st.integers(0, n - 1)), column] = value
    return data


@st.composite
def calls(draw):
    """A verb, a formula and options."""
    terms = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=3))
    options = {}
    if draw(st.booleans()):
        options["cov"] = draw(st.sampled_from(("observed", "expected", "HC0", "HC3", "nonsense")))
    if draw(st.integers(0, 3)) == 0:
        options["weights"] = "w"
        kind = draw(st.sampled_from(("frequency", "precision", "sampling", None)))
        options["weight_kind"] = kind
    return draw(st.sampled_from(VERBS)), f"y ~ {' + '.join(terms)}", options


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(frames(), calls())
def test_finite_numbers_with_a_status_or_an_input_error(data, call):
    verb, formula, options = call
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            res = getattr(asx, verb)(formula, data, **options)
        except asx.InputError as error:
            refusal = error
        else:
            refusal, text = None, str(res.summary())
    if refusal is not None:
        assert refusal.code
        return
    check(res)
    assert "nan" not in text.split()


def check(res):
    """Numbers are finite, or there is a reason why not."""
    active = np.asarray(res.fit.active)
    infinite = np.isinf(res.params.to_numpy())
    if res.converged and res.covariance.status_name in ("converged", "converged_to_rounding"):
        assert np.isfinite(res.params[active]).all()
        errors = res.bse[active]
        assert (np.isfinite(errors) & (errors >= 0)).all() or res.df_resid <= 0
    elif res.status == "separated":
        assert infinite.any()
        assert res.bse[infinite].isna().all()
    else:
        assert res.status or res.covariance.status_name == "indefinite"
        assert res.bse.isna().all() or res.converged
    assert np.isfinite(res.params[active & ~infinite]).all() or not res.converged


@pytest.mark.parametrize("verb", VERBS)
def test_prediction_on_what_was_fitted(verb):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.random(40), "y": (rng.random(40) < 0.5).astype(float)})
    assert np.isfinite(getattr(asx, verb)("y ~ x", data).predict(data[::-1])).all()
