r"""What bias reductions share: corrections of the score that depend on the rows.

With one linear predictor $\eta_i = x_i^\top\beta$, the expected information is
$I = \sum_i w_i h(\eta_i)\, x_i x_i^\top$ and $q_i = x_i^\top I^{-1} x_i$, so that $w_i h_i q_i$ is
a row's leverage. Third derivatives of the likelihood make sums of $p^3$ numbers.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from asymptotix.core.linalg import inverse_from_factor
from asymptotix.core.typing import Array, Bool, Float, Scalar
from asymptotix.families import AbstractFamily
from asymptotix.penalties.base import AbstractPenalty, Penalised


class RowTerms(NamedTuple):
    """Rows of one block where the predictor is known.

    Attributes:
        x: standardised covariates.
        eta: the predictor.
        y: the response.
        weight: the weights.
        inverse: $I^{-1}$, of all rows.
        outward: $T$, from standardised to original coefficients.
    """

    x: Float[Array, "n p"]
    eta: Float[Array, "n"]
    y: Any
    weight: Float[Array, "n"]
    inverse: Float[Array, "p p"]
    outward: Float[Array, "p p"]

    @property
    def spread(self) -> Float[Array, "n"]:
        """$q_i$, the variance of each row's predictor at unit dispersion."""
        return jnp.sum((self.x @ self.inverse) * self.x, axis=1)

    def weighted(self, values: Float[Array, "n"]) -> Float[Array, "n"]:
        """Times the weights, with exact zeros where a row is absent."""
        return jnp.where(self.weight > 0, self.weight * values, 0.0)


class Sample(NamedTuple):
    """The sums over all rows, uncorrected.

    Attributes:
        value, score: log-likelihood and its gradient.
        information: expected.
        factor: its triangular factor.
        active: which coefficients are estimated.
        outward: $T$, as in `RowTerms`.
        inward: from a vector of original coefficients to standardised ones.
    """

    value: Scalar
    score: Float[Array, "p"]
    information: Float[Array, "p p"]
    factor: Float[Array, "p p"]
    active: Bool[Array, "p"]
    outward: Float[Array, "p p"]
    inward: Callable[[Any], Any]

    @property
    def inverse(self) -> Float[Array, "p p"]:
        """$I^{-1}$."""
        return inverse_from_factor(self.factor)


class Corrected(NamedTuple):
    """The objective after its correction.

    Attributes:
        value: what must grow along steps: the penalised log-likelihood, or minus half the squared
            length of the score where that is no gradient.
        score: the adjusted score.
        information: what steps divide the score by.
    """

    value: Scalar
    score: Float[Array, "p"]
    information: Float[Array, "p p"]

    @classmethod
    def of_score(cls, score, slope, given: Sample) -> "Corrected":
        r"""An adjusted score $g$ that is no gradient, with minus its slope $J$.

        In place of $g$ stands $I J^{-1} g$, which $I$ turns into Newton's step $J^{-1} g$; its
        length in standard errors is the decrement. What must fall is the length of $g$ itself:
        along that step it does, whereas a length measured by $I$, which moves too, need not.
        """
        filled = jnp.where(jnp.diag(~given.active), 1.0, slope)
        step = jnp.linalg.solve(filled, score)
        turned = given.information @ step
        length = jnp.sum(jnp.where(given.active, score, 0.0) ** 2)
        return cls(-0.5 * length, turned, given.information)


class AbstractBiasReduction(AbstractPenalty):
    """Estimates from a score that is corrected for its bias.

    To add one, subclass, and write `block` for the sums that it needs besides score and
    information, and `correct` for what it makes of them.
    """

    is_bias_reduction: ClassVar[bool] = True

    @abc.abstractmethod
    def block(self, family: AbstractFamily, rows: RowTerms) -> Any:
        """The sums of one block, a pytree."""

    @abc.abstractmethod
    def correct(self, given: Sample, sums: Any) -> Corrected:
        """The corrected objective from the sums over all rows."""

    def log_density(self, theta: Float[Array, "p"], given: Penalised) -> Scalar:
        """0: the correction is no function of the parameters alone."""
        del given
        return jnp.zeros((), theta.dtype)


def with_slopes(function, eta, y):
    r"""A function of one row's $\eta$ and response for all rows, and its first derivative."""

    def one(e, yi):
        return jax.jvp(lambda v: function(v, yi), (e,), (jnp.ones_like(e),))

    return jax.vmap(one)(eta, y)


def observed_weight(family: AbstractFamily, rows: RowTerms):
    r"""$-\partial^2\log f/\partial\eta^2$ of each row."""
    return jax.vmap(lambda e, y: -jax.grad(jax.grad(family.kernel))(e, y))(rows.eta, rows.y)


def outer(x, weight):
    r"""$\sum_i w_i\, x_i x_i^\top$."""
    return (x * weight[:, None]).T @ x


def triple(x, weight):
    r"""$\sum_i w_i\, x_i \otimes x_i \otimes x_i$."""
    pairs = (x[:, :, None] * x[:, None, :]).reshape(x.shape[0], -1)
    return ((pairs * weight[:, None]).T @ x).reshape(x.shape[1:] * 3)
