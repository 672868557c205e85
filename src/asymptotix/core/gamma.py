r"""Ratios of gamma functions that keep their digits where the arguments are huge.

A difference such as $\log\Gamma(y + r) - \log\Gamma(r)$ has no correct digit left at $r = 10^{17}$,
and automatic differentiation makes it worse. Here everything is a function of the *reciprocal*
$w = 1/r$, smooth at $w = 0$, by formulas that can be differentiated again and again.
"""

import jax.numpy as jnp
from jax import lax

from asymptotix.core.special import LOG_SQRT_2PI
from asymptotix.core.typing import Array

_SERIES_TO = 0.5
_TERMS = 14
# B_2k / {2k (2k - 1)}, k = 1, 2, ...: Stirling's series in odd powers of w.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
    43867 / 244188,
)  # fmt: skip
_STIRLING_TO = 1 / 12
_SHIFT = 12


def log1p_excess(u: Array) -> Array:
    r"""$\log(1 + u)/u - 1$ for $u > -1$, which is 0 at $u = 0$, with derivatives of all orders.

    Near 0 from $\log(1 + u) = 2\,\mathrm{atanh}(z)$ with $z = u/(2 + u)$, without cancellation.
    """
    near = jnp.abs(u) < _SERIES_TO
    small = jnp.where(near, u, 0.0)
    square = (small / (2.0 + small)) ** 2
    tail = jnp.zeros_like(square)
    for k in range(_TERMS, 0, -1):
        tail = (tail + 1.0 / (2 * k + 1)) * square
    large = jnp.where(near, 1.0, u)
    return jnp.where(near, (2.0 * tail - small) / (2.0 + small), jnp.log1p(large) / large - 1.0)


def stirling_error_of_reciprocal(w: Array) -> Array:
    r"""$S(z) = \log\Gamma(z) - (z - \tfrac12)\log z + z - \log\sqrt{2\pi}$ at $z = 1/w$, $w \ge 0$.

    Stirling's series from $z = 12$ on; below, through $\log\Gamma(z + 12)$.
    """
    series_here = w <= _STIRLING_TO
    z = 1.0 / jnp.where(series_here, 1.0, w)
    rising = z
    for j in range(1, _SHIFT):
        rising = rising * (z + j)
    far = z + _SHIFT
    head = (far - 0.5) * jnp.log(far) - _SHIFT - jnp.log(rising) - (z - 0.5) * jnp.log(z)
    series = _stirling_series(jnp.where(series_here, w, 1.0 / far))
    return jnp.where(series_here, series, series + head)


def _stirling_series(w: Array) -> Array:
    square, total = w * w, jnp.zeros_like(w)
    for coefficient in reversed(_STIRLING):
        total = total * square + coefficient
    return total * w


def log_rising(y: Array, w: Array) -> Array:
    r"""$\sum_{j=0}^{y-1}\log(1 + w j) = \log\Gamma(y + 1/w) - \log\Gamma(1/w) + y\log w$.

    Exactly 0 at $w = 0$ (all limits taken) and at $y = 0$.
    """
    u = w * y
    errors = stirling_error_of_reciprocal(w / (1.0 + u)) - stirling_error_of_reciprocal(w)
    value = (y - 0.5) * jnp.log1p(u) + y * log1p_excess(u) + errors
    # At y = 0 rounding would be all of the value; its slope in y is wanted there too.
    return value - jnp.where(y == 0, lax.stop_gradient(value), 0.0)


def log_gamma_density_constant(w: Array) -> Array:
    r"""$r\log r - r - \log\Gamma(r)$ at $r = 1/w$: what a gamma density has besides its kernel."""
    return -0.5 * jnp.log(w) - LOG_SQRT_2PI - stirling_error_of_reciprocal(w)
