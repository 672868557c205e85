"""The power links: square root, inverse, inverse square and any other exponent."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Scalar
from asymptotix.links.base import AbstractLink


class AbstractPowerLink(AbstractLink):
    r"""$\eta = \mu^p$ for $\mu > 0$, hence $\eta > 0$.

    Outside, `inverse` is NaN: $\eta^2$ at a negative $\eta$ would be a mean that two predictors
    share, and the likelihood is $-\infty$ there already.
    """

    p: eqx.AbstractVar[float]

    def link(self, mu: Scalar) -> Scalar:
        return jnp.power(mu, self.p)

    def inverse(self, eta: Scalar) -> Scalar:
        inside = eta >= 0
        return jnp.where(inside, jnp.power(jnp.where(inside, eta, 1.0), 1.0 / self.p), jnp.nan)

    def log_inverse(self, eta: Scalar) -> Scalar:
        inside = eta > 0
        return jnp.where(inside, jnp.log(jnp.where(inside, eta, 1.0)) / self.p, -jnp.inf)


class PowerLink(AbstractPowerLink):
    r"""$\eta = \mu^p$ for any $p \ne 0$.

    Arguments:
        p: the exponent, a constant.

    Raises:
        InputError: for `p=0` (use `LogLink`).
    """

    p: float = eqx.field(static=True, converter=float)
    name: ClassVar[str] = "power"
    symmetric: ClassVar[bool] = False

    def __check_init__(self):
        if self.p == 0:
            raise InputError(
                "PowerLink(0) maps every mean to 1. Its limit is the logarithm: use LogLink().",
                code="link_power",
            )


class SqrtLink(AbstractPowerLink):
    r"""$\eta = \sqrt\mu$: stabilises the variance of a count."""

    p: ClassVar[float] = 0.5
    name: ClassVar[str] = "sqrt"
    symmetric: ClassVar[bool] = False


class InverseLink(AbstractPowerLink):
    r"""$\eta = 1/\mu$: canonical for the gamma distribution."""

    p: ClassVar[float] = -1.0
    name: ClassVar[str] = "inverse"
    symmetric: ClassVar[bool] = False


class InverseSquareLink(AbstractPowerLink):
    r"""$\eta = 1/\mu^2$: canonical for the inverse Gaussian distribution."""

    p: ClassVar[float] = -2.0
    name: ClassVar[str] = "inverse_square"
    symmetric: ClassVar[bool] = False
