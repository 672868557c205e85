r"""Searches over a profile likelihood: each asks for the likelihood at points and returns a limit.

They are generators for `lanes.run_searches`, and know of rows only what they are sent.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from asymptotix.core.linalg import solve_with_factor, triangular_factor
from asymptotix.inference.lanes import At, Search

DIRECT_STEPS = 15
INNER_STEPS = 60
ROOT_STEPS = 80
DOUBLINGS = 12
"""A limit is looked for as far as 4,096 times the distance of the Wald limit."""
GAP = 1e-9
"""The largest error of a limit in the statistic, before a last step that squares it."""
AT_TOP = 1e-4
"""The root of a likelihood ratio that is no fall at all."""
DECREMENT = 1e-7
"""How near, in standard errors, the other parameters are to their maximum."""


class Hill(NamedTuple):
    r"""What every search knows: the top of the likelihood, and the direction of interest.

    Attributes:
        top: the log-likelihood's kernel at its maximum.
        params: the maximum, in working coordinates, active parameters only.
        information: there.
        dispersion: by which differences of the kernel are divided.
        functional: $a$ with $b = a^\top\theta$.
    """

    top: float
    params: np.ndarray
    information: np.ndarray
    dispersion: float
    functional: np.ndarray

    @property
    def estimate(self) -> float:
        r"""$\hat b$."""
        return float(self.functional @ self.params)

    @property
    def error(self) -> float:
        """Its standard error."""
        along = _solve(self.information, self.functional)
        return math.sqrt(self.dispersion * float(self.functional @ along))


class Point(NamedTuple):
    """A maximum of the likelihood under $b$ held fixed.

    Attributes:
        params: where it is.
        likelihood: signed root of the likelihood-ratio statistic of $b$.
        score: signed root of the score statistic.
    """

    params: np.ndarray
    likelihood: float
    score: float


def likelihood_limit(hill: Hill, side: int, quantile: float) -> Search:
    r"""The limit by Newton steps in all parameters at once (Venzon and Moolgavkar 1988).

    Each step goes where the quadratic model of the likelihood, at its largest for its $b$, has
    fallen to the target. Where that fails, the bracketed search takes over.
    """
    a, target = hill.functional, hill.top - hill.dispersion * quantile**2 / 2
    params = hill.params + _first_step(hill, side * quantile)
    for _ in range(DIRECT_STEPS):
        at = yield params
        factor = _factor(at)
        if factor is None:
            break
        up, along = solve_with_factor(factor, at.score), solve_with_factor(factor, a)
        spread = float(a @ along)
        slack = at.value + float(at.score @ up) / 2 - target
        if not slack > 0:
            break
        step = up + side * math.sqrt(2 * slack / spread) * along
        rest = max(float(at.score @ up) - float(a @ up) ** 2 / spread, 0.0)
        gap = 2 * (hill.top - at.value) / hill.dispersion - quantile**2
        params = params + step
        limit = float(a @ params)
        if abs(gap) < GAP and rest < DECREMENT * hill.dispersion:
            if side * (limit - hill.estimate) > 0:
                return limit
            break
    return (yield from bracketed_limit(hill, side, quantile))


def bracketed_limit(hill: Hill, side: int, quantile: float) -> Search:
    """The same limit by a search along $b$, slower and without assumptions."""
    return (yield from bracketed(hill, side, quantile, lambda point: point.likelihood))


def score_limit(hill: Hill, side: int, quantile: float) -> Search:
    """The limit at which the score statistic reaches its quantile."""
    return (yield from bracketed(hill, side, quantile, lambda point: point.score))


def bracketed(hill: Hill, side: int, quantile: float, root) -> Search:
    """The limit by a bracketed secant over $b$, with the other parameters maximised at each."""
    inside, low = hill.estimate, -quantile
    params, reach = hill.params, side * quantile * hill.error
    for doubling in range(DOUBLINGS + 1):
        outside = hill.estimate + reach * 2**doubling
        point = yield from _constrained(hill, outside, params)
        high = math.inf if point is None else side * root(point) - quantile
        if point is not None and abs(point.likelihood) < AT_TOP:
            return side * math.inf  # the likelihood has its top out there
        if not high < 0:
            break
        assert point is not None
        inside, low, params = outside, high, point.params
    else:
        return side * math.inf
    return (yield from _between(hill, side, quantile, root, params, (inside, low, outside, high)))


def _between(hill: Hill, side: int, quantile: float, root, params, bracket) -> Search:
    """The root between a point with statistic below and one above the quantile (Illinois)."""
    inside, low, outside, high = bracket
    kept = 0
    for _ in range(ROOT_STEPS):
        share = low / (low - high) if math.isfinite(high) else 0.5
        b = inside + share * (outside - inside)
        point = yield from _constrained(hill, b, params)
        value = math.inf if point is None else side * root(point) - quantile
        if abs(value) < GAP / 10 or abs(outside - inside) <= 1e-14 * abs(b):
            return b
        if value < 0:
            assert point is not None
            inside, low, params = b, value, point.params
            high, kept = (high / 2 if kept == -1 else high), -1
        else:
            outside, high = b, value
            low, kept = (low / 2 if kept == 1 else low), 1
    return b


def walk(hill: Hill, values) -> Search:
    """Points of the profile from the top outwards, each starting at its neighbour."""
    found, params = [], hill.params
    for b in values:
        point = yield from _constrained(hill, float(b), params)
        if point is None:
            found.append((float(b), math.nan, math.nan))
            continue
        found.append((float(b), point.likelihood, point.score))
        params = point.params
    return found


def _constrained(hill: Hill, b: float, params: np.ndarray) -> Search:
    """The maximum with $b$ held fixed, by Newton's method with halving; `None` if there is none."""
    a = hill.functional
    along = _solve(hill.information, a)
    params = params + along * (b - float(a @ params)) / float(a @ along)
    at = yield params
    if not math.isfinite(at.value):
        return None
    for _ in range(INNER_STEPS):
        factor = _factor(at)
        matrix = triangular_of(hill.information) if factor is None else factor
        up, along = solve_with_factor(matrix, at.score), solve_with_factor(matrix, a)
        multiplier = float(a @ up) / float(a @ along)
        step = up - multiplier * along
        if float(at.score @ step) < DECREMENT**2 * hill.dispersion:
            return _point(hill, b, params, at, multiplier)
        fraction, slack = 1.0, 1e-13 * (1 + abs(at.value))
        while True:
            there = yield params + fraction * step
            if math.isfinite(there.value) and there.value >= at.value - slack:
                break
            fraction /= 2
            if fraction < 1e-10:
                return _point(hill, b, params, at, multiplier)
        params, at = params + fraction * step, there
    return None


def _point(hill: Hill, b: float, params, at: At, multiplier) -> Point:
    side = math.copysign(1.0, b - hill.estimate)
    fall = max(2 * (hill.top - at.value) / hill.dispersion, 0.0)
    along = _solve(at.information if at.expected is None else at.expected, hill.functional)
    variance = float(hill.functional @ along) / hill.dispersion
    score = -multiplier * math.sqrt(variance) if variance > 0 else math.nan
    return Point(params, side * math.sqrt(fall), score)


def _first_step(hill: Hill, distance: float) -> np.ndarray:
    """To the Wald limit, the other parameters following along."""
    along = _solve(hill.information, hill.functional)
    return distance * math.sqrt(hill.dispersion / float(hill.functional @ along)) * along


def _factor(at: At) -> Any:
    """The information's triangular factor, or `None` where Newton's step has no meaning."""
    if not (math.isfinite(at.value) and np.isfinite(at.information).all()):
        return None
    factor = triangular_of(at.information)
    return factor if np.isfinite(factor).all() else None


def triangular_of(matrix: np.ndarray) -> np.ndarray:
    """Its triangular factor, every parameter active."""
    return np.asarray(triangular_factor(matrix, np.ones(len(matrix), bool)))


def _solve(matrix, right) -> np.ndarray:
    factor = triangular_of(matrix)
    if not np.isfinite(factor).all():
        return np.full_like(right, np.nan)
    return np.asarray(solve_with_factor(factor, right))


def ascent(params: np.ndarray) -> Search:
    """Newton's path up a likelihood that has no maximum, until nothing is left to be gained.

    Returns the points of the path with their values; empty where it cannot start.
    """
    path, at = [], (yield params)
    for _ in range(INNER_STEPS):
        factor = _factor(at)
        if factor is None:
            break
        path.append((params, at.value, at.information))
        step = solve_with_factor(factor, at.score)
        gain = float(at.score @ step) / 2
        if gain < DECREMENT**2:
            break
        fraction = 1.0
        while True:
            there = yield params + fraction * step
            if math.isfinite(there.value) and there.value >= at.value:
                break
            fraction /= 2
            if fraction < 1e-10:
                return path
        params, at = params + fraction * step, there
    return path
