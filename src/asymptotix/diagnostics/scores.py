"""Scores of predicted probabilities: Brier's and the logarithmic one."""

import dataclasses

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.data.rows import Rows
from asymptotix.diagnostics.outcomes import Outcomes, require_probabilities
from asymptotix.diagnostics.rowwise import row_values
from asymptotix.families import AbstractFamily


@dataclasses.dataclass(frozen=True)
class BrierScore:
    r"""The mean squared distance of predicted probabilities from events, and its parts.

    `score = reliability - resolution + within + uncertainty`, exactly (Murphy 1973; Stephenson,
    Coelho and Jolliffe 2008).

    Attributes:
        score: $\sum_i w_i (p_i - y_i)^2 / \sum_i w_i$.
        reliability: of the groups' mean predictions from their shares of events; 0 at best.
        resolution: of the groups' shares from the overall share; more is better.
        within: what grouping hides: the variance of predictions within groups less twice their
            covariance with events; 0 where all predictions of a group are equal.
        uncertainty: the variance of the event itself.
        groups: how many groups there were.
    """

    score: float
    reliability: float
    resolution: float
    within: float
    uncertainty: float
    groups: int

    @property
    def skill(self) -> float:
        """1 - score / uncertainty: 0 for the overall share as everyone's prediction."""
        return 1 - self.score / self.uncertainty

    def __float__(self) -> float:
        return self.score


def brier_score(given: Outcomes, groups: int | None) -> BrierScore:
    """Brier's score and its decomposition (Brier 1950).

    Arguments:
        given: events and predictions.
        groups: of about equal weight, by prediction; `None` for one a distinct prediction.
    """
    y, p, w = given.happened, given.probability, given.weight / given.total
    number = group_numbers(given, groups)
    share = np.bincount(number, w)
    used = share > 0
    mean_p, mean_y = (np.bincount(number, w * v)[used] / share[used] for v in (p, y))
    share = share[used]
    position = np.cumsum(used)[number] - 1
    aside_p, aside_y = p - mean_p[position], y - mean_y[position]
    return BrierScore(
        score=float(w @ (p - y) ** 2),
        reliability=float(share @ (mean_p - mean_y) ** 2),
        resolution=float(share @ (mean_y - given.rate) ** 2),
        within=float(w @ (aside_p**2 - 2 * aside_p * aside_y)),
        uncertainty=given.rate * (1 - given.rate),
        groups=int(used.sum()),
    )


def tjur_coefficient(given: Outcomes) -> float:
    """Mean probability predicted where the event happened, less that where it did not.

    Tjur (2009), "Coefficients of determination in logistic regression models".
    """
    happened, failed = given.weight * given.happened, given.weight * (1 - given.happened)
    return float(
        happened @ given.probability / happened.sum() - failed @ given.probability / failed.sum()
    )


def group_numbers(given: Outcomes, groups: int | None) -> np.ndarray:
    """The group of each row, cut at weighted quantiles; equal predictions stay together."""
    values, number = np.unique(given.probability, return_inverse=True)
    if groups is None:
        return number
    if not (isinstance(groups, int | np.integer) and groups >= 2):
        raise InputError(f"groups={groups!r} must be a whole number from 2.", code="option")
    weight = np.bincount(number, given.weight, minlength=values.size)
    middle = np.cumsum(weight) - weight / 2
    return np.minimum((middle / weight.sum() * groups).astype(int), groups - 1)[number]


def log_loss(family: AbstractFamily, eta: np.ndarray, rows: Rows, given: Outcomes | None) -> float:
    r"""$-\sum_i w_i \log P(y_i) / \sum_i w_i$, a trial of a grouped row counting as one.

    Arguments:
        family: of the response.
        eta: predictors.
        rows: responses and weights.
        given: events and predictions, where probabilities are all that the family has.
    """
    if given is not None and family.dispersion_rule != "fixed":
        require_probabilities(given, "the logarithm")
        seen = np.where(given.happened > 0.5, given.probability, 1 - given.probability)
        with np.errstate(divide="ignore"):
            return float(-(given.weight @ np.log(seen)) / given.total)
    # The kernel of the likelihood keeps its digits in the tails; it leaves out constants.
    values = row_values(_kernel, family, eta, rows.y)
    weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    there = weight > 0
    total = weight.sum() if given is None else given.total
    return float(-(weight[there] @ values[there]) / total)


def _kernel(family, eta, y):
    return family.kernel(eta, y)


@dataclasses.dataclass(frozen=True)
class Confusion:
    """What was observed against what was predicted.

    Attributes:
        table: counts (sums of weights), observed labels as rows, predicted ones as columns; the
            event comes last.
        threshold: from which probability an event is predicted; `None` for several labels, of
            which the likeliest is predicted.
    """

    table: pd.DataFrame
    threshold: float | None

    @property
    def accuracy(self) -> float:
        """The share predicted rightly."""
        counts = self.table.to_numpy()
        return float(np.trace(counts) / counts.sum())

    @property
    def sensitivity(self) -> float:
        """The share of events predicted as such; of the last label, where there are several."""
        counts = self.table.to_numpy()
        return _ratio(counts[-1, -1], counts[-1].sum())

    @property
    def specificity(self) -> float:
        """The share of others not predicted to be events."""
        counts = self.table.to_numpy()
        return _ratio(counts[:-1, :-1].sum(), counts[:-1].sum())

    @property
    def precision(self) -> float:
        """The share of predicted events that were events; NaN where none was predicted."""
        counts = self.table.to_numpy()
        return _ratio(counts[-1, -1], counts[:, -1].sum())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def confusion(
    seen: np.ndarray,
    said: np.ndarray,
    weight: np.ndarray,
    labels: list[str],
    threshold: float | None,
) -> Confusion:
    """Counts of pairs of labels.

    Arguments:
        seen, said: positions of the labels observed and predicted.
        weight: of the rows.
        labels: all of them.
        threshold: as in `Confusion`.
    """
    k = len(labels)
    counts = np.bincount(seen.astype(int) * k + said.astype(int), weight, minlength=k * k)
    table = pd.DataFrame(
        counts.reshape(k, k),
        index=pd.Index(labels, name="observed"),
        columns=pd.Index(labels, name="predicted"),
    )
    return Confusion(table, threshold)
