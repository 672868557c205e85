r"""One contrast, derivative or prediction: its average by group, or its value in every row.

Averages are taken first and compared after: a ratio of averages is the ratio of the average
predictions, not the average of the rows' ratios. (Semi-)elasticities are averaged as they are.
"""

import dataclasses
from collections.abc import Callable

import jax
import numpy as np

from asymptotix.core.precision import double
from asymptotix.effects.draws import Draws
from asymptotix.effects.estimates import delta_variances
from asymptotix.effects.evaluate import (
    Averages,
    Change,
    Sample,
    averages,
    resampled_averages,
    rowwise,
    simulated_averages,
    simulated_rows,
)
from asymptotix.effects.kernels import Quantity
from asymptotix.effects.scale import Scale
from asymptotix.model import Regression, layout

UNIT_SLOPE = Quantity("unit slope")


@dataclasses.dataclass(frozen=True)
class Piece:
    """A quantity at changed rows, and what is made of its averages.

    Attributes:
        quantity, change: what is evaluated, and where.
        compare: from the averages of high and low to an effect; `None` for the average itself.
    """

    quantity: Quantity
    change: Change
    compare: Callable | None = None

    def combine(self, moments):
        """From the moments of one group, shape `(c,)` or `(2c,)`, to the effect, shape `(c,)`."""
        if self.compare is None:
            return moments
        half = moments.shape[0] // 2
        return self.compare(moments[:half], moments[half:])

    def in_rows(self) -> Quantity:
        """The quantity that gives the effect of each row."""
        if self.compare is None:
            return self.quantity
        return Quantity("compare", self.compare)


@dataclasses.dataclass(frozen=True)
class Found:
    """Effects of one piece, groups or rows first, components second.

    Attributes:
        values: shape `(r, c)`.
        jacobian: `(r, c, p)`, or `None`.
        variances: `(r, c)`, or `None`.
        draws: `(draws, r, c)`, or `None`.
        moments, outer: the averages behind the effects and the derivatives in those.
    """

    values: np.ndarray
    jacobian: np.ndarray | None = None
    variances: np.ndarray | None = None
    draws: np.ndarray | None = None
    moments: Averages | None = None
    outer: np.ndarray | None = None


def averaged(
    model: Regression, scale: Scale, piece: Piece, sample: Sample, draws: Draws | None = None
) -> Found:
    """The effect in each group, with derivatives in theta or, given `draws`, of each of them."""
    moments = averages(model, scale, piece.quantity, sample, piece.change)
    if draws is None:
        return made_of(piece, moments)
    given = model, scale, piece.quantity, sample, draws.thetas
    if draws.counts is not None:
        return made_of(piece, moments, resampled_averages(*given, draws.counts, piece.change))
    return made_of(piece, moments, simulated_averages(*given, piece.change))


def made_of(piece: Piece, moments: Averages, draws=None) -> Found:
    """The effect in each group, of averages and, where there are such, of draws of them."""
    with double():
        values = np.asarray(jax.vmap(piece.combine)(moments.values))
        if draws is not None:
            return Found(values, draws=np.asarray(jax.vmap(jax.vmap(piece.combine))(draws)))
        outer = np.asarray(jax.vmap(jax.jacobian(piece.combine))(moments.values))
        jacobian = np.einsum("gcm,gmp->gcp", outer, moments.jacobian)
        return Found(values, jacobian, moments=moments, outer=outer)


def by_row(
    model: Regression,
    scale: Scale,
    piece: Piece,
    sample: Sample,
    matrix,
    *,
    full: bool,
    draws: Draws | None = None,
) -> Found:
    """The effect in each row, with derivatives where `full`, else variances only."""
    quantity = piece.in_rows()
    some_infinite = bool(np.isnan(np.diagonal(matrix)).any())
    values, second = rowwise(
        model, scale, quantity, sample, matrix, piece.change, full or some_infinite
    )
    if draws is not None:
        found = simulated_rows(model, scale, quantity, sample, draws.thetas, piece.change)
        return Found(values, draws=found)
    if full:
        return Found(values, second)
    if some_infinite:
        flat = second.reshape(-1, second.shape[-1])
        second = delta_variances(flat, matrix).reshape(values.shape)
    return Found(values, variances=second)


def is_plain_linear(model: Regression, x) -> bool:
    r"""Whether $\eta = x^\top\beta$ is a scalar, so that $\partial\eta/\partial x_j = \beta_j$."""
    first = x[:1]
    designs = model.predictor.designs(first)
    scalar = not model.predictor.has_vector_eta()
    return designs is not None and len(designs) == 1 and designs[0] is first and scalar


def own_slopes(model: Regression, scale: Scale, sample: Sample, columns) -> list[Found]:
    r"""Average derivatives in variables that are columns of their own, all by one pass.

    $\overline{T'(\eta)}\,\beta_j$, with derivative $\beta_j \overline{T''(\eta)\,x} +
    \overline{T'(\eta)}\,e_j$ in $\beta$.
    """
    return slopes_of(averages(model, scale, UNIT_SLOPE, sample), model, columns)


def slopes_of(base: Averages, model: Regression, columns) -> list[Found]:
    r"""The same from the averages of $T'(\eta)$."""
    theta = np.asarray(layout(model).flatten(model), float)
    found = []
    for j in columns:
        jacobian = np.asarray(base.jacobian * theta[j])
        jacobian[:, :, j] += base.values
        found.append(Found(np.asarray(base.values * theta[j]), jacobian))
    return found
