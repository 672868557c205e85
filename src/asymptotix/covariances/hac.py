"""Covariances for scores that are correlated over time."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import numpy as np

from asymptotix.core.errors import InputError, listed
from asymptotix.covariances.base import AbstractCovariance, Ingredients, SmallSample
from asymptotix.covariances.conventions import bread_or_default, chosen, convention_named
from asymptotix.covariances.kernels import (
    ENDLESS,
    KERNELS,
    Autoregressions,
    andrews_bandwidth,
    newey_west_bandwidth,
)
from asymptotix.covariances.lags import Series, convolved, lagged
from asymptotix.covariances.passes import outward_matrix
from asymptotix.data.groups import grouping, held, refuse_missing
from asymptotix.data.rows import Rows

RULES = ("newey-west", "andrews")
CORRECTIONS = ("none", "n-k")


class KernelMeat(NamedTuple):
    """Kernel-weighted products of scores and what they were made with."""

    matrix: Any
    bandwidth: float
    periods: int


class AbstractKernel(AbstractCovariance):
    """What covariances with a kernel over time share."""

    kernel: eqx.AbstractVar[str]
    bandwidth: eqx.AbstractVar[Any]
    correction: eqx.AbstractVar[str]
    needs_meat: ClassVar[bool] = True
    robust: ClassVar[bool] = True
    streams: ClassVar[bool] = False
    reads_groups: ClassVar[bool] = True

    def combine(self, given: Ingredients):
        matrix = given.bread @ given.meat.matrix @ given.bread
        return matrix * (given.n / (given.n - given.k)) if self.correction == "n-k" else matrix

    @property
    def may_be_indefinite(self) -> bool:
        return True

    def _describe(self) -> dict[str, str]:
        rule = self.bandwidth if isinstance(self.bandwidth, str) else f"{self.bandwidth:g} lags"
        factor = {"none": "1", "n-k": "n / (n - k)"}[self.correction]
        stated = {"covariance": self.label, "bread": self.bread, "kernel": self.kernel}
        return {**stated, "bandwidth": rule, "small-sample factor": factor}

    def _smoothed(self, passes: Any, series: Series) -> KernelMeat:
        scale = self._scale(passes, series)
        kernel = KERNELS[self.kernel]
        n = series.time.size
        if self.kernel == ENDLESS and not series.group.any():
            matrix = convolved(np.vstack(list(series.chunks())), kernel(np.arange(n) / scale))
        else:
            lags = n - 1 if self.kernel == ENDLESS else min(int(np.ceil(scale)) - 1, n - 1)
            lags = min(lags, int(np.bincount(series.group).max()) - 1)
            matrix = lagged(series, lambda gap: kernel(gap / scale), max(lags, 0))
        return KernelMeat(matrix, scale, n)

    def _scale(self, passes: Any, series: Series) -> float:
        """The `b` of the kernel's argument: lags over `b`."""
        if not isinstance(self.bandwidth, str):
            return float(self.bandwidth) + 1
        if series.group.any():
            raise InputError(
                f"bandwidth={self.bandwidth!r} chooses for one series; with groups give the "
                "number of lags.",
                code="bandwidth",
            )
        pull = _inward(passes.fit)
        intercepts = [np.asarray(c.intercept) != 0 for c in passes.fit.coordinates or ()]
        rest = np.zeros(len(pull) - sum(map(len, intercepts)), bool)
        weights = 1.0 - np.concatenate([*intercepts, rest])
        weights = weights * np.asarray(passes.fit.active)
        weights = weights if weights.any() else np.ones_like(weights)
        if self.bandwidth == "newey-west":
            combined = [chunk @ (pull @ weights) for chunk in series.chunks()]
            return max(newey_west_bandwidth(np.concatenate(combined), self.kernel), 1.0)
        each = Autoregressions(len(pull))
        for chunk in series.chunks():
            each.add(chunk @ pull)
        return max(andrews_bandwidth(*each.fit(), weights, series.time.size, self.kernel), 1e-8)


def _inward(fit):
    r"""The matrix by which rows of working scores become rows of original ones."""
    active, matrix = np.asarray(fit.active), np.asarray(outward_matrix(fit))
    return np.where(active, np.linalg.inv(np.where(np.diag(~active), 1.0, matrix)), 0.0)


class HAC(AbstractKernel):
    r"""$I^{-1}\left\{\sum_{t,u} K\!\left(\tfrac{t-u}{b}\right) s_t s_u^\top\right\} I^{-1}$.

    For one series in the order of its rows, or of `time`; with `groups`, a panel whose groups are
    independent of each other. A period is one after another of those that occur in the data.

    Arguments:
        kernel: `"bartlett"` (Newey and West 1987), `"parzen"`, or `"quadratic-spectral"`
            (Andrews 1991), which gives weight to every lag and holds the scores of all rows.
        bandwidth: the number of lags $L$, so that $b = L + 1$; `"newey-west"` (their plug-in rule
            of 1994) or `"andrews"` (1991), both without prewhitening.
        time, groups: a column's name, or one entry a row.
        correction: `"none"`, or `"n-k"` for the factor $n/(n-k)$.
        bread: `"observed"` or `"expected"`.

    Raises:
        InputError: an unknown option.
    """

    kernel: str = eqx.field(static=True)
    bandwidth: Any = eqx.field(static=True)
    time: Any = eqx.field(static=True)
    groups: Any = eqx.field(static=True)
    correction: str = eqx.field(static=True)
    bread: str = eqx.field(static=True)

    def __init__(
        self,
        kernel: str = "bartlett",
        bandwidth: Any = "newey-west",
        *,
        time: Any = None,
        groups: Any = None,
        correction: str = "none",
        bread: str = "observed",
    ):
        self.kernel = chosen(kernel, "Kernel", tuple(KERNELS))
        self.bandwidth = _checked_bandwidth(bandwidth)
        self.time = None if time is None else held(time)
        self.groups = None if groups is None else held(groups)
        self.correction = chosen(correction, "HAC correction", CORRECTIONS)
        self.bread = bread_or_default(bread, convention_named("asymptotix"))

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The kernel, and the groups of a panel."""
        return f"HAC, {self.kernel}" + ("" if self.groups is None else " within groups")

    @property
    def reads_groups(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Only where a column says when, or in which group."""
        return bool(self.group_columns)

    @property
    def group_columns(self) -> tuple[Any, ...]:
        return tuple(c for c in (self.time, self.groups) if c is not None)

    def with_columns(self, labels: tuple[str, ...]) -> "HAC":
        names = iter(labels)
        return HAC(
            self.kernel,
            self.bandwidth,
            time=None if self.time is None else next(names),
            groups=None if self.groups is None else next(names),
            correction=self.correction,
            bread=self.bread,
        )

    def check(self, rows: Rows) -> None:
        _refuse_copies(rows, "HAC")
        for label in self.group_columns:
            refuse_missing(rows.groups[label], rows.present, label)

    def meat(self, passes: Any) -> KernelMeat:
        _refuse_traced(passes, "HAC")
        rows = np.flatnonzero(passes.rows.present)
        group = _codes(passes, self.groups, rows)
        time = rows if self.time is None else _codes(passes, self.time, rows)
        inner = np.lexsort((time, group))
        time, group, order = time[inner], group[inner], rows[inner]
        twice = (np.diff(time) == 0) & (np.diff(group) == 0)
        if twice.any():
            raise InputError(
                f"Several rows share a period in one series (rows {listed(order[:-1][twice])}); "
                "name groups= that tell them apart, or use asx.DriscollKraay.",
                code="time",
            )
        if self.time is None:
            time = np.arange(rows.size)
        elif self.groups is None:
            time = np.unique(time, return_inverse=True)[1]
        return self._smoothed(passes, Series(lambda: passes.ordered_scores(order), time, group))

    def describe(self) -> dict[str, str]:
        order = "the rows" if self.time is None else str(self.time)
        return {**self._describe(), "order of time": order}


class DriscollKraay(AbstractKernel):
    r"""HAC of the sums of scores in each period (Driscoll and Kraay 1998).

    For panels whose units depend on each other within a period and over time; it needs many
    periods, not many units. Tests are t with one degree of freedom less than periods.

    Arguments:
        time: the column's name, or one entry a row.
        kernel, bandwidth, correction, bread: as in `HAC`.

    Raises:
        InputError: an unknown option.
    """

    time: Any = eqx.field(static=True)
    kernel: str = eqx.field(static=True)
    bandwidth: Any = eqx.field(static=True)
    correction: str = eqx.field(static=True)
    bread: str = eqx.field(static=True)

    def __init__(
        self,
        time: Any,
        kernel: str = "bartlett",
        bandwidth: Any = "newey-west",
        *,
        correction: str = "none",
        bread: str = "observed",
    ):
        self.time = held(time)
        self.kernel = chosen(kernel, "Kernel", tuple(KERNELS))
        self.bandwidth = _checked_bandwidth(bandwidth)
        self.correction = chosen(correction, "Driscoll-Kraay correction", CORRECTIONS)
        self.bread = bread_or_default(bread, convention_named("asymptotix"))

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The kernel and the column of periods."""
        return f"Driscoll-Kraay, {self.kernel}"

    @property
    def group_columns(self) -> tuple[Any, ...]:
        return (self.time,)

    def with_columns(self, labels: tuple[str, ...]) -> "DriscollKraay":
        return DriscollKraay(
            labels[0], self.kernel, self.bandwidth, correction=self.correction, bread=self.bread
        )

    def check(self, rows: Rows) -> None:
        _refuse_copies(rows, "Driscoll-Kraay")
        codes, present = rows.groups[self.time], rows.present
        refuse_missing(codes, present, self.time)
        if grouping(codes, present).count < 2:
            raise InputError(
                f"'{self.time}' has one period only, from which no variance can be learnt.",
                code="clusters",
                column=self.time,
            )

    def meat(self, passes: Any) -> KernelMeat:
        _refuse_traced(passes, "Driscoll-Kraay")
        codes, present = passes.rows.groups[self.time], passes.rows.present
        periods = grouping(codes, present, apart=False)
        totals = passes.group_totals(periods)
        none = np.zeros(periods.size, int)
        series = Series(lambda: iter([totals]), np.arange(periods.size), none)
        return self._smoothed(passes, series)

    def small_sample(self, given: Ingredients) -> SmallSample:
        return SmallSample(given.meat.periods - 1, ())

    def describe(self) -> dict[str, str]:
        return {**self._describe(), "order of time": str(self.time)}


def _checked_bandwidth(bandwidth: Any):
    if isinstance(bandwidth, str):
        return chosen(bandwidth, "bandwidth", RULES)
    if isinstance(bandwidth, bool) or not np.isreal(bandwidth) or bandwidth < 0:
        raise InputError(
            f"bandwidth={bandwidth!r} must be a number of lags, 'newey-west' or 'andrews'.",
            code="bandwidth",
        )
    return bandwidth


def _refuse_traced(passes: Any, what: str) -> None:
    if passes.traced:
        raise InputError(
            f"{what} is not available inside jit, vmap or grad; call asx.covariance outside.",
            code="traced",
        )


def _refuse_copies(rows: Rows, what: str) -> None:
    if rows.weight_kind == "frequency":
        raise InputError(
            f"Rows that stand for several observations have no order for {what}; repeat the rows.",
            code="weight_kind",
            column="weights",
        )


def _codes(passes: Any, label: str | None, rows: np.ndarray) -> np.ndarray:
    if label is None:
        return np.zeros(rows.size, int)
    return np.unique(passes.rows.groups[label][rows], return_inverse=True)[1]
