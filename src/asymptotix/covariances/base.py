"""What a covariance kind is, and what it yields."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from asymptotix.core.linalg import diagonal, namespace
from asymptotix.core.precision import scoped
from asymptotix.core.status import CODES
from asymptotix.core.typing import Array, Float, Int


class Ingredients(NamedTuple):
    r"""What covariances are made of, in working coordinates.

    Attributes:
        bread: $I^{-1}$ at unit dispersion, from the observed or the expected information.
        meat: $\sum_i s_i s_i^\top$, weighted as the weight kind asks; `None` if not needed.
        dispersion: $\phi$.
        n: observations.
        k: mean parameters estimated.
    """

    bread: Float[Array, "p p"]
    meat: Any
    dispersion: Float[Array, ""]
    n: Float[Array, ""]
    k: Float[Array, ""]


class AbstractCovariance(eqx.Module):
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


class Covariance(eqx.Module):
    """The covariance matrix of estimates, or the reason why it is withheld.

    Attributes:
        matrix: in the original coordinates; NaN for omitted columns, and throughout where the
            covariance does not exist.
        code: status, as in `Fit.code`.
        kind: how it was made.
    """

    matrix: Float[Array, "p p"]
    code: Int[Array, ""]
    kind: AbstractCovariance = eqx.field(static=True)

    @property
    @scoped
    def standard_errors(self) -> Float[Array, "p"]:
        """Square roots of the diagonal."""
        xp = namespace(self.matrix)
        return xp.sqrt(diagonal(self.matrix))

    @property
    def status_name(self) -> str:
        """The status of a concrete covariance as a word."""
        return CODES[int(np.asarray(self.code))]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.matrix, dtype=dtype)
