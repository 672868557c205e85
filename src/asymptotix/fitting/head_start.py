r"""Towards the maximum of a large fit by light passes, before Newton's method judges it.

The subsample's optimum is some tens of standard errors away from that of all rows, since those
shrink with them. Newton's method would spend whole passes, Gram products included, on the way.
The score of all rows and the covariance $V_s$ of the *subsample*'s estimates make steps too,
$$ \theta \leftarrow \theta + (W_s / W)\, V_s \sum_i s_i(\theta), $$
each of which leaves a few hundredths of the distance, at a quarter of a pass's cost (the chord, or
simplified Newton, method). What a step did to the score corrects the covariance for the next one
(the update of Broyden, Fletcher, Goldfarb and Shanno; Nocedal & Wright, Numerical Optimization,
6.17). From half a million rows on, a quarter of them all gives a better one to begin with. They
only choose where Newton's method starts: nothing is decided here.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from asymptotix.core.typing import Array, Float

MAX_LIGHT_PASSES = 9
MARGIN = 0.5
"""The next point should be within this share of the tolerance before Newton's method takes over."""
GAIN = 0.3
"""A step that leaves more than this share of the distance is not worth its pass."""


class LightStep(NamedTuple):
    """The last step that light passes have led to.

    Attributes:
        origin: where it begins.
        score: the sum over all rows there.
    """

    origin: Float[Array, "p"]
    score: Float[Array, "p"]


def head_start(
    begin: Float[Array, "p"],
    covariance: Float[Array, "p p"],
    score_of: Callable,
    tolerance: float,
) -> tuple[Float[Array, "p"], LightStep | None]:
    """A point at the maximum over all rows, to the tolerance, or as near as steps lead.

    Arguments:
        begin: the subsample's optimum.
        covariance: of its estimates, scaled to the weight of all rows.
        score_of: the sum of scores over all rows at a point.
        tolerance: on the distance, in standard errors.

    Returns:
        The end of the last step, at which nothing has been evaluated, and that step; or, where a
        score is not finite or a step leads no nearer, the last point that came nearer alone.
    """
    point, last, distance = begin, None, np.inf
    for _ in range(MAX_LIGHT_PASSES):
        score = score_of(point)
        if last is not None:
            covariance = _learned(covariance, point - last.origin, last.score - score)
        step = covariance @ score
        left = np.sqrt(score @ step)
        if not (left < GAIN * distance or left < tolerance):  # so too where it is NaN
            return (begin if last is None else last.origin), None
        expected = left * (left / distance if np.isfinite(distance) else GAIN)
        point, last, distance = point + step, LightStep(point, score), left
        if expected < MARGIN * tolerance:
            break
    return point, last


def _learned(covariance, step, fall):
    """The covariance after a step by which the score fell: it would have led there at once."""
    curvature = step @ fall
    if not curvature > 0:
        return covariance
    left = np.eye(len(step)) - np.outer(step, fall) / curvature
    return left @ covariance @ left.T + np.outer(step, step) / curvature
