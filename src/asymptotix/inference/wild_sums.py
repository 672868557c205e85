r"""What a wild bootstrap needs of the rows: scores and informations of what is multiplied.

For unit $g$ (a row, or a cluster), its score $s_g$ and $M_g = L I_g$ with $L = R I^{-1}$, all at
the restricted maximum. The scores of a replicate after one Newton step are
$w_g s_g - I_g \bar s$ with $\bar s = I^{-1}\sum_h w_h s_h$, so that both its step $L \sum w_g s_g$
and the outer products of $L(w_g s_g - I_g \bar s)$ are polynomials in sums over units: one product
of the multipliers with a table of the units serves all replicates.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from asymptotix.core.typing import Array, Float
from asymptotix.covariances.passes import Passes, tagged
from asymptotix.data.blocks import fold_blocks, map_blocks, row_jit
from asymptotix.data.groups import Grouping
from asymptotix.data.rows import Block
from asymptotix.data.slabs import bucket
from asymptotix.data.source import HostSource
from asymptotix.likelihood import row_informations, row_scores, weighted


class Units(NamedTuple):
    """Scores `(u, p)` and projected informations `(u, q, p)` of some units."""

    scores: Float[Array, "u p"]
    moved: Float[Array, "u q p"]


def units_of(passes: Passes, curvature: str, lever, one: Grouping | None) -> Iterator[Units]:
    """The units, in parts: clusters all at once, rows slab by slab.

    Arguments:
        passes: over the rows, at the restricted maximum.
        curvature: which information of each row.
        lever: $L$, shape `(q, p)`.
        one: the clusters, none apart; `None` for single rows.
    """
    wide, keep = passes.wide, passes.keep
    size, q = wide.params.shape[0], len(lever)
    broad = np.zeros((q, size))
    broad[:, keep] = lever
    count = 0 if one is None else bucket(one.size)
    setting = (passes.static, curvature, count)

    def narrowed(found) -> Units:
        table = np.asarray(found)
        moved = table[:, size:].reshape(-1, q, size)
        return Units(table[:, keep], moved[:, :, keep])

    if one is None:
        program = lambda b: _of_rows(  # noqa: E731
            setting, passes.arrays, wide.coordinates, wide.params, broad, b
        )
        yield from map(narrowed, HostSource(passes.wide_rows).slabs.each(program))
        return
    total = np.zeros((count, size * (1 + q)))
    for part in HostSource(tagged(passes.wide_rows, (one.tags,))).slabs.each(
        lambda b: _of_groups(setting, passes.arrays, wide.coordinates, wide.params, broad, b)
    ):
        total += np.asarray(part)
    yield narrowed(total[: one.size])


def _table(model, curvature, coordinates, params, lever, block: Block):
    """A line a row: its score, then its projected information."""
    scores = row_scores(model, coordinates, params, block)
    each = row_informations(model, coordinates, curvature, params, block)
    moved = jnp.einsum("qp,npr->nqr", lever, each).reshape(each.shape[0], -1)
    return weighted(block.weight, jnp.concatenate([scores, moved], axis=1))


@functools.partial(row_jit, static_argnums=0)
def _of_rows(setting, arrays, coordinates, params, lever, rows: Block):
    static, curvature, _ = setting
    model = static.combine(arrays)
    return map_blocks(lambda b: _table(model, curvature, coordinates, params, lever, b), rows)


@functools.partial(row_jit, static_argnums=0)
def _of_groups(setting, arrays, coordinates, params, lever, rows: Block):
    static, curvature, count = setting
    model = static.combine(arrays)

    def fold(total, block: Block):
        y, (tags,) = block.y
        table = _table(model, curvature, coordinates, params, lever, block._replace(y=y))
        return total.at[tags.astype(np.int32)].add(table, mode="drop")

    width = params.shape[0] * (1 + lever.shape[0])
    return fold_blocks(fold, jnp.zeros((count, width), params.dtype), rows)


class Replicated:
    """The sums of all replicates, added up over parts of the units.

    Arguments:
        count: replicates.
        q, p: restrictions, parameters.
    """

    def __init__(self, count: int, q: int, p: int):
        self.q, self.p = q, p
        self.linear = np.zeros((count, p))
        self.squares = np.zeros((count, q * q))
        self.mixed = np.zeros((count, q * q * p))
        self.fixed = np.zeros((q, p, q, p))

    def add(self, units: Units, lever, multipliers) -> None:
        """A part of the units, with slices of replicates and their multipliers."""
        own = units.scores @ lever.T
        squares = (own[:, :, None] * own[:, None, :]).reshape(len(own), -1)
        mixed = (own[:, :, None, None] * units.moved[:, None]).reshape(len(own), -1)
        self.fixed += np.einsum("uaj,ubl->ajbl", units.moved, units.moved, optimize=True)
        for where, w in multipliers:
            self.linear[where] += w @ units.scores
            self.mixed[where] += w @ mixed
            self.squares[where] += w**2 @ squares

    def statistics(self, lever, inverse) -> np.ndarray:
        r"""$d^\top \Omega^{-1} d$ of each replicate; infinite where $\Omega$ is singular."""
        step = self.linear @ inverse
        cross = np.einsum("bacj,bj->bac", self.mixed.reshape(-1, self.q, self.q, self.p), step)
        own = np.einsum("bj,ajcl,bl->bac", step, self.fixed, step, optimize=True)
        omega = self.squares.reshape(cross.shape) - cross - cross.transpose(0, 2, 1) + own
        return _forms(self.linear @ lever.T, omega, self.squares.reshape(cross.shape))


SINGULAR = 1e-10
"""A variance below this share of the terms that it is the difference of is rounding."""


def _forms(difference, omega, size) -> np.ndarray:
    scale = np.sqrt(np.einsum("baa->ba", size))
    scale = np.where(scale > 0, scale, 1.0)
    unit = difference / scale
    values, vectors = np.linalg.eigh(omega / scale[:, :, None] / scale[:, None, :])
    along = np.einsum("ba,bac->bc", unit, vectors)
    singular = (values < SINGULAR).any(axis=1)
    safe = np.where(values < SINGULAR, 1.0, values)
    return np.where(singular, np.inf, np.sum(along**2 / safe, axis=1))
