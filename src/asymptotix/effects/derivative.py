r"""The derivative of a design in one variable of the formula.

Exact where a term is linear in the variable. Elsewhere a difference of order eight on nine nodes,
row by row: the step shrinks until the formulas of order eight and six agree, and rows at the edge
of a spline or of a function's domain take the nodes of one side (Fornberg 1988).
"""

import functools
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, listed
from asymptotix.data.design_spec import DesignSpec
from asymptotix.data.redesign import Part, linear_slopes, part, split_by_use

SHIFTS = (-4, 0, -8)
"""The first of nine neighbouring nodes, in steps from the row's own value: central, right, left."""
LEVELS = 8
AGREED, ACCEPTED = 1e-12, 1e-7
"""Relative disagreement of the two orders at which a row is done, and beyond which it fails."""
_NEIGHBOURS = frozenset(["lag", "shift", "diff", "cumsum", "rolling"])


class Slope(NamedTuple):
    """The columns of a design that depend on a variable, and their derivatives.

    Attributes:
        positions: of the columns in the design.
        values: the derivatives, shape `(n, len(positions))`; `None` for columns that are the
            variable itself, whose derivative is 1.
    """

    positions: np.ndarray
    values: np.ndarray | None


def design_slope(spec: DesignSpec, frame: pd.DataFrame, variable: str) -> Slope:
    """The derivative of every column in which a variable enters.

    Arguments:
        spec: the design.
        frame: its variables, tidied, without missing values.
        variable: a column of numbers.

    Raises:
        InputError: rows where the formula has no derivative, such as a jump.
    """
    own, linear, curved = (part(spec, terms) for terms in split_by_use(spec, variable))
    positions = np.concatenate([p.positions for p in (own, linear, curved)])
    if len(positions) == len(own.positions):
        return Slope(positions, None)
    values = [np.ones((len(frame), len(own.positions)))]
    if len(linear.positions):
        values.append(linear_slopes(linear, frame, variable))
    if len(curved.positions):
        values.append(differences(curved, frame, variable))
    return Slope(positions, np.concatenate(values, axis=1))


def differences(design: Part, frame: pd.DataFrame, variable: str) -> np.ndarray:
    """Derivatives of a design's columns by differences, each row with a step of its own."""
    _refuse_categories(design, variable)
    x = frame[variable].to_numpy(float)
    subset = not any(_NEIGHBOURS & calls for calls in design.spec.calls.values())
    found = np.full((len(x), len(design.positions)), np.nan)
    error = np.full(len(x), np.inf)
    step, open_rows = _first_step(x), np.arange(len(x))
    size = np.zeros(len(design.positions))
    for _ in range(LEVELS):
        for shift in SHIFTS:
            rows = open_rows if subset else np.arange(len(x))
            value, gap = _difference(design, frame.iloc[rows], variable, step, shift)
            largest = np.abs(value).max(axis=0, initial=0.0, where=np.isfinite(value))
            size = np.maximum(size, largest)
            scale = np.maximum(np.abs(value), 1e-3 * size)
            with np.errstate(invalid="ignore", divide="ignore"):
                relative = np.where(gap == 0, 0.0, gap / scale).max(axis=1)
            better = relative < error[rows]
            found[rows[better]], error[rows[better]] = value[better], relative[better]
            # Another side is tried only where this one leaves the domain.
            outside = rows[~np.isfinite(value).all(axis=1)]
            open_rows = np.intersect1d(outside, open_rows)
            if not len(open_rows):
                break
        open_rows = np.flatnonzero(error > AGREED)
        if not len(open_rows):
            break
        step /= 8
    bad = np.flatnonzero(~(error <= ACCEPTED))
    if len(bad):
        raise InputError(
            f"The formula has no derivative in '{variable}' in {len(bad)} rows (rows "
            f"{listed(bad)}), such as a jump or a kink there; ask for a contrast instead, "
            f"comparisons(variables={{'{variable}': 1}}).",
            code="no_derivative",
            column=variable,
            rows=bad[:5],
        )
    return found


def _refuse_categories(design: Part, variable: str) -> None:
    """Levels between those of the fit are unknown, and a difference would not notice a jump."""
    states = design.spec.record.encoder_state
    for expr, used in design.spec.columns.items():
        if variable in used and "categories" in states.get(expr, (None, {}))[1]:
            raise InputError(
                f"The formula cuts '{variable}' into categories by '{expr}', so that it has no "
                f"derivative; ask for a contrast, comparisons(variables={{'{variable}': (a, b)}}).",
                code="no_derivative",
                column=variable,
            )


def _first_step(x: np.ndarray) -> float:
    """About a sixteenth of the spread; no round number, so that no node hits a logarithm of 0."""
    spread = float(np.std(x)) or float(np.max(np.abs(x), initial=0.0)) or 1.0
    return spread / 16 * float(np.sqrt(0.83))


def _difference(design: Part, frame, variable: str, step: float, shift: int):
    """The derivative by one stencil, and its distance from the formula of order six."""
    x = frame[variable].to_numpy(float)
    eight, six = stencil(shift), stencil(shift, 7)
    value = other = np.zeros((len(x), len(design.positions)))
    for node, (a, b) in enumerate(zip(eight, six, strict=True)):
        if a == 0 and b == 0:
            continue
        moved = design.where_defined(frame.assign(**{variable: x + (node + shift) * step}))
        value, other = value + a * moved, other + b * moved
    return value / step, np.abs(value - other) / step


@functools.cache
def stencil(shift: int, size: int = 9) -> tuple[float, ...]:
    r"""Weights $w_j$ with $f'(0) \approx \sum_j w_j f(j + \text{shift})$, exact to degree size - 1.

    Arguments:
        shift: the first node.
        size: how many of the nine nodes are used; the others, at the far ends, get weight zero.
    """
    skipped = (9 - size) // 2 if shift == -4 else (9 - size) * (shift == -8)
    nodes = [Fraction(shift + skipped + j) for j in range(size)]
    weights = [float(_lagrange_slope(nodes, j)) for j in range(size)]
    return (*[0.0] * skipped, *weights, *[0.0] * (9 - size - skipped))


def _lagrange_slope(nodes: list[Fraction], j: int) -> Fraction:
    """The derivative at 0 of the polynomial that is 1 at node j and 0 at the others."""
    others = [node for i, node in enumerate(nodes) if i != j]
    total = Fraction(0)
    for left_out in range(len(others)):
        product = Fraction(1)
        for i, node in enumerate(others):
            if i != left_out:
                product *= -node
        total += product
    scale = Fraction(1)
    for node in others:
        scale *= nodes[j] - node
    return total / scale
