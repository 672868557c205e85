r"""Row quantities of one block and their derivatives in all parameters.

A quantity depends on the predictor at one or two *forms* of a row: the row itself; the row with a
variable at a low and a high value; or the row and its derivative in a variable. Where the
predictor is linear in its parameters, $q(z)$ is differentiated in the few predictor values $z$ and
the designs carry that to $\theta$; anywhere else $\theta$ is differentiated directly.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from asymptotix.core.typing import Array, Float
from asymptotix.effects.scale import Scale
from asymptotix.likelihood import is_structured
from asymptotix.likelihood.structured import predictor_values, split_theta
from asymptotix.model import Regression, layout
from asymptotix.predictors import with_offset

Verb = Literal["level", "pair", "compare", "slope", "unit slope"]
Slopes = Literal["dydx", "eyex", "dyex", "eydx"]


@dataclasses.dataclass(frozen=True)
class Quantity:
    r"""What is computed of a row; compiled programs are keyed on it.

    Attributes:
        verb: `"level"` $T(\eta)$; `"pair"` $T$ at the high and the low form; `"compare"` a
            function of those two; `"slope"` the derivative of $T$ in a variable;
            `"unit slope"` $dT/d\eta$ of a scalar predictor.
        compare: the function of high and low.
        slope: derivative, elasticity, or one of the semi-elasticities.
    """

    verb: Verb
    compare: Callable | None = None
    slope: Slopes = "dydx"


class Forms(NamedTuple):
    """The covariates of a block's rows, and what replaces some of their columns.

    Attributes:
        x: covariates as they are.
        first, second: replacements of some columns: high and low values, or, for slopes, the
            columns' derivatives (`first`) and nothing.
    """

    x: Any
    first: Any = None
    second: Any = None


class Extra(NamedTuple):
    """What a row carries besides: its group, and its value of the variable."""

    group: Float[Array, "n"]
    variable: Float[Array, "n"]


def row_quantity(quantity: Quantity, scale: Scale, family, z: tuple, variable):
    """The quantity of one row, shape `(c,)`, from its predictor values."""

    def level(eta):
        return scale(family, eta)

    if quantity.verb == "level":
        return level(z[0])
    if quantity.verb == "unit slope":
        return jax.jvp(level, (z[0],), (jnp.ones_like(z[0]),))[1]
    if quantity.verb == "slope":
        value, slope = jax.jvp(level, (z[0],), (z[1],))
        return relative_slope(quantity.slope, value, slope, variable)
    high, low = level(z[0]), level(z[1])
    if quantity.compare is None:
        return jnp.concatenate([high, low])
    return quantity.compare(high, low)


def relative_slope(kind: Slopes, value, slope, variable):
    r"""$y'$, $y' x / y$, $y' x$ or $y' / y$."""
    if kind in ("eyex", "eydx"):
        slope = slope / value
    return slope * variable if kind in ("eyex", "dyex") else slope


def replaced(x, index, columns):
    """Rows with some of their columns replaced."""
    return x.at[:, index].set(columns)


def forms_of(quantity: Quantity, forms: Forms, index) -> tuple:
    """`(x, derivative)` for slopes, else the rows of each form."""
    x = forms.x
    if quantity.verb == "slope":
        return x, jnp.zeros_like(x).at[:, index].set(forms.first)
    if quantity.verb in ("level", "unit slope"):
        return (x if forms.first is None else replaced(x, index, forms.first),)
    return replaced(x, index, forms.first), replaced(x, index, forms.second)


def values_of(model: Regression, scale: Scale, quantity: Quantity, theta, index, block):
    """The quantity of each row of a block, shape `(n, c)`."""
    fitted = layout(model).replace(model, theta)
    shapes = forms_of(quantity, block.x, index)

    def one(offset, variable, *rows):
        z = _row_predictors(fitted.predictor, quantity, rows, offset)
        return row_quantity(quantity, scale, fitted.family, z, variable)

    return jax.vmap(one)(block.offset, block.y.variable, *shapes)


def _row_predictors(predictor, quantity: Quantity, rows, offset) -> tuple:
    if quantity.verb == "slope":
        eta, slope = jax.jvp(predictor, (rows[0],), (rows[1],))
        return with_offset(eta, offset), slope
    return tuple(with_offset(predictor(row), offset) for row in rows)


def values_and_jacobians(model, scale, quantity, index, block):
    """The quantity of each row and its derivative in theta: `(n, c)` and `(n, c, p)`."""
    if is_structured(model, block.x.x):
        values, inner, designs = structured(model, scale, quantity, index, block)
        return values, _rowwise_jacobian(inner, designs)
    where, theta = layout(model), layout(model).flatten(model)
    values = values_of(model, scale, quantity, theta, index, block)

    def one(row):
        single = jax.tree.map(lambda a: a[None], row)
        return jax.jacrev(
            lambda t: values_of(where.replace(model, t), scale, quantity, t, index, single)[0]
        )(theta)

    return values, jax.vmap(one)(block)


def weighted_sums(model, scale, quantity, index, weights: Float[Array, "n g"], block):
    r"""$\sum_i w_{ig} q_i$ and its derivative in theta, shapes `(g, c)` and `(g, c, p)`."""
    if is_structured(model, block.x.x):
        values, inner, designs = structured(model, scale, quantity, index, block)
        jacobian = [
            sum(jnp.einsum("ng,nc,nk->gck", weights, d, x) for d, x in zip(parts, xs, strict=True))
            for parts, xs in zip(inner, designs, strict=True)
        ]
        return weights.T @ values, jnp.concatenate(jacobian, axis=2)

    def total(t):
        return weights.T @ values_of(model, scale, quantity, t, index, block)

    theta = layout(model).flatten(model)
    return total(theta), jax.jacrev(total)(theta)


def structured(model: Regression, scale: Scale, quantity: Quantity, index, block):
    """Values, their derivatives in the predictor values, and the designs that go with those.

    Returns:
        Values `(n, c)`; for each stretch of theta the derivatives `(n, c)` of each form; and the
        matrix that each multiplies (ones for a parameter of the family).
    """
    shapes = forms_of(quantity, block.x, index)
    both: Any = tuple(map(model.predictor.designs, shapes))
    if quantity.verb == "slope":
        x, direction = shapes
        both = jax.jvp(model.predictor.designs, (x,), (direction,))
    parts, psi = split_theta(both[0], jnp.asarray(layout(model).flatten(model)))
    nothing = jnp.zeros_like(block.offset)
    offsets = [block.offset, nothing if quantity.verb == "slope" else block.offset]
    z = [predictor_values(model, d, parts, o) for d, o in zip(both, offsets, strict=False)]
    family_layout, family = layout(model.family), model.family

    def one(zs, own, variable):
        return row_quantity(quantity, scale, family_layout.replace(family, own), zs, variable)

    def both_of(zs, variable):
        def again(zs, own):
            value = one(zs, own, variable)
            return value, value

        (slopes, own), value = jax.jacfwd(again, argnums=(0, 1), has_aux=True)(zs, psi)
        return value, slopes, own

    values, slopes, own = jax.vmap(both_of)(tuple(z), block.y.variable)
    n, c = values.shape
    flat = [s.reshape(n, c, -1) for s in slopes]
    inner = [[s[:, :, j] for s in flat] for j in range(len(parts))]
    designs = [[d[j] for d in both] for j in range(len(parts))]
    ones = jnp.ones((n, 1), values.dtype)
    inner += [[own[:, :, j]] for j in range(psi.size)]
    designs += [[ones]] * psi.size
    return values, inner, designs


def _rowwise_jacobian(inner, designs):
    parts = [
        sum(d[:, :, None] * x[:, None, :] for d, x in zip(slopes, xs, strict=True))
        for slopes, xs in zip(inner, designs, strict=True)
    ]
    return jnp.concatenate(parts, axis=2)
