"""Priors on single coefficients."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import constant
from asymptotix.core.typing import Array, Float, Scalar
from asymptotix.penalties.base import AbstractPenalty, Penalised


def _above_zero(value: Any):
    if isinstance(value, float | int):
        if not value > 0:
            raise InputError(
                f"The scale of a prior must be positive, not {value!r}.", code="option"
            )
        return np.asarray(value, np.float64)
    return value


class GaussianPrior(AbstractPenalty):
    r"""$-\tfrac12\sum_j (\beta_j s_j / \tau)^2$: slopes per standard deviation are normal(0, tau).

    Weakly informative as it stands: a column's standard deviation $s_j$ seldom multiplies odds by
    more than $e^{5}$ (Gelman et al. 2008, who have a Cauchy distribution of the same scale).
    Intercepts have no prior.

    Arguments:
        scale: $\tau$, 2.5 by default.
        standardise: whether slopes count per standard deviation of their columns; if not,
            $s_j = 1$.
    """

    scale: Float[Array, ""] = constant(converter=_above_zero, default=2.5)
    standardise: bool = eqx.field(static=True, default=True)

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The name and the scale."""
        per = " per standard deviation" if self.standardise else ""
        return f"normal prior, scale {float(self.scale):g}{per}"

    def log_density(self, theta: Float[Array, "p"], given: Penalised) -> Scalar:
        scaled = theta * given.scale if self.standardise else theta
        return -0.5 * jnp.sum(jnp.where(given.mask, scaled / self.scale, 0.0) ** 2)


class LogF(AbstractPenalty):
    r"""$\sum_j \tfrac{m}{2}\beta_j - m\log(1 + e^{\beta_j})$: slopes have a log-F(m, m) prior.

    The same as adding, for each slope, $m$ trials with half of them successes and that covariate
    alone at 1 (Greenland and Mansournia 2015); $m = 1$ puts 95 % of odds ratios within 1/648 and
    648, $m = 2$ within 1/39 and 39. Intercepts have no prior.

    Arguments:
        m: degrees of freedom.
    """

    m: Float[Array, ""] = constant(converter=_above_zero, default=1.0)

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The name and the degrees of freedom."""
        return f"log-F({float(self.m):g}, {float(self.m):g}) prior"

    def log_density(self, theta: Float[Array, "p"], given: Penalised) -> Scalar:
        each = theta / 2 - jax.nn.softplus(theta)
        return self.m * jnp.sum(jnp.where(given.mask, each, 0.0))
