"""The everyday models by name."""

import functools
from collections.abc import Callable

import jax

from asymptotix.core.typing import Key
from asymptotix.families import AbstractFamily, Bernoulli, Gaussian, Multinomial, Poisson
from asymptotix.links import IdentityLink, LogitLink, LogLink, ProbitLink
from asymptotix.model.regression import Regression
from asymptotix.predictors import Linear, LinearVector, Network
from asymptotix.predictors.linear import column_count
from asymptotix.predictors.perceptron import perceptron


def _made_once(constructor: Callable[[int], Regression]) -> Callable[[int], Regression]:
    """A constructor that builds the model of a size once and then puts copies of it together.

    The dozen checks of four Equinox modules would take a twentieth of a small fit's time.
    """
    parts = functools.cache(lambda k: jax.tree.flatten(constructor(k)))

    @functools.wraps(constructor)
    def made(k: int) -> Regression:
        leaves, treedef = parts(column_count(k))
        return jax.tree.unflatten(treedef, [leaf.copy() for leaf in leaves])

    return made


@_made_once
def Logit(k: int) -> Regression:
    r"""Logistic regression on `k` columns: $P(y = 1 \mid x) = 1 / (1 + e^{-x^\top\beta})$."""
    return Regression(Linear(k), Bernoulli(LogitLink()))


@_made_once
def Probit(k: int) -> Regression:
    r"""Probit regression on `k` columns: $P(y = 1 \mid x) = \Phi(x^\top\beta)$."""
    return Regression(Linear(k), Bernoulli(ProbitLink()))


def LinearProbability(k: int) -> Regression:
    r"""Linear probability model on `k` columns: $P(y = 1 \mid x) = x^\top\beta$, least squares."""
    return LinearRegression(k)


@_made_once
def LinearRegression(k: int) -> Regression:
    r"""Linear regression on `k` columns: $E(y \mid x) = x^\top\beta$, least squares."""
    return Regression(Linear(k), Gaussian(IdentityLink()))


@_made_once
def PoissonRegression(k: int) -> Regression:
    r"""Poisson regression on `k` columns: $E(y \mid x) = e^{x^\top\beta}$."""
    return Regression(Linear(k), Poisson(LogLink()))


def MultinomialLogit(k: int, levels: int) -> Regression:
    r"""Multinomial logit: $P(y = j \mid x) \propto e^{x^\top\beta_j}$ with $\beta_0 = 0$.

    Arguments:
        k: number of columns.
        levels: number of levels of the response, numbered from 0.
    """
    components = dict.fromkeys(map(str, range(1, levels)), k)
    return Regression(LinearVector(components, shared=True), Multinomial())


def MLP(
    in_size: int,
    width: int,
    depth: int = 1,
    *,
    key: Key,
    family: AbstractFamily | None = None,
    activation: Callable = jax.nn.tanh,
    out_size: int | None = None,
) -> Regression:
    r"""A multilayer perceptron, `equinox.nn.MLP`, whose output is $\eta$.

    Arguments:
        in_size: number of inputs; there is no column of ones, since layers have biases.
        width: units of each hidden layer.
        depth: hidden layers; 0 for a linear predictor.
        key: for the initial weights.
        family: `asx.Bernoulli()` by default.
        activation: between layers; smooth ones have the curvature that inference needs.
        out_size: components of a vector $\eta$; `None` for a scalar.
    """
    module = perceptron(
        in_size, (width,) * depth, out_size=out_size, activation=activation, key=key
    )
    return Regression(Network(module), Bernoulli() if family is None else family)
