"""Settings and data that the whole suite shares."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from asymptotix.core import quick_jit
from asymptotix.fitting import batched

sys.path.insert(0, str(Path(__file__).parent))  # `from registry import FAMILIES`

MROZ = "inlf ~ nwifeinc + educ + exper + I(exper**2) + age + kidslt6 + kidsge6"
FAIR = "affair ~ rate_marriage + age + yrs_married + children + religious + educ"
SPECTOR = "GRADE ~ GPA + TUCE + PSI"


for options in (quick_jit.QUICKEST, quick_jit.QUICK, quick_jit.COLUMNS, batched.WIDE_VECTORS):
    # Programs on few rows and of many fits, of which the tests compile thousands, are made without
    # LLVM's optimisations: two fifths of their time. Sessions, notebooks and examples, in processes
    # of their own, have them.
    options["xla_backend_optimization_level"] = 0

MANY_MAPS = 25_000
"""Memory maps of a process from which compiled programs are let go; Linux allows 65,530."""


@pytest.fixture(scope="module", autouse=True)
def few_compiled_programs():
    """Each compiled program holds memory maps, and XLA crashes where there are no more to have."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_text().count("\n") > MANY_MAPS:
        import jax

        jax.clear_caches()


@pytest.fixture(scope="session")
def mroz():
    from asymptotix.data.examples import load_example

    return load_example("mroz")


@pytest.fixture(scope="session")
def spector():
    import statsmodels.api as sm

    return sm.datasets.spector.load_pandas().data.astype(float)


@pytest.fixture(scope="session")
def fair():
    import statsmodels.api as sm

    data = sm.datasets.fair.load_pandas().data.astype(float)
    return data.assign(affair=(data["affairs"] > 0).astype(float))


@pytest.fixture(scope="session")
def logistic_100k():
    """The simulated data whose maximum-likelihood estimates are published to eight digits."""
    rng = np.random.default_rng(42)
    x = rng.standard_normal((100_000, 2))
    y = rng.binomial(1, 1 / (1 + np.exp(-(0.3 + 1.5 * x[:, 0] - 0.8 * x[:, 1]))))
    return {"y": y.astype(float), "x1": x[:, 0], "x2": x[:, 1]}


@pytest.fixture(scope="session")
def mroz_fits(mroz):
    """Logit, probit and linear probability on Mroz's data."""
    import asymptotix as asx

    return {
        "logit": asx.logit(MROZ, mroz),
        "probit": asx.probit(MROZ, mroz),
        "lpm": asx.lpm(MROZ, mroz),
    }


@pytest.fixture
def quiet():
    """A scope in which other packages may warn as they please."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
