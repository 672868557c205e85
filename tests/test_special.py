"""Tails in log space: value and derivatives against mpmath, everywhere a double can hold them."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from asymptotix.core import special

GRID = np.array(
    [-800, -300, -40, -37.3, -8, -3, -1.4, -1, -0.5, -0.1, -1e-3]
    + [1e-3, 0.3, 0.7, 1.4, 2, 3, 6, 8, 37, 40, 300, 800]
)
# Below this a double is subnormal, which compiled code flushes to zero.
SMALLEST = mp.mpf("3e-308")
LARGEST = mp.mpf("1.79e308")


def _normal_cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _cauchy_cdf(x):
    # acot keeps the digits of the left tail that 1/2 + atan/pi would cancel
    return mp.acot(-x) / mp.pi if x < 0 else 1 - mp.acot(x) / mp.pi


ORACLES = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "ndtr": _normal_cdf,
    "log_ndtr": lambda x: mp.log(_normal_cdf(x)) if x < 0 else mp.log1p(-_normal_cdf(-x)),
    "cloglog_cdf": lambda x: -mp.expm1(-mp.exp(x)),
    "loglog_cdf": lambda x: mp.exp(-mp.exp(-x)),
    "log_cloglog": lambda x: mp.log(-mp.expm1(-mp.exp(x))),
    "cauchy_cdf": _cauchy_cdf,
    "log_cauchy_cdf": lambda x: mp.log(_cauchy_cdf(x)),
    "log1mexp": lambda x: mp.log(-mp.expm1(x)),
}


def _points(name):
    """Where the oracle, with its digits, can still see the function."""
    if name == "ndtr":
        return GRID[GRID <= 8]  # its derivatives are even or odd: the left says it all
    if name == "log1mexp":
        return GRID[GRID < 0]
    if name in ("cloglog_cdf", "log_cloglog"):
        return GRID[GRID <= 6]  # exp(-e^x) has 10^(e^x/2.3) leading zeros
    if name == "loglog_cdf":
        return GRID[GRID >= -6]
    return GRID


def _derivatives(function, orders):
    functions = [function]
    for _ in range(orders):
        functions.append(jax.grad(functions[-1]))
    return lambda x: jnp.stack([f(x) for f in functions])


def _oracle(name, x, order):
    normal = "ndtr" in name  # erfc is slow with many digits, and its tail needs few
    with mp.workdps(100 if normal else 400):
        point, h = mp.mpf(float(x)), mp.mpf(10) ** (-20 if normal else -60)
        return ORACLES[name](point) if order == 0 else mp.diff(ORACLES[name], point, order, h=h)


def _relative_error(got, expected):
    if abs(expected) < SMALLEST:
        return 0.0 if abs(got) < SMALLEST else np.inf
    if abs(expected) > LARGEST:
        return 0.0 if got == np.sign(got) * np.inf else np.inf
    return float(abs(mp.mpf(float(got)) / expected - 1))


@pytest.mark.parametrize("name", ORACLES)
def test_value_and_derivatives_against_mpmath(name):
    points = _points(name)
    with jax.enable_x64(True):
        got = np.asarray(
            jax.jit(jax.vmap(_derivatives(getattr(special, name), 3)))(jnp.asarray(points))
        )
    assert got.dtype == np.float64
    for order in (0, 1, 2):
        for x, value in zip(points, got[:, order], strict=True):
            # most are at 1e-15; log-log functions round e^x before exponentiating it again
            assert _relative_error(value, _oracle(name, x, order)) < 1e-13, (x, order)
    assert np.isfinite(got).all()
    moderate = np.abs(points) <= 40
    for x, value in zip(points[moderate], got[moderate, 3], strict=True):
        expected = float(_oracle(name, x, 3))
        assert value == pytest.approx(expected, rel=1e-8, abs=1e-15), x


def test_log_cloglog_beyond_the_oracle():
    with jax.enable_x64(True):
        f = jax.jit(jax.vmap(_derivatives(special.log_cloglog, 2)))
        got = np.asarray(f(jnp.array([7.0, 40.0, 800.0])))
    np.testing.assert_array_equal(got, 0.0)  # the true values are below exp(-1000)


def test_log1mexp_outside_its_domain():
    with jax.enable_x64(True):
        got = np.asarray(jax.vmap(special.log1mexp)(jnp.array([0.0, 0.5])))
    assert got[0] == -np.inf
    assert np.isnan(got[1])


@pytest.mark.parametrize("name", ORACLES)
def test_single_precision_and_forward_over_reverse(name):
    function = getattr(special, name)
    points = jnp.asarray([-30.0, -8.0, -0.5, -1e-3], jnp.float32)
    derivatives = _derivatives(function, 2)

    def forward(x):
        return jax.jvp(jax.grad(function), (x,), (jnp.ones_like(x),))[1]

    got = jax.jit(jax.vmap(lambda x: jnp.append(derivatives(x), forward(x))))(points)
    assert got.dtype == jnp.float32
    expected = [[float(_oracle(name, x, order)) for order in (0, 1, 2, 2)] for x in points]
    # near its inflection a density's slope keeps the rounding of e^x - 1
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-7)


def test_normal_hazard_in_the_far_left_tail():
    # lambda + x = 1/y - 2/y^3 + 10/y^5 - ... for y = -x large (Laplace)
    with jax.enable_x64(True):
        got = float(special.mills_sum(jnp.asarray(-1e4)))
    assert got == pytest.approx(1e-4 - 2e-12 + 10e-20, rel=1e-15)
