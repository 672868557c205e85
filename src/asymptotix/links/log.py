"""The log link."""

from typing import ClassVar

import jax.numpy as jnp

from asymptotix.core.special import log1mexp
from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class LogLink(AbstractLink):
    r"""$\eta = \log\mu$: effects multiply the mean (a rate, or a risk where $\mu \le 1$).

    `log_inverse` is $\eta$ everywhere, since a rate may exceed 1; a family of probabilities
    sees the bound in `log_complement`, which is $-\infty$ from $\eta = 0$ on.
    """

    name: ClassVar[str] = "log"
    symmetric: ClassVar[bool] = False

    def link(self, mu: Scalar) -> Scalar:
        return jnp.log(mu)

    def inverse(self, eta: Scalar) -> Scalar:
        return jnp.exp(eta)

    def log_inverse(self, eta: Scalar) -> Scalar:
        return eta

    def log_complement(self, eta: Scalar) -> Scalar:
        inside = eta < 0
        return jnp.where(inside, log1mexp(jnp.where(inside, eta, -1.0)), -jnp.inf)
