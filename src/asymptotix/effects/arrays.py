"""`asx.average_slopes`: average derivatives of a model in its covariates, from arrays."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import is_traced, scoped
from asymptotix.core.static import split
from asymptotix.core.typing import Array
from asymptotix.covariances import Covariance
from asymptotix.data.blocks import row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.source import HostSource, TracedSource
from asymptotix.data.streamed import exemplar
from asymptotix.effects.pieces import is_plain_linear
from asymptotix.effects.scale import Scale, chosen_scale
from asymptotix.fitting import Fit, as_rows
from asymptotix.inference import Delta
from asymptotix.model import Regression, layout
from asymptotix.predictors import with_offset


def average_slopes(
    fit: Fit | Regression,
    rows: Rows,
    covariance: Covariance | Array,
    *,
    columns: Sequence[int] | None = None,
    type: str = "response",
    value: Any = None,
    q: Any = None,
) -> Delta:
    r"""Average derivatives of the mean in columns of `x`, with their covariance.

    $$ \frac{1}{W}\sum_i w_i\,\frac{\partial T(\eta(x_i))}{\partial x_{ij}} $$
    by one pass over the rows, in which derivatives in $x$ and in $\theta$ are exact. Each column
    moves alone: where several are functions of one variable, fit by formula and use
    `Results.avg_slopes`. Works under `jit`, `vmap` and `grad`.

    Arguments:
        fit: from `asx.fit`, or a model.
        rows: the rows over which to average, `x` a matrix; their weights are used.
        covariance: of the parameters: from `asx.covariance`, or a matrix.
        columns: positions in `x`; all by default, that of an intercept included.
        type: `"response"`, `"link"`, `"probability"` of the event `value` (such as `1` or
            `">= 3"`), or the `"quantile"` at `q`.

    Returns:
        Value and standard error of shape `(len(columns),)`, or `(len(columns), c)` for a mean of
        `c` components; the covariance is that of the flattened value.

    Raises:
        InputError: `x` is not a matrix, there are no such columns, or what is asked for has no
            derivative or hangs on a dispersion.
    """
    model = fit.model if isinstance(fit, Fit) else fit
    rows = as_rows(rows)
    x = exemplar(rows).x
    if len(jax.tree.leaves(x)) != 1 or np.ndim(x) != 2:
        raise InputError("average_slopes needs x as one matrix.", code="shape", column="x")
    k = np.shape(x)[1]
    chosen = tuple(range(k)) if columns is None else tuple(int(j) for j in columns)
    if not all(0 <= j < k for j in chosen):
        raise InputError(f"columns={columns!r} must lie between 0 and {k - 1}.", code="columns")
    scale = _smooth(chosen_scale(type, value, model.family, q), model)
    matrix = covariance.matrix if isinstance(covariance, Covariance) else covariance
    return _average(model, scale, rows, matrix, chosen)


def _smooth(scale: Scale, model: Regression) -> Scale:
    """The scale, where it has derivatives and this covariance says all about it."""
    if not scale.is_smooth:
        raise InputError(
            "A quantile of a discrete response is a whole number, which has no derivative.",
            code="no_derivative",
        )
    if scale.is_distributional and model.family.dispersion_rule == "moment":
        raise InputError(
            f"Events and quantiles of the family {model.family.name} depend on its dispersion, "
            "whose uncertainty is not in this covariance; fit by formula and use "
            "Results.avg_slopes.",
            code="family",
        )
    return scale


@scoped
def _average(model: Regression, scale: Scale, rows: Rows, matrix, columns: tuple[int, ...]):
    arrays, static = split((model, scale))
    plain = is_plain_linear(model, exemplar(rows).x)
    if isinstance(rows, Rows):  # the response has no part in it, and may have any structure
        rows = Rows(rows.x, rows.x[:, 0], rows.weights, rows.weight_kind, rows.offset)
    traced = is_traced((model, rows, matrix))
    where = TracedSource(rows) if traced else HostSource(rows, keep=False)
    total, value, jacobian = where.sum(functools.partial(_sums, static, plain, columns, arrays))
    value, jacobian = value / total, jacobian / total
    omitted = jnp.isnan(jnp.diagonal(matrix)) & ~jnp.all(jnp.isnan(matrix))
    known = jnp.where(omitted[:, None] | omitted[None, :], 0.0, matrix)
    flat = jacobian.reshape(-1, jacobian.shape[-1])
    spread = flat @ known @ flat.T
    error = jnp.sqrt(jnp.diagonal(spread)).reshape(value.shape)
    if value.shape[1] == 1:
        value, error = value[:, 0], error[:, 0]
    return Delta(value, error, spread)


@functools.partial(row_jit, static_argnums=(0, 1, 2))
def _sums(static, plain: bool, columns: tuple[int, ...], arrays, rows: Block):
    model, scale = static.combine(arrays)
    block = _plain_block if plain else _general_block
    index = np.array(columns, np.int32)
    return sum_blocks(lambda b: block(model, scale, index, b), rows)


def _plain_block(model: Regression, scale: Scale, index, b: Block):
    r"""$\beta_j \sum w T'(\eta)$, with derivative $\beta_j \sum w T''(\eta)\,x + e_j \sum w T'$."""
    where, theta = layout(model), jnp.asarray(layout(model).flatten(model))
    beta = theta[: b.x.shape[1]]
    eta = b.x @ beta + b.offset
    own = layout(model.family)

    def slope(e, psi):
        def level(v):
            return scale(own.replace(model.family, psi), v)

        return jax.jvp(level, (e,), (jnp.ones_like(e),))[1]

    psi = theta[b.x.shape[1] :]
    first = jax.vmap(slope, in_axes=(0, None))(eta, psi)
    second, by_psi = jax.vmap(jax.jacfwd(slope, argnums=(0, 1)), in_axes=(0, None))(eta, psi)
    weight = b.weight[:, None]
    base = jnp.sum(weight * first, axis=0)
    curve = jnp.concatenate(
        [(weight * second).T @ b.x, jnp.einsum("n,ncp->cp", b.weight, by_psi)], axis=1
    )
    unit = jnp.eye(where.size, dtype=theta.dtype)[index]
    jacobian = beta[index][:, None, None] * curve + base[None, :, None] * unit[:, None, :]
    return jnp.sum(b.weight), beta[index][:, None] * base, jacobian


def _general_block(model: Regression, scale: Scale, index, b: Block):
    where, theta = layout(model), jnp.asarray(layout(model).flatten(model))

    def total(t):
        candidate = where.replace(model, t)

        def level(x, offset):
            return scale(candidate.family, with_offset(candidate.predictor(x), offset))

        slopes = jax.vmap(jax.jacrev(level))(b.x, b.offset)
        return jnp.einsum("n,nck->kc", b.weight, slopes[:, :, index])

    return jnp.sum(b.weight), total(theta), jax.jacrev(total)(theta)
