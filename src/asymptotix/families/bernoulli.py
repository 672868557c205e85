"""The Bernoulli family: a response of 0 or 1."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.totals import total
from asymptotix.core.typing import Array, Bool, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion, refuse_constant, refuse_responses
from asymptotix.families.fractional import Fractional
from asymptotix.families.recession import Cones, endless_side, half_lines
from asymptotix.links.base import AbstractLink
from asymptotix.links.logit import LogitLink


class Bernoulli(AbstractFamily):
    r"""$y \in \{0, 1\}$ with $P(y = 1) = \mu = g^{-1}(\eta)$.

    Arguments:
        link: logit (default), probit, cauchit, cloglog, loglog, log or identity. Where the link
            leaves $[0, 1]$ (log, identity) the log-probability is $-\infty$ for both outcomes.
    """

    link: AbstractLink = LogitLink()

    name: ClassVar[str] = "bernoulli"
    dispersion_rule: ClassVar[Dispersion] = "fixed"
    response_kind: ClassVar = "binary"
    is_exponential: ClassVar[bool] = True

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$\log\mu$ for $y = 1$, $\log(1 - \mu)$ for $y = 0$."""
        success = y > 0.5
        if self.link.symmetric:
            # One transcendental instead of two: this is the hot loop of every binary model.
            return self.link.log_inverse(jnp.where(success, eta, -eta))
        log_mu, log_rest = log_outcomes(self.link, eta, success, ~success)
        return log_mu + log_rest

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\mu(1 - \mu)$."""
        return self.link.inverse(eta) * complement(self.link, eta)

    def pearson(self, eta: Eta, y: Response) -> Scalar:
        r"""$(1 - p)/p$ with $p$ the probability of what happened."""
        if not self.link.symmetric:
            return super().pearson(eta, y)
        signed = jnp.where(y > 0.5, eta, -eta)  # as the log-probability has it, to share its work
        seen, other = self.link.inverse(signed), self.link.inverse(-signed)
        impossible = seen == 0
        return jnp.where(impossible, 1.0, other / jnp.where(impossible, 1.0, seen))

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        success = y > 0.5
        below, above = self.log_prob(eta, jnp.zeros_like(eta)), self.log_prob(eta, eta * 0 + 1)
        return jnp.where(success, below, -jnp.inf), jnp.where(success, -jnp.inf, above)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        uniform = jax.random.uniform(key, eta.shape, eta.dtype)
        return (uniform < self.mean(eta)).astype(eta.dtype)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$\mu(\log\mu)'^2 + (1 - \mu)\{\log(1 - \mu)\}'^2$."""
        del y
        return information_per_trial(self.link, eta)

    def saturated(self, y: Response) -> Scalar:
        return jnp.zeros_like(y)

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        return interior_eta(self.link, total(weights * y), total(weights))

    def recession(self, y) -> Cones:
        y = np.asarray(y)
        return half_lines(np.where(y == 1, endless_side(self.link, 1), endless_side(self.link, 0)))

    def smooth_in_response(self) -> AbstractFamily:
        return Fractional(self)

    def check_response(self, y, name: str) -> None:
        y = np.asarray(y)
        successes, failures = np.count_nonzero(y == 1), np.count_nonzero(y == 0)
        if successes and failures and successes + failures == y.size:
            return
        refuse_responses(
            ~((y == 0) | (y == 1)),
            y,
            name,
            "are not 0 or 1",
            "Code the response 0/1, or use asx.Binomial() for counts of successes.",
        )
        refuse_constant(np.all(y == y.flat[0]), name, f"{y.flat[0]:g}")


def log_outcomes(
    link: AbstractLink, eta: Scalar, success: Bool[Array, ""], failure: Bool[Array, ""]
) -> tuple[Scalar, Scalar]:
    r"""$\log\mu$ and $\log(1 - \mu)$, each where it is wanted and 0 elsewhere.

    $-\infty$ where $\mu \notin [0, 1]$. What is not wanted is evaluated at an interior point, so
    that its infinite slope cannot turn a gradient into $0 \cdot \infty$.
    """
    inside = is_probability(link, eta)

    def guarded(log_p, wanted):
        use = wanted & inside
        value = log_p(jnp.where(use, eta, _middle(link, eta)))
        return jnp.where(use, value, jnp.where(wanted, -jnp.inf, 0.0))

    return guarded(link.log_inverse, success), guarded(link.log_complement, failure)


def is_probability(link: AbstractLink, eta: Scalar) -> Bool[Array, ""]:
    r"""Whether $0 \le g^{-1}(\eta) \le 1$; false where the inverse is NaN."""
    mu = link.inverse(eta)
    return (mu >= 0) & (mu <= 1)


def _middle(link: AbstractLink, eta: Scalar) -> Scalar:
    return link.link(jnp.asarray(0.5, eta.dtype))


def complement(link: AbstractLink, eta: Scalar) -> Scalar:
    r"""$1 - \mu$ without subtraction."""
    if link.symmetric:
        return link.inverse(-eta)
    return jnp.exp(link.log_complement(eta))


def information_per_trial(link: AbstractLink, eta: Scalar) -> Scalar:
    r"""$\sum_{\text{outcomes}} p\,(\partial\log p/\partial\eta)^2$; NaN outside the domain.

    Dividing $\mu'^2$ by $\mu(1 - \mu)$ would be 0/0 in the tails.
    """
    inside = is_probability(link, eta)

    def term(log_p):
        # An outcome of probability 0 informs about nothing, whatever its slope.
        alive = inside & (jnp.exp(log_p(eta)) > 0)
        safe = jnp.where(alive, eta, _middle(link, eta))
        value, slope = jax.jvp(log_p, (safe,), (jnp.ones_like(safe),))
        return jnp.where(alive, jnp.exp(value) * slope**2, 0.0)

    total = term(link.log_inverse) + term(link.log_complement)
    return jnp.where(inside, total, jnp.nan)


def interior_eta(link: AbstractLink, successes: Scalar, trials: Scalar) -> Scalar:
    """The link of a share pulled off 0 and 1 by half a trial on either side."""
    return link.link((successes + 0.5) / (trials + 1.0))
