"""Calibration: whether events happen as often as predicted."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd

from asymptotix.core.reference import Normal
from asymptotix.covariances import covariance
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import column_bucket
from asymptotix.diagnostics.outcomes import Outcomes
from asymptotix.diagnostics.scores import group_numbers
from asymptotix.families import Bernoulli
from asymptotix.fitting import Fit, Newton
from asymptotix.fitting.host import fit as fit_rows
from asymptotix.model import Regression
from asymptotix.predictors import Linear

MOST_DEGREES = 4
ENTRY = 0.95
BELT_POINTS = 201


@dataclasses.dataclass(frozen=True)
class Calibration:
    r"""Predicted probabilities beside observed shares.

    Attributes:
        curve: one row a group of predictions: `predicted` (mean), `observed` (share), `n`, and
            Wilson's limits `lower` and `upper`.
        belt: `predicted`, `calibrated`, `lower`, `upper`: a simultaneous band for the
            probability of the event at each prediction; `None` where a prediction is 0 or 1 or
            outside.
        intercept: of $\mathrm{logit}\,P(y) = a + \mathrm{logit}\,p$: events are rarer than
            predicted if below 0.
        slope: of $\mathrm{logit}\,P(y) = a + b\,\mathrm{logit}\,p$: predictions are too extreme
            if below 1. Of a logit's own rows these are 0 and 1 by construction.
        degree: of the belt's polynomial.
        confidence: coverage of limits and belt.
    """

    curve: pd.DataFrame
    belt: pd.DataFrame | None
    intercept: float
    slope: float
    degree: int
    confidence: float


def calibration(
    given: Outcomes, groups: int | None, confidence: float, *, own: bool
) -> Calibration:
    r"""The calibration curve, and the belt of Finazzi et al. (2011).

    The belt is a logistic regression of the event on a polynomial of $\mathrm{logit}\,p$, its
    degree found by adding powers while the likelihood ratio passes 0.95 (up to four, from the
    second where predictions are of the rows fitted), with Scheffé's simultaneous band.

    Arguments:
        given: events and predictions.
        groups: of the curve; `None` for one a distinct prediction.
        confidence: coverage.
        own: whether the predictions are of the rows that the model was fitted to.
    """
    curve = _curve(given, groups, confidence)
    if not given.counts or np.any((given.probability <= 0) | (given.probability >= 1)):
        return Calibration(curve, None, np.nan, np.nan, 0, confidence)
    logit = np.log(given.probability) - np.log1p(-given.probability)
    centre, spread = float(np.mean(logit)), float(np.std(logit))
    shifted = _coefficients(_fitted(given, np.ones((logit.size, 1)), offset=logit))
    if spread == 0:
        return Calibration(curve, None, float(shifted[0]), np.nan, 0, confidence)
    scale = _Scale(logit, centre, spread)
    line = _coefficients(_fitted(given, _powers(scale, 1)))
    degree, found = _chosen(given, scale, 2 if own else 1)
    belt = _belt(found, scale, degree, confidence)
    return Calibration(curve, belt, float(shifted[0]), float(line[1] / spread), degree, confidence)


def _curve(given: Outcomes, groups: int | None, confidence: float) -> pd.DataFrame:
    number = group_numbers(given, groups)
    n, events, predicted = (
        np.bincount(number, given.weight * v) for v in (1.0, given.happened, given.probability)
    )
    n, events, predicted = n[n > 0], events[n > 0], predicted[n > 0]
    lower, upper = wilson(events, n, confidence)
    if not given.counts:
        lower, upper = np.full_like(lower, np.nan), np.full_like(upper, np.nan)
    return pd.DataFrame(
        {
            "predicted": predicted / n,
            "observed": events / n,
            "n": n,
            "lower": lower,
            "upper": upper,
        }
    )


def wilson(events: np.ndarray, n: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a share by the score test (Wilson 1927)."""
    z = Normal().quantile(0.5 + confidence / 2)
    share = events / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - reach, centre + reach


class _Scale(NamedTuple):
    """Log-odds of predictions, and how they are standardised."""

    logit: np.ndarray
    centre: float
    spread: float


def _powers(scale: _Scale, degree: int) -> np.ndarray:
    unit = (scale.logit - scale.centre) / scale.spread
    return np.stack([unit**power for power in range(degree + 1)], axis=1)


def _fitted(
    given: Outcomes, design: np.ndarray, offset: np.ndarray | None = None
) -> tuple[Fit, Rows]:
    # Columns of zeros, which take no part, so that one program serves several degrees.
    wide = np.zeros((len(design), column_bucket(design.shape[1])))
    wide[:, : design.shape[1]] = design
    rows = Rows(wide, given.happened, weights=given.weight, weight_kind="frequency", offset=offset)
    model = Regression(Linear(wide.shape[1]), Bernoulli())
    return fit_rows(model, rows, Newton(), checked=True, among=design.shape[1]), rows


def _coefficients(found: tuple[Fit, Rows]) -> np.ndarray:
    fit, _ = found
    if not bool(fit.converged):
        return np.full(fit.params.shape, np.nan)
    return np.asarray(fit.model.predictor.coef)  # pyright: ignore[reportAttributeAccessIssue]


def _chosen(given: Outcomes, scale: _Scale, degree: int) -> tuple[int, tuple[Fit, Rows]]:
    """The degree at which one more power no longer passes, and its fit."""
    found = _fitted(given, _powers(scale, degree))
    quantile = Normal().quantile(0.5 + ENTRY / 2) ** 2
    while degree < MOST_DEGREES:
        larger = _fitted(given, _powers(scale, degree + 1))
        gain = 2 * (float(larger[0].log_likelihood) - float(found[0].log_likelihood))
        if not bool(larger[0].converged) or gain <= quantile:
            break
        degree, found = degree + 1, larger
    return degree, found


def _belt(
    found: tuple[Fit, Rows], scale: _Scale, degree: int, confidence: float
) -> pd.DataFrame | None:
    from scipy.special import chdtri

    if not bool(found[0].converged):
        return None
    grid = np.linspace(scale.logit.min(), scale.logit.max(), BELT_POINTS)
    design = _powers(scale._replace(logit=grid), degree)
    matrix = np.asarray(covariance(*found).matrix)[: degree + 1, : degree + 1]
    value = design @ _coefficients(found)[: degree + 1]
    variance = np.einsum("gi,ij,gj->g", design, matrix, design)
    reach = np.sqrt(chdtri(degree + 1, 1 - confidence) * variance)
    columns = {"predicted": grid, "calibrated": value, "lower": value - reach}
    columns["upper"] = value + reach
    return pd.DataFrame({name: 1 / (1 + np.exp(-v)) for name, v in columns.items()})
