"""What each row moves the estimates by: the derivative of a fit in the weights of its rows."""

from typing import Any, ClassVar

import equinox as eqx
import numpy as np

from asymptotix.core.typing import Array, Float
from asymptotix.covariances.base import AbstractCovariance, Covariance, Ingredients
from asymptotix.covariances.contributions import score_contributions
from asymptotix.covariances.estimate import covariance
from asymptotix.data.groups import grouping, held, refuse_missing
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit


def influence_values(fit: Fit, rows: Rows) -> Float[Array, "n p"]:
    r"""$w_i\,\partial\hat\theta/\partial w_i = w_i I^{-1} s_i$; 0 for omitted columns."""
    active = np.asarray(fit.active)
    scores = np.where(active, np.asarray(score_contributions(fit, rows)), 0.0)
    inverse = np.asarray(covariance(fit, rows, "observed").matrix)
    inverse = np.where(active[:, None] & active, inverse, 0.0)
    return np.einsum("ni,ij->nj", scores, inverse)


class InfinitesimalJackknife(AbstractCovariance):
    r"""$\sum_g L_g L_g^\top$ with $L_i = w_i\,\partial\hat\theta/\partial w_i$ (Jaeckel 1972).

    The derivative of the fit in the weights of its rows, by the implicit function theorem: the
    limit of a jackknife that leaves out ever less of a row. For single rows it equals HC0, for
    clusters CR0.

    Arguments:
        groups: a column's name or identifiers; single rows if not given.
    """

    groups: tuple[Any, ...] = eqx.field(static=True)
    label: str = eqx.field(static=True)
    bread: str = eqx.field(static=True)
    needs_meat: ClassVar[bool] = False
    robust: ClassVar[bool] = True
    refits: ClassVar[bool] = True

    def __init__(self, groups: Any = None):
        given = () if groups is None else (held(groups),)
        self.groups = groups if isinstance(groups, tuple) else given
        self.label, self.bread = "infinitesimal jackknife", "observed"

    @property
    def reads_groups(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether rows must say which clusters they belong to."""
        return bool(self.groups)

    @property
    def group_columns(self) -> tuple[Any, ...]:
        return self.groups

    def with_columns(self, labels: tuple[str, ...]) -> "InfinitesimalJackknife":
        return InfinitesimalJackknife(labels)

    def check(self, rows: Rows) -> None:
        for label in self.groups:
            refuse_missing(rows.groups[label], rows.present, label)

    def combine(self, given: Ingredients):
        raise TypeError("It is not made of ingredients.")  # `by_refits` is called instead

    def by_refits(self, fit: Fit, rows: Rows) -> Covariance:
        """The covariance from influence values; nothing is fitted again."""
        values, active = influence_values(fit, rows), np.asarray(fit.active)
        if self.groups:
            units = grouping(np.asarray(rows.groups[self.groups[0]]), rows.present, apart=False)
            totals = np.zeros((units.size, active.size))
            np.add.at(totals, units.tags[rows.present], values[rows.present])
            values = totals
        elif rows.weight_kind == "frequency":
            weights = np.where(rows.present, np.asarray(rows.weights, float), 1.0)
            values = values / np.sqrt(weights)[:, None]
        matrix = np.einsum("gi,gj->ij", values, values)
        matrix = np.where(active[:, None] & active, matrix, np.nan)
        return Covariance(matrix, np.asarray(fit.code, np.int32), self)
