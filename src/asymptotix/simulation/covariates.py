"""Covariates of simulated observations, each with mean 0 and variance 1 unless said otherwise."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.parameters import constant
from asymptotix.core.typing import Array, Float, Key


def number(value: Any):
    """A NumPy float, so that making a generator starts no backend."""
    return value if isinstance(value, jax.Array) else np.asarray(value, np.float64)


class AbstractCovariates(eqx.Module):
    """A distribution of `k` independent covariates."""

    @abc.abstractmethod
    def __call__(self, key: Key, n: int, k: int) -> Float[Array, "n k"]:
        """Draws for `n` observations."""


class NormalCovariates(AbstractCovariates):
    r"""$x \sim N(0, \sigma^2)$.

    Arguments:
        scale: the standard deviation $\sigma$.
    """

    scale: Float[Array, ""] = constant(converter=number, default=1.0)

    def __call__(self, key: Key, n: int, k: int) -> Float[Array, "n k"]:
        return self.scale * jax.random.normal(key, (n, k), jnp.float64)


class UniformCovariates(AbstractCovariates):
    r"""$x$ uniform on $(-\sqrt 3, \sqrt 3)$: bounded."""

    def __call__(self, key: Key, n: int, k: int) -> Float[Array, "n k"]:
        reach = np.sqrt(3.0)
        return jax.random.uniform(key, (n, k), jnp.float64, -reach, reach)


class SkewedCovariates(AbstractCovariates):
    r"""$x = e - 1$ with $e$ exponential: skewness 2."""

    def __call__(self, key: Key, n: int, k: int) -> Float[Array, "n k"]:
        return jax.random.exponential(key, (n, k), jnp.float64) - 1.0


class HeavyTailedCovariates(AbstractCovariates):
    r"""$x \sim t_\nu$, divided by its standard deviation.

    Arguments:
        dof: $\nu$, above 2.
    """

    dof: Float[Array, ""] = constant(converter=number, default=5.0)

    def __call__(self, key: Key, n: int, k: int) -> Float[Array, "n k"]:
        draws = jax.random.t(key, self.dof, (n, k), jnp.float64)
        return draws / jnp.sqrt(self.dof / (self.dof - 2.0))


class DiscreteCovariates(AbstractCovariates):
    r"""$x$ 1 with probability $p$ and 0 otherwise, as it is: not centred.

    Arguments:
        probability: $p$.
    """

    probability: Float[Array, ""] = constant(converter=number, default=0.5)

    def __call__(self, key: Key, n: int, k: int) -> Float[Array, "n k"]:
        return jax.random.bernoulli(key, self.probability, (n, k)).astype(jnp.float64)
