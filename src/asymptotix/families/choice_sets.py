"""The multinomial family where rows choose among some of the levels only."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from asymptotix.core.typing import Array, Eta, Key, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion


class ChoiceSets(AbstractFamily):
    r"""$P(y = j) = e^{\eta_j} / \sum_{l \in C} e^{\eta_l}$ for a row's levels $C$; $\eta_0 = 0$.

    What is left of a multinomial model where separation takes levels away from some rows. A
    response is the pair of the level and, for each level, whether it can be chosen (1 or 0).
    """

    name: ClassVar[str] = "multinomial"
    dispersion_rule: ClassVar[Dispersion] = "fixed"

    def log_prob(self, eta: Eta, y: Any) -> Scalar:
        r"""$\eta_y - \log\sum_{l \in C} e^{\eta_l}$."""
        logits, chosen = _logits(eta, y)
        return jnp.sum(jnp.where(chosen, logits, 0.0)) - jax.nn.logsumexp(logits)

    def mean(self, eta: Eta) -> Array:
        """The probability of each level where all can be chosen."""
        return jax.nn.softmax(jnp.concatenate([jnp.zeros(1, eta.dtype), eta]))

    def variance(self, eta: Eta) -> Array:
        probability = self.mean(eta)
        return probability * (1 - probability)

    def sample(self, eta: Eta, *, key: Key) -> Array:
        return jax.random.categorical(key, jnp.log(self.mean(eta))).astype(eta.dtype)

    def expected_information(self, eta: Eta, y: Any) -> Array:
        r"""$\mathrm{diag}(p) - p p^\top$ within the choice set, without the first level."""
        probability = jax.nn.softmax(_logits(eta, y)[0])[1:]
        return jnp.diag(probability) - probability[:, None] * probability

    def saturated(self, y: Any) -> Scalar:
        """0: the level that was seen has probability 1."""
        return jnp.zeros_like(y[0])

    def pearson(self, eta: Eta, y: Any) -> Scalar:
        r"""$\sum_{j \in C} (1\{y = j\} - p_j)^2 / p_j$."""
        logits, chosen = _logits(eta, y)
        probability = jax.nn.softmax(logits)
        there = probability > 0
        square = (chosen - probability) ** 2 / jnp.where(there, probability, 1.0)
        return jnp.sum(jnp.where(there, square, 0.0))


def _logits(eta: Eta, y: Any):
    """The predictors of all levels, minus infinity for those out of reach, and which was seen."""
    level, allowed = y
    whole = jnp.concatenate([jnp.zeros(1, eta.dtype), eta])
    chosen = jnp.arange(whole.shape[0]) == level
    return jnp.where((allowed > 0) | chosen, whole, -jnp.inf), chosen
