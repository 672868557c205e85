"""Cluster-robust covariances, one-way and multi-way."""

import itertools
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import namespace
from asymptotix.covariances.adjusted import adjusted_meat
from asymptotix.covariances.base import AbstractCovariance, Ingredients, SmallSample
from asymptotix.covariances.conventions import bread_or_default, chosen, convention_named
from asymptotix.data.groups import Grouping, grouping, held, intersection, refuse_missing
from asymptotix.data.rows import Rows

CORRECTIONS = ("CR0", "CR1", "CR2", "CR3")


class ClusterMeat(NamedTuple):
    """Sums over clusters.

    Attributes:
        parts: the sign, the number of clusters and the outer products of each combination of
            groupings.
        clusters: of each grouping, how many.
        df: Satterthwaite's degrees of freedom, one a coefficient, where the correction has them.
    """

    parts: list[tuple[int, Any, Any]]
    clusters: tuple[Any, ...]
    df: Any = None


class Cluster(AbstractCovariance):
    r"""$I^{-1} \left(\sum_g s_g s_g^\top\right) I^{-1}$ with $s_g = \sum_{i \in g} s_i$.

    Rows of one cluster may depend on each other in any way (Liang and Zeger 1986). CR1 multiplies
    by $\frac{G}{G-1}\frac{n-1}{n-k}$. CR2 (Bell and McCaffrey 2002) and CR3 replace $s_g$ by
    $R^\top f(T_g) R^{-\top} s_g$ with $f(t) = (1-t)^{-1/2}$ and $(1-t)^{-1}$, where
    $T_g = R^{-\top} I_g R^{-1}$ is the cluster's share of the information $R^\top R$; tests then
    have Satterthwaite's degrees of freedom under CR2 (Pustejovsky and Tipton 2018). Several
    groupings are added and subtracted (Cameron, Gelbach and Miller 2011), which can leave a matrix
    that is not positive semidefinite; that is reported, not mended, unless `psd="eigen"`.

    Arguments:
        columns: names of columns, or arrays of identifiers of any type; several for multi-way
            clusters. None of them: all `groups` of the rows.
        correction: `"CR0"`, `"CR1"` (default), `"CR2"` or `"CR3"`; the last two for one grouping.
        convention: `"asymptotix"`, `"statsmodels"`, `"stata"`, `"stata-ml"`, `"sandwich"`,
            `"fixest"`: whose CR1, bread and reference distribution.
        bread: `"observed"` or `"expected"`; by default the convention's.
        psd: `"report"` an indefinite matrix, or set its negative eigenvalues to zero (`"eigen"`).

    Raises:
        InputError: an unknown option.
    """

    columns: tuple[Any, ...] = eqx.field(static=True)
    correction: str = eqx.field(static=True)
    convention: str = eqx.field(static=True)
    bread: str = eqx.field(static=True)
    psd: str = eqx.field(static=True)
    needs_meat: ClassVar[bool] = True
    robust: ClassVar[bool] = True
    reads_groups: ClassVar[bool] = True

    def __init__(
        self,
        *columns: Any,
        correction: str = "CR1",
        convention: str = "asymptotix",
        bread: str | None = None,
        psd: str = "report",
    ):
        self.columns = tuple(map(held, columns))
        self.correction = chosen(correction, "Cluster correction", CORRECTIONS)
        self.bread = bread_or_default(bread, convention_named(convention))
        self.convention = convention
        self.psd = chosen(psd, "psd", ("report", "eigen"))
        self._check_ways(len(columns))

    def _check_ways(self, ways: int) -> None:
        most = convention_named(self.convention).ways
        if most is not None and ways > most:
            raise InputError(
                f"convention={self.convention!r} is known for one grouping only; leave it out, or "
                "use 'fixest' or 'sandwich'.",
                code="covariance",
            )
        if self.is_adjusted and ways > 1:
            raise InputError(
                f"{self.correction} is defined for one grouping; use correction='CR1' for several.",
                code="covariance",
            )

    @property
    def is_adjusted(self) -> bool:
        """Whether each cluster's score is adjusted for its leverage."""
        return self.correction in ("CR2", "CR3")

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The correction and the groupings."""
        names = [c if isinstance(c, str) else "groups" for c in self.columns] or ["groups"]
        return f"{self.correction} by {', '.join(names)}"

    @property
    def group_columns(self) -> tuple[Any, ...]:
        return self.columns

    def with_columns(self, labels: tuple[str, ...]) -> "Cluster":
        return Cluster(
            *labels,
            correction=self.correction,
            convention=self.convention,
            bread=self.bread,
            psd=self.psd,
        )

    def check(self, rows: Rows) -> None:
        self._check_ways(len(self.columns))
        for label in self.columns:
            codes, present = rows.groups[label], rows.present
            refuse_missing(codes, present, label)
            kept = codes[present]
            if kept.size and (kept == kept[0]).all():
                raise InputError(
                    f"'{label}' has one cluster only, from which no variance can be learnt; "
                    "use a finer grouping, or cov='HC1'.",
                    code="clusters",
                    column=label,
                )

    def meat(self, passes: Any) -> ClusterMeat:
        codes = [passes.rows.groups[label] for label in self.columns]
        if passes.traced:
            return _traced_meat(self, passes, codes)
        present = passes.rows.present
        ways = combinations(len(codes))
        if not present.all():
            codes = [np.where(present, one, 0) for one in codes]
        cells = [intersection([codes[j] for j in way]) for way in ways]
        groups = [grouping(c, present, apart=not self.is_adjusted) for c in cells]
        counts = tuple(one.count for one in groups[: len(codes)])
        if self.is_adjusted:
            matrix, df = adjusted_meat(passes, groups[0], self.correction)
            return ClusterMeat([(1, counts[0], matrix)], counts, df)
        products = passes.group_outer_products(tuple(groups))
        signs = [(-1) ** (len(way) + 1) for way in ways]
        numbers = [one.count for one in groups]
        return ClusterMeat(list(zip(signs, numbers, products, strict=True)), counts)

    def combine(self, given: Ingredients):
        found: ClusterMeat = given.meat
        total = sum(sign * self._factor(count, given) * m for sign, count, m in found.parts)
        return given.bread @ total @ given.bread

    def _factor(self, count, given: Ingredients):
        """CR1's correction of a part with `count` clusters; 1 for the others."""
        if self.correction != "CR1":
            return 1.0
        how = convention_named(self.convention)
        if how.groups == "min":
            count = _smallest(given.meat.clusters)
        factor = count / (count - 1)
        if how.rows == "always" or (how.rows == "linear" and given.least_squares):
            factor = factor * (given.n - 1) / (given.n - given.k)
        return factor

    def small_sample(self, given: Ingredients) -> SmallSample:
        found: ClusterMeat = given.meat
        how = convention_named(self.convention).cluster_reference
        if found.df is not None and how == "t":
            return SmallSample(found.df, found.clusters)
        if how in ("family", "normal"):
            return SmallSample(None, found.clusters)
        return SmallSample(_smallest(found.clusters) - 1, found.clusters)

    def prefers_normal(self, moment: bool) -> bool:
        how = convention_named(self.convention).cluster_reference
        return how == "normal" or (how == "t if family" and not moment)

    @property
    def may_be_indefinite(self) -> bool:
        return len(self.columns) > 1 and self.psd == "report"

    def repaired(self, matrix):
        if self.psd == "report":
            return matrix
        xp = namespace(matrix)
        values, vectors = xp.linalg.eigh(xp.where(xp.isfinite(matrix), matrix, 0.0))
        mended = (vectors * xp.maximum(values, 0.0)) @ vectors.T
        return xp.where((values < 0).any() & xp.isfinite(matrix), mended, matrix)

    def describe(self) -> dict[str, str]:
        stated = {**super().describe(), "robust convention": self.convention}
        if self.correction == "CR1":
            how = convention_named(self.convention)
            rows = {"always": " * (n - 1) / (n - k)", "never": ""}.get(
                how.rows, " * (n - 1) / (n - k) in linear regressions"
            )
            smallest = " with the smallest G" if how.groups == "min" else ""
            stated["small-sample factor"] = f"G / (G - 1){rows}{smallest}"
        if len(self.columns) > 1:
            stated["multi-way"] = f"inclusion-exclusion, psd={self.psd}"
        return stated


def combinations(ways: int) -> list[tuple[int, ...]]:
    """Every combination of groupings, single ones first."""
    return [c for r in range(1, ways + 1) for c in itertools.combinations(range(ways), r)]


def _smallest(counts):
    xp = np if all(isinstance(c, int) for c in counts) else jnp
    return xp.min(xp.asarray(counts))


def _traced_meat(kind: Cluster, passes: Any, codes) -> ClusterMeat:
    """One grouping inside a transformation, where the number of clusters is not known."""
    if len(codes) > 1 or kind.is_adjusted:
        raise InputError(
            f"Inside jit, vmap or grad there is CR0 and CR1 for one grouping, not {kind.label}; "
            "call asx.covariance outside.",
            code="traced",
        )
    n = passes.rows.n
    _, tags = jnp.unique(codes[0], size=n, return_inverse=True)
    filled = jnp.zeros(n).at[tags].max(passes.rows.present.astype(float))
    count = filled.sum()
    (matrix,) = passes.group_outer_products((Grouping(tags, n, n),))
    return ClusterMeat([(1, count, matrix)], (count,))
