"""The family of one observation: a distribution given its predictor `eta`."""

import abc
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError, listed
from asymptotix.core.module import Module
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.recession import Cones
from asymptotix.links.base import AbstractLink

Dispersion = Literal["fixed", "moment", "estimated"]


class AbstractFamily(Module):
    r"""A distribution of one response given one predictor $\eta$.

    To add a family, subclass, declare the two class variables and write `log_prob`, `mean`,
    `variance` and `sample` for **one** observation. Everything else (score, information,
    covariances, tables) is derived. The remaining methods have defaults that say "not known"
    by returning NaN, and are written where the family knows better.
    """

    name: eqx.AbstractClassVar[str]
    dispersion_rule: eqx.AbstractClassVar[Dispersion]
    """`fixed` (1 by definition), `moment` (outside the likelihood, from Pearson's chi2) or
    `estimated` (a parameter of the family, in theta)."""

    @abc.abstractmethod
    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$\log f(y \mid \eta)$, with the family's own dispersion where it has one."""

    @abc.abstractmethod
    def mean(self, eta: Eta) -> Scalar:
        r"""$\mu = E(y \mid \eta)$."""

    @abc.abstractmethod
    def variance(self, eta: Eta) -> Scalar:
        r"""$\mathrm{Var}(y \mid \eta)$."""

    @abc.abstractmethod
    def sample(self, eta: Eta, *, key: Key) -> Response:
        r"""One draw of $y$ given $\eta$."""

    response_kind: ClassVar[Literal["numeric", "binary", "grouped", "categorical"]] = "numeric"
    """How a data frame's response is read: as numbers, as 0/1 or two labels, with trials, or as
    labels numbered from 0."""

    is_exponential: ClassVar[bool] = False
    r"""Whether, at fixed dispersion, it is an exponential family in its mean, with one $\eta$:
    then mean and variance say all that bias reduction needs."""

    eta_names: ClassVar[tuple[str, ...]] = ()
    """Names of the components of a vector eta that have a formula each; the first has the
    response."""

    def __check_init__(self):
        link = vars(self).get("link")
        if link is not None and not isinstance(link, AbstractLink):
            raise InputError(
                f"link={link!r} is not a link; give an instance, such as asx.ProbitLink().",
                code="family",
            )

    @property
    def is_least_squares(self) -> bool:
        """Whether estimates minimise a weighted sum of squared residuals, linear in eta."""
        return False

    # --- what the likelihood uses -------------------------------------------------------

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        r"""The part of `log_prob` that depends on parameters, maximised by the fit.

        For `moment` families it is minus half the unit deviance, so that $-2\sum$ kernel is the
        deviance at dispersion 1.
        """
        return self.log_prob(eta, y)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$E(-\partial^2 \log f/\partial\eta\,\partial\eta^\top)$; `y` only lends its trials.

        NaN where the family does not know it: the `expected` covariance is then refused.
        """
        del y
        return jnp.full(jnp.shape(eta) + jnp.shape(eta), jnp.nan)

    def saturated(self, y: Response) -> Scalar:
        r"""$\max_\eta \log f(y \mid \eta)$, from which the deviance is measured; NaN if unknown."""
        del y
        return jnp.array(jnp.nan)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        """A constant predictor to start from, given *all* responses (leading axis `n`)."""
        del y
        return jnp.zeros((), weights.dtype)

    def initial(self, y: Response, weights: Float[Array, "n"]) -> "AbstractFamily":
        """The family with its own parameters at a rough estimate, given *all* responses.

        Only families that estimate parameters of their own have something to say here.
        """
        del y, weights
        return self

    def lower_bounds(self) -> "AbstractFamily | None":
        """The family with each of its own parameters at its smallest value; `None` for no bounds.

        A fit whose maximum lies on a bound ends as `boundary`, with estimates that are the best
        within bounds and no standard errors.
        """
        return None

    def pearson(self, eta: Eta, y: Response) -> Scalar:
        r"""$(y - \mu)^2 / \mathrm{Var}(y)$, one observation's part of Pearson's chi2."""
        residual = self.response_mean(y) - self.mean(eta)
        variance = self.response_variance(eta, y)
        positive = variance > 0
        square = residual**2 / jnp.where(positive, variance, 1.0)
        return jnp.where(positive | (residual != 0), square, 0.0)

    def deviance(self, eta: Eta, y: Response) -> Scalar:
        r"""$2\{\max_\eta \log f(y \mid \eta) - \log f(y \mid \eta)\}$, one observation's part."""
        return 2 * (self.saturated(y) - self.log_prob(eta, y))

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        r"""$\log P(Y < y)$ and $\log P(Y > y)$, for quantile residuals; NaN if not known."""
        del eta, y
        return jnp.array(jnp.nan), jnp.array(jnp.nan)

    def response_mean(self, y: Response) -> Scalar:
        """The response on the scale of `mean` (a share for grouped binomial)."""
        return y

    def response_variance(self, eta: Eta, y: Response) -> Scalar:
        """The variance of `response_mean(y)`; `y` only lends its trials."""
        del y
        return self.variance(eta)

    def recession(self, y) -> Cones | None:
        r"""The directions of $\eta$ along which each `log_prob` never falls; `None` if not known.

        Where one direction of the coefficients is among those of every row, the data are
        separated. Asked on the host, with all responses as NumPy arrays.
        """
        del y
        return None

    def at_limit(self, y, gone) -> "tuple[AbstractFamily, Any] | None":
        """What is left of the likelihood where separation has gone to its end in parts of rows.

        Arguments:
            y: the responses of these rows, NumPy.
            gone: which of each row's normals (see `recession`) have gone to infinity.

        Returns:
            The family and the responses of what is left; `None` if not known.
        """
        del y, gone
        return None

    def smooth_in_response(self) -> "AbstractFamily":
        """The same family with a `log_prob` that has derivatives in `y`.

        Asked for where estimates are differentiated with respect to the response.
        """
        return self

    def with_dispersion(self, dispersion: Scalar) -> "AbstractFamily":
        """The same family at another dispersion; only `moment` families have one to set."""
        del dispersion
        return self

    # --- what the host checks -----------------------------------------------------------

    def check_response(self, y, name: str) -> None:
        """Raise `InputError` naming the values of `y` (NumPy, all rows) outside the support."""


def refuse_constant(is_constant, name: str, value) -> None:
    """Raise `InputError` for a response that is the same in every row."""
    if is_constant:
        raise InputError(
            f"The response '{name}' is {value} in every row, so there is nothing to explain; "
            "check how the rows were selected.",
            code="constant_response",
            column=name,
        )


def refuse_responses(bad, values, name: str, problem: str, remedy: str) -> None:
    """Raise `InputError` for the rows where `bad`, showing the first offending values.

    Arguments:
        bad: one truth value a row (NumPy).
        values: the values to show, one a row.
        name: the column of the response.
        problem: what is wrong, to follow "3 of 10 values of 'y'".
        remedy: a sentence that says what to do.

    Raises:
        InputError: with code `response_support`, the column and the rows.
    """
    rows = np.flatnonzero(bad)
    if rows.size == 0:
        return
    shown = ", ".join(str(value) for value in np.asarray(values)[rows[:5]])
    raise InputError(
        f"{rows.size} of {len(values)} values of {name!r} {problem}: "
        f"{shown} (row {listed(rows)}, counted from 0). {remedy}",
        code="response_support",
        column=name,
        rows=rows,
    )
