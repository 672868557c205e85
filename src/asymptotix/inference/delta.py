"""The delta method for any smooth function of a fitted model."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from asymptotix.core.precision import scoped
from asymptotix.core.status import CODE
from asymptotix.core.typing import Array, Float, PyTree
from asymptotix.covariances import Covariance
from asymptotix.model import Regression, layout

NEGLIGIBLE = 1e-14
"""Of a variance: what a squared derivative in an infinite parameter may be."""


class Delta(NamedTuple):
    """A function's value at the estimate and its covariance.

    Attributes:
        value: what the function returned.
        standard_error: in the same structure as `value`.
        covariance: of the flattened value.
    """

    value: PyTree[Array]
    standard_error: PyTree[Array]
    covariance: Float[Array, "q q"]


@scoped
def delta_method(
    function: Callable[[Regression], PyTree[Array]], model: Regression, covariance: Covariance
) -> Delta:
    r"""$\mathrm{Var}\,g(\hat\theta) \approx G\,V\,G^\top$ with $G = \partial g/\partial\theta$.

    Arguments:
        function: from the model to an array or a pytree of arrays.
        model: the fitted model, `fit.model`.
        covariance: from `asx.covariance`; omitted columns have no part in it.

    Returns:
        Value, standard errors and covariance; NaN where the covariance is withheld, and for what
        depends on infinite estimates of separated data.
    """
    where = layout(model)
    theta = jnp.asarray(where.flatten(model))
    value, unravel = ravel_pytree(function(model))

    def flat(t):
        return ravel_pytree(function(where.replace(model, t)))[0]

    jacobian = jax.jacrev(flat)(theta)
    omitted = jnp.isnan(jnp.diagonal(covariance.matrix)) & ~jnp.all(jnp.isnan(covariance.matrix))
    matrix = jnp.where(omitted[:, None] | omitted[None, :], 0.0, covariance.matrix)
    spread = jacobian @ matrix @ jacobian.T
    # Of separated data they are not omitted but infinite, and withhold what depends on them.
    infinite = omitted & (covariance.code == CODE["separated"])
    moved = jnp.sum(jnp.where(infinite, jacobian, 0.0) ** 2, axis=1)
    withheld = moved > NEGLIGIBLE * jnp.diagonal(spread)
    spread = jnp.where(withheld[:, None] | withheld[None, :], jnp.nan, spread)
    return Delta(unravel(value), unravel(jnp.sqrt(jnp.diagonal(spread))), spread)
