"""What is recorded of a training, and asked of predictions for new rows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block
from asymptotix.likelihood.generic import row_log_likelihoods, weighted
from asymptotix.model import Regression, layout
from asymptotix.predictors import with_offset

MEASURES = ("loss", "accuracy", "false_positive", "false_negative", "mean_prediction")


def mean_loss_at(model: Regression, rows: Block) -> Float[Array, ""]:
    """Minus the mean log-likelihood."""
    total = sum_blocks(lambda block: -jnp.sum(row_log_likelihoods(model, block)), rows)
    return total / jnp.sum(rows.weight)


def shares(model: Regression, rows: Block) -> dict[str, Float[Array, ""]]:
    """Shares of rows that are classified rightly and wrongly at 1/2, and the mean prediction.

    Arguments:
        model: of a response of 0 and 1.
        rows: on which it is judged.
    """

    def counted(block: Block):
        eta = jax.vmap(lambda x, o: with_offset(model.predictor(x), o))(block.x, block.offset)
        chance = jax.vmap(model.family.mean)(eta)
        said, seen = chance > 0.5, block.y > 0.5
        each = {
            "accuracy": said == seen,
            "false_positive": said & ~seen,
            "false_negative": ~said & seen,
            "mean_prediction": chance,
        }
        return {name: jnp.sum(weighted(block.weight, value)) for name, value in each.items()}

    total = jnp.sum(rows.weight)
    return jax.tree.map(lambda value: value / total, sum_blocks(counted, rows))


def measures_along(model: Regression, rows: Block, path: np.ndarray) -> dict[str, np.ndarray]:
    """Loss, and for responses of 0 and 1 the `shares`, at each of some parameters.

    Arguments:
        model: gives the structure.
        rows: on which it is judged.
        path: flat parameters, one row each.
    """
    with double():
        arrays, static = split(model)
        return jax.tree.map(np.asarray, _along(static, arrays, rows, jnp.asarray(path)))


@functools.partial(jax.jit, static_argnums=0)
def _along(static, arrays, rows: Block, path):
    model = static.combine(arrays)
    where = layout(model)

    def one(params):
        at = where.replace(model, params)
        found = {"loss": mean_loss_at(at, rows)}
        return found | (shares(at, rows) if model.family.response_kind == "binary" else {})

    return lax.map(one, path)
