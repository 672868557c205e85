"""One more row, another formula or another covariance must not mean another compilation."""

import contextlib

import jax
import numpy as np
import pytest

import asymptotix as asx

EVENT = "/jax/core/compile/backend_compile_duration"
_counts = []


def _listen(event, *_, **__):
    if event == EVENT:
        _counts.append(event)


jax.monitoring.register_event_duration_secs_listener(_listen)


@contextlib.contextmanager
def compilations():
    """The number of programs handed to XLA (or read from its cache) inside the block."""
    before = len(_counts)
    found = []
    yield found
    found.append(len(_counts) - before)


def test_the_counter_counts():
    with compilations() as found, jax.enable_x64(True):
        jax.jit(lambda x: x + 1.2345)(np.ones(3))
    assert found[0] >= 1


def frame(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6))
    y = rng.uniform(size=n) < 1 / (1 + np.exp(-(x[:, 0] - 0.5 * x[:, 1])))
    return {"y": y.astype(float), **{f"x{j}": x[:, j] for j in range(6)}}


FITS = {
    "logit": lambda f, d, **o: asx.logit(f, d, **o),
    "probit": lambda f, d, **o: asx.probit(f, d, **o),
    "lpm": lambda f, d, **o: asx.lpm(f, d, **o),
}


@pytest.mark.parametrize("name", list(FITS))
def test_one_more_row_and_another_formula(name):
    run = FITS[name]
    formula = "y ~ x0 + x1 + x2 + x3"
    warm = run(formula, frame(2000))
    warm.summary()
    warm.with_cov("HC0")
    with compilations() as found:
        run(formula, frame(2001))
        run(formula, frame(2000, seed=1))
        run("y ~ x0 + x1 + x2 + x3 + x4", frame(2001))  # another k of the same bucket
        run("y ~ x1 + x5 + x2 + I(x0**2)", frame(1999)).summary()
    assert found == [0]


def test_degrees_of_a_calibration_share_their_programs():
    """More rows than a slab, which are not padded to a standard number of columns by themselves."""
    res = asx.logit("y ~ x0 + x1 + x2", frame(70_000))  # four columns, as the regressions have
    with compilations() as found:
        res.calibration()
    assert found[0] <= 12
    again = asx.logit("y ~ x0 + x1 + x2", frame(70_001, seed=1))
    with compilations() as found:
        again.calibration()
    assert found == [0]


def test_another_covariance_already_seen():
    a = asx.logit("y ~ x0 + x1", frame(500))
    for kind in ("observed", "expected", "opg", "HC0", "HC1"):
        a.with_cov(kind)
    b = asx.logit("y ~ x2 + x3", frame(501))
    with compilations() as found:
        for kind in ("HC1", "HC0", "opg", "expected", "observed"):
            b.with_cov(kind)
    assert found == [0]


def test_arrays():
    def data(n):
        d = frame(n)
        return np.column_stack([np.ones(n), d["x0"], d["x1"], d["x2"], d["x3"]]), d["y"]

    x, y = data(2000)
    asx.covariance(asx.fit(asx.Logit(5), x, y), x, y)
    with compilations() as found:
        x, y = data(2001)
        asx.covariance(asx.fit(asx.Logit(5), x, y), x, y)
    assert found == [0]


def test_covariances_of_arrays_with_another_number_of_columns():
    def run(n, k, kind):
        d = frame(n)
        x = np.column_stack([np.ones(n), *(d[f"x{j}"] for j in range(k - 1))])
        return asx.covariance(asx.fit(asx.Logit(k), x, d["y"]), x, d["y"], kind)

    for kind in ("observed", "HC1"):
        run(2000, 5, kind)
    with compilations() as found:
        for kind in ("observed", "HC1"):
            run(2000, 6, kind)
    assert found == [0]


def test_large_data_one_more_slab():
    def run(n):
        d = frame(n)
        x = np.column_stack([np.ones(n), d["x0"], d["x1"]])
        return asx.fit(asx.Logit(3), x, d["y"])

    run(70_000)
    with compilations() as found:
        run(70_001)
        run(140_000)
    assert found == [0]


def test_a_session_of_formulas_compiles_one_program_a_width():
    data = frame(2000)
    columns = [f"x{j}" for j in range(6)] + [f"I(x{j}**2)" for j in range(5)]
    for k in (4, 8, 12):
        asx.logit("y ~ " + " + ".join(columns[: k - 1]), data).summary()
    with compilations() as found:
        for k in range(3, 13):
            for chosen in (columns[: k - 1], columns[-k + 1 :]):
                asx.logit("y ~ " + " + ".join(chosen), data).summary()
    assert found == [0]


KEY = jax.random.key(0)
ASKED = {
    "rows": lambda r: r.predictions(),
    "events": lambda r: r.predictions(type="probability", value=1),
    "groups": lambda r: r.avg_predictions(by="g"),
    "contrasts": lambda r: r.comparisons(comparison="ratio"),
    "slopes of rows": lambda r: r.slopes(),
    "average slopes": lambda r: r.avg_slopes(hypothesis="b1 = b2"),
    "unconditional": lambda r: r.avg_slopes(unconditional=True),
    "simulated rows": lambda r: r.predictions(method="simulation", key=KEY, n_draws=50),
    "refits": lambda r: r.avg_slopes(method="bootstrap", key=KEY, n_draws=64, unconditional=True),
}


def test_effects_of_one_more_row():
    def fit(n):
        data = frame(n)
        kind = np.where(data["x2"] > 0, "a", "b")
        return asx.logit("y ~ x0 + I(x0**2) + x1 + g", {**data, "g": kind})

    one, other = fit(500), fit(501)
    for ask in ASKED.values():
        ask(one)
    for name, ask in ASKED.items():
        with compilations() as found:
            ask(other)
        assert found == [0], name
