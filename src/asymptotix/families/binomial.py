"""The binomial family: successes among trials."""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import xlogy

from asymptotix.core.beta import betainc
from asymptotix.core.special import LOG_SQRT_2PI, stirling_error, y_log_ratio
from asymptotix.core.typing import Array, Eta, Float, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion, refuse_constant, refuse_responses
from asymptotix.families.bernoulli import (
    complement,
    information_per_trial,
    interior_eta,
    log_outcomes,
)
from asymptotix.families.recession import Cones, endless_side, half_lines
from asymptotix.links.base import AbstractLink
from asymptotix.links.logit import LogitLink


class Counts(NamedTuple):
    """The response of a grouped binomial; any pair in this order will do."""

    successes: Scalar
    trials: Scalar


class Binomial(AbstractFamily):
    r"""$s \sim \mathrm{Binomial}(m, \mu)$ with $\mu = g^{-1}(\eta)$; `y = (s, m)`.

    `mean` is the probability $\mu$ and `variance` is $\mu(1 - \mu)$, both of one trial;
    `response_mean` is the share $s/m$ and `response_variance` its variance.

    Arguments:
        link: as for `Bernoulli`.
    """

    link: AbstractLink = LogitLink()

    name: ClassVar[str] = "binomial"
    dispersion_rule: ClassVar[Dispersion] = "fixed"
    response_kind: ClassVar = "grouped"
    is_exponential: ClassVar[bool] = True

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$\log\binom{m}{s} + s\log\mu + (m - s)\log(1 - \mu)$."""
        return self.kernel(eta, y) + _log_choose(*_as_floats(y, eta))

    def kernel(self, eta: Eta, y: Response) -> Scalar:
        r"""$s\log\mu + (m - s)\log(1 - \mu)$."""
        successes, trials = _as_floats(y, eta)
        failures = trials - successes
        if self.link.symmetric:
            log_mu, log_rest = self.link.log_inverse(eta), self.link.log_inverse(-eta)
        else:
            log_mu, log_rest = log_outcomes(self.link, eta, successes > 0, failures > 0)
        return successes * log_mu + failures * log_rest

    def mean(self, eta: Eta) -> Scalar:
        return self.link.inverse(eta)

    def variance(self, eta: Eta) -> Scalar:
        r"""$\mu(1 - \mu)$, of one trial."""
        return self.link.inverse(eta) * complement(self.link, eta)

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        r"""By incomplete beta functions: $P(S < s) = I_{1-\mu}(m - s + 1, s)$."""
        s, m = _as_floats(y, eta)
        mu, rest = self.mean(eta), complement(self.link, eta)
        below = betainc(m - s + 1, jnp.where(s > 0, s, 1.0), rest)
        above = betainc(s + 1, jnp.where(s < m, m - s, 1.0), mu)
        zero = -jnp.inf
        return jnp.where(s > 0, jnp.log(below), zero), jnp.where(s < m, jnp.log(above), zero)

    def sample(self, eta: Eta, *, key: Key, trials: Scalar | int = 1) -> Response:
        r"""Successes among `trials`, with the trials.

        Where failure is the rarer outcome, it is drawn instead, with its own probability: at
        $\eta = 40$ the difference $1 - \mu$ is 0 in double precision.
        """
        trials = jnp.asarray(trials, eta.dtype)
        mu, rest = self.mean(eta), complement(self.link, eta)
        rare = jnp.where(mu > rest, rest, mu)  # a NaN stays one
        draw = jax.random.binomial(key, trials, rare, eta.shape, eta.dtype)
        return Counts(jnp.where(mu > rest, trials - draw, draw), trials)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        _, trials = _as_floats(y, eta)
        return trials * information_per_trial(self.link, eta)

    def saturated(self, y: Response) -> Scalar:
        r"""The log-probability at $\mu = s/m$."""
        successes, trials = y
        failures = trials - successes
        return (
            _log_choose(successes, trials)
            + y_log_ratio(successes, trials)
            + y_log_ratio(failures, trials)
        )

    def initial_eta(self, y: Response, weights: Float[Array, "n"]) -> Eta:
        successes, trials = y
        return interior_eta(self.link, jnp.sum(weights * successes), jnp.sum(weights * trials))

    def response_mean(self, y: Response) -> Scalar:
        successes, trials = y
        return successes / trials

    def response_variance(self, eta: Eta, y: Response) -> Scalar:
        r"""$\mu(1 - \mu)/m$."""
        _, trials = _as_floats(y, eta)
        return self.variance(eta) / trials

    def recession(self, y) -> Cones:
        successes, trials = (np.asarray(part) for part in y)
        none, all_ = endless_side(self.link, 0), endless_side(self.link, 1)
        return half_lines(np.where(successes == 0, none, np.where(successes == trials, all_, 0)))

    def check_response(self, y, name: str) -> None:
        successes, trials = (np.asarray(part) for part in y)
        refuse_responses(
            ~((trials > 0) & (trials == np.round(trials))),
            trials,
            name,
            "come with trials that are not whole numbers from 1",
            "Leave out rows without trials; a share needs its trials as whole numbers.",
        )
        refuse_responses(
            ~((successes >= 0) & (successes == np.round(successes))),
            successes,
            name,
            "are not counts of successes (whole numbers from 0)",
            "Where the response is a share, say so: response='proportion'.",
        )
        refuse_responses(
            successes > trials,
            successes,
            name,
            "have more successes than trials",
            "Check which column holds the trials.",
        )
        refuse_constant(not successes.any(), name, "0 successes")
        refuse_constant(np.array_equal(successes, trials), name, "all of its trials")


def _as_floats(y: Response, eta: Eta) -> tuple[Scalar, Scalar]:
    successes, trials = y
    return jnp.asarray(successes, eta.dtype), jnp.asarray(trials, eta.dtype)


def _log_choose(successes: Scalar, trials: Scalar) -> Scalar:
    r"""$\log\binom{m}{s}$ through errors of Stirling's formula (Loader 2000).

    A difference of log-gammas loses digits for large counts; JAX's `betaln` has errors of 1e-6.
    """
    failures = trials - successes
    inside = (successes > 0) & (failures > 0)
    s, f, m = (jnp.where(inside, v, w) for v, w in ((successes, 1), (failures, 1), (trials, 2)))
    errors = stirling_error(m) - stirling_error(s) - stirling_error(f)
    entropy = -xlogy(s, s / m) - xlogy(f, f / m)
    return jnp.where(inside, errors + entropy + 0.5 * jnp.log(m / s / f) - LOG_SQRT_2PI, 0.0)
