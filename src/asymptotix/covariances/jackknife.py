"""The jackknife: refits without one row, or one cluster, at a time."""

from typing import Any, ClassVar

import equinox as eqx
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.covariances.base import AbstractCovariance, Covariance, Ingredients
from asymptotix.covariances.refits import Refits, described, estimates, outcome, refit
from asymptotix.data.groups import Grouping, grouping, held, refuse_missing
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit

CENTERS = ("mean", "estimate")


class Jackknife(AbstractCovariance):
    r"""$\frac{G-1}{G} \sum_g (\hat\theta_{(g)} - c)(\hat\theta_{(g)} - c)^\top$.

    $\hat\theta_{(g)}$ is the estimate without row (or cluster) $g$; the center $c$ is their mean,
    or the estimate from all rows (Tukey 1958; MacKinnon, Nielsen and Webb 2023 call the latter
    for clusters CV3). All refits must succeed, or the covariance is withheld.

    Arguments:
        groups: a column's name or identifiers, to leave out whole clusters; single rows if not
            given.
        center: `"mean"` (default) or `"estimate"`.

    Raises:
        InputError: an unknown center.
    """

    groups: tuple[Any, ...] = eqx.field(static=True)
    center: str = eqx.field(static=True)
    counted: tuple[tuple[str, int], ...] = eqx.field(static=True)
    bread: str = eqx.field(static=True)
    needs_meat: ClassVar[bool] = False
    robust: ClassVar[bool] = True
    refits: ClassVar[bool] = True

    def __init__(self, groups: Any = None, *, center: str = "mean", counted: tuple = ()):
        if center not in CENTERS:
            raise InputError(f"center={center!r} must be 'mean' or 'estimate'.", code="option")
        self.groups = groups if isinstance(groups, tuple) else _tuple(groups)
        self.center, self.counted, self.bread = center, counted, "none"

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What is left out."""
        return "delete-cluster jackknife" if self.groups else "delete-one jackknife"

    @property
    def reads_groups(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether rows must say which clusters they belong to."""
        return bool(self.groups)

    @property
    def group_columns(self) -> tuple[Any, ...]:
        return self.groups

    def with_columns(self, labels: tuple[str, ...]) -> "Jackknife":
        return Jackknife(labels, center=self.center)

    def check(self, rows: Rows) -> None:
        for label in self.groups:
            refuse_missing(rows.groups[label], rows.present, label)

    def combine(self, given: Ingredients):
        raise TypeError("A jackknife is not made of ingredients.")  # `by_refits` is called instead

    def by_refits(self, fit: Fit, rows: Rows) -> Covariance:
        """The covariance of the refits' estimates."""
        found, times = self.resample(fit, rows)
        active = np.asarray(fit.active)
        kept, total = found.params[:, active], times.sum()
        center = estimates(fit)[active]
        if self.center == "mean":
            center = np.average(kept, axis=0, weights=times)
        moved = (kept - center) * np.sqrt(times)[:, None]
        matrix = np.full((active.size, active.size), np.nan)
        matrix[np.ix_(active, active)] = (total - 1) / total * np.einsum("bi,bj->ij", moved, moved)
        kind = Jackknife(self.groups, center=self.center, counted=outcome(found.codes))
        failed = found.codes[~np.isfinite(kept).all(axis=1)]
        code = failed[0] if failed.size else np.asarray(fit.code)
        return Covariance(matrix, np.asarray(code, np.int32), kind)

    def resample(self, fit: Fit, rows: Rows) -> tuple[Refits, np.ndarray]:
        """The refits, and how often each counts: as often as its row stands for an observation."""
        base = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
        units = self._units(rows, base)
        single = rows.weight_kind == "frequency" and not self.groups

        def draw(index):
            left_out = np.arange(units.size)[index][:, None]
            gone = units.tags[None, :] == left_out
            return {"weight": np.where(gone, base - 1 if single else 0.0, base)}

        kind = rows.weight_kind or "frequency"
        found = refit(fit, rows, units.size, draw, weight_kind=kind, label="jackknife")
        return found, base[base > 0] if single else np.ones(units.size)

    def _units(self, rows: Rows, base: np.ndarray) -> Grouping:
        """What is left out in turn; rows of weight zero belong to none."""
        present = base > 0
        codes = np.asarray(rows.groups[self.groups[0]]) if self.groups else np.arange(rows.n)
        found = grouping(codes, present, apart=False)
        return found._replace(tags=np.where(present, found.tags, -1))

    def describe(self) -> dict[str, str]:
        centered = {"mean": "their mean", "estimate": "the estimate"}[self.center]
        stated = {**super().describe(), "jackknife": f"(G - 1) / G, centred at {centered}"}
        return {**stated, "replicates": described(self.counted)} if self.counted else stated


def _tuple(groups: Any) -> tuple[Any, ...]:
    return () if groups is None else (held(groups),)
