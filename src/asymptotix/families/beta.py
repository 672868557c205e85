"""The beta family: shares strictly between 0 and 1."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from asymptotix.core.beta import betainc
from asymptotix.core.parameters import Frozen, as_number, parameter, thawed
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion, refuse_constant, refuse_responses
from asymptotix.families.bernoulli import complement, interior_eta
from asymptotix.links.base import AbstractLink
from asymptotix.links.logit import LogitLink


class Beta(AbstractFamily):
    r"""$y \in (0, 1)$, beta distributed with mean $\mu = g^{-1}(\eta)$ and precision $\phi$.

    The shapes are $\mu\phi$ and $(1 - \mu)\phi$, the variance $\mu(1 - \mu)/(1 + \phi)$ (Ferrari
    and Cribari-Neto 2004). `phi` is estimated with the coefficients and stands below them in
    tables.

    Arguments:
        link: logit (default), probit, cauchit, cloglog or loglog.
        phi: not read where it is estimated, unless the model's coefficients are a starting
            point too; `asx.freeze(20.0)` holds it fixed.
    """

    link: AbstractLink = LogitLink()
    phi: Any = parameter(converter=as_number, default=1.0)

    name: ClassVar[str] = "beta"
    dispersion_rule: ClassVar[Dispersion] = "estimated"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""The log-density; $-\infty$ for $\phi \le 0$, so that no step ends there.

        $\log\Gamma(\phi) - \log\Gamma(a) - \log\Gamma(b) + (a - 1)\log y + (b - 1)\log(1 - y)$
        with $a = \mu\phi$ and $b = (1 - \mu)\phi$.
        """
        y, given = jnp.asarray(y, eta.dtype), jnp.asarray(thawed(self.phi), eta.dtype)
        phi = jnp.where(given > 0, given, 1.0)
        left = _half(phi, self.link.log_inverse(eta), jnp.log(y))
        right = _half(phi, self.link.log_complement(eta), jnp.log1p(-y))
        return jnp.where(given > 0, gammaln(phi) + left + right, -jnp.inf)

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\mu(1 - \mu)/(1 + \phi)$."""
        phi = jnp.asarray(thawed(self.phi), eta.dtype)
        return self.link.inverse(eta) * complement(self.link, eta) / (1.0 + phi)

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        phi, y = jnp.asarray(thawed(self.phi), eta.dtype), jnp.asarray(y, eta.dtype)
        a, b = phi * self.link.inverse(eta), phi * complement(self.link, eta)
        return jnp.log(betainc(a, b, y)), jnp.log(betainc(b, a, 1.0 - y))

    def sample(self, eta: Eta, *, key: Key) -> Response:
        """By logarithms of two gammas, whose ratio keeps a draw near an end off it."""
        first, second = jax.random.split(key)
        phi = jnp.asarray(thawed(self.phi), eta.dtype)
        shapes = phi * self.link.inverse(eta), phi * complement(self.link, eta)
        a = jax.random.loggamma(first, shapes[0], eta.shape, eta.dtype)
        b = jax.random.loggamma(second, shapes[1], eta.shape, eta.dtype)
        return jax.nn.sigmoid(a - b)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        return interior_eta(self.link, jnp.sum(weights * y), jnp.sum(weights))

    def initial(self, y: Response, weights: Float[Array, "n"]) -> "Beta":
        r"""`phi` by moments, $\bar y(1 - \bar y)/s^2 - 1$."""
        if isinstance(self.phi, Frozen):
            return self
        total = jnp.sum(weights)
        mean = jnp.sum(jnp.where(weights > 0, weights * y, 0.0)) / total
        variance = jnp.sum(jnp.where(weights > 0, weights * (y - mean) ** 2, 0.0)) / total
        found = mean * (1 - mean) / jnp.where(variance > 0, variance, 1.0) - 1.0
        start = jnp.maximum(found, 0.1).astype(weights.dtype)
        return eqx.tree_at(lambda f: f.phi, self, start)

    def check_response(self, y, name: str) -> None:
        y = np.asarray(y)
        refuse_responses(
            ~((y > 0) & (y < 1)),
            y,
            name,
            "are not strictly between 0 and 1",
            "Where shares are counts of successes among trials, use asx.Binomial().",
        )
        refuse_constant(np.all(y == y.flat[0]) and y.size > 1, name, f"{y.flat[0]:g}")


def _half(phi: Scalar, log_share: Scalar, log_y: Scalar) -> Scalar:
    r"""$(a - 1)\log y - \log\Gamma(a)$ with $a = \phi e^{s}$, finite as $a$ underflows."""
    a = phi * jnp.exp(log_share)
    return (a - 1.0) * log_y - gammaln(a + 1.0) + jnp.log(phi) + log_share
