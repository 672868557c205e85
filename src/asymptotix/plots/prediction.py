"""Predictions against a variable, with a band and the data's own values."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.effects.grid import datagrid
from asymptotix.plots.canvas import COLOURS, MARKERS
from asymptotix.plots.frame import (
    LINES,
    axes_for,
    finished,
    percent,
    response_label,
    rug,
    shown,
    variable_values,
)
from asymptotix.results import Results
from asymptotix.results.located import located

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LEVELS = len(COLOURS)


def prediction_plot(
    result: Results,
    variable: str,
    *,
    by: str | None = None,
    by_values: Sequence[Any] | None = None,
    average: bool = False,
    points: int = 60,
    confidence: float | None = None,
    show_data: bool = True,
    ax: "Axes | None" = None,
) -> "Axes":
    """The predicted mean, such as a probability, against one variable.

    Every term that contains the variable moves with it. A rug shows where the data are.

    Arguments:
        result: from `asx.logit`, `asx.glm`, ...
        variable: a variable of the formula; of categories each level is a point with its limits.
        by: another variable, one line for each of its values.
        by_values: which values; all levels, or the quartiles of a number with many values.
        average: whether predictions are averaged over the rows of the fit, each with the variable
            set to the value; by default the others are at means and most frequent levels.
        points: of the grid.
        confidence: pointwise coverage; that of the fit by default.
        show_data: whether to draw the rug.
        ax: axes to draw on.

    Returns:
        The axes; `ax.figure.savefig("prediction.png")` writes the figure.

    Raises:
        InputError: an unknown variable, or too many lines.
        ImportError: matplotlib is not installed.
    """
    level = result.confidence if confidence is None else confidence
    where = located(result)
    column = variable_values(result, where, variable)
    numeric = column.dtype.kind in "fiu" and np.unique(column).size > 2
    grid = np.linspace(column.min(), column.max(), points) if numeric else np.unique(column)
    lines: list[Any] = [None] if by is None else _levels(result, where, by, by_values)
    axes = axes_for(ax)
    for i, value in enumerate(lines):
        found = _predicted(result, variable, grid, by, value, average, level)
        look = {"color": COLOURS[i], "label": None if by is None else f"{by} = {shown(value)}"}
        shift = 0.0 if numeric else 0.12 * (i - (len(lines) - 1) / 2)
        _draw(axes, grid, found, numeric, i, shift, look)
    if numeric and show_data:
        rug(axes, column.astype(float))
    if not numeric:
        axes.set_xticks(range(len(grid)), [shown(v) for v in grid])
        axes.set_xlim(-0.5, len(grid) - 0.5)
    if result.inputs.response_kind in ("binary", "grouped"):
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -0.03), min(high, 1.03))
    how = ", averaged over the rows" if average else ", others at their means"
    alone = set(result.spec.variables) <= {variable, by}
    title = f"{percent(level)} limits{'' if alone else how}"
    return finished(axes, variable, response_label(result), title, by is not None)


def _draw(axes, grid, found, numeric: bool, i: int, shift: float, look: dict) -> None:
    estimate, low, high = (found[c] for c in ("estimate", "conf.low", "conf.high"))
    if numeric:
        axes.plot(grid, estimate, linestyle=LINES[i], **look)
        axes.fill_between(grid, low, high, color=look["color"], alpha=0.18, linewidth=0)
        return
    at = np.arange(len(grid)) + shift
    axes.vlines(at, low, high, color=look["color"])
    axes.plot(at, estimate, MARKERS[i], **look)


def _levels(result: Results, where, by: str, given: Sequence[Any] | None) -> list[Any]:
    if given is not None:
        values = list(given)
    else:
        found = variable_values(result, where, by)
        values = list(np.unique(found))
        if found.dtype.kind in "fiu" and len(values) > 4:
            values = list(np.unique(np.quantile(found, [0.25, 0.5, 0.75])))
    if not 1 <= len(values) <= MOST_LEVELS:
        raise InputError(
            f"There are {len(values)} values of '{by}' and lines for {MOST_LEVELS}; choose some "
            "with by_values=.",
            code="option",
            column=by,
        )
    return values


def _predicted(result, variable, grid, by, value, average: bool, confidence: float):
    fixed = {} if by is None else {by: [value]}
    asked: dict[str, Any] = {variable: list(grid), **fixed}
    if average:
        found = result.avg_predictions(variables=asked, confidence=confidence).frame
    else:
        found = result.predictions(newdata=datagrid(**asked), confidence=confidence).frame
    return {c: found[c].to_numpy(float) for c in ("estimate", "conf.low", "conf.high")}
