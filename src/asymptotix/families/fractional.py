"""The Bernoulli likelihood between its two outcomes, for derivatives in the response."""

from typing import ClassVar

import jax.numpy as jnp

from asymptotix.core.typing import Array, Eta, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion


class Fractional(AbstractFamily):
    r"""$y\log\mu + (1 - y)\log(1 - \mu)$ for a real `y`: the same as Bernoulli at 0 and 1.

    `Bernoulli` itself picks one of the two logarithms, at half the cost, and so is flat in `y`.

    Arguments:
        bernoulli: the family that this one extends.
    """

    bernoulli: AbstractFamily

    name: ClassVar[str] = "bernoulli"
    dispersion_rule: ClassVar[Dispersion] = "fixed"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        one, zero = jnp.ones_like(eta), jnp.zeros_like(eta)
        at_one, at_zero = (self.bernoulli.log_prob(eta, v) for v in (one, zero))
        return y * at_one + (1 - y) * at_zero

    def mean(self, eta: Eta) -> Scalar:
        return self.bernoulli.mean(eta)

    def variance(self, eta: Eta) -> Scalar:
        return self.bernoulli.variance(eta)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        return self.bernoulli.sample(eta, key=key)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        return self.bernoulli.expected_information(eta, y)

    def saturated(self, y: Response) -> Scalar:
        return self.bernoulli.saturated(y)
