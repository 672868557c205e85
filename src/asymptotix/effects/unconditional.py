r"""Variances of averages when the covariates, too, were sampled.

The estimate's influence function adds the row's own deviation to what the parameters bring:
$$ \psi_i = D\,\frac{w_i}{W}(q_i - \bar q) + G\,B\,s_i , $$
with $D$ the derivative in the averages, $G$ in the parameters, $B$ the inverse information and
$s_i$ the score; the variance is $\frac{n}{n - 1}\sum_i \psi_i\psi_i^\top$, or the same with sums
over clusters (Newey and McFadden 1994, section 6; Stata's `vce(unconditional)`).
"""

import functools

import jax
import numpy as np

from asymptotix.core.linalg import inverse_from_factor
from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.covariances.estimate import outward_matrix
from asymptotix.covariances.fingerprint import with_working_dispersion
from asymptotix.data.blocks import map_blocks, row_jit
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.source import source
from asymptotix.effects.dispersed import has_dispersion, joint_influence
from asymptotix.effects.evaluate import Change, Sample, values_by_row
from asymptotix.effects.pieces import Found, Piece
from asymptotix.effects.scale import Scale
from asymptotix.fitting import Fit
from asymptotix.likelihood import row_scores
from asymptotix.model import Regression


def unconditional_covariance(
    fit: Fit,
    model: Regression,
    rows: Rows,
    scale: Scale,
    pieces: list[Piece],
    found: list[Found],
    sample: Sample,
    clusters: np.ndarray | None = None,
) -> np.ndarray:
    """The covariance of all averages, in the order piece, group, component.

    Arguments:
        fit, rows: the fit and its rows, in the order of `sample`.
        model: the fitted model as a function of the sample's matrix.
        scale, pieces, found, sample: what was averaged.
        clusters: a code from 0 for each row, or `None` for independent rows.
    """
    slopes = np.concatenate([f.jacobian.reshape(-1, f.jacobian.shape[2]) for f in found])  # pyright: ignore
    n_clusters = 0 if clusters is None else int(clusters.max()) + 1
    sums = np.zeros((n_clusters, len(slopes)))
    total, counting = np.zeros((len(slopes),) * 2), rows.weight_kind == "frequency"
    n, pairs = len(sample.x), list(zip(pieces, found, strict=True))
    whole = joint_influence(fit, rows) if has_dispersion(model) else None
    for first in range(0, n, SLAB_ROWS):
        at = slice(first, min(first + SLAB_ROWS, n))
        own = [_deviations(model, scale, *pair, sample, at) for pair in pairs]
        weight = np.ones(at.stop - first) if rows.weights is None else np.asarray(rows.weights)[at]
        if whole is None:
            moved = _parameter_influence(fit, _taken(rows, at)) * weight[:, None]
        else:
            moved = whole[at]
        influence = np.concatenate(own, axis=1) + moved @ slopes.T
        if clusters is not None:
            np.add.at(sums, clusters[at], influence)
        else:
            # A row with frequency weight w is w rows, each with the w-th part of its influence.
            copies = weight if counting else np.ones_like(weight)
            total = total + (influence / copies[:, None]).T @ influence
    if clusters is not None:
        return sums.T @ sums * n_clusters / (n_clusters - 1)
    return total * float(fit.n) / (float(fit.n) - 1)


def _deviations(model, scale: Scale, piece: Piece, found: Found, sample: Sample, at: slice):
    """What each row's own quantity adds to the averages, shape `(rows, g * c)`."""
    assert found.moments is not None
    assert found.outer is not None
    offset, weights, groups = (None if v is None else v[at] for v in sample[1:4])
    part = Sample(sample.x[at], offset, weights, groups, sample.n_groups)
    first, second, variable = (None if v is None else v[at] for v in piece.change[1:])
    change = Change(piece.change.index, first, second, variable)
    values = values_by_row(model, scale, piece.quantity, part, change)
    group = np.zeros(len(values), int) if part.groups is None else part.groups.astype(int)
    weights = np.ones(len(values)) if part.weights is None else part.weights
    share = weights / found.moments.weights[group]
    centred = (values - found.moments.values[group]) * share[:, None]
    own = np.zeros((len(values), *found.values.shape))
    own[np.arange(len(values)), group] = np.einsum("ncm,nm->nc", found.outer[group], centred)
    return own.reshape(len(values), -1)


def _taken(rows: Rows, at: slice) -> Rows:
    x, y, weights, offset = jax.tree.map(
        lambda a: np.asarray(a)[at], (rows.x, rows.y, rows.weights, rows.offset)
    )
    return Rows(x, y, weights=weights, weight_kind=rows.weight_kind, offset=offset)


def _parameter_influence(fit: Fit, rows: Rows) -> np.ndarray:
    """$B s_i$ of each row in the original coordinates, shape `(n, p)`; the dispersion cancels."""
    both = fit.active[:, None] & fit.active[None, :]
    bread = np.where(both, inverse_from_factor(np.asarray(fit.factor)), 0.0)
    arrays, static = split(with_working_dispersion(fit).model)
    with double():
        scores = source(rows, keep=False).rowwise(
            lambda b: _scores(static, arrays, fit.coordinates, fit.params, b)
        )
        outward = np.asarray(outward_matrix(fit))
    return scores @ (outward @ bread).T


@functools.partial(row_jit, static_argnums=0)
def _scores(static, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    return map_blocks(lambda b: row_scores(model, coordinates, params, b), rows)
