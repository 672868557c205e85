"""A model is a predictor followed by a family."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from asymptotix.core.lazy import LazyModule
from asymptotix.core.module import Module
from asymptotix.core.precision import scoped
from asymptotix.core.typing import Array, Eta, Key, PyTree, Response, Scalar
from asymptotix.families.base import AbstractFamily
from asymptotix.predictors import AbstractPredictor, with_offset

if TYPE_CHECKING:
    from asymptotix import predictors
else:
    predictors = LazyModule("asymptotix.predictors")


class Regression(Module):
    r"""$y_i \sim \mathrm{family}(\eta_i)$ with $\eta_i = \mathrm{predictor}(x_i)$.

    The methods take the covariates of one observation, or of many along a leading axis.

    Arguments:
        predictor: `asx.Linear(k)`, `asx.Network(module)`, or any callable Equinox module;
            of a model, its predictor is taken.
        family: `asx.Bernoulli()`, `asx.Gaussian()`, ... or your own `asx.AbstractFamily`.
    """

    predictor: AbstractPredictor
    family: AbstractFamily

    def __init__(self, predictor: Any, family: AbstractFamily):
        if isinstance(predictor, Regression):  # the same predictor with another family
            predictor = predictor.predictor
        known = isinstance(predictor, AbstractPredictor)
        self.predictor = predictor if known else predictors.Network(predictor)
        self.family = family

    @scoped
    def __call__(self, x: PyTree[Array], offset: Any = 0.0) -> Array:
        r"""The mean $E(y \mid x)$ of one observation, or of each of many."""
        return self._each(lambda xi, oi: self.family.mean(self._eta(xi, oi)), x, offset)

    @scoped
    def eta(self, x: PyTree[Array], offset: Any = 0.0) -> Eta:
        r"""The predictor $\eta(x)$, offset included."""
        return self._each(self._eta, x, offset)

    @scoped
    def log_prob(self, x: PyTree[Array], y: Response, offset: Any = 0.0) -> Scalar:
        r"""$\log f(y \mid x)$."""
        if not self._batched(x):
            return self.family.log_prob(self._eta(x, offset), y)
        return self._each(
            lambda xi, oi, yi: self.family.log_prob(self._eta(xi, oi), yi), x, offset, y
        )

    @scoped
    def sample(self, x: PyTree[Array], *, key: Key, offset: Any = 0.0) -> Response:
        """Draws of the response: one for each observation in `x`."""
        if not self._batched(x):
            return self.family.sample(self._eta(x, offset), key=key)
        keys = jax.random.split(key, jax.tree.leaves(x)[0].shape[0])
        return self._each(
            lambda xi, oi, ki: self.family.sample(self._eta(xi, oi), key=ki), x, offset, keys
        )

    def _eta(self, x, offset):
        return with_offset(self.predictor(x), offset)

    def _batched(self, x) -> bool:
        return jnp.ndim(jax.tree.leaves(x)[0]) > self.predictor.input_ndim()

    def _each(self, function, x, offset, *rest):
        x = jax.tree.map(jnp.asarray, x)
        if not self._batched(x):
            return function(x, offset, *rest)
        axis = None if jnp.ndim(offset) == 0 else 0
        return jax.vmap(function, in_axes=(0, axis, *([0] * len(rest))))(x, offset, *rest)
