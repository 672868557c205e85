"""The log-log link."""

from typing import ClassVar

import jax.numpy as jnp

from asymptotix.core.special import log_cloglog, loglog_cdf
from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class LoglogLink(AbstractLink):
    r"""$\mu = \exp(-e^{-\eta})$: the complementary log-log with the outcomes exchanged."""

    name: ClassVar[str] = "loglog"
    symmetric: ClassVar[bool] = False

    def link(self, mu: Scalar) -> Scalar:
        return -jnp.log(-jnp.log(mu))

    def inverse(self, eta: Scalar) -> Scalar:
        return loglog_cdf(eta)

    def log_inverse(self, eta: Scalar) -> Scalar:
        return -jnp.exp(-eta)

    def log_complement(self, eta: Scalar) -> Scalar:
        return log_cloglog(-eta)
