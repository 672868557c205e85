"""Passes over the rows of a fit: every sum that a covariance is made of."""

import functools
from collections.abc import Iterator
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.gram import plain_gram, weighted_gram
from asymptotix.core.linalg import (
    inverse_from_factor,
    namespace,
    share_unexplained,
    triangular_factor,
)
from asymptotix.core.precision import is_traced
from asymptotix.core.static import split
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import fold_blocks, map_blocks, row_jit, sum_blocks
from asymptotix.data.groups import Grouping
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS, bucket
from asymptotix.data.source import HostSource, source
from asymptotix.data.streamed import StreamedRows
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.penalised import penalised
from asymptotix.fitting.small import widened
from asymptotix.likelihood import (
    RotatedCoordinates,
    Sums,
    block_sums,
    declares_expected,
    exact,
    outer_products,
    row_informations,
    row_leverages,
    row_scores,
    weighted,
)


class Passes:
    """The rows of a fit and the sums over them, in working coordinates at unit dispersion.

    Arguments:
        fit: a fit with its family at unit dispersion.
        rows: its own rows.
    """

    def __init__(self, fit: Fit, rows: Rows):
        self.fit, self.rows = fit, rows
        self._expected = None

    @functools.cached_property
    def traced(self) -> bool:
        """Whether they belong to a caller's transformation."""
        return is_traced((self.fit, self.rows))

    # --- the rows at a standard width, for kinds that sum over them ------------------------

    @functools.cached_property
    def _standard(self):
        return at_standard_width(self.fit, self.rows)

    @property
    def wide(self) -> Fit:
        """The fit at a standard width."""
        return self._standard[0]

    @property
    def wide_rows(self) -> Rows:
        """Its rows."""
        return self._standard[1]

    @property
    def keep(self):
        """Which wide parameters are the fit's own."""
        return self._standard[2]

    @functools.cached_property
    def _split(self):
        return split(self.wide.model)

    @property
    def arrays(self):
        """The arrays of the wide model."""
        return self._split[0]

    @property
    def static(self):
        """Everything else of it."""
        return self._split[1]

    # --- information ---------------------------------------------------------------------

    def factor(self, curvature: str) -> Float[Array, "p p"]:
        r"""$R$ with $R^\top R = I$, the `"observed"` or `"expected"` information."""
        if curvature == "observed":
            return self.fit.factor
        if self._expected is None:
            information = information_sums(self.fit, self.rows, "expected")
            self._expected = triangular_factor(information, self.fit.active)
        return self._expected

    def inverse(self, curvature: str) -> Float[Array, "p p"]:
        r"""$I^{-1}$ on the columns in use."""
        return self.on_active(inverse_from_factor(self.factor(curvature)))

    def on_active(self, matrix: Float[Array, "p p"]) -> Float[Array, "p p"]:
        """The matrix with zeros for columns not in use."""
        active = self.fit.active
        if namespace(matrix, active) is np and active.all():
            return matrix
        both = active[:, None] & active[None, :]
        return namespace(matrix, both).where(both, matrix, 0.0)

    @functools.cached_property
    def working_curvature(self) -> str:
        """The information that weighs rows in leverages: expected where it is declared."""
        if not declares_expected(self.fit.model):
            return "observed"
        if self.traced or np.isfinite(np.asarray(self.factor("expected"))).all():
            return "expected"
        return "observed"

    def _widened(self, matrix):
        """A matrix of the fit's parameters at the standard width."""
        size = self.wide.params.shape[0]
        if matrix.shape[0] == size:
            return matrix
        wide = np.zeros((size, size))
        wide[self.keep[:, None], self.keep] = matrix
        return wide

    def _narrowed(self, matrix):
        """The last two axes of sums at the standard width, for the fit's own parameters."""
        return matrix[..., self.keep[:, None], self.keep]

    # --- outer products of single rows ---------------------------------------------------

    def outer_products(self) -> Float[Array, "p p"]:
        """Weighted outer products of scores."""
        wide = self.wide
        return self._narrowed(
            source(self.wide_rows, in_place=True).sum(
                partial(
                    _meat,
                    self.static,
                    wide.weight_kind,
                    plain_gram if self.traced else weighted_gram,
                    self.arrays,
                    wide.coordinates,
                    wide.params,
                )
            )
        )

    def leverages(self) -> Float[Array, "n"]:
        """The leverage of each row; of one copy of it where weights are frequencies."""
        wide, inverse = self.wide, self._widened(self.inverse(self.working_curvature))
        setting = (self.static, self.working_curvature, wide.weight_kind)
        return source(self.wide_rows, in_place=True).rowwise(
            partial(_leverages, setting, self.arrays, wide.coordinates, wide.params, inverse)
        )

    def inflated_outer_products(self, rule, constants) -> Float[Array, "p p"]:
        """Outer products, each times a function of its row's leverage.

        Arguments:
            rule: from leverages and `constants` to factors; a module's function, so that the
                program is found again.
            constants: numbers that the rule reads.
        """
        wide, inverse = self.wide, self._widened(self.inverse(self.working_curvature))
        setting = (self.static, self.working_curvature, wide.weight_kind, rule)
        return self._narrowed(
            source(self.wide_rows, in_place=True).sum(
                partial(
                    _inflated_meat,
                    setting,
                    self.arrays,
                    wide.coordinates,
                    wide.params,
                    inverse,
                    constants,
                )
            )
        )

    # --- groups --------------------------------------------------------------------------

    def group_outer_products(self, groupings: tuple[Grouping, ...]) -> list:
        r"""$\sum_g s_g s_g^\top$ of each grouping, all from one pass.

        Groups of a single row are added row by row, so that memory grows with the number of
        larger groups only.
        """
        found = self._group_sums(groupings)
        return [self._narrowed(totals.T @ totals + alone) for totals, alone in found]

    def group_totals(self, one: Grouping) -> Float[Array, "g p"]:
        r"""$s_g = \sum_{i \in g} w_i s_i$, for a grouping without single rows apart."""
        ((totals, _),) = self._group_sums((one,))
        return totals[: one.size, self.keep]

    def _group_sums(self, groupings):
        wide = self.wide
        together = isinstance(self.rows, StreamedRows) and self.rows.together
        local = [_Local(one, self.traced, together) for one in groupings]
        sizes = tuple((part.size, part.has_singles) for part in local)
        rows = tagged(self.wide_rows, tuple(part.tags for part in local))

        sums = partial(_group_sums, self.static, sizes, self.arrays, wide.coordinates, wide.params)
        if self.traced:
            return source(rows).sum(sums)
        p = wide.params.shape[0]
        found = [(np.zeros((part.total, p)), np.zeros((p, p))) for part in local]
        slabs = HostSource(rows, in_place=not any(part.by_slab for part in local)).slabs
        for index, slab in enumerate([slabs.sum(sums)] if together else slabs.each(sums)):
            for part, (totals, alone), (more, single) in zip(local, found, slab, strict=True):
                owners = part.owners(index)
                totals[owners] += more[: part.rows_of(index)]
                alone += single
        return found

    def group_informations(self, one: Grouping) -> Float[Array, "g p p"]:
        r"""$I_g = \sum_{i \in g} w_i H_i$ with the working curvature."""
        wide, size = self.wide, bucket(one.size)
        setting = (self.static, self.working_curvature, size)
        sums = partial(_group_informations, setting, self.arrays, wide.coordinates, wide.params)
        slabs = HostSource(tagged(self.wide_rows, (one.tags,)), in_place=True).slabs
        together = isinstance(self.rows, StreamedRows) and self.rows.together
        total = 0.0
        for slab in [slabs.sum(sums)] if together else slabs.each(sums):
            total = total + slab
        return self._narrowed(total)[: one.size]

    # --- scores --------------------------------------------------------------------------

    def scores(self) -> Float[Array, "n p"]:
        """The weighted score of each row."""
        wide = self.wide
        found = source(self.wide_rows, in_place=True).rowwise(
            partial(_row_scores, self.static, self.arrays, wide.coordinates, wide.params)
        )
        return found[:, self.keep]

    def ordered_scores(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """Weighted scores of rows in a given order, a slab at a time."""
        wide = self.wide
        for first in range(0, order.size, SLAB_ROWS):
            index = order[first : first + SLAB_ROWS]
            part = jax.tree.map(lambda a, i=index: np.asarray(a)[i], self.wide_rows)
            scores = source(part).rowwise(
                partial(_row_scores, self.static, self.arrays, wide.coordinates, wide.params)
            )
            yield np.asarray(scores)[:, self.keep]


class _Local:
    """A grouping's tags as one program over slabs of any data reads them.

    With more groups than rows in a slab, tags count the groups within each slab, unless sums are
    of all rows together.
    """

    def __init__(self, one: Grouping, traced: bool, together: bool):
        self.has_singles = not traced and one.size < one.count
        self.total = one.size
        self._owners = None
        if traced:
            self.tags, self.size = one.tags, one.size
        elif together or one.size <= SLAB_ROWS:
            self.tags, self.size = one.tags, bucket(one.size)
        else:
            self.tags, self.size = np.empty_like(one.tags), SLAB_ROWS
            self._owners = []
            for first in range(0, one.tags.size, SLAB_ROWS):
                part = slice(first, first + SLAB_ROWS)
                found, inverse = np.unique(one.tags[part], return_inverse=True)
                alone = int(found[0] < 0)
                self.tags[part] = inverse - alone
                self._owners.append(found[alone:])

    @property
    def by_slab(self) -> bool:
        """Whether tags count the groups within each slab of `SLAB_ROWS` rows."""
        return self._owners is not None

    def owners(self, index: int):
        """Which groups the sums of a slab belong to."""
        return slice(None) if self._owners is None else self._owners[index]

    def rows_of(self, index: int) -> int:
        """How many of a slab's sums are in use."""
        return self.total if self._owners is None else self._owners[index].size


def tagged(rows, tags):
    """Rows that carry integers beside their response, so that blocks and slabs cut them too."""
    if isinstance(rows, StreamedRows):
        return rows.tagged(tags)
    return eqx.tree_at(lambda r: r.y, rows, (rows.y, tags))


def _untagged(block: Block):
    y, tags = block.y
    return block._replace(y=y), tuple(t.astype(np.int32) for t in tags)


@partial(row_jit, static_argnums=(0, 1))
def _block_sums(static, curvature, arrays, coordinates, params, rows: Block) -> Sums:
    model = static.combine(arrays)
    return sum_blocks(lambda b: block_sums(model, coordinates, curvature, params, b), rows)


@partial(row_jit, static_argnums=(0, 1, 2))
def _meat(static, weight_kind, gram, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    return sum_blocks(
        lambda b: outer_products(model, coordinates, weight_kind, params, b, gram), rows
    )


@partial(row_jit, static_argnums=0)
def _row_scores(static, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    return map_blocks(lambda b: _weighted_scores(model, coordinates, params, b), rows)


def _weighted_scores(model, coordinates, params, block: Block):
    return weighted(block.weight, row_scores(model, coordinates, params, block))


def _block_leverages(setting, model, coordinates, params, inverse, block: Block):
    curvature, weight_kind = setting
    leverage = row_leverages(model, coordinates, curvature, params, inverse, block)
    return leverage if weight_kind == "frequency" else leverage * block.weight


@partial(row_jit, static_argnums=0)
def _leverages(setting, arrays, coordinates, params, inverse, rows: Block):
    static, *how = setting
    model = static.combine(arrays)

    def each(block: Block):
        found = _block_leverages(how, model, coordinates, params, inverse, block)
        return jnp.where(block.weight > 0, found, 0.0)

    return map_blocks(each, rows)


@partial(row_jit, static_argnums=0)
def _inflated_meat(setting, arrays, coordinates, params, inverse, constants, rows: Block):
    static, curvature, weight_kind, rule = setting
    model = static.combine(arrays)

    def one(block: Block):
        leverage = _block_leverages(
            (curvature, weight_kind), model, coordinates, params, inverse, block
        )
        scores = row_scores(model, coordinates, params, block)
        weight = block.weight if weight_kind == "frequency" else block.weight**2
        factor = weighted(weight, rule(leverage, *constants))
        scores = weighted(block.weight > 0, scores)
        return (scores * factor[:, None]).T @ scores

    return sum_blocks(one, rows)


@partial(row_jit, static_argnums=(0, 1))
def _group_sums(static, sizes, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    p = params.shape[0]

    def fold(carry, block: Block):
        block, tags = _untagged(block)
        scores = _weighted_scores(model, coordinates, params, block)
        return tuple(
            _add_to_groups(c, scores, t, has_singles)
            for c, t, (_, has_singles) in zip(carry, tags, sizes, strict=True)
        )

    start = tuple(
        (jnp.zeros((size, p), params.dtype), jnp.zeros((p, p), params.dtype)) for size, _ in sizes
    )
    return fold_blocks(fold, start, rows)


def _add_to_groups(carry, scores, tags, has_singles: bool):
    totals, alone = carry
    where = jnp.where(tags < 0, totals.shape[0], tags)  # out of range, and so left out
    totals = totals.at[where].add(scores, mode="drop")
    if has_singles:
        own = weighted((tags < 0).astype(scores.dtype), scores)
        alone = alone + own.T @ own
    return totals, alone


@partial(row_jit, static_argnums=0)
def _group_informations(setting, arrays, coordinates, params, rows: Block):
    static, curvature, size = setting
    model = static.combine(arrays)
    p = params.shape[0]

    def fold(total, block: Block):
        block, (tags,) = _untagged(block)
        each = row_informations(model, coordinates, curvature, params, block)
        return total.at[tags].add(weighted(block.weight, each), mode="drop")

    return fold_blocks(fold, jnp.zeros((size, p, p)), rows)


def information_sums(fit: Fit, rows: Rows, curvature: str) -> Float[Array, "p p"]:
    """The information in working coordinates, by one pass; with the penalty's, if there is one."""
    sums = _sums(fit, rows, curvature)
    return penalised(sums, fit.penalty, fit.coordinates, fit.params).information


def _sums(fit: Fit, rows: Rows, curvature: str) -> Sums:
    wide, rows, keep = at_standard_width(fit, rows)
    arrays, static = split(wide.model)
    value, score, matrix = source(rows, in_place=True).sum(
        partial(_block_sums, static, curvature, arrays, wide.coordinates, wide.params)
    )
    return Sums(value, score[keep], matrix[keep[:, None], keep])


def at_standard_width(fit: Fit, rows: Rows):
    """Small data on the host at a standard width; others as they are.

    Inside a transformation, coordinates take the form that has derivatives in an intercept.
    """
    if is_traced((fit, rows)):
        traced = eqx.tree_at(
            lambda f: f.coordinates, fit, exact(fit.coordinates), is_leaf=lambda v: v is None
        )
        return traced, rows, np.arange(fit.params.shape[0], dtype=np.int32)
    rotated = isinstance((fit.coordinates or (None,))[0], RotatedCoordinates)
    if rotated or isinstance(rows, StreamedRows) or rows.n > SLAB_ROWS:
        return fit, rows, np.arange(fit.params.shape[0])
    return widened(fit, rows)


CORRELATED = 0.03
"""Smallest share of a column that must be its own for a sandwich to lose no digit that counts."""


def well_conditioned(fit: Fit, rows: Rows) -> Fit:
    r"""The fit in coordinates in which its information is nearly the identity, where it pays.

    The information is summed anew in them: that of the fit has lost the square of the condition.

    Arguments:
        fit: a concrete fit, with its family at unit dispersion.
        rows: its rows.
    """
    factor = np.asarray(fit.factor)
    single = fit.coordinates is not None and len(fit.coordinates) == 1 and fit.penalty is None
    if not single or not share_unexplained(factor).min() < CORRELATED:
        return fit
    assert fit.coordinates is not None
    (base,) = fit.coordinates
    k, active = base.center.shape[0], np.asarray(fit.active)
    design = factor[:k, :k]
    if not np.isfinite(factor).all() or not design.diagonal().all():
        return fit
    rotation = np.linalg.inv(design)
    params = np.array(fit.params)
    params[:k] = design @ params[:k]
    turned = eqx.tree_at(
        lambda f: (f.coordinates, f.params),
        fit,
        ((RotatedCoordinates(base, rotation),), params),
    )
    information = np.asarray(information_sums(turned, rows, "observed"))
    return eqx.tree_at(
        lambda f: (f.information, f.factor),
        turned,
        (information, triangular_factor(information, active)),
    )


def outward_matrix(fit: Fit) -> Float[Array, "p p"]:
    """The matrix from working to original coordinates."""
    xp = namespace(fit.params)
    blocks = [c.matrix for c in fit.coordinates or ()]
    rest = fit.params.shape[0] - sum(b.shape[0] for b in blocks)
    if len(blocks) == 1 and not rest:
        return blocks[0]
    blocks.append(xp.eye(rest))
    rows, start = [], 0
    for block in blocks:
        size = block.shape[0]
        rows.append(xp.pad(block, ((0, 0), (start, fit.params.shape[0] - start - size))))
        start += size
    return xp.concatenate(rows)
