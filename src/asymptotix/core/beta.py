r"""The regularised incomplete beta function with derivatives in all of its arguments.

JAX differentiates it in the upper limit only; distribution functions of counts and shares have
their parameters in the other two.
"""

# The derivative rule names the function that it belongs to.
# pyright: reportGeneralTypeIssues=false

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betainc as _betainc
from jax.scipy.special import betaln, digamma, gammaln

from asymptotix.core.typing import Array, Scalar

_STEP = 1 / 16
_TAU = np.arange(-11.0, 3.5 + _STEP / 2, _STEP)
_LOG_V = -np.logaddexp(0.0, -np.pi * np.sinh(_TAU))
_LOG_REST = -np.logaddexp(0.0, np.pi * np.sinh(_TAU))
_LOG_WEIGHTS = np.log(_STEP * np.pi * np.cosh(_TAU)) + _LOG_V + _LOG_REST
"""Logarithms of nodes and weights on (0, 1) that converge doubly exponentially whatever the
integrand does at the ends (Takahasi and Mori 1974); so far to the left that the peak of a
density with parameters of 1e8 lies among them."""


@jax.custom_jvp
def betainc(a: Array, b: Array, x: Array) -> Array:
    r"""$I_x(a, b) = \int_0^x t^{a-1}(1-t)^{b-1}\,dt / B(a, b)$."""
    return _betainc(a, b, x)


def _rule(primals, tangents):
    a, b, x = (jnp.asarray(v, jnp.result_type(*primals)) for v in primals)
    value = betainc(a, b, x)
    by_a, by_b, by_x = (None if _is_zero(t) else t for t in tangents)
    total = jnp.zeros_like(value)
    if by_x is not None:
        log_density = (a - 1) * jnp.log(x) + (b - 1) * jnp.log1p(-x) - _log_beta(a, b)
        total = total + jnp.exp(log_density) * by_x
    if by_a is not None or by_b is not None:
        in_a, in_b = _by_parameters(a, b, x)
        total = total + (0.0 if by_a is None else in_a * by_a)
        total = total + (0.0 if by_b is None else in_b * by_b)
    return value, total


betainc.defjvp(_rule, symbolic_zeros=True)


def _is_zero(tangent) -> bool:
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def _by_parameters(a: Array, b: Array, x: Array) -> tuple[Array, Array]:
    """Derivatives in `a` and `b`, from the side of `x` that holds less."""
    flipped = x > a / (a + b)
    p, q = jnp.where(flipped, b, a), jnp.where(flipped, a, b)
    z = jnp.where(flipped, 1.0 - x, x)
    by_p, by_q = jnp.vectorize(_integrals, signature="(),(),()->(),()")(p, q, z)
    return jnp.where(flipped, -by_q, by_p), jnp.where(flipped, -by_p, by_q)


def _integrals(p: Scalar, q: Scalar, z: Scalar) -> tuple[Scalar, Scalar]:
    r"""$\int_0^z \{\log u - E\log U\}\,f(u)\,du$ and the same with $1 - u$, by $u = z v^{1/p}$."""
    inside = z > 0
    log_z = jnp.log(jnp.where(inside, z, 0.5))
    log_u = log_z + jnp.asarray(_LOG_V, z.dtype) / p
    log_rest = jnp.log(-jnp.expm1(log_u))
    front = p * log_z - jnp.log(p) - _log_beta(p, q)
    density = jnp.exp(jnp.asarray(_LOG_WEIGHTS, z.dtype) + front + (q - 1) * log_rest)
    both = digamma(p + q)
    by_p = jnp.sum(density * (log_u - digamma(p) + both))
    by_q = jnp.sum(density * (log_rest - digamma(q) + both))
    return jnp.where(inside, by_p, 0.0), jnp.where(inside, by_q, 0.0)


def _log_beta(a: Array, b: Array) -> Array:
    """`betaln` of JAX is off by 1e-10 where one argument is small and the other is not large."""
    return jnp.where(a + b < 1e3, gammaln(a) + gammaln(b) - gammaln(a + b), betaln(a, b))
