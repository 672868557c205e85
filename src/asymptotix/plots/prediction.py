"""Predictions against a variable, with a band and the data's own values."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.effects.contrasts import categories
from asymptotix.effects.grid import datagrid
from asymptotix.plots.canvas import COLOURS, MARKERS
from asymptotix.plots.frame import (
    LINES,
    axes_for,
    finished,
    levels_of,
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

    Every term that contains the variable moves with it. A rug shows where the data are. A response
    of several levels has a line for each.

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
    grid = levels_of(result, where, variable)
    numeric = column.dtype.kind in "fiu" and grid.size > 2
    numeric = numeric and variable not in categories(result.spec)
    if numeric:
        grid = np.linspace(column.min(), column.max(), points)
    values: list[Any] = [None] if by is None else _levels(result, where, by, by_values)
    lines = [
        (label, found)
        for value in values
        for label, found in _predicted(result, variable, grid, by, value, average, level)
    ]
    if len(lines) > MOST_LEVELS:
        raise InputError(
            f"There are {len(lines)} lines, one for each level of the response and value of by=, "
            f"and {MOST_LEVELS} can be told apart; choose fewer with by_values=.",
            code="option",
            column=by,
        )
    axes = axes_for(ax)
    for i, (label, found) in enumerate(lines):
        look = {"color": COLOURS[i], "label": label}
        shift = 0.0 if numeric else 0.12 * (i - (len(lines) - 1) / 2)
        _draw(axes, grid, found, numeric, i, shift, look)
    if numeric and show_data:
        rug(axes, column.astype(float))
    if not numeric:
        axes.set_xticks(range(len(grid)), [shown(v) for v in grid])
        axes.set_xlim(-0.5, len(grid) - 0.5)
    if result.inputs.response_kind in ("binary", "grouped", "categorical"):
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -0.03), min(high, 1.03))
    how = ", averaged over the rows" if average else ", others at their means"
    alone = set(result.spec.variables) <= {variable, by}
    title = f"{percent(level)} limits{'' if alone else how}"
    return finished(axes, variable, response_label(result), title, lines[0][0] is not None)


def _draw(axes, grid, found, numeric: bool, i: int, shift: float, look: dict) -> None:
    columns = ("estimate", "conf.low", "conf.high")
    estimate, low, high = (found[c].to_numpy(float) for c in columns)
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
        values = list(levels_of(result, where, by))
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
    """The label and the predictions of each line: one, or one a level of the response."""
    fixed = {} if by is None else {by: [value]}
    asked: dict[str, Any] = {variable: list(grid), **fixed}
    if average:
        found = result.avg_predictions(variables=asked, confidence=confidence).frame
    else:
        found = result.predictions(newdata=datagrid(**asked), confidence=confidence).frame
    told = [] if by is None else [f"{by} = {shown(value)}"]
    if "component" not in found:
        return [(", ".join(told) or None, found)]
    parts = found.groupby("component", sort=False)
    return [(", ".join([str(name), *told]), part) for name, part in parts]
