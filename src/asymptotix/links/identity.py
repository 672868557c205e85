"""The identity link."""

from typing import ClassVar

from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class IdentityLink(AbstractLink):
    r"""$\eta = \mu$: effects add to the mean.

    The logarithms of the base class are exact here: $-\infty$ for a mean not above 0
    (`log_inverse`) or not below 1 (`log_complement`).
    """

    name: ClassVar[str] = "identity"
    symmetric: ClassVar[bool] = False

    def link(self, mu: Scalar) -> Scalar:
        return mu

    def inverse(self, eta: Scalar) -> Scalar:
        return eta
