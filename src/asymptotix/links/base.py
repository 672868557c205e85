"""The link of one observation: a scalar function between the mean and the predictor."""

import abc

import equinox as eqx
import jax.numpy as jnp

from asymptotix.core.module import Module
from asymptotix.core.typing import Scalar


class AbstractLink(Module):
    r"""A monotone scalar map $g$ with $\eta = g(\mu)$, owned by a family.

    To add a link, subclass and write `link` and `inverse`; write the two logarithms as well
    where `log(inverse(eta))` would lose its tail. Outside the domain of `inverse` (an identity
    link below 0, a log link above probability 1) the logarithms are $-\infty$, which is how a
    solver learns that a step went too far.
    """

    name: eqx.AbstractClassVar[str]
    """The word printed on tables, such as `"logit"`."""
    symmetric: eqx.AbstractClassVar[bool]
    r"""Whether $1 - g^{-1}(\eta) = g^{-1}(-\eta)$, as for logit, probit and cauchit."""

    @abc.abstractmethod
    def link(self, mu: Scalar) -> Scalar:
        r"""$\eta = g(\mu)$."""

    @abc.abstractmethod
    def inverse(self, eta: Scalar) -> Scalar:
        r"""$\mu = g^{-1}(\eta)$."""

    def log_inverse(self, eta: Scalar) -> Scalar:
        r"""$\log g^{-1}(\eta)$, accurate in the tail; $-\infty$ outside the domain."""
        mu = self.inverse(eta)
        inside = mu > 0
        return jnp.where(inside, jnp.log(jnp.where(inside, mu, 1.0)), -jnp.inf)

    def log_complement(self, eta: Scalar) -> Scalar:
        r"""$\log(1 - g^{-1}(\eta))$ for links to probabilities, accurate in the tail."""
        mu = self.inverse(eta)
        inside = mu < 1
        return jnp.where(inside, jnp.log1p(-jnp.where(inside, mu, 0.0)), -jnp.inf)
