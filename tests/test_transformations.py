"""`asx.fit` under jit, vmap and grad, in processes with JAX's defaults and with x64 on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import asymptotix

SOURCE = Path(asymptotix.__file__).parent.parent

PREAMBLE = """
import warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp, numpy as np
import asymptotix as asx
BEFORE = dict(jax.config.values)
N, K = 80, 3
rng = np.random.default_rng(0)
X = np.column_stack([np.ones(N), rng.standard_normal((N, K - 1))])
Z = X @ [0.3, 0.8, -0.5]
Y01 = (rng.uniform(size=N) < 1 / (1 + np.exp(-Z))).astype(float)
COUNTS = rng.poisson(np.exp(0.5 * Z)).astype(float)
REAL = Z + rng.standard_normal(N)
W = rng.integers(1, 9, N) / 4.0   # exact in float32 too
MODELS = {
    "logit": (asx.Logit(K), Y01),
    "probit": (asx.Probit(K), Y01),
    "poisson": (asx.PoissonRegression(K), COUNTS),
    "linear": (asx.LinearRegression(K), REAL),
}

def wide(*arrays):
    "JAX arrays in float64, whatever the settings."
    with jax.enable_x64(True):
        out = tuple(jnp.asarray(np.asarray(a, np.float64)) for a in arrays)
    assert all(a.dtype == np.float64 for a in out)
    return out if len(out) > 1 else out[0]

def coef(fit):
    return fit.model.predictor.coef

def estimate(model, x, y, w, o):
    return coef(asx.fit(model, x, y, weights=w, weight_kind="precision", offset=o))

def at(vector, i):
    "One entry in the vector's own precision: with x64 off, indexing would make it float32."
    if isinstance(vector, np.ndarray):
        return vector[i]
    return jax.lax.index_in_dim(vector, i, keepdims=False)

def close(a, b, rtol=1e-6, scale=None):
    a, b = np.asarray(a, float), np.asarray(b, float)
    scale = np.max(np.abs(b)) if scale is None else scale
    assert a.shape == b.shape, (a.shape, b.shape)
    assert np.all(np.isfinite(a)), a
    worst = np.max(np.abs(a - b)) / scale
    assert worst < rtol, f"differs by {worst:.2e} of {scale:.3g}:\\n{a}\\n{b}"

def slope(function, at, index, h=1e-3):
    "A fourth-order central difference of a host function in one entry of an array."
    def moved(t):
        there = np.array(at, float)
        there[index] += t
        return np.asarray(function(there), float)
    return (8 * (moved(h) - moved(-h)) - moved(2 * h) + moved(-2 * h)) / (12 * h)
"""

EPILOGUE = """
AFTER = dict(jax.config.values)
changed = sorted(k for k in BEFORE if BEFORE[k] != AFTER.get(k))
assert changed == [], changed
"""

BODIES = {}


def body(function):
    """Registers the source that a function returns, under the function's name."""
    BODIES[function.__name__] = function()
    return function


@body
def host_jit_and_vmap_of_responses_agree():
    return """
for name, (model, y) in MODELS.items():
    plain = asx.fit(model, X, y)
    assert plain.status_name == "converged"
    assert np.asarray(coef(plain)).dtype == np.float64
    x64, y64 = wide(X, y)
    jitted = jax.jit(lambda a, b: asx.fit(model, a, b))(x64, y64)
    assert coef(jitted).dtype == np.float64
    close(coef(jitted), coef(plain), 1e-12)
    close(jitted.log_likelihood, plain.log_likelihood, 1e-12)
    swapped = wide(np.stack([y, y[::-1], np.roll(y, 7)]))
    many = jax.vmap(lambda b: asx.fit(model, x64, b))(swapped)
    assert many.code.shape == (3,) and bool(np.all(many.converged))
    for i, one in enumerate((y, y[::-1], np.roll(y, 7))):
        close(np.asarray(coef(many))[i], coef(asx.fit(model, X, one)), 1e-10)
    assert str(type(many.status).__name__)
"""


@body
def vmap_of_weights():
    return """
model, y = MODELS["logit"]
draws = np.stack([rng.multinomial(N, np.ones(N) / N) for _ in range(4)]).astype(float)

def bootstrap(w):
    return asx.fit(model, X, y, weights=w, weight_kind="frequency")

many = jax.vmap(bootstrap)(wide(draws))
for i in range(4):
    one = asx.fit(model, X, y, weights=draws[i], weight_kind="frequency")
    close(np.asarray(coef(many))[i], coef(one), 1e-10)
    close(np.asarray(many.n)[i], N, 1e-14)
both = jax.jit(jax.vmap(bootstrap))(wide(draws))
close(coef(both), coef(many), 1e-12)
"""


@body
def numpy_arrays_beside_a_tracer_keep_their_precision():
    """They are float64 data: with x64 off they must not pass through float32 on the way."""
    return """
w = wide(np.ones(N))
for name, (model, y) in MODELS.items():
    plain = asx.fit(model, X, y, weights=np.ones(N), weight_kind="precision")
    for wrap in (jax.jit, lambda f: lambda v: f(v)):
        beside = wrap(lambda v: coef(asx.fit(model, X, y, weights=v, weight_kind="precision")))(w)
        close(beside, coef(plain), 1e-12)
    many = jax.vmap(lambda v: coef(asx.fit(model, X, y, weights=v, weight_kind="precision")))(
        wide(np.ones((2, N))))
    close(np.asarray(many)[0], coef(plain), 1e-12)
fit = asx.fit(asx.Logit(K), X, Y01)
with jax.enable_x64(True):
    inside = jax.jit(lambda x: fit.model(x))(wide(X))
close(inside, fit.model(X), 1e-13)
"""


@body
def one_status_per_replicate():
    return """
model, y = MODELS["logit"]
separated = (X[:, 1] > 0).astype(float)
x64, ys = wide(X, np.stack([y, separated, y[::-1]]))
fit = jax.jit(jax.vmap(lambda b: asx.fit(model, x64, b)))(ys)
assert list(np.asarray(fit.converged)) == [True, False, True], fit.code
from asymptotix.core.status import CODE
assert int(fit.code[1]) in (CODE["diverging"], CODE["separated"])
cov = jax.vmap(lambda f, b: asx.covariance(f, x64, b), in_axes=(0, 0))(fit, ys)
assert np.isnan(np.asarray(cov.matrix)[1]).all()
assert np.isfinite(np.asarray(cov.matrix)[[0, 2]]).all()
alone = asx.covariance(asx.fit(model, X, y), X, y)
close(np.asarray(cov.matrix)[0], alone.matrix, 1e-9)
thrown = False
try:
    jax.block_until_ready(jax.jit(lambda b: asx.fit(model, x64, b, throw=True).params)(ys[1]))
except Exception as error:
    thrown = "maximum" in str(error)
assert thrown
jax.block_until_ready(jax.jit(lambda b: asx.fit(model, x64, b, throw=True).params)(ys[0]))
"""


GRADIENT = """
model, y = MODELS["{name}"]
o = 0.1 * rng.standard_normal(N)
direction = np.array([0.0, 1.0, 0.0])

def target(x, y, w, o):
    b = estimate(model, x, y, w, o)
    return at(b, 1)  # nothing else: with x64 off, JAX's own arithmetic would leave float64

def refit(**changed):
    full = dict(x=X, y=y, w=W, o=o, **{{}})
    full.update(changed)
    return direction @ np.asarray(estimate(model, full["x"], full["y"], full["w"], full["o"]))

# Probit's observed and expected information differ here by more than the tolerance allows.
first = asx.fit(model, X, y, weights=W, weight_kind="precision", offset=o)
info = [np.asarray(asx.information(first, X, y, kind, weights=W, weight_kind="precision", offset=o))
        for kind in ("observed", "expected")]
differ = np.max(np.abs(info[0] - info[1])) / np.max(np.abs(info[0]))
assert differ > 1e-3 if "{name}" == "probit" else differ < 1e-9, differ

gx, gy, gw, go = jax.grad(target, argnums=(0, 1, 2, 3))(*wide(X, y, W, o))
assert gw.dtype == np.float64 and gx.shape == (N, K)
for i in (0, 7, 41):
    close(np.asarray(gw)[i], slope(lambda v: refit(w=v), W, i), 1e-6)
    close(np.asarray(go)[i], slope(lambda v: refit(o=v), o, i), 1e-6)
    for j in range(1, K):
        close(np.asarray(gx)[i, j], slope(lambda v: refit(x=v), X, (i, j)), 1e-6)
if "{name}" == "linear":
    for i in (0, 7):
        close(np.asarray(gy)[i], slope(lambda v: refit(y=v), y, i), 1e-6)
# NumPy arrays in float64, under whatever the settings make of them
loose = jax.grad(lambda w: target(X, y, w, o))(W)
close(loose, gw, 1e-5)
jitted = jax.jit(jax.grad(target, argnums=2))(*wide(X, y, W, o))
close(jitted, gw, 1e-10)
batch = np.stack([W, W[::-1]])
vmapped = jax.vmap(jax.grad(target, argnums=2), in_axes=(None, None, 0, None))(
    *wide(X, y), wide(batch), wide(o))
close(np.asarray(vmapped)[0], gw, 1e-10)
close(np.asarray(vmapped)[1], jax.grad(target, argnums=2)(*wide(X, y, W[::-1], o)), 1e-10)
with jax.enable_x64(True):  # jacrev makes its own unit vectors, in the caller's precision
    jacobian = jax.jacrev(lambda w: estimate(model, *wide(X, y), w, wide(o)))(wide(W))
assert jacobian.shape == (K, N)
close(direction @ np.asarray(jacobian), gw, 1e-10)
"""

for _name in ("logit", "probit", "poisson", "linear"):
    BODIES[f"gradients_{_name}"] = GRADIENT.format(name=_name)


@body
def gradient_is_the_influence_function():
    r"""d theta / d w_i = I^-1 s_i with the observed information."""
    return """
for name, (model, y) in MODELS.items():
    fit = asx.fit(model, X, y)
    with jax.enable_x64(True):
        jac = jax.jacrev(lambda w: estimate(model, *wide(X, y), w, wide(np.zeros(N))))(
            wide(np.ones(N)))
    info = np.asarray(asx.information(fit, X, y))
    scores = np.asarray(asx.score_contributions(fit, X, y))
    close(jac, np.linalg.solve(info, scores.T), 1e-7)
"""


@body
def gradient_in_a_discrete_response():
    r"""Of the canonical links the score is $x_i w_i (y_i - \mu_i)$: $I^{-1} x_i w_i$, at 0 too."""
    return """
for name in ("logit", "poisson"):
    model, y = MODELS[name]
    fit = asx.fit(model, X, y, weights=W, weight_kind="precision")
    info = np.asarray(asx.information(fit, X, y, weights=W, weight_kind="precision"))

    def target(y):
        return at(estimate(model, wide(X), y, *wide(W, np.zeros(N))), 1)

    expected = np.linalg.solve(info, (X * W[:, None]).T)[1]
    close(jax.grad(target)(wide(y)), expected, 1e-8)
"""


@body
def gradient_in_the_column_of_ones():
    """Its entries are data like any other: a row may be scaled, intercept included."""
    return """
model, y = MODELS["linear"]

def target(x):
    return at(estimate(model, x, *wide(y, W, np.zeros(N))), 1)

g = jax.grad(target)(wide(X))
for i in (0, 7, 41):
    expected = slope(lambda v: np.asarray(estimate(model, v, y, W, np.zeros(N)))[1], X, (i, 0))
    close(np.asarray(g)[i, 0], expected, 1e-6)
"""


@body
def gradient_of_a_failed_fit_is_nan():
    return """
separated = (X[:, 1] > 0).astype(float)

def target(w):
    return at(estimate(asx.Logit(K), *wide(X, separated), w, wide(np.zeros(N))), 0)

g = jax.grad(target)(wide(W))
assert np.isnan(np.asarray(g)).all()
"""


@body
def gradient_of_a_standard_error():
    return """
for name, kinds in {"probit": ("observed", "expected", "HC1"), "linear": ("HC1",)}.items():
    model, y = MODELS[name]
    for kind in kinds:
        def error(w, x=X, y=y):
            rows = asx.Rows(x, y, weights=w, weight_kind="precision")
            fit = asx.fit(model, rows)
            return at(asx.covariance(fit, rows, kind).standard_errors, 1)
        plain = error(W)
        value, g = jax.value_and_grad(error)(wide(W), *wide(X, y))
        close(value, plain, 1e-8)
        for i in (0, 33):
            largest = np.max(np.abs(np.asarray(g)))
            close(np.asarray(g)[i], slope(error, W, i), 1e-5, scale=largest)
"""


@body
def second_derivatives():
    return """
model, y = MODELS["probit"]

def first(w):
    return jax.grad(lambda v: at(estimate(model, *wide(X, y), v, wide(np.zeros(N))), 1))(w)

with jax.enable_x64(True):
    second = jax.jacrev(first)(wide(W))
assert second.shape == (N, N)
def host(w):
    return np.asarray(first(wide(w)))
close(np.asarray(second)[:, 5], slope(host, W, 5), 1e-5)
"""


@body
def likelihood_and_statistics_have_gradients():
    return """
READ = {"llf": lambda f: f.log_likelihood, "phi": lambda f: f.dispersion,
        "pearson": lambda f: f.statistics.pearson, "deviance": lambda f: f.statistics.deviance}
for name, what in (("poisson", ("llf", "pearson")), ("linear", ("llf", "phi", "deviance"))):
    model, y = MODELS[name]
    for one in what:
        def statistic(w, x=X, y=y):
            return READ[one](asx.fit(model, x, y, weights=w, weight_kind="precision"))
        g = np.asarray(jax.grad(statistic)(wide(W), *wide(X, y)))
        for i in (3, 50):
            close(g[i], slope(statistic, W, i), 1e-6, scale=np.max(np.abs(g)))
"""


@body
def the_fitted_model_is_called_anywhere():
    return """
for name, (model, y) in MODELS.items():
    fit = asx.fit(model, X, y)
    one, many = fit.model(X[0]), fit.model(X[:5])
    assert np.shape(one) == () and np.shape(many) == (5,)
    assert np.asarray(many).dtype == np.float64
    close(np.asarray(many)[0], one, 1e-14)
    beta = np.asarray(coef(fit))
    eta = X[:5] @ beta
    close(fit.model.eta(X[:5]), eta, 1e-13)
    from scipy.stats import norm
    mean = {"logit": 1 / (1 + np.exp(-eta)), "probit": norm.cdf(eta), "poisson": np.exp(eta),
            "linear": eta}[name]
    close(many, mean, 1e-13)
    close(np.asarray(fit.model(X[:5], 0.5 * np.ones(5)))[0], fit.model(X[0], 0.5), 1e-14)
    jitted = jax.jit(lambda x: fit.model(x))(wide(X[:5]))
    close(jitted, mean, 1e-13)
    g = jax.grad(lambda x: fit.model(x))(wide(X[0]))
    h = 1e-6
    above, below = (np.asarray(fit.model(X[0] + t * np.eye(K)[1])) for t in (h, -h))
    close(np.asarray(g)[1], (above - below) / (2 * h), 1e-6)
    draws = fit.model.sample(X, key=jax.random.key(0))
    assert np.shape(draws) == (N,) and np.isfinite(np.asarray(draws)).all()
    assert np.shape(fit.model.log_prob(X, y)) == (N,)
    total = np.sum(np.asarray(fit.model.log_prob(X, y), float))
    if name != "linear":
        close(total, fit.log_likelihood, 1e-12)
"""


@body
def single_precision_is_followed_and_refused():
    return """
model, y = MODELS["logit"]
x32, y32 = jnp.asarray(X.astype(np.float32)), jnp.asarray(y.astype(np.float32))
seen = {}

@jax.jit
def run(x, y):
    fit = asx.fit(model, x, y)
    seen["dtype"] = fit.params.dtype
    try:
        asx.covariance(fit, x, y)
    except asx.InputError as error:
        seen["code"] = error.code
    return coef(fit), fit.code

found, code = run(x32, y32)
assert found.dtype == np.float32 and seen["dtype"] == np.float32
assert seen["code"] == "single_precision"
assert int(code) in (0, 1), code
close(found, coef(asx.fit(model, X, y)), 1e-3)
# Concrete float32 arrays are worked on in double precision.
host = asx.fit(model, np.asarray(x32), np.asarray(y32))
assert np.asarray(coef(host)).dtype == np.float64
assert np.isfinite(np.asarray(asx.covariance(host, np.asarray(x32), np.asarray(y32)).matrix)).all()
"""


@body
def covariances_of_concrete_and_traced_rows_agree():
    return """
KINDS = ("observed", "expected", "opg", "HC0", "HC1")
for name in ("probit", "linear"):
    model, y = MODELS[name]
    fit = asx.fit(model, X, y)

    @jax.jit
    def matrices(x, y):
        found = asx.fit(model, x, y)
        return [asx.covariance(found, x, y, kind).matrix for kind in KINDS]

    for kind, traced in zip(KINDS, matrices(*wide(X, y))):
        host = asx.covariance(fit, X, y, kind)
        assert np.asarray(host.matrix).dtype == np.float64
        close(traced, host.matrix, 1e-8)
    table = asx.delta_method(lambda m: m.predictor.coef[1] / m.predictor.coef[2], fit.model,
                             asx.covariance(fit, X, y))
    b, v = np.asarray(coef(fit)), np.asarray(asx.covariance(fit, X, y).matrix)
    g = np.array([0, 1 / b[2], -b[1] / b[2] ** 2])
    close(table.value, b[1] / b[2], 1e-13)
    close(table.standard_error, np.sqrt(g @ v @ g), 1e-12)
"""


# Costly to compile, and the same program in both modes: once is enough, where it is harder.
ONCE = {
    "gradients_probit": "x64",
    "gradient_of_a_standard_error": "default",
    "host_jit_and_vmap_of_responses_agree": "default",
    "numpy_arrays_beside_a_tracer_keep_their_precision": "default",
    "gradients_logit": "default",
    "gradients_poisson": "default",
    "gradients_linear": "default",
    "gradient_is_the_influence_function": "default",
    "likelihood_and_statistics_have_gradients": "default",
    "second_derivatives": "x64",
    "covariances_of_concrete_and_traced_rows_agree": "default",
}
RUNS = [
    (name, mode) for name in BODIES for mode in ("default", "x64") if ONCE.get(name, mode) == mode
]


SERVER = """
import contextlib, json, sys, traceback
for line in sys.stdin:
    said = ""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            exec(json.loads(line), {"__name__": "__main__"})
        except BaseException:
            said = traceback.format_exc()
    print(json.dumps(said), flush=True)
"""


@pytest.fixture(scope="session")
def processes():
    """One with JAX's defaults and one with x64 on, each started when it is first asked for."""
    started = {}

    def process(x64):
        if x64 not in started:
            environment = {k: v for k, v in os.environ.items() if k != "JAX_ENABLE_X64"}
            environment["PYTHONPATH"] = str(SOURCE)
            if x64 == "x64":
                environment["JAX_ENABLE_X64"] = "1"
            started[x64] = subprocess.Popen(
                [sys.executable, "-c", SERVER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
        return started[x64]

    yield process
    for each in started.values():
        each.communicate()


@pytest.mark.parametrize(("name", "x64"), RUNS)
def test_in_a_process_of_its_own(processes, name, x64):
    process = processes(x64)
    print(json.dumps(PREAMBLE + BODIES[name] + EPILOGUE), file=process.stdin, flush=True)
    line = process.stdout.readline()
    assert line, "the process has ended"
    said = json.loads(line)
    assert not said, said[-4000:]
