r"""Logarithms of distribution functions, accurate in value and in derivatives at any argument.

Automatic differentiation of a stable value is not itself stable: it divides zero by zero in the
tails and takes differences of nearly equal numbers. Each function here carries its derivative as
a formula without cancellation, written in terms of functions that carry theirs, so that `grad`
can be applied again and again. The formulas for first and second derivatives hold a relative
error near 1e-15; the dtype follows the argument.
"""

# Derivative rules name the functions that they belong to.
# pyright: reportGeneralTypeIssues=false

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln

from asymptotix.core.typing import Array

LOG_SQRT_2PI = 0.9189385332046727418
INV_SQRT_2PI = 0.3989422804014326779
INV_PI = 0.3183098861837906715
LOG_2 = 0.6931471805599453094

# Beyond this, exp(-exp(x)) and its derivatives are 0 in both precisions, and exp(x) is still
# finite: capping x here replaces 0 * inf by 0.
_GUMBEL_CAP = 7.0


def _with_derivative(derivative):
    """Decorate a scalar function with `derivative`, itself differentiable."""

    def wrap(function):
        primal = jax.custom_jvp(function)

        @primal.defjvp
        def rule(primals, tangents):
            (x,), (t,) = primals, tangents
            return primal(x), derivative(x) * t

        return primal

    return wrap


def _horner(coefficients, u: Array) -> Array:
    total = jnp.full_like(u, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * u + c
    return total


# 2 atanh(z)/z as a polynomial in z^2 for |z| <= 1/3: interpolated at Chebyshev points in 50
# digits, relative error 4.7e-17; constant term first.
_ATANH = (
    1.9999999999999999116,
    0.66666666666682574343,
    0.39999999995287595979,
    0.28571429111657567778,
    0.22222190861325785182,
    0.18182859801049394372,
    0.15363676239453028242,
    0.13591305575375082002,
    0.098807885899948499668,
    0.17780764799164482619,
)


def _log1p_near(a: Array) -> Array:
    r"""$\log(1 + a)$ for $-1/2 \le a \le 1$, as $2\,\mathrm{atanh}\{a/(2 + a)\}$.

    Twice as fast as the compiler's `log1p` and more accurate (it loses two digits near
    $a = -0.4$). For use inside functions that carry their own derivative.
    """
    z = a / (2.0 + a)
    return z * _horner(_ATANH, z * z)


# --- logistic -------------------------------------------------------------------------------


def _smaller_half(x: Array) -> Array:
    r"""$s(-|x|)$, at most 1/2: all that follows is made of it, so that a row has one division."""
    e = jnp.exp(jnp.minimum(x, -x))
    return e / (1.0 + e)


@_with_derivative(lambda x: -logistic_density(x) * jnp.tanh(0.5 * x))
def logistic_density(x: Array) -> Array:
    r"""$s(x)s(-x)$; of the smaller, since $1 - s$ has no correct digit in the right tail."""
    half = _smaller_half(x)
    return half * (1.0 - half)


@_with_derivative(logistic_density)
def sigmoid(x: Array) -> Array:
    r"""$1/(1 + e^{-x})$."""
    half = _smaller_half(x)
    return jnp.where(x >= 0, 1.0 - half, half)


@_with_derivative(lambda x: -logistic_density(x))
def _other_sigmoid(x: Array) -> Array:
    r"""$s(-x)$, of the same exponential as $s(x)$."""
    half = _smaller_half(x)
    return jnp.where(x >= 0, half, 1.0 - half)


@_with_derivative(_other_sigmoid)
def log_sigmoid(x: Array) -> Array:
    r"""$\log 1/(1 + e^{-x})$, with derivatives $s(-x)$ and $-s(x)s(-x)$."""
    return jnp.minimum(x, 0.0) + _log1p_near(-_smaller_half(x))


# --- normal ---------------------------------------------------------------------------------

# The excess of the normal hazard over its argument, phi(y)/Phi(-y) - y for y >= 0, as
# u P(u)/Q(u) with u = 1/(1 + y/2) in (0, 1]: a minimax fit in relative error (3.8e-16), made by
# the Remez algorithm in 60 digits against erfc and, far out, against Laplace's continued
# fraction. All coefficients are positive, so nothing cancels; constant terms first.
_EXCESS_P = (
    0.49999999999999980793,
    1.8363456004480307177,
    8.3620901492407737255,
    21.072357383183449288,
    48.407882692892910646,
    82.261336653551402668,
    115.08149087237979855,
    122.04043994879388344,
    93.252477402908099815,
    40.996283318670454435,
    0.0083382976726601523476,
)
_EXCESS_Q = (
    1.0,
    2.672691200895498614,
    13.551489097721671983,
    27.756880055360249882,
    64.994487017788424977,
    96.97542219413343328,
    133.82228207753688764,
    135.41137218371156781,
    110.5073545580807143,
    62.356250920566143534,
    19.994723201758442979,
)


def _excess_hazard(y: Array) -> Array:
    r"""$\phi(y)/\Phi(-y) - y$ for $y \ge 0$; about $1/y$ far out."""
    u = 1.0 / (1.0 + 0.5 * y)
    return u * _horner(_EXCESS_P, u) / _horner(_EXCESS_Q, u)


def _normal_density_value(x: Array) -> Array:
    # x^2 is rounded, and exp would turn its absolute error into a relative one (6e-14 at x = 37).
    # The square of a half-length h is exact; the rest of the exponent is tiny.
    info = jnp.finfo(x.dtype)
    h = jax.lax.reduce_precision(x, info.nexp, info.nmant // 2 - 1)
    return INV_SQRT_2PI * jnp.exp(-0.5 * h * h) * jnp.exp(-0.5 * (x - h) * (x + h))


@_with_derivative(lambda x: -x * normal_density(x))
def normal_density(x: Array) -> Array:
    r"""$\phi(x) = e^{-x^2/2}/\sqrt{2\pi}$."""
    return _normal_density_value(x)


def _normal_tail(y: Array) -> Array:
    r"""$\Phi(-y)$ for $y \ge 0$."""
    return normal_density(y) / (y + _excess_hazard(y))


@_with_derivative(normal_density)
def ndtr(x: Array) -> Array:
    r"""$\Phi(x)$, with relative accuracy in the left tail."""
    tail = _normal_tail(jnp.abs(x))
    return jnp.where(x < 0, tail, 1.0 - tail)


def _mills_sum_value(x: Array) -> Array:
    # On the left lambda and x cancel: their sum is the excess itself.
    y = jnp.abs(x)
    excess = _excess_hazard(y)
    right = y + _right_mills(y, excess)
    return jnp.where(x < 0, excess, right)


def _right_mills(y: Array, excess: Array) -> Array:
    density = _normal_density_value(y)
    return density / (1.0 - density / (y + excess))


@_with_derivative(lambda x: 1.0 - inverse_mills(x) * mills_sum(x))
def mills_sum(x: Array) -> Array:
    r"""$\lambda(x) + x$ with $\lambda = \phi/\Phi$, positive for every $x$."""
    return _mills_sum_value(x)


@_with_derivative(lambda x: -inverse_mills(x) * mills_sum(x))
def inverse_mills(x: Array) -> Array:
    r"""$\lambda(x) = \phi(x)/\Phi(x)$, with derivative $-\lambda(\lambda + x)$."""
    y = jnp.abs(x)
    excess = _excess_hazard(y)
    return jnp.where(x < 0, y + excess, _right_mills(y, excess))


@_with_derivative(lambda x: inverse_mills(x))
def log_ndtr(x: Array) -> Array:
    r"""$\log\Phi(x)$, with derivatives $\lambda$ and $-\lambda(\lambda + x)$."""
    y = jnp.abs(x)
    hazard = y + _excess_hazard(y)
    left = -0.5 * y * y - LOG_SQRT_2PI - jnp.log(hazard)
    return jnp.where(x < 0, left, _log1p_near(-_normal_density_value(y) / hazard))


# --- exponential ------------------------------------------------------------------------------


@_with_derivative(jnp.exp)
def expm1(x: Array) -> Array:
    r"""$e^x - 1$, with derivatives $e^x$ and not $(e^x - 1) + 1$, which is 0 on the left."""
    return jnp.expm1(x)


# --- log(1 - e^x) -----------------------------------------------------------------------------


@_with_derivative(lambda x: -_odds_of_exp(x) * _reciprocal_expm1(x))
def _reciprocal_expm1(x: Array) -> Array:
    r"""$1/(e^x - 1)$."""
    return 1.0 / jnp.expm1(x)


@_with_derivative(lambda x: -_odds_of_exp(x) * _reciprocal_expm1(x))
def _odds_of_exp(x: Array) -> Array:
    r"""$e^x/(e^x - 1)$, for $x < 0$ the negative of the odds of $e^x$."""
    return jnp.exp(x) / jnp.expm1(x)


@_with_derivative(_odds_of_exp)
def log1mexp(x: Array) -> Array:
    r"""$\log(1 - e^x)$ for $x < 0$ (Mächler 2012); $-\infty$ at 0, NaN beyond."""
    near = x > -LOG_2
    small = jnp.where(near, x, -1.0)
    large = jnp.where(near, -LOG_2, x)
    return jnp.where(near, jnp.log(-jnp.expm1(small)), _log1p_near(-jnp.exp(large)))


# --- complementary log-log (Gumbel) -----------------------------------------------------------


def _exp_capped(x: Array) -> Array:
    return jnp.exp(jnp.minimum(x, _GUMBEL_CAP))


@_with_derivative(lambda x: -gumbel_density(x) * jnp.expm1(jnp.minimum(x, _GUMBEL_CAP)))
def gumbel_density(x: Array) -> Array:
    r"""$e^{x - e^x}$, the slope of the complementary log-log."""
    return jnp.exp(x - jnp.exp(x))


@_with_derivative(gumbel_density)
def cloglog_cdf(x: Array) -> Array:
    r"""$1 - \exp(-e^x)$, with relative accuracy in the left tail."""
    return -jnp.expm1(-jnp.exp(x))


@_with_derivative(lambda x: gumbel_density(-x))
def loglog_cdf(x: Array) -> Array:
    r"""$\exp(-e^{-x})$."""
    return jnp.exp(-jnp.exp(-x))


# Bernoulli numbers over factorials: u/(1 - e^-u) = 1 + u/2 + u^2/12 - u^4/720 + ...
_BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)


def _cloglog_bend_value(x: Array) -> Array:
    u = _exp_capped(x)
    near = u < 0.25
    v = jnp.where(near, u, 0.25)
    series = -0.5 * v - v * v * _horner(_BERNOULLI, v * v)
    w = jnp.where(near, 1.0, u)
    # Beyond the cap the slope is 0 and its factor is never needed exactly.
    return jnp.where(near, series, 1.0 - w - w / jnp.expm1(w))


@_with_derivative(lambda x: -_exp_capped(x) - cloglog_slope(x) * _cloglog_bend(x))
def _cloglog_bend(x: Array) -> Array:
    r"""$1 - u/(1 - e^{-u})$ with $u = e^x$: the logarithmic derivative of `cloglog_slope`."""
    return _cloglog_bend_value(x)


@_with_derivative(lambda x: cloglog_slope(x) * _cloglog_bend(x))
def cloglog_slope(x: Array) -> Array:
    r"""$u/(e^u - 1)$ with $u = e^x$: from 1 on the left to 0 on the right."""
    u = _exp_capped(x)
    tiny = u < 1e-30  # expm1 of a number flushed to zero would give 0/0
    v = jnp.where(tiny, 1.0, u)
    return jnp.where(tiny, 1.0, v / jnp.expm1(v))


@_with_derivative(cloglog_slope)
def log_cloglog(x: Array) -> Array:
    r"""$\log(1 - \exp(-e^x))$; on the left it is $x + \log\{(1 - e^{-u})/u\}$, $u = e^x$."""
    u = _exp_capped(x)
    left = u < LOG_2
    small = jnp.where(left, jnp.maximum(u, 1e-30), 0.5)
    ratio = -jnp.expm1(-small) / small
    large = jnp.where(left, LOG_2, u)
    return jnp.where(left, x + jnp.log(ratio), _log1p_near(-jnp.exp(-large)))


# --- Cauchy -----------------------------------------------------------------------------------


def cauchy_density(x: Array) -> Array:
    r"""$1/\{\pi(1 + x^2)\}$."""
    return INV_PI / (1.0 + x * x)


def _cauchy_tail(y: Array) -> Array:
    # atan2(1, y) is atan(1/y) without the division at 0.
    return INV_PI * jnp.arctan2(jnp.ones_like(y), y)


@_with_derivative(cauchy_density)
def cauchy_cdf(x: Array) -> Array:
    r"""$1/2 + \arctan(x)/\pi$, with relative accuracy in the left tail."""
    tail = _cauchy_tail(jnp.abs(x))
    return jnp.where(x < 0, tail, 1.0 - tail)


def _cauchy_slope_change(x: Array) -> Array:
    slope = cauchy_slope(x)
    return -slope * (slope + 2.0 * x / (1.0 + x * x))


@_with_derivative(_cauchy_slope_change)
def cauchy_slope(x: Array) -> Array:
    r"""Density over distribution function of the Cauchy."""
    return cauchy_density(x) / cauchy_cdf(x)


@_with_derivative(cauchy_slope)
def log_cauchy_cdf(x: Array) -> Array:
    r"""$\log\{1/2 + \arctan(x)/\pi\}$."""
    tail = _cauchy_tail(jnp.abs(x))
    left = x < 0
    return jnp.where(left, jnp.log(tail), _log1p_near(-tail))


def stirling_error(n: Array) -> Array:
    r"""$\log n! - \{\tfrac12\log(2\pi n) + n\log n - n\}$ for $n \ge 1$, without cancellation.

    By its asymptotic series from 16 on, where four terms are exact to rounding.
    """
    large = n >= 16
    big = jnp.where(large, n, 16.0)
    square = 1.0 / (big * big)
    series = 1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    small = jnp.where(large, 1.0, n)
    direct = gammaln(small + 1) - LOG_SQRT_2PI - (small + 0.5) * jnp.log(small) + small
    return jnp.where(large, series / big, direct)


def y_log_ratio(y: Array, total: Array | float) -> Array:
    r"""$y \log(y / m)$, 0 at $y = 0$; its slope there, which is $-\infty$, is given as 0.

    An infinite slope would turn gradients that do not involve it into NaN.
    """
    positive = y > 0
    safe = jnp.where(positive, y / total, 1.0)
    return jnp.where(positive, y * jnp.log(safe), 0.0)
