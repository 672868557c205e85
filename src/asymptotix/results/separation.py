"""What is said about separated data, and the numbers that there are in spite of it."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from asymptotix.core.errors import listed
from asymptotix.core.lazy import LazyModule
from asymptotix.core.precision import double
from asymptotix.core.reference import Normal
from asymptotix.core.status import CODE
from asymptotix.covariances import AbstractCovariance, Covariance
from asymptotix.covariances.estimate import estimate, with_groups
from asymptotix.covariances.fingerprint import check_fingerprint
from asymptotix.data.rows import Rows
from asymptotix.fitting.separated import Extended, one_sided_limits, remaining
from asymptotix.fitting.separation import Separation
from asymptotix.inference.wald import WaldTable
from asymptotix.model import Regression

if TYPE_CHECKING:
    from asymptotix.inference import profile
else:
    profile = LazyModule("asymptotix.inference.profile")

SHOWN = 8
"""Names that a sentence lists before it says how many more there are."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SeparationReport:
    """Which coefficients are infinite, and which rows make them so; `print` it.

    Attributes:
        names: of the coefficients.
        separation: what was found.
        rows: positions in the source, from 0, of rows that are separated, or (of several levels)
            whose response can no longer have some level.
        count: how many they are, where the positions are not known.
    """

    names: tuple[str, ...]
    separation: Separation
    rows: np.ndarray
    count: int | None = None

    @property
    def is_separated(self) -> bool:
        """Whether the maximum-likelihood estimate has infinite coefficients."""
        return self.separation.is_separated

    @property
    def kind(self) -> str:
        """`"none"`, `"quasi"` or `"complete"`: whether some rows are not separated."""
        return self.separation.kind

    @property
    def coefficients(self) -> pd.Series:
        """For each coefficient inf, -inf, or 0 where it is finite; NaN where no sign is found."""
        s = self.separation
        infinite = np.where(s.signs == 0, np.nan, np.where(s.signs > 0, math.inf, -math.inf))
        return pd.Series(np.where(s.infinite, infinite, 0.0), index=list(self.names))

    def __bool__(self) -> bool:
        return self.is_separated

    def __repr__(self) -> str:
        if not self.is_separated:
            return "No separation: all coefficients have finite estimates."
        return f"{self.kind.capitalize()} separation. {self.sentence()}"

    def sentence(self) -> str:
        """Names, directions and rows, in one sentence."""
        told = [
            f"{name} → {'∞' if v > 0 else '-∞' if v < 0 else '±∞'}"
            for name, v in self.coefficients.items()
            if v != 0
        ]
        more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
        n = len(self.rows) if self.count is None else self.count
        who = "every row" if self.kind == "complete" else f"{n} row{'s' * (n != 1)}"
        where = f" ({listed(self.rows)}, counted from 0)" if len(self.rows) else ""
        if self.separation.partial:
            does = f"take away levels from {who}{where}"
        else:
            does = f"predict {who}{where} perfectly"
        return f"Infinite: {', '.join(told[:SHOWN])}{more}; they {does}."


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Separated:
    """What `Results` hold of a fit of separated data.

    Attributes:
        extended: the fits of all and of the remaining rows.
        report: what is said.
        model: what was fitted.
        confidence, lower, upper: one-sided profile limits of infinite coefficients.
    """

    extended: Extended
    report: SeparationReport
    model: Regression
    confidence: float
    lower: np.ndarray
    upper: np.ndarray

    @property
    def infinite(self) -> np.ndarray:
        """Which parameters are infinite, the family's own (which are not) included."""
        found = self.report.separation.infinite
        return np.concatenate([found, np.zeros(len(self.lower) - len(found), bool)])

    def limits(self, confidence: float, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        """The limits at a coverage; `rows` is called for the rows where they are needed."""
        if confidence == self.confidence:
            return self.lower, self.upper
        return _limits(self.extended, self.model, rows(), confidence)

    def in_table(self, table: WaldTable, confidence=None, rows: Any = None) -> WaldTable:
        """Infinite estimates with their limits; errors and tests of them are withheld."""
        lower, upper = self.limits(confidence or self.confidence, rows)
        values, infinite = self.report.coefficients.to_numpy(), self.infinite
        estimates = table.estimates.copy()
        estimates[infinite] = values[values != 0]
        if self.extended.reduced is None:
            estimates[~infinite] = np.nan

        def withheld(v):
            return np.where(infinite, np.nan, v)

        return WaldTable(
            estimates,
            withheld(table.standard_errors),
            withheld(table.statistics),
            withheld(table.log_p),
            np.where(infinite, lower, table.lower),
            np.where(infinite, upper, table.upper),
        )

    def covariance(self, rows: Rows, kind: AbstractCovariance) -> Covariance:
        """The covariance of the finite coefficients, of rows to be checked."""
        with double():
            check_fingerprint(self.extended.fit, rows)
        kind, rows = with_groups(kind, rows)
        return separated_covariance(self.extended, rows, kind)

    def profile_limits(self, res: Any, confidence: float, data: Any) -> pd.DataFrame:
        """Profile limits of all coefficients: the finite ones' from the remaining rows.

        At any value of a finite coefficient the separated rows attain their supremum, so that
        its profile is that of the others.
        """
        rows = res.rows(data)
        lower, upper = (v.copy() for v in self.limits(confidence, lambda: rows))
        reduced = self.extended.reduced
        if reduced is not None:
            family = self.extended.fit.model.family
            rest = remaining(rows, self.extended.separation, family)
            found = profile.likelihood_limits(reduced, rest, _quantile(confidence))
            finite = ~self.infinite
            lower[finite], upper[finite] = found.lower[finite], found.upper[finite]
        return pd.DataFrame({"lower": lower, "upper": upper}, index=list(res.names))


def _quantile(confidence: float) -> float:
    return Normal().quantile(0.5 + confidence / 2)


def _limits(extended: Extended, model, rows: Rows, confidence: float):
    if rows.weight_kind == "sampling":  # there is no likelihood to profile
        nothing = np.full(extended.fit.params.shape[0], np.nan)
        return nothing, nothing
    return one_sided_limits(extended, model, rows, _quantile(confidence))


def separated_covariance(extended: Extended, rows: Rows, kind: AbstractCovariance) -> Covariance:
    """The covariance of the finite coefficients, from the rows that are not separated."""
    separation, fit = extended.separation, extended.fit
    p = fit.params.shape[0]
    code = np.asarray(CODE["separated"], np.int32)
    if extended.reduced is None:
        return Covariance(np.full((p, p), np.nan), code, kind)
    with double():
        rest = remaining(rows, separation, fit.model.family)
        found = estimate(extended.reduced, rest, kind)
        found = jax.tree.map(np.asarray, found)
    infinite = np.zeros(p, bool)
    infinite[: len(separation.infinite)] = separation.infinite
    matrix = np.where(infinite[:, None] | infinite[None, :], np.nan, found.matrix)
    return Covariance(matrix, code, kind, found.df, found.clusters)


def separated(extended: Extended, model, rows: Rows, kept, names, confidence: float) -> Separated:
    """What `Results` hold of it.

    Arguments:
        extended: the fit.
        model, rows: what was fitted.
        kept: which rows of the source were used; `None` where rows stand for several.
        names: of the parameters.
        confidence: of the limits.
    """
    separation = extended.separation
    told = names[: len(separation.signs)]
    if kept is None:
        count = round(float(np.asarray(rows.weights)[separation.touched].sum()))
        report = SeparationReport(told, separation, np.empty(0, int), count)
    else:
        report = SeparationReport(told, separation, np.flatnonzero(kept)[separation.touched])
    limits = _limits(extended, model, rows, confidence)
    return Separated(extended, report, model, confidence, *limits)


def separation_note(given: Separated) -> str:
    """What a table and a warning say of it."""
    if given.extended.reduced is not None:
        rest = " The other estimates and their errors are those of the remaining rows."
    elif given.infinite.all():
        rest = " No coefficient has a finite estimate."
    else:
        rest = " The other estimates are withheld with their standard errors."
    limits = np.isfinite(np.concatenate([given.lower, given.upper])[np.tile(given.infinite, 2)])
    said = " Their limits are by profile likelihood." if limits.any() else ""
    return f"{given.report.sentence()}{said}{rest}"
