"""The Poisson family: counts of events."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammainc, gammaincc, gammaln

from asymptotix.core.special import y_log_ratio
from asymptotix.core.totals import total
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion, refuse_constant, refuse_responses
from asymptotix.families.recession import Cones, endless_side, half_lines
from asymptotix.links.base import AbstractLink
from asymptotix.links.log import LogLink


class Poisson(AbstractFamily):
    r"""$y \in \{0, 1, 2, \dots\}$ with mean and variance $\mu = g^{-1}(\eta)$.

    Arguments:
        link: log (default), sqrt or identity. Where the mean would be negative the
            log-probability is $-\infty$.
    """

    link: AbstractLink = LogLink()

    name: ClassVar[str] = "poisson"
    dispersion_rule: ClassVar[Dispersion] = "fixed"
    is_exponential: ClassVar[bool] = True

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$y\log\mu - \mu - \log y!$."""
        return self.kernel(eta, y) - gammaln(jnp.asarray(y, eta.dtype) + 1.0)

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        r"""$y\log\mu - \mu$; $-\mu$ for $y = 0$, down to $\mu = 0$."""
        y = jnp.asarray(y, eta.dtype)
        inside = self.mean(eta) >= 0
        middle = self.link.link(jnp.ones((), eta.dtype))
        mu = self.mean(jnp.where(inside, eta, middle))
        # At mean 0 only y = 0 is possible; elsewhere y * log(mu) keeps its derivative in y.
        log_mu = self.link.log_inverse(jnp.where(inside & ((y > 0) | (mu > 0)), eta, middle))
        return jnp.where(inside, y * log_mu - mu, -jnp.inf)

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        r"""By incomplete gamma functions: $P(Y < y) = Q(y, \mu)$."""
        y, mu = jnp.asarray(y, eta.dtype), self.mean(eta)
        below = gammaincc(jnp.where(y > 0, y, 1.0), mu)
        return jnp.where(y > 0, jnp.log(below), -jnp.inf), jnp.log(gammainc(y + 1.0, mu))

    def sample(self, eta: Eta, *, key: Key) -> Response:
        return draw_poisson(key, self.mean(eta))

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$\mu\,(\partial\log\mu/\partial\eta)^2 = \mu'^2/\mu$."""
        del y
        _, slope = jax.jvp(self.link.log_inverse, (eta,), (jnp.ones_like(eta),))
        mu = self.mean(eta)
        return jnp.where(mu >= 0, mu * slope**2, jnp.nan)

    def saturated(self, y: Response) -> Scalar:
        r"""The log-probability at $\mu = y$."""
        return y_log_ratio(y, 1.0) - y - gammaln(y + 1.0)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        """The link of the mean count; half an event more keeps a sample of zeros off 0."""
        return self.link.link((total(weights * y) + 0.5) / total(weights))

    def recession(self, y) -> Cones:
        return half_lines(np.where(np.asarray(y) == 0, endless_side(self.link, 0), 0))

    def check_response(self, y, name: str) -> None:
        check_counts(y, name)


def check_counts(y, name: str) -> None:
    """Raise `InputError` unless a response is whole numbers from 0, and not all of them 0."""
    y = np.asarray(y)
    refuse_responses(
        ~((y >= 0) & (y == np.round(y))),
        y,
        name,
        "are not counts (whole numbers from 0)",
        "Give counts, with the logarithm of the exposure as an offset.",
    )
    refuse_constant(not np.any(y), name, "0")


_LARGE_MEAN = 1e5


def draw_poisson(key: Key, mean: Scalar) -> Scalar:
    r"""A Poisson draw in the dtype of `mean`.

    JAX's sampler works in single precision: from a mean of 1e6 its variance is off by 3 %. Above
    1e5, therefore, the waiting time $X$ for the first $m = \mu - 8\sqrt\mu$ events of a unit
    Poisson process is drawn in full precision, and only the events of the remaining $\mu - X$
    are left to JAX (Ahrens and Dieter 1974; $X > \mu$ has a probability near 1e-15).
    """
    first, second = jax.random.split(key)
    large = mean > _LARGE_MEAN
    early = jnp.where(large, jnp.floor(mean - 8.0 * jnp.sqrt(jnp.maximum(mean, 0.0))), 1.0)
    waited = jax.random.gamma(first, early, early.shape, early.dtype)
    remaining = jnp.where(large, jnp.maximum(mean - waited, 0.0), mean)
    integer = jnp.int64 if mean.dtype == jnp.float64 else jnp.int32
    late = jax.random.poisson(second, remaining, mean.shape, integer).astype(mean.dtype)
    draw = jnp.where(large, early, 0.0) + late
    return jnp.where(mean >= 0, draw, jnp.nan)
