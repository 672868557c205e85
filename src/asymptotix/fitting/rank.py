"""Which columns repeat earlier ones: an exact look, taken only where a factor looks suspicious."""

import dataclasses
from typing import Any

import numpy as np

from asymptotix.fitting.newton import RANK_TOLERANCE
from asymptotix.likelihood import Coordinates

WARN_TOLERANCE = 1e-7
NEGLIGIBLE = 1e-8
"""A share of the largest below which a coefficient of a combination is rounding."""
LONGEST = 6
"""Terms of a combination that are written out."""


@dataclasses.dataclass(frozen=True, eq=False)
class Omitted:
    """A column that was left out, and what it equals in the rows of the fit.

    Attributes:
        name: of the column.
        position: among the columns of its design.
        weights: coefficients of the columns whose combination it is.
        text: the same in words, such as `"'d' = 2*b"`.
    """

    name: str
    position: int
    weights: np.ndarray
    text: str


def undetermined(x, omitted, least: float = 0.0) -> np.ndarray:
    """The rows of a new design in which an omitted column is not what it was in the fit.

    Nothing is known of the effect of such a difference, so that no prediction is either. Of a
    design's derivatives these are the rows in which the column leaves that relation.

    Arguments:
        x: the rows.
        omitted: the columns that were left out.
        least: a share of the largest row by which smaller ones are judged.
    """
    lost = np.zeros(len(x), bool)
    for one in omitted:
        size = np.abs(x[:, one.position]) + np.abs(x) @ np.abs(one.weights)
        size = np.maximum(size, least * size.max(initial=0.0))
        lost |= np.abs(x[:, one.position] - x @ one.weights) > WARN_TOLERANCE * size
    return lost


def collinear_columns(slabs, center, inverse_scale, tolerance: float = RANK_TOLERANCE):
    """Columns that earlier ones explain but for a share below `tolerance` of their length.

    Householder QR over slabs of rows (never a Gram matrix), then one sweep over the small factor
    in which a column that is dropped no longer takes part.

    Arguments:
        slabs: arrays of rows of the design.
        center, inverse_scale: how columns are standardised; 0 marks a column switched off.
        tolerance: smallest share of a column's length that must be its own.

    Returns:
        Positions of the dropped columns, and of those kept with a share below 1e-7.
    """
    factor = _triangular(slabs, center, inverse_scale)
    return _sweep(factor, np.asarray(inverse_scale) != 0, tolerance)


def combinations(slabs, coordinates: Coordinates, dropped) -> dict[int, np.ndarray]:
    """What each dropped column equals: coefficients of the kept ones, in the original columns.

    Arguments:
        slabs: as in `collinear_columns`.
        coordinates: how its columns were standardised.
        dropped: its answer.
    """
    center, inverse, intercept = (np.asarray(v) for v in coordinates)
    factor = _triangular(slabs, center, inverse)
    kept = np.setdiff1d(np.flatnonzero(inverse != 0), dropped)
    found = {}
    for j in dropped:
        share, *_ = np.linalg.lstsq(factor[:, kept], factor[:, j], rcond=None)
        share = np.where(np.abs(share) > NEGLIGIBLE * np.abs(share).max(initial=0.0), share, 0.0)
        weights = np.zeros(len(inverse))
        weights[kept] = share * inverse[kept] / inverse[j]
        # Centring took out the means; where there is an intercept it has the difference.
        constant, size = center[j] - weights @ center, abs(center[j]) + abs(weights) @ abs(center)
        if abs(constant) > NEGLIGIBLE * size:
            weights += constant * intercept
        found[int(j)] = weights
    return found


def written(weights, names) -> str:
    """`"2*a - b"`: a combination of columns; names only where it is long."""
    terms = [(names[i], w) for i, w in enumerate(weights) if w]
    if not terms:
        return "0"
    if len(terms) > LONGEST:
        shown = ", ".join(name for name, _ in terms[:LONGEST])
        return f"a combination of {shown} and {len(terms) - LONGEST} more"
    text = ""
    for name, w in terms:
        size = f"{abs(w):.6g}"
        sign = ("-" if w < 0 else "") if not text else (" - " if w < 0 else " + ")
        text += sign + (name if size == "1" else size if name == "Intercept" else f"{size}*{name}")
    return text


def _triangular(slabs, center, inverse_scale) -> np.ndarray:
    factor: Any = np.zeros((0, len(center)))
    for x in slabs:
        part = (np.asarray(x) - center) * inverse_scale
        factor = np.linalg.qr(np.vstack([factor, part]), mode="r")
    return factor


def _sweep(factor, active, tolerance):
    kept, dropped, near = [], [], []
    for j in np.flatnonzero(active):
        length = np.linalg.norm(factor[:, j])
        rest = _residual(factor[:, kept], factor[:, j])
        if rest <= tolerance * length or length == 0:
            dropped.append(int(j))
            continue
        if rest <= WARN_TOLERANCE * length:
            near.append(int(j))
        kept.append(int(j))
    return dropped, near


def _residual(columns, target) -> float:
    if columns.shape[1] == 0:
        return float(np.linalg.norm(target))
    q, _ = np.linalg.qr(columns)
    rest = target - q @ (q.T @ target)
    rest = rest - q @ (q.T @ rest)
    return float(np.linalg.norm(rest))
