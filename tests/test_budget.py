"""What a fit may cost, in units that do not depend on the machine: a guard, not a benchmark.

Modules loaded, programs compiled, passes over the rows, and what XLA says of the memory and the
arithmetic of a program. Seconds are the business of `benchmarks/`.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

import asymptotix as asx
from asymptotix.core import quick_jit
from asymptotix.core.gram import weighted_gram
from asymptotix.core.totals import total
from asymptotix.covariances import estimate
from asymptotix.data.blocks import sum_blocks
from asymptotix.fitting import small
from asymptotix.fitting.seen import is_noted, is_remembered

SOURCE = Path(asx.__file__).parent.parent

PROBE = """
import json, sys
import jax
compiled = []
def listen(event, *_, **__):
    if event == "/jax/core/compile/backend_compile_duration":
        compiled.append(event)
jax.monitoring.register_event_duration_secs_listener(listen)
import numpy as np
rng = np.random.default_rng(0)
x = np.column_stack([np.ones(200), rng.standard_normal(200)])
y = (rng.random(200) < 0.5) * 1.0
ACTION
print(json.dumps({
    "own": [name for name in sys.modules if name.startswith("asymptotix")],
    "packages": sorted({name.split(".")[0] for name in sys.modules}),
    "compiled": len(compiled),
}))
"""


def fresh(action: str) -> dict:
    """What a new process has loaded and compiled after some lines."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", PROBE.replace("ACTION", action)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def by_formula():
    return fresh("import asymptotix as asx\nasx.logit('y ~ x', {'y': y, 'x': x[:, 1]}).summary()")


@pytest.fixture(scope="module")
def by_arrays():
    return fresh(
        "import asymptotix as asx\n"
        "fit = asx.fit(asx.Logit(2), x, y)\n"
        "asx.covariance(fit, x, y).standard_errors"
    )


def test_importing_loads_one_module():
    assert fresh("import asymptotix")["own"] == ["asymptotix"]


def test_arrays_load_no_frames(by_arrays):
    assert {"pandas", "formulaic", "narwhals", "pyarrow"} & set(by_arrays["packages"]) == set()
    assert len(by_arrays["own"]) <= 100


def test_clusters_of_integers_load_no_frames():
    found = fresh(
        "import asymptotix as asx\n"
        "rows = asx.Rows(x, y, groups=np.arange(200) // 4)\n"
        "asx.covariance(asx.fit(asx.Logit(2), rows), rows, asx.Cluster()).standard_errors"
    )
    assert "pandas" not in found["packages"]


def test_a_formula_loads_what_it_needs(by_formula):
    rooms = {name.split(".")[1] for name in by_formula["own"] if "." in name}
    assert rooms & {"effects", "diagnostics", "simulation", "plots", "sklearn"} == set()
    late = {"results.testing", "results.saving", "inference.wild", "covariances.bootstrap"}
    assert {f"asymptotix.{name}" for name in late} & set(by_formula["own"]) == set()
    of_streams = {"data.partitions", "data.reader", "data.survey", "data.patterns"}
    of_devices = {"data.sharded", "data.portable"}
    unused = {f"asymptotix.{name}" for name in of_streams | of_devices}
    assert unused & set(by_formula["own"]) == set()
    assert len(by_formula["own"]) <= 138


def test_one_program_does_the_job(by_formula, by_arrays):
    # the fit, its statistics, the covariance and the null model's fit
    assert by_formula["compiled"] == 1
    assert by_arrays["compiled"] == 1


def test_few_programs_do_a_large_job():
    """The sample's fit, scores, sums, and Newton's two; what is between them is NumPy's."""
    found = fresh(
        "import asymptotix as asx\n"
        "n = 70_000\n"
        "x = np.column_stack([np.ones(n), rng.standard_normal(n)])\n"
        "y = (rng.random(n) < 0.5) * 1.0\n"
        "fit = asx.fit(asx.Logit(2), x, y)\n"
        "asx.covariance(fit, x, y).standard_errors"
    )
    assert found["compiled"] <= 6


# --- the search for garbage ----------------------------------------------------------------


def test_what_is_loaded_is_not_searched_for_garbage():
    fresh(
        "import gc, asymptotix as asx\n"
        "asx.logit\n"
        "assert len(gc.get_objects(generation=0)) < 10_000\n"
        "assert gc.isenabled() and gc.get_freeze_count() == 0"
    )


def test_what_the_user_has_frozen_stays_so():
    fresh(
        "import gc, asymptotix as asx\n"
        "gc.freeze()\n"
        "frozen = gc.get_freeze_count()\n"
        "asx.logit\n"
        "assert gc.get_freeze_count() > 0.9 * frozen > 0"
    )


# --- verbs that load late -------------------------------------------------------------------


def test_verbs_that_load_late_are_there_all_the_same():
    kind = asx.Results
    listed = dir(kind)
    for name in ("avg_slopes", "wald_test", "save", "augment", "bootstrap", "history"):
        assert name in listed
        assert getattr(kind, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'no_such_verb'"):
        _ = kind.no_such_verb
    res = asx.logit("y ~ x", {"y": [0, 1, 0, 1, 1, 0], "x": [1.0, 2, 3, 4, 2, 3]})
    assert not hasattr(res, "no_such_verb")


# --- the small fit ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(42)
    x = rng.standard_normal((2_000, 5))
    x[:, 0] = 1.0
    return x, (rng.random(2_000) < 1 / (1 + np.exp(-x @ np.full(5, 0.2)))) * 1.0


def test_steps_of_a_small_fit(data):
    assert int(asx.fit(asx.Logit(5), *data).steps) <= 5


@pytest.fixture(scope="module")
def program(data):
    """The program of a small fit, compiled, and the bytes of its padded design."""
    given = []
    with pytest.MonkeyPatch.context() as patch:
        compiled = small._compiled

        def noting(*structure):
            call = compiled(*structure)
            return lambda *args: given.append((call.__wrapped__, args)) or call(*args)

        patch.setattr(small, "_compiled", noting)
        asx.fit(asx.Logit(5), *data)
    function, args = given[0]
    _, _, packed, numbers = args
    with jax.enable_x64(True):
        return jax.jit(function).lower(*args).compile(), packed[: numbers.shape[1]]


def test_memory_of_a_small_fit(program):
    """A standardised copy, the 36 products of its 8 columns, and some vectors of a number a row.

    Three of these are response, weights and offset, cut from what was handed over in one piece.
    """
    compiled, x = program
    assert x.shape == (8, 2_048)  # column by column
    assert compiled.memory_analysis().temp_size_in_bytes <= (1 + 36 / 8 + 1 + 3 / 8) * x.nbytes


def test_arithmetic_of_a_small_fit(program):
    """One pass, which the loop is counted as, and what comes before and after."""
    compiled, x = program
    k, n = x.shape
    assert compiled.cost_analysis()["flops"] <= n * (3 * k * (k + 1) / 2 + 10 * k + 280)


def test_a_slab_is_the_work_of_one_thread():
    """The product of a block, which XLA would share among as many as there are."""
    x = np.ones((16_384, 20))
    with jax.enable_x64(True):
        rows = asx.Rows(x, x[:, 0]).block(np.float64)
        program = jax.jit(
            lambda b: sum_blocks(lambda part: weighted_gram(part.x, part.weight), b),
            compiler_options=quick_jit.ONE_THREAD,
        )
        text = program.lower(rows).compile().as_text()
    assert 'outer_dimension_partitions":["' not in text


@pytest.mark.parametrize("n", [1, 20, 32, 96, 250, 256, 1_000, 1_024, 2_048])
def test_totals_are_sums(n):
    values = np.random.default_rng(n).standard_normal(n)
    with jax.enable_x64(True):
        found, slope = jax.value_and_grad(total)(values)
        many = np.asarray(jax.vmap(total)(np.stack([values, 2 * values])))
        found, slope = float(found), np.asarray(slope)
    exact = math.fsum(values)
    assert abs(found - exact) <= n * np.finfo(float).eps * np.abs(values).max()
    assert np.array_equal(slope, np.ones(n))
    np.testing.assert_allclose(many, [exact, 2 * exact], rtol=1e-13, atol=1e-13)


def test_totals_need_no_windows():
    """Each of which is a module of its own to LLVM, and takes 10 ms to compile."""

    def text(add):
        return jax.jit(lambda v, w: add(v * w) / add(w)).lower(values, values).compile().as_text()

    values = np.ones(1_024)
    with jax.enable_x64(True):
        assert "reduce-window" not in text(total)


# --- rows known again ------------------------------------------------------------------------


def test_rows_are_known_again_by_their_bits(data):
    x, y = (a.copy() for a in data)
    fit = asx.fit(asx.Logit(5), x, y)
    assert is_remembered(fit, asx.Rows(x.copy(), y.copy()))
    assert not is_remembered(fit, asx.Rows(x[::-1], y[::-1]))
    asx.covariance(fit, x[::-1], y[::-1])  # the same observations, after a closer look
    x[3, 1] += 1e-3
    assert not is_remembered(fit, asx.Rows(x, y))
    with pytest.raises(asx.InputError, match="not the rows of the fit"):
        asx.covariance(fit, x, y)


def test_a_noted_fit_with_a_traced_part_is_looked_at_as_traced(data):
    x, y = data
    fit = asx.fit(asx.Logit(5), x, y)
    assert is_noted(fit)

    def variance(s):
        scaled = eqx.tree_at(lambda f: f.factor, fit, fit.factor * s)
        assert not is_noted(scaled)
        return asx.covariance(scaled, x, y).matrix[1, 1]

    with jax.enable_x64(True):
        value, slope = map(float, jax.value_and_grad(variance)(1.0))
    np.testing.assert_allclose(value, asx.covariance(fit, x, y).matrix[1, 1], rtol=1e-12)
    np.testing.assert_allclose(slope, -2 * value, rtol=1e-12)


def test_arrays_of_a_large_fit_are_known_again_at_a_glance(data, monkeypatch):
    """An information that is known already needs no pass; one that reads rows looks at them all."""
    rng = np.random.default_rng(1)
    n = 70_000
    x, y = rng.standard_normal((n, 3)), (rng.random(n) < 0.5) * 1.0
    fit = asx.fit(asx.Logit(3), x, y)
    looks = []
    close = estimate.check_concrete_fingerprint
    monkeypatch.setattr(
        estimate, "check_concrete_fingerprint", lambda *given: looks.append(1) or close(*given)
    )
    known = asx.covariance(fit, x, y)
    assert not looks
    assert np.array_equal(asx.covariance(fit, x.copy(), y).matrix, known.matrix)
    asx.covariance(fit, x, y, "HC1")
    assert len(looks) == 2
    kept = y.copy()
    rng.shuffle(y)  # in place, and with the same sum
    with pytest.raises(asx.InputError, match="not the rows of the fit"):
        asx.covariance(fit, x, y, "HC1")
    y[:] = kept
    x[69_999] += 1.0  # a row that a glance does not see
    with pytest.raises(asx.InputError, match="not the rows of the fit"):
        asx.covariance(fit, x, y, "HC1")
    x += 1e-3
    with pytest.raises(asx.InputError, match="not the rows of the fit"):
        asx.covariance(fit, x, y)
