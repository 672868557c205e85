"""The inverse Gaussian family: positive responses with a long right tail."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from asymptotix.core.parameters import as_number, constant
from asymptotix.core.special import LOG_SQRT_2PI, expm1, log_ndtr
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion
from asymptotix.families.gamma import check_positive, link_of_mean, log_ratio
from asymptotix.links.base import AbstractLink
from asymptotix.links.power import InverseSquareLink


class InverseGaussian(AbstractFamily):
    r"""$y > 0$, inverse Gaussian with mean $\mu = g^{-1}(\eta)$ and variance $\phi\mu^3$.

    The time at which a Brownian motion with drift first reaches a level (Tweedie 1957). The
    log-likelihood is that at $\phi = D/n$, the deviance over the observations, as in R.

    Arguments:
        link: inverse square (default, canonical, that of R and statsmodels), inverse, log or
            identity. With the log link no predictor leaves the domain.
        dispersion: $\phi$, a constant: the mean is estimated without it, and covariances scale
            with an estimate from Pearson's chi2.
    """

    link: AbstractLink = InverseSquareLink()
    dispersion: Float[Array, ""] = constant(converter=as_number, default=1.0)

    name: ClassVar[str] = "inverse gaussian"
    dispersion_rule: ClassVar[Dispersion] = "moment"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$-(y - \mu)^2/(2\phi\mu^2 y) - \tfrac12\log(2\pi\phi y^3)$."""
        phi, y = jnp.asarray(self.dispersion, eta.dtype), jnp.asarray(y, eta.dtype)
        return self.kernel(eta, y) / phi + _constant(phi, y)

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        r"""$-(y/\mu - 1)^2/(2y)$: minus half the unit deviance."""
        inside, t = log_ratio(self.link, eta, y)
        z = expm1(t)
        return jnp.where(inside, -0.5 * z * (z / jnp.asarray(y, eta.dtype)), -jnp.inf)

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\phi\mu^3$."""
        return jnp.asarray(self.dispersion, eta.dtype) * self.mean(eta) ** 3

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        r"""$\Phi(a) + e^{2/(\phi\mu)}\Phi(b)$ and $\Phi(-a) - e^{2/(\phi\mu)}\Phi(b)$.

        With $a = (y/\mu - 1)/\sqrt{\phi y}$ and $b = -(y/\mu + 1)/\sqrt{\phi y}$ (Shuster 1968).
        """
        phi, y = jnp.asarray(self.dispersion, eta.dtype), jnp.asarray(y, eta.dtype)
        mu = self.mean(eta)
        root = jnp.sqrt(phi * y)
        near, far = (y / mu - 1.0) / root, -(y / mu + 1.0) / root
        mirrored = 2.0 / (phi * mu) + log_ndtr(far)
        above = log_ndtr(-near)
        below = jnp.logaddexp(log_ndtr(near), mirrored)
        return below, above + jnp.log(-jnp.expm1(mirrored - above))

    def sample(self, eta: Eta, *, key: Key) -> Response:
        """One of the two roots of a chi2 transform (Michael, Schucany and Haas 1976)."""
        first, second = jax.random.split(key)
        mu, phi = self.mean(eta), jnp.asarray(self.dispersion, eta.dtype)
        a = mu * phi * jax.random.normal(first, eta.shape, eta.dtype) ** 2
        # The smaller root over mu is 1 + a/2 - sqrt(a + a^2/4), here without the cancellation.
        small = 1.0 / (1.0 + 0.5 * a + jnp.sqrt(a + 0.25 * a * a))
        uniform = jax.random.uniform(second, eta.shape, eta.dtype)
        return mu * jnp.where(uniform * (1.0 + small) <= 1.0, small, 1.0 / small)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$(\partial\log\mu/\partial\eta)^2/\mu$, at unit dispersion."""
        del y
        value, slope = jax.jvp(self.link.log_inverse, (eta,), (jnp.ones_like(eta),))
        return jnp.where(value > -jnp.inf, slope**2 * jnp.exp(-value), jnp.nan)

    def saturated(self, y: Response) -> Scalar:
        r"""The log-density at $\mu = y$."""
        y = jnp.asarray(y)
        return _constant(jnp.asarray(self.dispersion, y.dtype), y)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        """The link of the weighted mean."""
        return link_of_mean(self.link, y, weights)

    def with_dispersion(self, dispersion: Scalar) -> "InverseGaussian":
        return InverseGaussian(link=self.link, dispersion=dispersion)

    def check_response(self, y, name: str) -> None:
        check_positive(y, name)


def _constant(phi: Scalar, y: Scalar) -> Scalar:
    return -0.5 * jnp.log(phi) - 1.5 * jnp.log(y) - LOG_SQRT_2PI
