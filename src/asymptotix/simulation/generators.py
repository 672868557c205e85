"""Data generators: from a key to a sample, as small Equinox modules."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from asymptotix.core.parameters import constant
from asymptotix.core.precision import double
from asymptotix.core.typing import Array, Float, Key
from asymptotix.links import AbstractLink, LogitLink
from asymptotix.simulation.covariates import AbstractCovariates, NormalCovariates, number


class Sample(NamedTuple):
    """One simulated data set.

    Attributes:
        x: covariates, with a column of ones first where the generator is linear in them.
        y: the response.
        groups: cluster of each row, where there are clusters.
    """

    x: Float[Array, "n k"]
    y: Float[Array, "n"]
    groups: Any = None


class AbstractGenerator(eqx.Module):
    """A design from which data sets are drawn: called with a key, it returns a `Sample`.

    To add a generator, subclass and write `__call__` with `jax.random`; name the dtype of draws.
    """

    @abc.abstractmethod
    def __call__(self, key: Key) -> Sample:
        """One data set."""

    def frame(self, key: Key) -> pd.DataFrame:
        """One data set as a frame, for formulas: `y`, `x1`, `x2`, ..., and `group` if there is.

        Arguments:
            key: such as `jax.random.key(0)`.
        """
        with double():
            sample = jax.tree.map(np.asarray, self(key))
        x = sample.x[:, 1:] if np.all(sample.x[:, 0] == 1) else sample.x
        frame = pd.DataFrame({f"x{j}": column for j, column in enumerate(x.T, start=1)})
        frame.insert(0, "y", sample.y)
        return frame if sample.groups is None else frame.assign(group=sample.groups)


def _with_ones(x):
    return jnp.concatenate([jnp.ones((x.shape[0], 1), x.dtype), x], axis=1)


class LinearBoundary(AbstractGenerator):
    r"""$P(y = 1) = g^{-1}(\beta_0 + x^\top\beta)$: classes on two sides of a hyperplane.

    A link other than the fitted one makes a misspecified model; a low intercept makes events rare.

    Arguments:
        n: observations.
        coef: $\beta_0$ and then one slope a covariate.
        covariates: their distribution.
        link: $g$.
    """

    n: int = eqx.field(static=True)
    coef: Float[Array, "k"] = constant(converter=number)
    covariates: AbstractCovariates = NormalCovariates()
    link: AbstractLink = LogitLink()

    def __call__(self, key: Key) -> Sample:
        first, second = jax.random.split(key)
        x = _with_ones(self.covariates(first, self.n, self.coef.shape[0] - 1))
        chance = self.link.inverse(x @ self.coef)
        return Sample(x, jax.random.bernoulli(second, chance).astype(x.dtype))


class Radial(AbstractGenerator):
    r"""$y = 1$ where the root mean square of the covariates is below a radius: not linear in $x$.

    Arguments:
        n: observations.
        k: covariates, standard normal.
        radius: of the sphere.
    """

    n: int = eqx.field(static=True)
    k: int = eqx.field(static=True, default=100)
    radius: Float[Array, ""] = constant(converter=number, default=1.0)

    def __call__(self, key: Key) -> Sample:
        x = jax.random.normal(key, (self.n, self.k), jnp.float64)
        return Sample(x, (jnp.sqrt(jnp.mean(x**2, axis=1)) < self.radius).astype(x.dtype))


class Hill(AbstractGenerator):
    r"""$y = 1$ where $x_2 \ge h\,x_1(1 - x_1)$, with both uniform on $(0, 1)$.

    Arguments:
        n: observations.
        height: $h$; the hill is $h/4$ high.
    """

    n: int = eqx.field(static=True)
    height: Float[Array, ""] = constant(converter=number, default=2.5)

    def __call__(self, key: Key) -> Sample:
        x = jax.random.uniform(key, (self.n, 2), jnp.float64)
        above = x[:, 1] >= self.height * x[:, 0] * (1 - x[:, 0])
        return Sample(x, above.astype(x.dtype))


class Circles(AbstractGenerator):
    """Two noisy circles about the origin; the inner one is class 1.

    Arguments:
        n: observations, half on each circle.
        noise: standard deviation about the circle.
        factor: radius of the inner circle; that of the outer is 1.
    """

    n: int = eqx.field(static=True)
    noise: Float[Array, ""] = constant(converter=number, default=0.2)
    factor: Float[Array, ""] = constant(converter=number, default=0.5)

    def __call__(self, key: Key) -> Sample:
        first, second = jax.random.split(key)
        y = (np.arange(self.n) % 2).astype(np.float64)
        angle = jax.random.uniform(first, (self.n,), jnp.float64, 0.0, 2 * np.pi)
        radius = jnp.where(y == 1, self.factor, 1.0)
        x = jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle)], axis=1)
        x = x + self.noise * jax.random.normal(second, x.shape, jnp.float64)
        return Sample(x, jnp.asarray(y))


class Heteroskedastic(AbstractGenerator):
    r"""$y = \beta_0 + x^\top\beta + \sigma e^{\gamma x_1} \varepsilon$ with $\varepsilon$ normal.

    Arguments:
        n: observations.
        coef: $\beta_0$ and then one slope a covariate.
        scale: $\sigma$.
        strength: $\gamma$; 0 for a constant variance.
        covariates: their distribution.
    """

    n: int = eqx.field(static=True)
    coef: Float[Array, "k"] = constant(converter=number)
    scale: Float[Array, ""] = constant(converter=number, default=1.0)
    strength: Float[Array, ""] = constant(converter=number, default=0.5)
    covariates: AbstractCovariates = NormalCovariates()

    def __call__(self, key: Key) -> Sample:
        first, second = jax.random.split(key)
        x = _with_ones(self.covariates(first, self.n, self.coef.shape[0] - 1))
        spread = self.scale * jnp.exp(self.strength * x[:, 1])
        noise = jax.random.normal(second, (self.n,), jnp.float64)
        return Sample(x, x @ self.coef + spread * noise)


class Clustered(AbstractGenerator):
    r"""$y = \beta_0 + x^\top\beta + u_g + \varepsilon$: errors and covariates shared by clusters.

    Arguments:
        n_groups, size: clusters, and observations in each.
        coef: $\beta_0$ and then one slope a covariate.
        correlation: within clusters, of errors as of covariates.
    """

    n_groups: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    coef: Float[Array, "k"] = constant(converter=number)
    correlation: Float[Array, ""] = constant(converter=number, default=0.3)

    def __call__(self, key: Key) -> Sample:
        groups = np.repeat(np.arange(self.n_groups), self.size)
        n, k = groups.size, self.coef.shape[0] - 1
        keys = jax.random.split(key, 4)
        shared = jax.random.normal(keys[0], (self.n_groups, k + 1), jnp.float64)[groups]
        own = jax.random.normal(keys[1], (n, k + 1), jnp.float64)
        mixed = jnp.sqrt(self.correlation) * shared + jnp.sqrt(1 - self.correlation) * own
        x = _with_ones(mixed[:, :k])
        return Sample(x, x @ self.coef + mixed[:, k], jnp.asarray(groups))
