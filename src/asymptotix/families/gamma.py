"""The gamma family: positive responses whose standard deviation grows with their mean."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammainc, gammaincc

from asymptotix.core.gamma import log_gamma_density_constant
from asymptotix.core.parameters import as_number, constant
from asymptotix.core.special import expm1
from asymptotix.core.typing import Array, Bool, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion, refuse_constant, refuse_responses
from asymptotix.links.base import AbstractLink
from asymptotix.links.power import InverseLink


class Gamma(AbstractFamily):
    r"""$y > 0$, gamma distributed with mean $\mu = g^{-1}(\eta)$ and variance $\phi\mu^2$.

    The shape is $1/\phi$ (McCullagh and Nelder 1989, chapter 8). The log-likelihood is that at
    $\phi = D/n$, the deviance over the observations, as in R.

    Arguments:
        link: inverse (default, canonical, that of R and statsmodels), log or identity. With the
            log link no predictor leaves the domain, and effects multiply the mean.
        dispersion: $\phi$, a constant: the mean is estimated without it, and covariances scale
            with an estimate from Pearson's chi2.
    """

    link: AbstractLink = InverseLink()
    dispersion: Float[Array, ""] = constant(converter=as_number, default=1.0)

    name: ClassVar[str] = "gamma"
    dispersion_rule: ClassVar[Dispersion] = "moment"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$r\log(r/\mu) + (r - 1)\log y - r y/\mu - \log\Gamma(r)$ with $r = 1/\phi$."""
        phi, y = jnp.asarray(self.dispersion, eta.dtype), jnp.asarray(y, eta.dtype)
        return self.kernel(eta, y) / phi + log_gamma_density_constant(phi) - jnp.log(y)

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        r"""$\log(y/\mu) - (y - \mu)/\mu$: minus half the unit deviance."""
        inside, t = log_ratio(self.link, eta, y)
        return jnp.where(inside, t - expm1(t), -jnp.inf)

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\phi\mu^2$."""
        return jnp.asarray(self.dispersion, eta.dtype) * self.mean(eta) ** 2

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        phi = jnp.asarray(self.dispersion, eta.dtype)
        shape, at = 1.0 / phi, y / (phi * self.mean(eta))
        return jnp.log(gammainc(shape, at)), jnp.log(gammaincc(shape, at))

    def sample(self, eta: Eta, *, key: Key) -> Response:
        phi = jnp.asarray(self.dispersion, eta.dtype)
        return self.mean(eta) * phi * jax.random.gamma(key, 1.0 / phi, eta.shape, eta.dtype)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$(\partial\log\mu/\partial\eta)^2$, at unit dispersion."""
        del y
        value, slope = jax.jvp(self.link.log_inverse, (eta,), (jnp.ones_like(eta),))
        return jnp.where(value > -jnp.inf, slope**2, jnp.nan)

    def saturated(self, y: Response) -> Scalar:
        r"""The log-density at $\mu = y$."""
        y = jnp.asarray(y)
        phi = jnp.asarray(self.dispersion, y.dtype)
        return log_gamma_density_constant(phi) - jnp.log(y)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        """The link of the weighted mean."""
        return link_of_mean(self.link, y, weights)

    def with_dispersion(self, dispersion: Scalar) -> "Gamma":
        return Gamma(link=self.link, dispersion=dispersion)

    def check_response(self, y, name: str) -> None:
        check_positive(y, name)


def log_ratio(link: AbstractLink, eta: Scalar, y: Response) -> tuple[Bool[Array, ""], Scalar]:
    r"""Whether $\mu > 0$, and $\log(y/\mu)$, evaluated at a mean of 1 where it is not."""
    inside = link.log_inverse(eta) > -jnp.inf
    safe = jnp.where(inside, eta, link.link(jnp.ones((), eta.dtype)))
    return inside, jnp.log(jnp.asarray(y, eta.dtype)) - link.log_inverse(safe)


def link_of_mean(link: AbstractLink, y: Response, weights: Float[Array, "n"]) -> Scalar:
    """The link of the weighted mean of a response."""
    total = jnp.sum(jnp.where(weights > 0, weights * y, 0.0))
    return link.link(total / jnp.sum(weights))


def check_positive(y, name: str) -> None:
    """Raise `InputError` unless a response is positive, finite and not the same in every row."""
    y = np.asarray(y)
    refuse_responses(
        ~((y > 0) & np.isfinite(y)),
        y,
        name,
        "are not positive numbers",
        "Model zeros apart, or take a family whose support contains them.",
    )
    refuse_constant(np.all(y == y.flat[0]) and y.size > 1, name, f"{y.flat[0]:g}")
