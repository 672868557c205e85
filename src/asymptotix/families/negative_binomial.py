"""The negative binomial family: counts that vary more than Poisson's."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from asymptotix.core.beta import betainc
from asymptotix.core.gamma import log1p_excess, log_rising
from asymptotix.core.parameters import Frozen, as_number, parameter, thawed
from asymptotix.core.special import log_sigmoid, sigmoid
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion
from asymptotix.families.poisson import check_counts, draw_poisson
from asymptotix.families.recession import Cones, endless_side, half_lines
from asymptotix.links.base import AbstractLink
from asymptotix.links.log import LogLink

SMALLEST_START = 0.05
"""From here Newton's method finds a smaller `alpha` in a few steps, and a larger one too."""
SMALLEST = 1e-10
"""Bound of an `alpha` that is estimated."""
SMALL = 0.5
"""Of alpha * mu, below which cancellation would show."""


class NegativeBinomial(AbstractFamily):
    r"""$y \in \{0, 1, 2, \dots\}$ with mean $\mu = g^{-1}(\eta)$ and variance $\mu + \alpha\mu^2$.

    A Poisson count whose mean is itself gamma distributed with squared coefficient of variation
    $\alpha$: the form called NB2 (Cameron and Trivedi 1986). R's `MASS::glm.nb` writes
    $\theta = 1/\alpha$. `alpha` is estimated with the coefficients and stands below them in
    tables; as it goes to 0 the family becomes Poisson. Counts that vary less than Poisson's have
    their maximum at that edge, where the fit ends as `boundary`.

    Arguments:
        link: log (default), sqrt or identity.
        alpha: not read where it is estimated, unless the model's coefficients are a starting
            point too; `asx.freeze(0.5)` holds it fixed.
    """

    link: AbstractLink = LogLink()
    alpha: Any = parameter(converter=as_number, default=1.0)

    name: ClassVar[str] = "negative binomial"
    dispersion_rule: ClassVar[Dispersion] = "estimated"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$\log\binom{y + r - 1}{y} + r\log\frac{r}{r + \mu} + y\log\frac{\mu}{r + \mu}$.

        With $r = 1/\alpha$.
        """
        return self.kernel(eta, y) - gammaln(jnp.asarray(y, eta.dtype) + 1.0)

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        r"""$\sum_{j<y}\log(1 + \alpha j) + y\log\mu - (y + \alpha^{-1})\log(1 + \alpha\mu)$.

        $-\infty$ for $\alpha \le 0$ and for a negative mean, so that no step ends there.
        """
        y, given = jnp.asarray(y, eta.dtype), jnp.asarray(thawed(self.alpha), eta.dtype)
        alpha, mu = jnp.where(given > 0, given, 1.0), self.mean(eta)
        inside, small = (mu >= 0) & (given > 0), alpha * mu < SMALL
        middle = self.link.link(jnp.ones((), eta.dtype))
        # At mean 0 only y = 0 is possible, whatever the slope of log(mu).
        log_mu = self.link.log_inverse(jnp.where(inside & ((y > 0) | (mu > 0)), eta, middle))
        mu = self.mean(jnp.where(inside & small, eta, middle))  # which may overflow elsewhere
        log_total, exposure = _totals(small, alpha, mu, log_mu)
        value = log_rising(y, alpha) + y * (log_mu - log_total) - exposure
        return jnp.where(inside, value, -jnp.inf)

    def lower_bounds(self) -> "NegativeBinomial | None":
        """`alpha` no smaller than a number at which the family is Poisson to ten digits."""
        if isinstance(self.alpha, Frozen):
            return None
        return NegativeBinomial(self.link, np.asarray(SMALLEST))

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\mu + \alpha\mu^2$."""
        mu = self.mean(eta)
        return mu + jnp.asarray(thawed(self.alpha), eta.dtype) * mu**2

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        r"""By incomplete beta functions: $P(Y < y) = I_{1/(1 + \alpha\mu)}(1/\alpha, y)$."""
        y, mu = jnp.asarray(y, eta.dtype), self.mean(eta)
        alpha = jnp.asarray(thawed(self.alpha), eta.dtype)
        share = 1.0 / (1.0 + alpha * mu)
        below = betainc(1.0 / alpha, jnp.where(y > 0, y, 1.0), share)
        above = betainc(y + 1.0, 1.0 / alpha, alpha * mu * share)
        return jnp.where(y > 0, jnp.log(below), -jnp.inf), jnp.log(above)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        """A Poisson draw with a gamma mean."""
        first, second = jax.random.split(key)
        alpha = jnp.asarray(thawed(self.alpha), eta.dtype)
        gamma = jax.random.gamma(first, 1.0 / alpha, eta.shape, eta.dtype)
        return draw_poisson(second, self.mean(eta) * alpha * gamma)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$\mu'^2/(\mu + \alpha\mu^2)$."""
        del y
        alpha = jnp.asarray(thawed(self.alpha), eta.dtype)
        log_mu, slope = jax.jvp(self.link.log_inverse, (eta,), (jnp.ones_like(eta),))
        mu = self.mean(eta)
        large = alpha * mu > 1
        share = sigmoid(jnp.log(alpha) + log_mu) / alpha
        weight = jnp.where(large, share, mu / (1.0 + alpha * jnp.where(large, 0.0, mu)))
        return jnp.where(mu >= 0, weight * slope**2, jnp.nan)

    def saturated(self, y: Response) -> Scalar:
        r"""The log-probability at $\mu = y$."""
        y = jnp.asarray(y)
        alpha = jnp.asarray(thawed(self.alpha), y.dtype)
        some = jnp.where(y > 0, y, 1.0)
        log_total, exposure = _totals(alpha * some < SMALL, alpha, some, jnp.log(some))
        value = log_rising(some, alpha) + some * (jnp.log(some) - log_total) - exposure
        return jnp.where(y > 0, value - gammaln(some + 1.0), 0.0)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        """The link of the mean count; half an event more keeps a sample of zeros off 0."""
        return self.link.link((jnp.sum(weights * y) + 0.5) / jnp.sum(weights))

    def initial(self, y: Response, weights: Float[Array, "n"]) -> "NegativeBinomial":
        r"""`alpha` by moments, $(s^2 - \bar y)/\bar y^2$, kept off 0."""
        if isinstance(self.alpha, Frozen):
            return self
        total = jnp.sum(weights)
        mean = jnp.sum(weights * y) / total
        variance = jnp.sum(weights * (y - mean) ** 2) / total
        found = (variance - mean) / jnp.where(mean > 0, mean, 1.0) ** 2
        start = jnp.where(mean > 0, jnp.maximum(found, SMALLEST_START), 1.0)
        return eqx.tree_at(lambda f: f.alpha, self, start.astype(weights.dtype))

    def recession(self, y) -> Cones:
        return half_lines(np.where(np.asarray(y) == 0, endless_side(self.link, 0), 0))

    def check_response(self, y, name: str) -> None:
        check_counts(y, name)


def _totals(small, alpha: Scalar, mu: Scalar, log_mu: Scalar) -> tuple[Scalar, Scalar]:
    r"""$\log(1 + \alpha\mu)$ and the same over $\alpha$, which is $\mu$ for $\alpha \to 0$.

    By $\mu$ where $\alpha\mu$ is small, elsewhere by $\log\mu$.
    """
    ratio = mu * (1.0 + log1p_excess(alpha * mu))
    log_total = -log_sigmoid(-(jnp.log(alpha) + log_mu))
    return jnp.where(small, alpha * ratio, log_total), jnp.where(small, ratio, log_total / alpha)
