"""Discrimination: how well predicted probabilities tell events from the rest."""

import dataclasses
import math

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.reference import Normal
from asymptotix.diagnostics.outcomes import Outcomes


@dataclasses.dataclass(frozen=True)
class AreaUnderCurve:
    """The area under the ROC curve, with its uncertainty.

    Attributes:
        area: the probability that an event was given a higher probability than a non-event.
        std_error: DeLong's; NaN where weights do not count observations or one side is single.
        lower, upper: limits, symmetric on the log-odds of the area; NaN without an error.
        confidence: their coverage.
        events, others: how many.
    """

    area: float
    std_error: float
    lower: float
    upper: float
    confidence: float
    events: float
    others: float

    def __float__(self) -> float:
        return self.area


def roc_curve(given: Outcomes) -> pd.DataFrame:
    """Shares of events and of others at or above each threshold, from none to all.

    Returns:
        `threshold`, `sensitivity` (true positives) and `false_positive_rate`, one row for each
        distinct prediction, after the corner at which nothing is called an event.
    """
    _require_both(given)
    values, number = np.unique(-given.probability, return_inverse=True)
    events = np.bincount(number, given.weight * given.happened, minlength=values.size)
    others = np.bincount(number, given.weight * (1 - given.happened), minlength=values.size)
    rates = [np.concatenate([[0.0], np.cumsum(c) / c.sum()]) for c in (events, others)]
    return pd.DataFrame(
        {
            "threshold": np.concatenate([[np.inf], -values]),
            "sensitivity": rates[0],
            "false_positive_rate": rates[1],
        }
    )


def area_under_curve(given: Outcomes, confidence: float) -> AreaUnderCurve:
    r"""$P(p_1 > p_0) + \tfrac12 P(p_1 = p_0)$ with DeLong's standard error, in $n \log n$.

    The variance is that of each event's share of others below it over the events, plus that of
    each other's share of events above it over the others (DeLong, DeLong and Clarke-Pearson 1988;
    the midranks of Sun and Xu 2014, with weights).
    """
    _require_both(given)
    values, number = np.unique(given.probability, return_inverse=True)
    is_event = given.happened > 0.5
    sides = [
        np.bincount(number[s], given.weight[s], minlength=values.size)
        for s in (is_event, ~is_event)
    ]
    events, others = (side.sum() for side in sides)
    below = (np.cumsum(sides[1]) - sides[1] / 2) / others
    above = 1 - (np.cumsum(sides[0]) - sides[0] / 2) / events
    area = float(sides[0] @ below / events)
    if not given.counts or events <= 1 or others <= 1:
        error = math.nan
    else:
        first = sides[0] @ (below - area) ** 2 / (events - 1)
        second = sides[1] @ (above - area) ** 2 / (others - 1)
        error = math.sqrt(first / events + second / others)
    lower, upper = _limits(area, error, confidence)
    return AreaUnderCurve(area, error, lower, upper, confidence, float(events), float(others))


def _limits(area: float, error: float, confidence: float) -> tuple[float, float]:
    if math.isnan(error) or not 0 < area < 1:
        return math.nan, math.nan
    centre = math.log(area / (1 - area))
    reach = Normal().quantile(0.5 + confidence / 2) * error / (area * (1 - area))
    return 1 / (1 + math.exp(reach - centre)), 1 / (1 + math.exp(-reach - centre))


def _require_both(given: Outcomes) -> None:
    if not 0 < given.rate < 1:
        raise InputError(
            "Discrimination compares events with the rest, and there is only one of them here.",
            code="constant_response",
        )
