"""The complementary log-log link."""

from typing import ClassVar

import jax.numpy as jnp

from asymptotix.core.special import cloglog_cdf, log_cloglog
from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class CloglogLink(AbstractLink):
    r"""$\mu = 1 - \exp(-e^\eta)$: an event in an interval under proportional hazards."""

    name: ClassVar[str] = "cloglog"
    symmetric: ClassVar[bool] = False

    def link(self, mu: Scalar) -> Scalar:
        return jnp.log(-jnp.log1p(-mu))

    def inverse(self, eta: Scalar) -> Scalar:
        return cloglog_cdf(eta)

    def log_inverse(self, eta: Scalar) -> Scalar:
        return log_cloglog(eta)

    def log_complement(self, eta: Scalar) -> Scalar:
        return -jnp.exp(eta)
