"""Covariances from the likelihood alone: they hold where the model is right."""

from typing import ClassVar

import equinox as eqx

from asymptotix.core.linalg import diagonal, inverse_from_factor, triangular_factor
from asymptotix.covariances.base import AbstractCovariance, Ingredients


class InverseInformation(AbstractCovariance):
    r"""$\phi I^{-1}$ with the observed or the expected information.

    Arguments:
        bread: `"observed"` (minus the Hessian) or `"expected"` (Fisher's information).
    """

    bread: str = eqx.field(static=True, default="observed")
    needs_meat: ClassVar[bool] = False
    robust: ClassVar[bool] = False

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The information's name."""
        return self.bread

    def combine(self, given: Ingredients):
        return given.dispersion * given.bread


class OuterProduct(AbstractCovariance):
    r"""$(\sum_i s_i s_i^\top)^{-1}$, the outer product of gradients (Berndt et al. 1974)."""

    label: str = eqx.field(static=True, default="opg")
    bread: str = eqx.field(static=True, default="none")
    needs_meat: ClassVar[bool] = True
    robust: ClassVar[bool] = False

    def combine(self, given: Ingredients):
        active = diagonal(given.meat) != 0
        inverse = inverse_from_factor(triangular_factor(given.meat, active))
        return given.dispersion**2 * inverse
