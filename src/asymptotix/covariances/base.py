"""What a covariance kind is, and what it yields."""

import abc
import contextlib
import functools
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import numpy as np

from asymptotix.core.linalg import diagonal, namespace
from asymptotix.core.module import Record
from asymptotix.core.precision import scoped
from asymptotix.core.status import CODES, MESSAGES
from asymptotix.core.typing import Array, Float, Int
from asymptotix.data.rows import Rows

FEW_CLUSTERS = 20


class Ingredients(NamedTuple):
    r"""What covariances are made of, in working coordinates.

    Attributes:
        bread: $I^{-1}$ at unit dispersion, from the observed or the expected information.
        meat: $\sum_i s_i s_i^\top$, weighted as the weight kind asks; `None` if not needed.
        dispersion: $\phi$.
        n: observations.
        k: mean parameters estimated.
        least_squares: whether the model is a linear regression.
    """

    bread: Float[Array, "p p"]
    meat: Any
    dispersion: Float[Array, ""]
    n: Float[Array, ""]
    k: Float[Array, ""]
    least_squares: bool = False


class SmallSample(NamedTuple):
    """What a covariance knows of the size of its sample.

    Attributes:
        df: degrees of freedom of t tests, one for all coefficients or one for each.
        clusters: for each grouping, how many.
    """

    df: Any = None
    clusters: tuple[Any, ...] = ()


class AbstractCovariance(Record):
    """A kind of covariance: it says what it needs and combines it.

    To add a kind, subclass, declare what it needs and write `combine`.
    """

    label: eqx.AbstractVar[str]
    """What tables call it, such as `"HC1"`."""
    bread: eqx.AbstractVar[str]
    """Which information is inverted: `"observed"` or `"expected"`; `"none"` if not used."""
    needs_meat: eqx.AbstractClassVar[bool]
    robust: eqx.AbstractClassVar[bool]
    """Whether it stays valid where the likelihood is misspecified."""

    @abc.abstractmethod
    def combine(self, given: Ingredients) -> Float[Array, "p p"]:
        """The covariance of the estimates in working coordinates; NaN where it does not exist."""

    def meat(self, passes: Any) -> Any:
        """What the kind sums over rows; outer products of scores unless it says otherwise.

        Arguments:
            passes: the sums that there are (`Passes`).
        """
        return passes.outer_products()

    # --- refits --------------------------------------------------------------------------

    refits: ClassVar[bool] = False
    """Whether it is not made of ingredients but of refits on other weights or responses."""

    def by_refits(self, fit: Any, rows: Rows) -> "Covariance":
        """The covariance of refits, for kinds that are made so."""
        del fit, rows
        raise TypeError(f"{self.label} is made of ingredients.")

    @property
    def reads_rows(self) -> bool:
        """Whether it takes more than what the fit has found out already."""
        return self.refits or self.needs_meat or self.reads_groups or self.bread != "observed"

    streams: ClassVar[bool] = True
    """Whether sums over rows in any order of slabs are all that it takes."""

    # --- groups of rows ------------------------------------------------------------------

    reads_groups: ClassVar[bool] = False
    """Whether rows must say which clusters or periods they belong to."""

    @property
    def group_columns(self) -> tuple[Any, ...]:
        """The columns that say so: names, or arrays of identifiers; empty for all of the rows'."""
        return ()

    def with_columns(self, labels: tuple[str, ...]) -> "AbstractCovariance":
        """The same kind with its columns replaced by the labels that the rows carry."""
        del labels
        return self

    def check(self, rows: Rows) -> None:
        """Raise `InputError` where concrete rows cannot serve, before anything is computed."""
        del rows

    # --- small samples and tests ---------------------------------------------------------

    def small_sample(self, given: Ingredients) -> SmallSample:
        """Degrees of freedom and numbers of clusters."""
        del given
        return SmallSample()

    def prefers_normal(self, moment: bool) -> bool:
        """Whether tests are normal by convention, whatever the family declares."""
        del moment
        return False

    @property
    def absent(self) -> str:
        """Why there is no such covariance of a fit that has converged, as half a sentence."""
        return MESSAGES["indefinite"]

    @property
    def may_be_indefinite(self) -> bool:
        """Whether the matrix can have negative eigenvalues, which are then reported."""
        return False

    def repaired(self, matrix: Float[Array, "p p"]) -> Float[Array, "p p"]:
        """The matrix in the original coordinates, mended where the user has asked for that."""
        return matrix

    def describe(self) -> dict[str, str]:
        """The choices behind its numbers, for `Results.conventions`."""
        return {"covariance": self.label, "bread": self.bread}


class Covariance(Record):
    """The covariance matrix of estimates, or the reason why it is withheld.

    Attributes:
        matrix: in the original coordinates; NaN for omitted columns, and throughout where the
            covariance does not exist.
        code: status, as in `Fit.code`.
        kind: how it was made.
        df: degrees of freedom of t tests where the kind has its own, for all coefficients or for
            each; otherwise `None`.
        clusters: for each grouping, how many.
    """

    matrix: Float[Array, "p p"]
    code: Int[Array, ""]
    kind: AbstractCovariance = eqx.field(static=True)
    df: Any = None
    clusters: tuple[Any, ...] = ()

    @property
    def standard_errors(self) -> Float[Array, "p"]:
        """Square roots of the diagonal; NaN for a negative variance."""
        concrete = isinstance(self.matrix, np.ndarray)
        return _standard_errors(self.matrix) if concrete else scoped(_standard_errors)(self.matrix)

    def describe(self) -> dict[str, str]:
        """The choices behind its numbers, for `Results.conventions`."""
        stated = self.kind.describe()
        if not self.clusters:
            return stated
        counts = [int(np.asarray(count)) for count in self.clusters]
        named = zip(self.kind.group_columns, counts, strict=True)
        few = f"; fewer than {FEW_CLUSTERS}, too few to rely on" * (min(counts) < FEW_CLUSTERS)
        return {**stated, "clusters": ", ".join(f"{count} {n}" for n, count in named) + few}

    @property
    def has_few_clusters(self) -> bool:
        """Whether a grouping has so few clusters that tests reject too often."""
        return any(int(np.asarray(count)) < FEW_CLUSTERS for count in self.clusters)

    @property
    def status_name(self) -> str:
        """The status of a concrete covariance as a word."""
        return CODES[int(np.asarray(self.code))]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.matrix, dtype=dtype)


def _standard_errors(matrix):
    xp, variances = namespace(matrix), diagonal(matrix)
    return xp.sqrt(xp.where(variances >= 0, variances, xp.nan))


def made(matrix, code, kind: AbstractCovariance, df: Any, clusters: tuple) -> Covariance:
    """`Covariance(...)`, as JAX puts it together again: a tenth of the time of making it anew."""
    if df is None and not clusters:
        with contextlib.suppress(TypeError):  # kinds that hold arrays cannot be looked up
            return jax.tree.unflatten(_outline(kind), (matrix, code))
    return Covariance(matrix, code, kind, df, clusters)


@functools.cache
def _outline(kind: AbstractCovariance):
    return jax.tree.structure(Covariance(np.zeros(()), np.zeros((), np.int32), kind))
