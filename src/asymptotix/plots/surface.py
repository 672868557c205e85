"""The predicted mean over two variables, with its uncertainty."""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.effects.grid import datagrid
from asymptotix.plots.canvas import COLOURS, GREY, MARKERS
from asymptotix.plots.frame import axes_for, finished, percent, response_label, variable_values
from asymptotix.results import Results
from asymptotix.results.located import located
from asymptotix.results.new_rows import new_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.04
"""Of the range of the data, by which the surface goes beyond them where the formula can."""
SHOWN_ROWS = 1500
"""Rows that are drawn; an even sample of larger data."""


class Surface(NamedTuple):
    """A mean and its limits on a grid, the second variable first."""

    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def surface_plot(
    result: Results,
    x: str,
    y: str,
    *,
    fill: Literal["mean", "error"] = "mean",
    threshold: float | None = None,
    points: int = 60,
    confidence: float | None = None,
    show_data: bool = True,
    new_data: Any = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Contours of the predicted mean over two variables, others at their means.

    Solid: where the prediction equals the threshold (the decision boundary). Dashed: where its
    lower or upper limit does; between the dashed lines the side is uncertain. Of an event, rows
    with it are triangles, rows without it circles.

    Arguments:
        result: from `asx.logit`, `asx.glm`, ...
        x, y: two variables of the formula, both numbers.
        fill: what colours show: the prediction, or its standard error.
        threshold: of the boundary; 1/2 for events, none otherwise.
        points: of the grid on each side.
        confidence: pointwise coverage of the limits; that of the fit by default.
        show_data: whether to show the rows of the fit.
        new_data: rows that the fit has not seen, shown hollow.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        InputError: an unknown variable, or one that is no number; errors that do not exist.
        ImportError: matplotlib is not installed.
    """
    level = result.confidence if confidence is None else confidence
    binary = result.inputs.response_kind in ("binary", "grouped")
    threshold = 0.5 if threshold is None and binary else threshold
    if fill not in ("mean", "error"):
        raise InputError(f"fill={fill!r} must be 'mean' or 'error'.", code="option")
    where = located(result)
    columns = [_numbers(result, where, name) for name in (x, y)]
    found = _surface(result, (x, y), columns, points, level)
    if fill == "error" and not np.isfinite(found.error).any():
        raise InputError(
            f"This fit is {result.status} and has no standard errors to show; use fill='mean'.",
            code="not_converged",
        )
    axes = axes_for(ax)
    _paint(axes, found, fill, binary, response_label(result))
    if show_data:
        _scatter(axes, columns, where.rows.y if result.inputs.response_kind == "binary" else None)
    if new_data is not None:
        others = new_rows(result, new_data)
        seen = [np.asarray(others.x)[:, result.spec.names.index(name)] for name in (x, y)]
        _scatter(axes, seen, others.y if binary else None, hollow=True)
    title = None
    if threshold is not None:
        _boundary(axes, found, threshold)
        title = f"lines: {threshold:g}, and where a {percent(level)} limit crosses it"
    return finished(axes, x, y, title)


def _numbers(result: Results, where, name: str) -> np.ndarray:
    column = variable_values(result, where, name)
    if column.dtype.kind not in "fiu":
        raise InputError(f"'{name}' is no number; a surface needs two.", code="option", column=name)
    return column


def _surface(result: Results, names, columns, points: int, level: float) -> Surface:
    sides = _sides(columns, points, MARGIN)
    try:
        frame = _predicted(result, names, sides, level)
    except InputError as error:
        if error.code != "outside_knots":
            raise
        sides = _sides(columns, points, 0.0)  # a spline ends where the data do
        frame = _predicted(result, names, sides, level)
    if "component" in frame:
        raise InputError(
            "This response has a probability for each of its levels, and a surface shows one "
            "number; use prediction_plot.",
            code="family",
        )
    values = (
        frame[c].to_numpy(float).reshape(points, points).T
        for c in ("estimate", "std.error", "conf.low", "conf.high")
    )
    return Surface(*sides, *values)


def _sides(columns, points: int, margin: float) -> list[np.ndarray]:
    """Values of both variables, from below the smallest to above the largest."""
    ends = [(c.min() - margin * np.ptp(c), c.max() + margin * np.ptp(c)) for c in columns]
    return [np.linspace(low, high, points) for low, high in ends]


def _predicted(result: Results, names, sides, level: float) -> pd.DataFrame:
    asked: dict[str, Any] = {n: list(side) for n, side in zip(names, sides, strict=True)}
    return result.predictions(newdata=datagrid(**asked), confidence=level).frame


def _paint(axes: "Axes", found: Surface, fill: str, binary: bool, label: str) -> None:
    """Filled contours and their bar: events in the colours of their two classes."""
    from matplotlib.colors import LinearSegmentedColormap

    if fill == "error":
        values, levels, shades = found.error, 10, "Purples"
        label = f"standard error of {label}"
    elif binary:
        values, levels = found.mean, np.linspace(0, 1, 11)
        shades = LinearSegmentedColormap.from_list("two", [COLOURS[0], "white", COLOURS[1]])
    else:
        values, levels, shades = found.mean, 10, "cividis"
    filled = axes.contourf(found.x, found.y, values, levels=levels, cmap=shades, alpha=0.75)
    figure: Any = axes.get_figure(root=True)
    figure.colorbar(filled, ax=axes, label=label)


def _scatter(axes: "Axes", columns, events, hollow: bool = False) -> None:
    """Rows of the data, those with the event as triangles."""
    n = len(columns[0])
    some = slice(None, None, -(-n // SHOWN_ROWS))
    x, y = (np.asarray(column)[some] for column in columns)
    size = 7.0 if n <= 30 else 5.0 if n <= 300 else 3.0
    if events is None:
        axes.plot(x, y, "o", color="white", markersize=size, markeredgecolor=GREY, alpha=0.6)
        return
    for value in (0, 1):
        mine = np.asarray(events)[some] == value
        inside, edge = ("white", COLOURS[value]) if hollow else (COLOURS[value], "white")
        axes.plot(
            x[mine], y[mine], MARKERS[2 * value], color=inside, markeredgecolor=edge,
            markersize=size, markeredgewidth=1.1 if hollow else 0.4,
        )  # fmt: skip


def _boundary(axes: "Axes", found: Surface, threshold: float) -> None:
    for values, width, style in (
        (found.mean, 1.6, "solid"),
        (found.lower, 1.0, "dashed"),
        (found.upper, 1.0, "dashed"),
    ):
        if np.nanmin(values) < threshold < np.nanmax(values):
            axes.contour(
                found.x, found.y, values, levels=[threshold], colors="black", linewidths=width,
                linestyles=style,
            )  # fmt: skip
