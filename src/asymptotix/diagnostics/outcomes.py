"""Events, their predicted probabilities and weights: what judgements of predictions read."""

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.data.rows import Rows
from asymptotix.diagnostics.rowwise import row_values
from asymptotix.families import AbstractFamily


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """Observations of an event, with what was predicted of it.

    Attributes:
        happened: 1 or 0, one a row; a grouped row makes two.
        probability: predicted, before the fact.
        weight: how many observations a row stands for, or its weight in averages.
        counts: whether weights count observations.
    """

    happened: np.ndarray
    probability: np.ndarray
    weight: np.ndarray
    counts: bool

    @functools.cached_property
    def total(self) -> float:
        """The sum of weights."""
        return float(self.weight.sum())

    @functools.cached_property
    def rate(self) -> float:
        """The share of events."""
        return float(self.weight @ self.happened / self.total)


def outcomes(
    family: AbstractFamily, eta: np.ndarray, rows: Rows, *, binary: bool, what: str
) -> Outcomes:
    """The events of rows that are present, from their predictors.

    Arguments:
        family: of the response.
        eta: predictors, rows first; of the fit, or of fits that have not seen the rows.
        rows: responses and weights.
        binary: whether the response is 0 or 1 (a linear probability model has another family).
        what: is judged, for messages.

    Raises:
        InputError: the response is no event, or something was predicted that is no probability.
    """
    grouped = family.response_kind == "grouped"
    if not (binary or grouped):
        raise InputError(
            f"{what} judges predicted probabilities of an event, and the response of family "
            f"{family.name} is none.",
            code="family",
        )
    probability = row_values(_mean, family, eta, rows.y)
    weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    counts = rows.weight_kind in (None, "frequency")
    if grouped:
        y: Any = rows.y
        events, trials = np.asarray(y[0], float), np.asarray(y[1], float)
        happened = np.repeat([1.0, 0.0], rows.n)
        weight = np.concatenate([weight * events, weight * (trials - events)])
        probability = np.tile(probability, 2)
    else:
        happened = np.asarray(rows.y, float)
    there = weight > 0
    return Outcomes(happened[there], probability[there], weight[there], counts)


def require_probabilities(given: Outcomes, what: str) -> None:
    """Raise `InputError` for predictions outside [0, 1], which linear models make."""
    outside = np.flatnonzero((given.probability < 0) | (given.probability > 1))
    if outside.size:
        raise InputError(
            f"{outside.size} of {given.probability.size} predicted probabilities lie outside "
            f"[0, 1], of which {what} does not exist; fit a logit or a probit.",
            code="probability",
            rows=outside[:5],
        )


def _mean(family, eta, y):
    del y
    return jnp.asarray(family.mean(eta))
