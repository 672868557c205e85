"""The logit link."""

from typing import ClassVar

import jax.numpy as jnp

from asymptotix.core.special import log_sigmoid, sigmoid
from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class LogitLink(AbstractLink):
    r"""$\eta = \log\{\mu/(1 - \mu)\}$: the log-odds, canonical for binary responses."""

    name: ClassVar[str] = "logit"
    symmetric: ClassVar[bool] = True

    def link(self, mu: Scalar) -> Scalar:
        return jnp.log(mu) - jnp.log1p(-mu)

    def inverse(self, eta: Scalar) -> Scalar:
        return sigmoid(eta)

    def log_inverse(self, eta: Scalar) -> Scalar:
        return log_sigmoid(eta)

    def log_complement(self, eta: Scalar) -> Scalar:
        return log_sigmoid(-eta)
