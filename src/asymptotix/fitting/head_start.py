r"""Towards the maximum of a large fit by light passes, before Newton's method begins.

The subsample's optimum is some tens of standard errors away from that of all rows, since those
shrink with them. Newton's method would spend whole passes, Gram products included, on the way.
The score of all rows and the covariance $V_s$ of the *subsample*'s estimates make steps too,
$$ \theta \leftarrow \theta + (W_s / W)\, V_s \sum_i s_i(\theta), $$
each of which leaves a few hundredths of the distance, at a third of a pass's cost (the chord, or
simplified Newton, method). They only choose where Newton's method starts: nothing is decided here.
"""

from collections.abc import Callable

import numpy as np

from asymptotix.core.typing import Array, Float

MAX_LIGHT_PASSES = 5
NEAR = 3e-3
"""A decrement from which one step of Newton's method arrives within the tolerance."""
GAIN = 0.3
"""A step that leaves more than this share of the distance is not worth its pass."""


def head_start(
    begin: Float[Array, "p"],
    covariance: Float[Array, "p p"],
    value_and_score: Callable,
) -> Float[Array, "p"]:
    """A point near the maximum over all rows.

    Arguments:
        begin: the subsample's optimum.
        covariance: of its estimates, scaled to the weight of all rows.
        value_and_score: sums over all rows at a point.

    Returns:
        The step from the last point that raised the log-likelihood as expected; `begin` itself
        where the first evaluation is not finite.
    """
    accepted, target = begin, begin
    best, distance = -np.inf, np.inf
    for _ in range(MAX_LIGHT_PASSES):
        value, score = value_and_score(target)
        step = covariance @ score
        left = np.sqrt(score @ step)
        if not (np.isfinite(value) and value >= best and left < GAIN * distance):
            return accepted
        expected = left * (left / distance if np.isfinite(distance) else GAIN)
        accepted, target, best, distance = target, target + step, value, left
        if expected < NEAR:
            break
    return target
