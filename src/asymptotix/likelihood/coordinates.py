r"""Working coordinates: centred, scaled columns, on which linear predictors are solved.

With column means $m$, scales $s$ and an intercept column of constant value $c$, the solver sees
$\tilde x_j = (x_j - m_j) / s_j$ and parameters $\gamma$; then $\beta_j = \gamma_j / s_j$ and the
intercept gives back $\sum_j m_j \beta_j / c$. The map is affine and exact for any $m$ and $s$, so
that these only need to be of the right size. A column switched off has $1/s_j = 0$.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.linalg import namespace
from asymptotix.core.typing import Array, Bool, Float
from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block


class Coordinates(NamedTuple):
    """How the columns of one design are centred and scaled.

    Attributes:
        center: what is subtracted from each column; 0 without an intercept.
        inverse_scale: what each column is then multiplied by; 0 for a column switched off.
        intercept: 1/c at the intercept column, 0 elsewhere; all 0 without one.
    """

    center: Float[Array, "k"]
    inverse_scale: Float[Array, "k"]
    intercept: Float[Array, "k"]

    @property
    def active(self) -> Bool[Array, "k"]:
        """Which columns are estimated."""
        return self.inverse_scale != 0

    def standardise(self, x: Float[Array, "n k"]) -> Float[Array, "n k"]:
        """The columns as the solver sees them."""
        return (x - self.center) * self.inverse_scale

    def outward(self, gamma: Float[Array, "k ..."]) -> Float[Array, "k ..."]:
        r"""$\beta = T\gamma$, for a vector or the columns of a matrix."""
        beta = (gamma.T * self.inverse_scale).T
        return beta - _outer(self.intercept, self.center @ beta)

    @property
    def matrix(self) -> Float[Array, "k k"]:
        """$T$."""
        slopes = self.center * self.inverse_scale
        diagonal = namespace(slopes).diag(self.inverse_scale)
        return diagonal - self.intercept[:, None] * slopes

    def inward(self, beta: Float[Array, "k"]) -> Float[Array, "k"]:
        r"""$\gamma = T^{-1}\beta$; 0 for columns switched off."""
        moved = beta + self.intercept * (self.center @ beta)
        xp = namespace(moved, self.inverse_scale)
        return xp.where(self.active, moved / xp.where(self.active, self.inverse_scale, 1), 0)

    def pull_score(self, score: Float[Array, "k ..."]) -> Float[Array, "k ..."]:
        r"""$T^{-\top} s$: a score (or each column of a matrix) in the original coordinates."""
        xp = namespace(score, self.inverse_scale)
        scaled = (score.T / xp.where(self.active, self.inverse_scale, xp.nan)).T
        return scaled + _outer(self.center, self.intercept @ scaled)


class ExactCoordinates(Coordinates):
    r"""The same, for derivatives with respect to `x`, in which an intercept column may vary too.

    Centring subtracts $m_j\,x_{int}/c$ and not $m_j$: equal in value, not in derivative.
    """

    def standardise(self, x: Float[Array, "n k"]) -> Float[Array, "n k"]:
        moved = jnp.where(jnp.any(self.intercept != 0), x @ self.intercept, 1.0)
        return (x - moved[:, None] * self.center) * self.inverse_scale


class PlainCoordinates(Coordinates):
    """No centring and no scaling, for columns that are near enough to standard as they are."""

    def standardise(self, x: Float[Array, "n k"]) -> Float[Array, "n k"]:
        return x


class RotatedCoordinates(NamedTuple):
    r"""Others, times a triangular matrix that makes the information nearly the identity.

    In near-collinear columns a sandwich loses as many digits as the *cube* of their condition has;
    in these, as many as the condition itself.

    Attributes:
        base: the other coordinates.
        rotation: $W$, upper triangular: $\tilde x = W^\top x$ of their $x$.
    """

    base: Coordinates
    rotation: Float[Array, "k k"]

    @property
    def center(self) -> Float[Array, "k"]:
        """That of the others."""
        return self.base.center

    @property
    def intercept(self) -> Float[Array, "k"]:
        """That of the others."""
        return self.base.intercept

    @property
    def inverse_scale(self) -> Float[Array, "k"]:
        """That of the others."""
        return self.base.inverse_scale

    @property
    def active(self) -> Bool[Array, "k"]:
        """Which columns are estimated."""
        return self.base.active

    def standardise(self, x: Float[Array, "n k"]) -> Float[Array, "n k"]:
        """The columns as the solver sees them."""
        return self.base.standardise(x) @ self.rotation

    def outward(self, gamma: Float[Array, "k ..."]) -> Float[Array, "k ..."]:
        r"""$\beta = TW\gamma$."""
        return self.base.outward(self.rotation @ gamma)

    @property
    def matrix(self) -> Float[Array, "k k"]:
        """$TW$."""
        return self.base.outward(self.rotation)


NEAR_CENTER = 10.0
NEAR_SCALE = 100.0
"""Means within so many standard deviations of 0, and scales within this factor of 1, cost a
solver fewer than four digits; standardising every block costs a fifth of a pass."""


def plain_if_near(c: Coordinates) -> Coordinates:
    """`PlainCoordinates` where all columns are used and near standard (concrete arrays only)."""
    center, inverse = np.asarray(c.center), np.asarray(c.inverse_scale)
    size = np.abs(inverse)
    near = (size > 1 / NEAR_SCALE) & (size < NEAR_SCALE) & (np.abs(center * inverse) < NEAR_CENTER)
    if not near.all():
        return c
    zero = np.zeros_like(center)
    return PlainCoordinates(zero, np.ones_like(center), zero)


def exact(coordinates: tuple[Coordinates, ...] | None):
    """Coordinates of all designs in their exact form."""
    return None if coordinates is None else tuple(ExactCoordinates(*c) for c in coordinates)


def outward(coordinates, params):
    """Parameters in the original coordinates; the family's own stay as they are."""
    return _by_design(coordinates, params, lambda c, part: c.outward(part))


def inward(coordinates, theta):
    """Parameters in working coordinates; the family's own stay as they are."""
    return _by_design(coordinates, theta, lambda c, part: c.inward(part))


def _by_design(coordinates, flat, move):
    """`move(c, part)` of the part of a flat vector that belongs to each design."""
    if coordinates is None:
        return flat
    parts, start = [], 0
    for c in coordinates:
        size = c.center.shape[0]
        parts.append(move(c, flat[start : start + size]))
        start += size
    return namespace(*parts, flat).concatenate([*parts, flat[start:]])


def _outer(vector, row):
    return vector * row if jnp.ndim(row) == 0 else vector[:, None] * row[None, :]


class Moments(NamedTuple):
    """Sums over present rows, from which coordinates are made."""

    count: Float[Array, ""]
    shifted: Float[Array, "k"]
    squares: Float[Array, "k"]


def moment_sums(x: Float[Array, "n k"], weight, reference: Float[Array, "k"]) -> Moments:
    """Sums of `x - reference` and its square over rows with positive weight."""
    present = (weight > 0).astype(x.dtype)
    shifted = (x - reference) * present[:, None]
    return Moments(present.sum(), shifted.sum(axis=0), (shifted * shifted).sum(axis=0))


def coordinates_from(moments: Moments, reference, active: Bool[Array, "k"]) -> Coordinates:
    """Means and standard deviations, or root mean squares where no column is constant."""
    xp = namespace(reference, moments.count)
    mean_shift = moments.shifted / moments.count
    spread = xp.sqrt(xp.maximum(moments.squares / moments.count - mean_shift**2, 0.0))
    is_constant = (moments.squares == 0) & (reference != 0) & active
    has_intercept = is_constant.any()
    first = is_constant & (xp.cumsum(is_constant, dtype=np.int32) == 1)
    mean = reference + mean_shift
    size = xp.where(has_intercept, spread, xp.hypot(spread, mean))
    scale = xp.where(first, reference, xp.where(size > 0, size, 1.0))
    return Coordinates(
        center=xp.where(has_intercept & ~first & active, mean, 0.0),
        inverse_scale=xp.where(active, 1.0 / scale, 0.0),
        intercept=xp.where(first, 1.0 / xp.where(first, reference, 1.0), 0.0),
    )


def host_coordinates(designs, weight, active) -> tuple[Coordinates, ...]:
    """Coordinates of NumPy designs, without compiling anything.

    Arguments:
        designs: one matrix per component, few enough rows for a copy of them.
        weight: the rows' weights; `None` where all are present.
        active: for each design, which of its columns are estimated.
    """
    if weight is not None and not weight.all():
        designs = [d[weight > 0] for d in designs]
    with np.errstate(over="ignore", invalid="ignore"):  # the fit then says that it is not finite
        return tuple(_of_design(d, a) for d, a in zip(designs, active, strict=True))


def _of_design(x: np.ndarray, active: np.ndarray) -> Coordinates:
    """`coordinates_from` of one design, in half as many calls: a small fit waits for them."""
    x = np.ascontiguousarray(x)  # the same sums in the same order, however the rows lie
    reference, shifted = x[0], x - x[0]
    # `einsum` takes a third of the time of `sum`; `@` would wake BLAS threads, which hinder XLA.
    squares = np.einsum("nk,nk->k", shifted, shifted)
    shift = np.einsum("nk->k", shifted) / len(x)
    size = np.sqrt(np.maximum(squares / len(x) - shift * shift, 0.0))
    mean = reference + shift
    constant = ((squares == 0) & (reference != 0) & active).nonzero()[0]
    intercept = np.zeros(len(mean))
    if constant.size:
        first = constant[0]
        center = np.where(active, mean, 0.0)
        center[first], intercept[first] = 0.0, 1.0 / reference[first]
    else:
        center, size = np.zeros_like(mean), np.hypot(size, mean)
    scale = np.where(size > 0, size, 1.0)
    if constant.size:
        scale[first] = reference[first]
    return Coordinates(center, np.where(active, 1.0 / scale, 0.0), intercept)


def traced_coordinates(
    designs, rows: Block, active: tuple[Bool[Array, "k"], ...]
) -> tuple[Coordinates, ...]:
    """Coordinates of every design of a predictor, by one loop over blocks for each.

    Arguments:
        designs: `predictor.designs`, from a block's `x` to one matrix per component.
        rows: all rows.
        active: for each design, which of its columns are estimated.
    """
    first = lax.argmax(rows.weight > 0, 0, np.int32)  # 64-bit indices fail in a 32-bit caller
    one = designs(_row(rows.x, first))
    references = [d[0] for d in one]

    def sums(block: Block):
        return tuple(
            moment_sums(d, block.weight, r)
            for d, r in zip(designs(block.x), references, strict=True)
        )

    moments = sum_blocks(sums, rows)
    return tuple(map(coordinates_from, moments, references, active))


def _row(x, index):
    return jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, index, 1), x)
