r"""Quantiles of a response given its predictor, from the family's distribution function.

Continuous families: the root of $F(y \mid \eta) = q$ by safeguarded Newton steps with $\eta$ held
fixed, then two more steps in which $\eta$ takes part. From an exact root each of these doubles
the order to which the result depends rightly on $\eta$, so that first and second derivatives of
the quantile are exact. Discrete families: the smallest $k$ with $P(y \le k) \ge q$, a step
function of $\eta$ without a useful derivative.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from asymptotix.core.special import log_sigmoid, sigmoid
from asymptotix.core.typing import Array, Eta, Scalar
from asymptotix.families import AbstractFamily

Support = Literal["real", "positive", "unit", "counts", "binary"]
"""Which responses are possible: numbers, positive ones, between 0 and 1, whole from 0, 0 and 1."""
MOST_STEPS = 200
SETTLED = 1e-13
ROUNDING = 1e-13
"""By how much a probability may fall short of `q` and still reach it."""


def quantile(family: AbstractFamily, eta: Eta, q: Scalar, support: Support) -> Scalar:
    r"""$\inf\{y : F(y \mid \eta) \ge q\}$ of one observation.

    Arguments:
        family: with `log_tails`.
        eta: the predictor.
        q: between 0 and 1.
        support: of the response.
    """
    if support == "binary":
        below = family.log_tails(eta, jnp.ones_like(q))[0]
        return jnp.where(below >= jnp.log(q) - ROUNDING, 0.0, 1.0)
    if support == "counts":
        return _smallest_count(family, eta, q)
    return _root(family, eta, q, support)


def _smallest_count(family: AbstractFamily, eta: Eta, q: Scalar) -> Scalar:
    """By doubling, then bisection of whole numbers."""
    eta, family = lax.stop_gradient(eta), lax.stop_gradient(family)

    def reaches(k):
        return family.log_tails(eta, k + 1.0)[0] >= jnp.log(q) - ROUNDING

    def wider(state):
        high = state[1]
        return high, 2.0 * high + 1.0

    def halved(state):
        low, high = state
        middle = jnp.floor((low + high) / 2)
        enough = reaches(middle)
        return jnp.where(enough, low, middle), jnp.where(enough, middle, high)

    start = -jnp.ones_like(q), jnp.ones_like(q)
    ends = lax.while_loop(lambda s: ~reaches(s[1]) & (s[1] < 1e15), wider, start)
    high = lax.while_loop(lambda s: s[1] - s[0] > 1.0, halved, ends)[1]
    return jnp.where(reaches(high), high, jnp.nan)


class _State(NamedTuple):
    t: Array
    low: Array
    high: Array
    width: Array
    settled: Array
    steps: Array


def _root(family: AbstractFamily, eta: Eta, q: Scalar, support: Support) -> Scalar:
    r"""In $t$ on the real line, $y = y(t)$, where $\mathrm{logit}\,F(y(t))$ is near a line."""
    target = jnp.log(q) - jnp.log1p(-q)

    def distance(family, eta, t):
        below, above = family.log_tails(eta, _response(support, t))
        return below - above - target

    def with_slope(family, eta, t):
        return jax.jvp(lambda v: distance(family, eta, v), (t,), (jnp.ones_like(t),))

    held, fixed = lax.stop_gradient(family), lax.stop_gradient(eta)
    start, width = _start(support, held, fixed)

    def step(s: _State) -> _State:
        value, slope = with_slope(held, fixed, s.t)
        low, high = jnp.where(value < 0, s.t, s.low), jnp.where(value > 0, s.t, s.high)
        newton = s.t - value / slope
        outward = s.t + jnp.where(value < 0, s.width, -s.width)
        closed = jnp.isfinite(low) & jnp.isfinite(high)
        middle = jnp.where(closed, (low + high) / 2, outward)
        near = jnp.where(closed, (newton > low) & (newton < high), jnp.abs(newton - s.t) < s.width)
        moved = jnp.where(near, newton, middle)
        settled = jnp.abs(moved - s.t) <= SETTLED * jnp.maximum(jnp.abs(s.t), width)
        settled |= jnp.isnan(value)
        return _State(moved, low, high, 2 * s.width, settled, s.steps + 1)

    infinite = jnp.full_like(start, jnp.inf)
    none = jnp.zeros((), bool)
    first = _State(start, -infinite, infinite, 4 * width, none, jnp.zeros((), jnp.int32))
    t = lax.while_loop(lambda s: ~s.settled & (s.steps < MOST_STEPS), step, first).t
    for _ in range(2):
        value, slope = with_slope(family, eta, t)
        t = t - value / slope
    return _response(support, t)


def _response(support: Support, t: Array) -> Array:
    if support == "positive":
        return jnp.exp(t)
    return sigmoid(t) if support == "unit" else t


def _start(support: Support, family: AbstractFamily, eta: Eta) -> tuple[Array, Array]:
    """Where the search begins, and about how wide the distribution is there."""
    mean, sd = family.mean(eta), jnp.sqrt(family.variance(eta))
    if support == "positive":
        return jnp.log(mean), sd / mean
    if support == "unit":
        t = jnp.log(mean) - jnp.log1p(-mean)
        return t, sd * jnp.exp(-log_sigmoid(t) - log_sigmoid(-t))
    return mean, sd
