r"""Separation: whether the likelihood rises for ever along some direction of the coefficients.

A family says for each row in which directions of $\eta$ its log-probability never falls. A
direction $d$ of the coefficients that is among those of every row separates the data: there is no
maximum (Albert and Anderson 1984; for counts Correia, Guimaraes and Zylkin 2019). The cone of such
$d$ is found by linear programming (Konis 2007) on distinct rows, with columns standardised. A
direction from the cone's inside leaves exactly those rows at rest that say something about finite
coefficients (Geyer 2009).
"""

import dataclasses
from typing import Any

import jax
import numpy as np

from asymptotix.core.precision import double
from asymptotix.core.typing import Array, Bool, Float
from asymptotix.data.rows import Rows
from asymptotix.families.recession import Cones
from asymptotix.likelihood import host_coordinates
from asymptotix.model import Regression

MARGIN = 1e-8
"""How far a row of unit length must move to count as moving."""
FEASIBLE = 1e-10
"""The linear program's own tolerance, the smallest that HiGHS takes."""
FLAT = 1e-9
"""Singular values, and lengths of rows, that are zero but for rounding, as a share."""
WORKING_ROWS = 2000
"""Constraints of a linear program to begin with; violated ones are added."""


@dataclasses.dataclass(frozen=True, eq=False)
class Separation:
    """Which coefficients are infinite, and which rows make them so.

    Attributes:
        kind: `"none"`, `"quasi"` (some rows are not separated) or `"complete"`.
        signs: for each coefficient +1 or -1 where it is infinite, else 0.
        infinite: which coefficients are infinite; a sign of 0 among them is not determined.
        certain: which signs are those of every separating direction.
        rows: for each row, whether its likelihood goes to its supremum.
        path: one separating direction, 0 for finite coefficients.
        gone: for each row, which of its normals the path leaves for ever; `None` without any.
        partial: whether rows are left of which only some normals have gone.
    """

    kind: str
    signs: np.ndarray
    infinite: np.ndarray
    certain: np.ndarray
    rows: np.ndarray
    path: np.ndarray
    gone: np.ndarray | None = None
    partial: bool = False

    @property
    def touched(self) -> np.ndarray:
        """For each row, whether any of its normals has gone."""
        return self.rows if self.gone is None else np.any(self.gone, axis=1)

    @property
    def is_separated(self) -> bool:
        """Whether there is any separation."""
        return self.kind != "none"


def find_separation(model: Regression, rows: Rows, active) -> Separation | None:
    """The separation of concrete rows under a model, by linear programming.

    Arguments:
        model: with predictors linear in their parameters.
        rows: all rows.
        active: for each design, which of its columns are estimated (and are not collinear).

    Returns:
        What was found; `None` where the family does not say how its likelihood behaves.
    """
    from scipy.linalg import block_diag  # a fifteenth of a second at start-up

    with double():
        designs = model.predictor.designs(jax.tree.map(np.asarray, rows.x))
    cones = model.family.recession(jax.tree.map(np.asarray, rows.y))
    if designs is None or cones is None or cones.normals.shape[2] != len(designs):
        return None
    designs = tuple(np.asarray(d, np.float64) for d in designs)
    weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, np.float64)
    coordinates = host_coordinates(designs, weight, active)
    whole: Any = block_diag(*(c.outward(np.eye(len(c.center))) for c in coordinates))
    outward = np.asarray(whole)[:, np.concatenate(active)]
    present = np.flatnonzero(weight > 0)
    patterns = _Patterns.of(designs, cones, present)
    standard: list[Any] = [
        c.standardise(d)[:, a]
        for c, d, a in zip(coordinates, patterns.designs, active, strict=True)
    ]
    return _described(outward, rows.n, present, patterns, _constraints(standard, patterns.cones))


@dataclasses.dataclass(frozen=True)
class _Patterns:
    """Distinct rows, and which of them each row is."""

    designs: tuple[np.ndarray, ...]
    cones: Cones
    of_row: np.ndarray

    @classmethod
    def of(cls, designs, cones: Cones, present) -> "_Patterns":
        normals = cones.normals[present]
        flat = [d[present] for d in designs if d is designs[0] or len(designs) > 1]
        parts = [*flat, normals.reshape(len(present), -1), cones.pinned[present][:, None]]
        table = np.ascontiguousarray(np.hstack(parts)) + 0.0  # no negative zeros
        packed = table.view(np.dtype((np.void, table.dtype.itemsize * table.shape[1]))).ravel()
        _, first, of_row = np.unique(packed, return_index=True, return_inverse=True)
        chosen = present[first]
        return cls(
            tuple(d[chosen] for d in designs),
            Cones(cones.normals[chosen], cones.pinned[chosen]),
            of_row,
        )


@dataclasses.dataclass(frozen=True)
class _Constraints:
    """What a direction must do: `free @ d >= 0`, where `d` runs through the columns of `basis`."""

    basis: Float[Array, "p q"]
    free: Float[Array, "u q"]
    moving: Bool[Array, "u"]
    pattern: np.ndarray


def _constraints(standard: list[np.ndarray], cones: Cones) -> _Constraints:
    """One constraint for each contrast of each pattern; those of pinned rows are solved for."""
    u, r, m = cones.normals.shape
    wide = np.concatenate(
        [cones.normals[:, :, j, None] * standard[j][:, None, :] for j in range(m)], axis=2
    ).reshape(u * r, -1)
    pinned = np.repeat(cones.pinned, r)
    basis = _null_space(wide[pinned], wide.shape[1])
    free = wide[~pinned]
    length = np.linalg.norm(free, axis=1, keepdims=True)
    inside = free @ basis / np.where(length > 0, length, 1.0)
    size = np.linalg.norm(inside, axis=1)
    moving = size > FLAT
    unit = np.where(moving[:, None], inside / np.where(moving, size, 1.0)[:, None], 0.0)
    return _Constraints(basis, unit, moving, np.repeat(np.arange(u), r)[~pinned])


def _null_space(matrix, p: int) -> np.ndarray:
    """An orthonormal basis of the vectors that a matrix of unit-size columns sends to zero."""
    if not len(matrix):
        return np.eye(p)
    _, values, axes = np.linalg.svd(np.linalg.qr(matrix, mode="r"), full_matrices=True)
    rank = int(np.sum(values > FLAT * max(values.max(initial=0.0), np.finfo(float).tiny)))
    return axes[rank:].T


def _described(outward, n: int, present, patterns: _Patterns, given: _Constraints) -> Separation:
    total, first, at_rest = _from_inside(given)
    moved = given.moving & ~at_rest
    if not moved.any():
        return _none(len(outward), n)
    flat = given.basis @ _null_space(given.free[at_rest & given.moving], given.basis.shape[1])
    infinite = _touched(outward, flat)
    signs, certain = _signs(outward @ given.basis, given, infinite, first)
    each = np.bincount(given.pattern[moved], minlength=len(patterns.cones.pinned))
    contrasts = patterns.cones.normals.shape[1]
    whole, part = each == contrasts, (each > 0) & (each < contrasts)
    each_gone = np.zeros((len(whole), contrasts), bool)
    each_gone[~patterns.cones.pinned] = moved.reshape(-1, contrasts)
    rows, gone = np.zeros(n, bool), np.zeros((n, contrasts), bool)
    rows[present], gone[present] = whole[patterns.of_row], each_gone[patterns.of_row]
    path = np.where(infinite, outward @ given.basis @ total, 0.0)
    kind = "complete" if rows[present].all() else "quasi"
    return Separation(kind, signs, infinite, certain, rows, path, gone, bool(part.any()))


def _none(p: int, n: int) -> Separation:
    nowhere = np.zeros(p, bool)
    return Separation("none", np.zeros(p, int), nowhere, nowhere, np.zeros(n, bool), np.zeros(p))


def _from_inside(given: _Constraints):
    """A direction from the inside of the cone, the first one found, and the rows left at rest."""
    at_rest = np.ones(len(given.free), bool)
    total = np.zeros(given.basis.shape[1])
    first = total
    while (at_rest & given.moving).any() and total.size:
        d = _farthest(given.free, given.free[at_rest].sum(axis=0))
        gained = at_rest & (given.free @ d > MARGIN)
        if not gained.any():
            break
        first = d if not first.any() else first
        total, at_rest = total + d, at_rest & ~gained
    return total, first, at_rest


def _farthest(free, objective) -> np.ndarray:
    """The direction of a cone, within a box, that goes farthest along an objective.

    Constraints that are violated are added to a small program until none is.
    """
    working = np.arange(0, len(free), max(1, len(free) // WORKING_ROWS))
    while True:
        d = _program(free[working], objective)
        moves = free @ d
        moves[working] = 0.0
        bad = np.flatnonzero(moves < -10 * FEASIBLE)
        if not len(bad):
            return d
        working = np.union1d(working, bad[np.argsort(moves[bad])[:WORKING_ROWS]])


def _program(constraints, objective) -> np.ndarray:
    scale = max(float(np.abs(objective).max(initial=0.0)), np.finfo(float).tiny)
    tight = {"primal_feasibility_tolerance": FEASIBLE, "dual_feasibility_tolerance": FEASIBLE}
    from scipy.optimize import linprog  # a tenth of a second at start-up

    found = linprog(
        -objective / scale,
        A_ub=-constraints,
        b_ub=np.zeros(len(constraints)),
        bounds=(-1, 1),
        method="highs",
        options=tight,
    )
    return np.zeros(len(objective)) if found.x is None else np.asarray(found.x)


def _touched(outward, flat) -> np.ndarray:
    """The coefficients that a space of directions (orthonormal columns) changes."""
    size = np.linalg.norm(outward, axis=1, keepdims=True)
    return (np.abs(outward @ flat) > MARGIN * size).any(axis=1)


def _signs(inner, given: _Constraints, infinite, first) -> tuple[np.ndarray, np.ndarray]:
    """The signs that separating directions give each infinite coefficient.

    Where both occur, that of the direction which moves all rows together farthest counts.
    """
    signs, certain, free = np.zeros(len(inner), int), np.zeros(len(inner), bool), given.free
    for j in np.flatnonzero(infinite):
        a = inner[j] / np.linalg.norm(inner[j])
        along = a @ first
        leaning = int(np.sign(along)) if abs(along) > MARGIN else 0
        reached = [s for s in (1, -1) if s == leaning or s * a @ _farthest(free, s * a) > MARGIN]
        certain[j] = len(reached) == 1
        signs[j] = reached[0] if certain[j] else leaning
    return signs, certain
