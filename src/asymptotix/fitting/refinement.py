r"""The last digits of least squares: Newton's steps with residuals in twice the precision.

Where residuals $r$ are large beside what is explained, rounding them to float64 costs
$\kappa^2 \epsilon \|r\|$ of the coefficients, $\kappa$ the condition of the columns: nothing
beside their standard errors, but digits of numbers that are meant to be exact. Iterative
refinement (Bjorck 1967) takes residual and score as unevaluated sums of two float64 numbers, by
the error-free sum of Knuth (1969) and product of Dekker (1971).
"""

import equinox as eqx
import numpy as np

from asymptotix.core.linalg import inverse_from_factor, share_unexplained, solve_with_factor
from asymptotix.core.status import succeeded
from asymptotix.core.typing import Array, Float
from asymptotix.data.rows import Rows
from asymptotix.fitting.fit import Fit
from asymptotix.likelihood import inward, outward
from asymptotix.model import layout

CORRELATED = 0.05
"""Smallest share of a column that is its own, from which no digit is lost that counts."""
MOST_NUMBERS = 2**20
"""Entries of a design up to which refinement takes milliseconds."""
WORTHWHILE = 1e-11
"""Relative error of a coefficient that is worth a refinement."""
SPLITTER = 2.0**27 + 1
STEPS = 5


def refined(fit: Fit, rows: Rows) -> Fit:
    """A fit of least squares with more correct digits, where it lacks any that can be had.

    Arguments:
        fit: of few rows, without a penalty.
        rows: concrete rows.
    """
    if not fit.model.family.is_least_squares or not _is_inexact(fit, rows):
        return fit
    x = np.asarray(fit.model.predictor.designs(rows.x)[0], float)  # pyright: ignore[reportOptionalSubscript]
    weight = None if rows.weights is None else np.asarray(rows.weights, float)
    y = np.asarray(rows.y, float)
    offset = np.zeros(len(y)) if rows.offset is None else np.asarray(rows.offset, float)
    theta = np.asarray(layout(fit.model).flatten(fit.model), float)
    found = _climbed(fit, theta, lambda b: _score(x, *two_sum(y, -offset), b, weight))
    if np.array_equal(found, theta):
        return fit
    params = np.asarray(inward(fit.coordinates, found))
    model = layout(fit.model).replace(fit.model, found)
    return eqx.tree_at(lambda f: (f.model, f.params), fit, (model, params))


def _is_inexact(fit: Fit, rows: Rows) -> bool:
    if fit.coordinates is None or len(fit.coordinates) != 1 or not bool(succeeded(fit.code)):
        return False
    share = float(share_unexplained(np.asarray(fit.factor)).min())
    if not 0 < share < CORRELATED or rows.n * fit.params.shape[0] > MOST_NUMBERS:
        return False
    move = np.asarray(outward(fit.coordinates, np.eye(fit.params.shape[0])))
    columns = move @ np.where(fit.active, inverse_from_factor(np.asarray(fit.factor)), 0.0)
    errors = np.sqrt(np.maximum(np.sum(columns * move, axis=1) * float(fit.dispersion), 0.0))
    theta = np.abs(np.asarray(layout(fit.model).flatten(fit.model), float))
    lost = np.finfo(float).eps * np.sqrt(rows.n) / share * errors
    return bool(np.any(lost > WORTHWHILE * theta))


def _climbed(fit: Fit, theta: Float[Array, "p"], score) -> Float[Array, "p"]:
    """Newton's method with exact scores, as long as what is left to go shrinks."""
    move = np.asarray(outward(fit.coordinates, np.eye(len(theta))))
    factor, active = np.asarray(fit.factor), np.asarray(fit.active)
    best, left = theta, np.inf
    for _ in range(STEPS):
        slope = np.where(active, move.T @ score(theta), 0.0)
        step = np.asarray(solve_with_factor(factor, slope))
        distance = float(slope @ step)
        if not distance < left / 4:
            return best
        best, left = theta, distance
        theta = theta + move @ step
    return best


def _score(x, high, low, theta, weight) -> np.ndarray:
    r"""$X^\top W (y - X\theta)$, exact but for its last rounding."""
    for j, b in enumerate(theta):
        high, low = _add(high, low, *two_product(x[:, j], -b))
    found = np.empty(len(theta))
    for j in range(len(theta)):
        found[j] = _total(*_times(high, low, x[:, j], weight))
    return found


def _times(high, low, column, weight):
    for factor in (column,) if weight is None else (column, weight):
        product, error = two_product(high, factor)
        high, low = two_sum(product, error + low * factor)
    return high, low


def _total(high, low) -> float:
    """The sum of many double-double numbers, in pairs."""
    while len(high) > 1:
        if len(high) % 2:
            high, low = np.append(high, 0.0), np.append(low, 0.0)
        high, low = _add(high[::2], low[::2], high[1::2], low[1::2])
    return float(high[0] + low[0])


def _add(high, low, more, rest):
    total, error = two_sum(high, more)
    return two_sum(total, error + (low + rest))


def two_sum(a, b):
    """`a + b` rounded, and exactly what rounding took."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def two_product(a, b):
    """`a * b` rounded, and exactly what rounding took."""
    product = a * b
    upper, lower = _split(a)
    first, second = _split(b)
    error = ((upper * first - product) + upper * second + lower * first) + lower * second
    return product, error


def _split(a):
    """Two halves of 26 bits whose sum is `a`."""
    moved = SPLITTER * a
    upper = moved - (moved - a)
    return upper, a - upper
