"""The bootstrap: refits on data drawn from the data, or from the model."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import numpy as np

from asymptotix.core.errors import InputError, close_matches, whole_number
from asymptotix.covariances import draws
from asymptotix.covariances.base import AbstractCovariance, Covariance, Ingredients
from asymptotix.covariances.kinds import covariance_kind
from asymptotix.covariances.refits import Refits, described, outcome, refit
from asymptotix.data.groups import grouping, held, refuse_missing
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit

SCHEMES = ("pairs", "cluster", "bayesian", "parametric")


class Bootstrap(AbstractCovariance):
    r"""$\sum_b (\hat\theta_b - \bar\theta)(\hat\theta_b - \bar\theta)^\top / (B-1)$ of refits.

    `"pairs"` draws rows with replacement (Efron 1979), `"cluster"` whole clusters, `"bayesian"`
    gives rows (or clusters) exponential weights (Rubin 1981), `"parametric"` draws responses from
    the fitted model. Replicates that fail are left out, counted and reported.

    Arguments:
        n_replications: refits.
        kind: `"pairs"` (default), `"cluster"`, `"bayesian"` or `"parametric"`.
        key: of `jax.random`; the same key gives the same numbers.
        groups: for clusters, a column's name or identifiers; the rows' own by default.
        studentised: whether each refit carries standard errors, for studentised intervals (robust
            ones, or the model's own under `"parametric"`).

    Raises:
        InputError: an unknown kind, no key, or options that do not go together.
    """

    n_replications: int = eqx.field(static=True)
    scheme: str = eqx.field(static=True)
    seed: tuple[int, ...] = eqx.field(static=True)
    groups: tuple[Any, ...] = eqx.field(static=True)
    studentised: bool = eqx.field(static=True)
    counted: tuple[tuple[str, int], ...] = eqx.field(static=True)
    bread: str = eqx.field(static=True)
    needs_meat: ClassVar[bool] = False
    refits: ClassVar[bool] = True

    def __init__(
        self,
        n_replications: int = 1000,
        kind: str = "pairs",
        *,
        key: Any = None,
        groups: Any = None,
        studentised: bool = False,
    ):
        if kind not in SCHEMES:
            raise InputError(
                f"Bootstrap kind {kind!r} is not known; use one of {', '.join(SCHEMES)}."
                f"{close_matches(kind, SCHEMES)}"
                + " The wild bootstrap is a test: res.wild_bootstrap_test()."
                * (kind == "wild"),
                code="option",
            )
        if groups is not None and kind not in ("cluster", "bayesian"):
            raise InputError(
                f"groups= means nothing to the {kind} bootstrap; use kind='cluster'.",
                code="option",
                column="groups",
            )
        if studentised and (kind in ("cluster", "bayesian")):
            raise InputError(
                f"Studentised intervals need standard errors of each refit, which the {kind} "
                "bootstrap does not have; use kind='pairs' or 'parametric'.",
                code="option",
            )
        self.n_replications = whole_number(n_replications, "n_replications", 2)
        self.scheme = kind
        self.seed = draws.entropy(key)
        self.groups = () if groups is None else (held(groups),)
        self.studentised, self.counted, self.bread = studentised, (), "none"

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The kind of bootstrap."""
        return f"{self.scheme} bootstrap"

    @property
    def robust(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether it stays valid where the likelihood is misspecified."""
        return self.scheme != "parametric"

    @property
    def reads_groups(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether rows must say which clusters they belong to."""
        return self.scheme == "cluster" or bool(self.groups)

    @property
    def group_columns(self) -> tuple[Any, ...]:
        return self.groups

    def with_columns(self, labels: tuple[str, ...]) -> "Bootstrap":
        return self._replaced(groups=labels)

    def _replaced(self, **fields) -> "Bootstrap":
        new = object.__new__(type(self))  # a seed is no key, which is what building one asks for
        for field in dataclasses.fields(self):
            value = fields.get(field.name, getattr(self, field.name))
            object.__setattr__(new, field.name, value)
        return new

    def check(self, rows: Rows) -> None:
        kind = rows.weight_kind
        if self.scheme == "parametric" and kind in ("frequency", "sampling"):
            raise InputError(
                f"A parametric bootstrap under {kind} weights is not defined row by row; repeat "
                "the rows, or use kind='pairs'.",
                code="weight_kind",
                column="weights",
            )
        if self.studentised and kind in ("precision", "sampling"):
            raise InputError(
                f"Studentised intervals are not known for {kind} weights; leave studentised out.",
                code="weight_kind",
                column="weights",
            )
        if self.reads_groups:
            for label in self.groups:
                refuse_missing(rows.groups[label], rows.present, label)

    def combine(self, given: Ingredients):
        raise TypeError("A bootstrap is not made of ingredients.")  # `by_refits` is called instead

    def by_refits(self, fit: Fit, rows: Rows) -> Covariance:
        """The covariance of the refits' estimates."""
        found = self.resample(fit, rows)
        kept = found.params[np.isfinite(found.params).any(axis=1)]
        matrix = covariance_of(kept, np.asarray(fit.active))
        kind = self._replaced(counted=outcome(found.codes))
        return Covariance(matrix, np.asarray(fit.code, np.int32), kind)

    def resample(self, fit: Fit, rows: Rows) -> Refits:
        """The refits, on rows known to be the fit's own."""
        kind = None
        if self.studentised:
            kind = covariance_kind("observed" if self.scheme == "parametric" else "HC1")
        draw, weight_kind = self.drawing(fit, rows)
        return refit(
            fit,
            rows,
            self.n_replications,
            draw,
            weight_kind=weight_kind,
            kind=kind,
            label="bootstrap",
        )

    def describe(self) -> dict[str, str]:
        stated = {**super().describe(), "replications": str(self.n_replications)}
        return {**stated, "replicates": described(self.counted)} if self.counted else stated

    # --- what is drawn -------------------------------------------------------------------

    def drawing(self, fit: Fit, rows: Rows):
        """From indices of replicates to their own data, and the kind of their weights."""
        if self.scheme == "parametric":
            eta = np.asarray(fit.model.eta(rows.x, 0.0 if rows.offset is None else rows.offset))
            weights = None if rows.weights is None else np.asarray(rows.weights, float)
            y = draws.Responses(fit.model.family, eta, rows.y, weights, self.seed)
            return (lambda index: {"y": y(index)}), rows.weight_kind
        base = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
        stream = self._stream(rows, base)
        weights = lambda index: {"weight": draws.by_stream(self.seed, stream, index)}  # noqa: E731
        kind = rows.weight_kind or ("sampling" if self.scheme == "bayesian" else "frequency")
        return weights, kind

    def _stream(self, rows: Rows, base: np.ndarray):
        """From a generator to the weights of `TOGETHER` replicates."""
        present = np.flatnonzero(base > 0)
        whole = rows.weight_kind == "frequency"
        if self.reads_groups:
            (label,) = self.groups
            unit = grouping(np.asarray(rows.groups[label]), base > 0, apart=False)
            size, position = unit.size, unit.tags[present]
        else:
            size, position = present.size, np.arange(present.size)

        def drawn(generator: np.random.Generator) -> np.ndarray:
            if self.scheme == "bayesian":
                shape = base[present] if whole and not self.reads_groups else np.ones(size)
                own = generator.standard_gamma(shape, (draws.TOGETHER, size))
                if whole and not self.reads_groups:
                    own = own / base[present]
            elif whole and not self.reads_groups:
                own = draws.frequency_counts(generator, base[present]) / base[present]
            else:
                own = draws.counts(generator, size)
            weights = np.zeros((draws.TOGETHER, rows.n))
            weights[:, present] = own[:, position] * base[present]
            return weights

        return drawn


def covariance_of(params: np.ndarray, active: np.ndarray) -> np.ndarray:
    """The sample covariance of replicates; NaN with fewer than two of them."""
    matrix = np.full((active.size, active.size), np.nan)
    if params.shape[0] > 1:
        kept = params[:, active]
        centred = kept - kept.mean(axis=0)
        both = np.ix_(active, active)
        matrix[both] = np.einsum("bi,bj->ij", centred, centred) / (kept.shape[0] - 1)
    return matrix
