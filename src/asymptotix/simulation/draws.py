"""`asx.simulate`: responses drawn from a model."""

from typing import Any

import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.typing import Key
from asymptotix.model import Regression


def simulate(
    model: Regression, x: Any, *, key: Key | None = None, n_draws: int | None = None,
    offset: Any = 0.0,
):  # fmt: skip
    r"""Responses drawn from a model at given covariates: $y_i \sim f(\cdot \mid x_i)$.

    Arguments:
        model: with its parameters, such as `res.model` or `fit.model`.
        x: covariates, one row an observation.
        key: such as `jax.random.key(0)`.
        n_draws: how many responses of each observation; one, without an axis for it, if not given.
        offset: as in the fit.

    Returns:
        A NumPy array with one entry a row, `n_draws` first where it was given.

    Raises:
        InputError: no key.
    """
    if key is None:
        raise InputError(
            "A simulation draws at random: pass key=jax.random.key(0).", code="key", column="key"
        )
    with double():
        if n_draws is None:
            return jax.tree.map(np.asarray, model.sample(x, key=key, offset=offset))
        keys = jax.random.split(key, n_draws)
        draws = jax.vmap(lambda k: model.sample(x, key=k, offset=offset))(keys)
        return jax.tree.map(np.asarray, draws)
