"""Whether one fitted model is nested in another, and which restrictions make it so."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.linalg import block_diag

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS

OUTSIDE = 1e-8
"""Share of a small model's column that the large model may leave unexplained, as rounding."""


class Nested(NamedTuple):
    r"""Two models of the same rows.

    Attributes:
        small, large: their rows.
        map: $C$ with $X_{small} = X_{large} C$, on active columns, component by component.
        q: the number of restrictions.
    """

    small: Rows
    large: Rows
    map: np.ndarray
    q: int

    @property
    def restrictions(self) -> np.ndarray:
        r"""$R$ of full rank with $R C = 0$: $R\beta = 0$ is the small model."""
        whole, _ = np.linalg.qr(self.map, mode="complete")
        return whole[:, self.map.shape[1] :].T


def nested(small: Any, large: Any, rows: Callable[[Any], Rows]) -> Nested:
    """The relation of two results, the first nested in the second.

    Arguments:
        small, large: `Results`.
        rows: from a result to its rows.

    Raises:
        InputError: other rows, responses, weights or offsets, another family or link, or columns
            of the small model that those of the large one do not span.
    """
    _same_family(small, large)
    a, b = rows(small), rows(large)
    _same_rows(a, b)
    ours, theirs = _active_designs(small, a), _active_designs(large, b)
    columns = [sum(x.shape[1] for x in designs) for designs in (ours, theirs)]
    if columns[1] <= columns[0] or len(ours) != len(theirs):
        raise _not_nested(
            small, large, f"it has {columns[0]} coefficients and the large one {columns[1]}"
        )
    named = iter([n for n, c in zip(small.names, small.fit.active, strict=True) if c])
    maps = []
    for x_small, x_large in zip(ours, theirs, strict=True):
        names = list(itertools.islice(named, x_small.shape[1]))
        maps.append(_map(x_small, x_large, names, small, large))
    return Nested(a, b, np.asarray(block_diag(*maps)), columns[1] - columns[0])


def _map(x_small, x_large, names, small: Any, large: Any) -> np.ndarray:
    """$C$ with `x_small = x_large C`, or an error that names the column for which there is none."""
    k = x_large.shape[1]
    factor = _stacked_factor(x_large, x_small)
    lengths = np.linalg.norm(factor[:, k:], axis=0)
    outside = np.linalg.norm(factor[k:, k:], axis=0) > OUTSIDE * lengths
    if outside.any():
        column = names[int(np.argmax(outside))]
        raise _not_nested(small, large, f"its column '{column}' is no combination of the other's")
    return np.linalg.solve(factor[:k, :k], factor[:k, k:])


def _stacked_factor(left, right) -> np.ndarray:
    """The triangular factor of two designs side by side, columns scaled to unit size, by slabs.

    The scales are taken out again, so that only rounding knows of them.
    """
    scale = np.r_[_lengths(left), _lengths(right)]
    factor = np.zeros((0, len(scale)))
    for first in range(0, len(left), SLAB_ROWS):
        part = slice(first, first + SLAB_ROWS)
        both = np.hstack([left[part], right[part]]) / scale
        factor = np.linalg.qr(np.vstack([factor, both]), mode="r")
    missing = len(scale) - len(factor)
    return np.vstack([factor, np.zeros((missing, len(scale)))]) * scale


def _lengths(x) -> np.ndarray:
    lengths = np.sqrt(np.einsum("ij,ij->j", x, x))
    return np.where(lengths > 0, lengths, 1.0)


def _active_designs(res: Any, rows: Rows) -> list[np.ndarray]:
    """The estimated columns of each component of the predictor, in the rows present."""
    with double():
        designs = res.model.predictor.designs(jax.tree.map(np.asarray, rows.x))
    if designs is None:
        raise InputError(
            f"Whether '{res.spec.formula}' is nested can only be seen for a linear predictor; "
            "compare these models by AIC or by validation.",
            code="nesting",
        )
    active, found, start = np.asarray(res.fit.active), [], 0
    for design in map(np.asarray, designs):
        kept = active[start : start + design.shape[1]]
        start += design.shape[1]
        x = design if kept.all() else design[:, kept]
        found.append(x if rows.weights is None else x[np.asarray(rows.weights) > 0])
    return found


def _same_family(small: Any, large: Any) -> None:
    if split(small.model.family)[1] != split(large.model.family)[1]:
        raise InputError(
            f"'{small.title}' and '{large.title}' have different families or links, so neither is "
            "nested in the other; compare them by AIC.",
            code="nesting",
        )


def _same_rows(a: Rows, b: Rows) -> None:
    if a.n != b.n:
        raise InputError(
            f"The models were fitted to {a.n} and {b.n} rows, probably because of missing values; "
            "fit both to the rows that the larger one can use.",
            code="other_rows",
        )
    pairs = {
        "responses": (a.y, b.y),
        "weights": (a.weights, b.weights),
        "offsets": (a.offset, b.offset),
    }
    for what, (left, right) in pairs.items():
        one, other = jax.tree.leaves(left), jax.tree.leaves(right)
        same = len(one) == len(other) and all(map(np.array_equal, one, other))
        if not same or (what == "weights" and a.weight_kind != b.weight_kind):
            raise InputError(
                f"The models have different {what}, so their likelihoods are not comparable; "
                "fit both to the same rows.",
                code="other_rows",
            )


def _not_nested(small: Any, large: Any, why: str) -> InputError:
    return InputError(
        f"'{small.spec.formula}' is not nested in '{large.spec.formula}': {why}; give the "
        "smaller model first, or compare the two by AIC.",
        code="nesting",
    )
