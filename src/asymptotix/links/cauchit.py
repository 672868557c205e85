"""The cauchit link."""

from typing import ClassVar

import jax.numpy as jnp

from asymptotix.core.special import cauchy_cdf, log_cauchy_cdf
from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class CauchitLink(AbstractLink):
    r"""$\mu = 1/2 + \arctan(\eta)/\pi$: heavy tails, tolerant of surprising outcomes."""

    name: ClassVar[str] = "cauchit"
    symmetric: ClassVar[bool] = True

    def link(self, mu: Scalar) -> Scalar:
        # tan{pi (mu - 1/2)} would round mu away in the left tail.
        return -1.0 / jnp.tan(jnp.pi * mu)

    def inverse(self, eta: Scalar) -> Scalar:
        return cauchy_cdf(eta)

    def log_inverse(self, eta: Scalar) -> Scalar:
        return log_cauchy_cdf(eta)

    def log_complement(self, eta: Scalar) -> Scalar:
        return log_cauchy_cdf(-eta)
