"""The Gaussian family: a response on the real line with constant variance."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import as_number, constant
from asymptotix.core.special import LOG_SQRT_2PI, log_ndtr
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion, refuse_constant, refuse_responses
from asymptotix.links.base import AbstractLink
from asymptotix.links.identity import IdentityLink

LARGEST = 1e150
"""Size of a response beyond which, and below whose inverse, squares leave float64."""


class Gaussian(AbstractFamily):
    r"""$y \sim N(\mu, \phi)$ with $\mu = g^{-1}(\eta)$.

    Arguments:
        link: identity (default) or log.
        dispersion: the variance $\phi$, a constant: the mean is estimated without it, and
            covariances scale with an estimate from the residuals.
    """

    link: AbstractLink = IdentityLink()
    dispersion: Float[Array, ""] = constant(converter=as_number, default=1.0)

    name: ClassVar[str] = "gaussian"
    dispersion_rule: ClassVar[Dispersion] = "moment"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$-(y - \mu)^2/(2\phi) - \tfrac12\log(2\pi\phi)$."""
        phi = jnp.asarray(self.dispersion, eta.dtype)
        return self.kernel(eta, y) / phi - 0.5 * jnp.log(phi) - LOG_SQRT_2PI

    @property
    def is_least_squares(self) -> bool:
        return isinstance(self.link, IdentityLink)

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        r"""$-(y - \mu)^2/2$: minus half the unit deviance."""
        return -0.5 * (jnp.asarray(y, eta.dtype) - self.mean(eta)) ** 2

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\phi$."""
        return jnp.full_like(eta, jnp.asarray(self.dispersion, eta.dtype))

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        z = (jnp.asarray(y, eta.dtype) - self.mean(eta)) / jnp.sqrt(self.variance(eta))
        return log_ndtr(z), log_ndtr(-z)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        scale = jnp.sqrt(self.variance(eta))
        return self.mean(eta) + scale * jax.random.normal(key, eta.shape, eta.dtype)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$\mu'^2$, at unit dispersion."""
        del y
        _, slope = jax.jvp(self.mean, (eta,), (jnp.ones_like(eta),))
        return slope**2

    def saturated(self, y: Response) -> Scalar:
        r"""$-\tfrac12\log(2\pi\phi)$."""
        phi = jnp.asarray(self.dispersion, y.dtype)
        return jnp.full_like(y, -0.5 * jnp.log(phi) - LOG_SQRT_2PI)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        """The link of the weighted mean, or of the mean of |y| where that link does not exist."""
        total = jnp.sum(weights)
        eta = self.link.link(jnp.sum(weights * y) / total)
        fallback = self.link.link((jnp.sum(weights * jnp.abs(y)) + 0.5) / total)
        return jnp.where(jnp.isfinite(eta), eta, fallback)

    def with_dispersion(self, dispersion: Scalar) -> "Gaussian":
        return Gaussian(link=self.link, dispersion=dispersion)

    def check_response(self, y, name: str) -> None:
        check_real(y, name)


def check_real(y, name: str) -> None:
    """Raise `InputError` unless a response is finite, has squares, and is not always the same."""
    y = np.asarray(y)
    refuse_responses(~np.isfinite(y), y, name, "are not finite", "Correct or drop these rows.")
    size = float(np.abs(y).max(initial=0.0))
    if not (size == 0 or 1 / LARGEST < size < LARGEST):
        raise InputError(
            f"The response '{name}' is of size {size:.1e}, whose square float64 does not hold; "
            "rescale it.",
            code="response_support",
            column=name,
        )
    refuse_constant(np.all(y == y.flat[0]) and y.size > 1, name, f"{y.flat[0]:g}")
