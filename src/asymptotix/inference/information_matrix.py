r"""The statistic of White's information-matrix test, as sums over rows.

With indicators $d_i = \mathrm{vech}(s_i s_i^\top + H_i)$, $D = \sum d_i$, $G = \sum\partial d_i /
\partial\theta$ and $A$ the information, the variance of $D$ with estimated parameters is
$V = \sum (d_i + G A^{-1} s_i)(d_i + G A^{-1} s_i)^\top$, and the statistic $D^\top V^{-1} D$.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import solve_with_factor, triangular_factor
from asymptotix.core.static import Static, split
from asymptotix.data.blocks import row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.source import source
from asymptotix.fitting import Fit
from asymptotix.inference.joint import quadratic_form
from asymptotix.likelihood import weighted
from asymptotix.model import layout
from asymptotix.predictors import with_offset

REPEATED = 1e-10
"""Share of an indicator's variance that others must leave unexplained for it to count."""
NOT_AT_MAXIMUM = 1e-6


def information_matrix_statistic(fit: Fit, rows: Rows) -> tuple[float, int]:
    """The statistic and its degrees of freedom, inside double precision."""
    active = np.flatnonzero(np.asarray(fit.active))
    moment = fit.model.family.dispersion_rule == "moment"
    plugged = float(fit.statistics.deviance) / float(fit.n)
    coordinates, params = fit.coordinates, fit.params
    if not fit.model.predictor.is_paddable():  # only there is the design `x` itself
        coordinates, params = None, layout(fit.model).flatten(fit.model)
    arrays, static = split(fit.model)
    total, score, information, slope, products = source(rows).sum(
        functools.partial(_sums, static, moment, arrays, coordinates, params, active, plugged)
    )
    factor = triangular_factor(np.asarray(information), np.ones(len(score), bool))
    if not np.isfinite(factor).all():
        return np.nan, len(total)
    _refuse_not_at_maximum(fit, np.asarray(score), factor)
    m = len(total)
    correction = solve_with_factor(factor, np.asarray(slope).T).T
    both = np.concatenate([np.eye(m), correction], axis=1)
    variance = both @ products @ both.T
    kept = _independent(variance)
    return quadratic_form(total[kept], variance[np.ix_(kept, kept)]), len(kept)


def _refuse_not_at_maximum(fit: Fit, score, factor) -> None:
    """A plugged-in dispersion need not be the maximum-likelihood estimate."""
    left = float(score @ solve_with_factor(factor, score))
    if left > NOT_AT_MAXIMUM:
        raise InputError(
            f"The dispersion of family {fit.model.family.name} is not a maximum-likelihood "
            "estimate, which the information-matrix test needs.",
            code="family",
        )


def _independent(variance) -> list[int]:
    """Indicators that earlier ones do not explain, in one sweep of a Cholesky factorisation."""
    scale = np.sqrt(np.maximum(np.diag(variance), 0))
    alive = scale > 1e-12 * scale.max(initial=0)
    unit = variance / np.where(alive, scale, 1)[:, None] / np.where(alive, scale, 1)[None, :]
    kept, columns = [], np.zeros((0, len(unit)))
    for j in np.flatnonzero(alive):
        row = unit[j] - columns[:, j] @ columns
        if row[j] > REPEATED:
            kept.append(int(j))
            columns = np.vstack([columns, row / np.sqrt(row[j])])
    return kept


@functools.partial(row_jit, static_argnums=(0, 1))
def _sums(static: Static, moment, arrays, coordinates, params, active, dispersion, rows: Block):
    """`(D, score, A, G, sum of (d, s)(d, s)^T)`, by one pass."""
    model = static.combine(arrays)
    where = layout(model)
    n_active = active.shape[0]
    start = params[active]
    start = jnp.append(start, dispersion) if moment else start
    lower = np.tril_indices(start.shape[0])

    def log_prob(theta, x, y, offset):
        candidate = where.replace(model, params.at[active].set(theta[:n_active]))
        family = candidate.family
        family = family.with_dispersion(theta[-1]) if moment else family
        return family.log_prob(with_offset(candidate.predictor(x), offset), y)

    def indicators(theta, *row):
        score = jax.grad(log_prob)(theta, *row)
        curvature = jax.hessian(log_prob)(theta, *row)
        return (jnp.outer(score, score) + curvature)[lower], (score, -curvature)

    def one(x, y, offset):
        d, (score, information) = indicators(start, x, y, offset)
        slope = jax.jacfwd(lambda t: indicators(t, x, y, offset)[0])(start)
        return d, score, information, slope

    def block(b: Block):
        x = b.x if coordinates is None else coordinates[0].standardise(b.x)
        d, score, information, slope = jax.vmap(one)(x, b.y, b.offset)
        both = weighted(b.weight > 0, jnp.concatenate([d, score], axis=1))
        sums = (jnp.sum(weighted(b.weight, v), axis=0) for v in (d, score, information, slope))
        return *sums, (both * b.weight[:, None]).T @ both

    return sum_blocks(block, rows)
