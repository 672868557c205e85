"""The delta method for any smooth function of a fitted model."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from asymptotix.core.errors import InputError
from asymptotix.core.precision import scoped
from asymptotix.core.status import CODE
from asymptotix.core.typing import Array, Float, PyTree
from asymptotix.core.user_functions import explained
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

    Raises:
        InputError: the function returns something else, or JAX cannot trace it.
    """
    function = explained(function, "The function", "a function of the model", code="arguments")
    where = layout(model)
    theta = jnp.asarray(where.flatten(model))

    def numbers(m):
        found = function(m)
        refused = [v for v in jax.tree.leaves(found) if not eqx.is_array_like(v)]
        if refused or not jax.tree.leaves(found):
            raise InputError(
                f"The function returns {refused[0] if refused else found!r}, which is no number; "
                "return a number, an array, or a pytree of them.",
                code="arguments",
            )
        return jax.tree.map(lambda v: jnp.asarray(v).astype(theta.dtype), found)

    value, unravel = ravel_pytree(numbers(model))

    def flat(t):
        return ravel_pytree(numbers(where.replace(model, t)))[0]

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
