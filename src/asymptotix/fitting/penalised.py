"""A penalty in a fit: what it knows of the parameters, and what it adds to the sums."""

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.linalg import namespace
from asymptotix.likelihood import Sums, outward
from asymptotix.model import Regression, layout
from asymptotix.penalties import AbstractPenalty, BoundPenalty, Penalised


def bind(penalty: AbstractPenalty | None, model: Regression, coordinates, active):
    """The penalty on the parameters of a model; `None` for none.

    Arguments:
        penalty: which.
        model: whose parameters.
        coordinates: of its designs, which know intercepts and scales; `None` without designs.
        active: which parameters are estimated.
    """
    if penalty is None:
        return None
    if coordinates is None:
        mask, everywhere = weights_of_layers(model)
        return BoundPenalty(penalty, Penalised(mask, np.ones(mask.shape), everywhere))
    xp = namespace(*(c.center for c in coordinates))
    masks = [c.active & (c.intercept == 0) for c in coordinates]
    scales = [
        xp.where(c.active, 1 / xp.where(c.active, c.inverse_scale, 1), 1) for c in coordinates
    ]
    rest = active.shape[0] - sum(m.shape[0] for m in masks)
    mask = xp.concatenate([*masks, np.zeros(rest, bool)])
    everywhere = xp.concatenate([*(c.active for c in coordinates), np.zeros(rest, bool)])
    scale = xp.concatenate([*scales, np.ones(rest, scales[0].dtype)])
    return BoundPenalty(penalty, Penalised(mask, scale, everywhere))


def weights_of_layers(model: Regression) -> tuple[np.ndarray, np.ndarray]:
    """Which parameters are weights, and which are the predictor's.

    Weights are matrices of the predictor, or all of it where it has none.
    """
    where = layout(model)
    inside = np.array([name.startswith("predictor") for name in where.names], bool)
    sizes = [int(np.prod(shape)) for shape in where.shapes]
    matrix = np.repeat([len(shape) >= 2 for shape in where.shapes], sizes).astype(bool)
    return inside & matrix if (inside & matrix).any() else inside, inside


def penalty_value(penalty: BoundPenalty | None, coordinates, params):
    """The penalty's log-density at working parameters; 0 without one."""
    if penalty is None:
        return jnp.zeros((), params.dtype)
    return penalty(outward(coordinates, params))


def penalised(sums: Sums, penalty: BoundPenalty | None, coordinates, params) -> Sums:
    """The sums over rows with the penalty's value, gradient and curvature.

    A bias reduction has none of them; what it adds is in `corrected.py`.
    """
    if penalty is None or penalty.penalty.is_bias_reduction:
        return sums

    def value(theta):
        return penalty_value(penalty, coordinates, theta)

    added, gradient = jax.value_and_grad(value)(params)
    return Sums(
        sums.value + added,
        sums.score + gradient,
        sums.information - jax.hessian(value)(params),
    )
