"""The Gaussian location-scale family: mean and standard deviation each with a predictor."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from asymptotix.core.special import LOG_SQRT_2PI, log_ndtr
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion
from asymptotix.families.gaussian import check_real


class LocationScale(AbstractFamily):
    r"""$y \sim N(\mu, \sigma^2)$ with $\eta = (\mu, \log\sigma)$.

    Fitted by `asx.glm({"mu": "y ~ x", "log_sigma": "~ z"}, data, family=asx.LocationScale())`
    (Harvey 1976, "Estimating regression models with multiplicative heteroscedasticity").
    """

    name: ClassVar[str] = "location-scale Gaussian"
    dispersion_rule: ClassVar[Dispersion] = "estimated"
    eta_names: ClassVar[tuple[str, ...]] = ("mu", "log_sigma")

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$-\tfrac12((y - \mu)/\sigma)^2 - \log\sigma - \tfrac12\log(2\pi)$."""
        z = (jnp.asarray(y, eta.dtype) - eta[0]) * jnp.exp(-eta[1])
        return -0.5 * z**2 - eta[1] - LOG_SQRT_2PI

    def mean(self, eta: Eta) -> Scalar:
        return eta[0]

    def variance(self, eta: Eta) -> Scalar:
        r"""$\sigma^2$."""
        return jnp.exp(2 * eta[1])

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        z = (jnp.asarray(y, eta.dtype) - eta[0]) * jnp.exp(-eta[1])
        return log_ndtr(z), log_ndtr(-z)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        return eta[0] + jnp.exp(eta[1]) * jax.random.normal(key, (), eta.dtype)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$\mathrm{diag}(\sigma^{-2},\, 2)$."""
        del y
        return jnp.diag(jnp.stack([jnp.exp(-2 * eta[1]), jnp.full_like(eta[1], 2.0)]))

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        """The mean and the logarithm of the standard deviation of all responses."""
        total = jnp.sum(weights)
        mean = jnp.sum(jnp.where(weights > 0, weights * y, 0.0)) / total
        square = jnp.sum(jnp.where(weights > 0, weights * (y - mean) ** 2, 0.0)) / total
        return jnp.stack([mean, 0.5 * jnp.log(square)])

    def check_response(self, y, name: str) -> None:
        check_real(y, name)
