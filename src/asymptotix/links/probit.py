"""The probit link."""

from typing import ClassVar

from jax.scipy.special import ndtri

from asymptotix.core.special import log_ndtr, ndtr
from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class ProbitLink(AbstractLink):
    r"""$\eta = \Phi^{-1}(\mu)$: a normal latent variable crossing 0."""

    name: ClassVar[str] = "probit"
    symmetric: ClassVar[bool] = True

    def link(self, mu: Scalar) -> Scalar:
        return ndtri(mu)

    def inverse(self, eta: Scalar) -> Scalar:
        return ndtr(eta)

    def log_inverse(self, eta: Scalar) -> Scalar:
        return log_ndtr(eta)

    def log_complement(self, eta: Scalar) -> Scalar:
        return log_ndtr(-eta)
