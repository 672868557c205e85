"""Quasi-likelihoods: a mean and a variance up to a factor, and no distribution."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import as_number, constant
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion
from asymptotix.families.binomial import Binomial
from asymptotix.families.poisson import Poisson
from asymptotix.families.recession import Cones
from asymptotix.links.base import AbstractLink
from asymptotix.links.log import LogLink
from asymptotix.links.logit import LogitLink


class AbstractQuasi(AbstractFamily):
    r"""$\mathrm{Var}(y) = \phi V(\mu)$ with the variance $V$ of another family, and nothing more.

    Estimates are that family's; covariances scale with $\phi$, from Pearson's chi2; there is no
    log-likelihood (it is NaN, and tests that need one refuse) and nothing to draw from
    (Wedderburn 1974).
    """

    dispersion: eqx.AbstractVar[Float[Array, ""]]

    @property
    @abc.abstractmethod
    def unit(self) -> AbstractFamily:
        """The family whose mean and variance are taken."""

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        """NaN: a quasi-likelihood is no density."""
        del y
        return jnp.full_like(eta, jnp.nan)

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        """Minus half the unit deviance."""
        return self.unit.log_prob(eta, y) - self.unit.saturated(y)

    def deviance(self, eta: Eta, y: Response) -> Scalar:
        """That of the other family."""
        return self.unit.deviance(eta, y)

    def mean(self, eta: Eta) -> Scalar:
        return self.unit.mean(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\phi V(\mu)$."""
        return jnp.asarray(self.dispersion, eta.dtype) * self.unit.variance(eta)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        """Refused, always.

        Raises:
            InputError: a quasi-likelihood has no distribution.
        """
        del eta, key
        raise InputError(
            f"Family {self.name} declares a mean and a variance but no distribution to draw "
            f"from; draw from {self.unit.name} or from a family with a dispersion in it.",
            code="no_distribution",
        )

    def expected_information(self, eta: Eta, y: Response) -> Array:
        """That of the other family, at unit dispersion."""
        return self.unit.expected_information(eta, y)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        return self.unit.initial_eta(y, weights)

    def response_mean(self, y: Response) -> Scalar:
        return self.unit.response_mean(y)

    def response_variance(self, eta: Eta, y: Response) -> Scalar:
        return jnp.asarray(self.dispersion, eta.dtype) * self.unit.response_variance(eta, y)

    def recession(self, y) -> Cones | None:
        """That of the other family, whose estimates these are."""
        return self.unit.recession(y)

    def check_response(self, y, name: str) -> None:
        self.unit.check_response(y, name)


class QuasiPoisson(AbstractQuasi):
    r"""Mean $\mu = g^{-1}(\eta)$ and variance $\phi\mu$: Poisson's estimates, wider errors.

    Arguments:
        link: as for `Poisson`.
        dispersion: $\phi$, a constant: the mean is estimated without it.
    """

    link: AbstractLink = LogLink()
    dispersion: Float[Array, ""] = constant(converter=as_number, default=1.0)

    name: ClassVar[str] = "quasi-poisson"
    dispersion_rule: ClassVar[Dispersion] = "moment"

    @property
    def unit(self) -> Poisson:
        return Poisson(self.link)

    def with_dispersion(self, dispersion: Scalar) -> "QuasiPoisson":
        return QuasiPoisson(link=self.link, dispersion=dispersion)


class QuasiBinomial(AbstractQuasi):
    r"""Share of $m$ trials with mean $\mu = g^{-1}(\eta)$ and variance $\phi\mu(1 - \mu)/m$.

    Arguments:
        link: as for `Binomial`.
        dispersion: $\phi$, a constant: the mean is estimated without it.
    """

    link: AbstractLink = LogitLink()
    dispersion: Float[Array, ""] = constant(converter=as_number, default=1.0)

    name: ClassVar[str] = "quasi-binomial"
    dispersion_rule: ClassVar[Dispersion] = "moment"
    response_kind: ClassVar = "grouped"

    @property
    def unit(self) -> Binomial:
        return Binomial(self.link)

    def with_dispersion(self, dispersion: Scalar) -> "QuasiBinomial":
        return QuasiBinomial(link=self.link, dispersion=dispersion)
