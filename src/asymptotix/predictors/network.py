"""Any Equinox module as a predictor."""

from collections.abc import Callable

import jax.numpy as jnp

from asymptotix.core.typing import Array, Eta, Float
from asymptotix.predictors.base import AbstractPredictor


class Network(AbstractPredictor):
    r"""$\eta = f(x)$ for any Equinox callable $f$, such as an `equinox.nn.MLP`.

    Arguments:
        module: called with one observation's covariates; a result of shape `(1,)` is a scalar.
    """

    module: Callable

    def __call__(self, x: Float[Array, "k"]) -> Eta:
        eta = jnp.asarray(self.module(x))
        return eta[0] if eta.shape == (1,) else eta
