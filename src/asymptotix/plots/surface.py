"""The predicted mean over two variables, with its uncertainty."""

from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.effects.grid import datagrid
from asymptotix.plots.canvas import GREY
from asymptotix.plots.frame import axes_for, finished, percent, response_label, variable_values
from asymptotix.results import Results
from asymptotix.results.located import located

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def surface_plot(
    result: Results,
    x: str,
    y: str,
    *,
    threshold: float | None = None,
    points: int = 60,
    confidence: float | None = None,
    show_data: bool = True,
    ax: "Axes | None" = None,
) -> "Axes":
    """Contours of the predicted mean over two variables, others at their means.

    Solid: where the prediction equals the threshold (the decision boundary). Dashed: where its
    lower or upper limit does; between the dashed lines the side is uncertain.

    Arguments:
        result: from `asx.logit`, `asx.glm`, ...
        x, y: two variables of the formula, both numbers.
        threshold: of the boundary; 1/2 for events, none otherwise.
        points: of the grid on each side.
        confidence: pointwise coverage of the limits; that of the fit by default.
        show_data: whether to show the rows of the fit.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        InputError: an unknown variable, or one that is no number.
        ImportError: matplotlib is not installed.
    """
    level = result.confidence if confidence is None else confidence
    binary = result.inputs.response_kind in ("binary", "grouped")
    threshold = 0.5 if threshold is None and binary else threshold
    where = located(result)
    columns = [variable_values(result, where, v) for v in (x, y)]
    for name, column in zip((x, y), columns, strict=True):
        if column.dtype.kind not in "fiu":
            raise InputError(
                f"'{name}' is no number; a surface needs two.", code="option", column=name
            )
    sides = [np.linspace(c.min(), c.max(), points) for c in columns]
    asked: dict[str, Any] = {x: list(sides[0]), y: list(sides[1])}
    found = result.predictions(newdata=datagrid(**asked), confidence=level).frame
    shape = (points, points)
    mean, low, high = (
        found[c].to_numpy(float).reshape(shape).T for c in ("estimate", "conf.low", "conf.high")
    )
    axes = axes_for(ax)
    levels = np.linspace(0, 1, 11) if binary else 10
    filled = axes.contourf(*sides, mean, levels=levels, cmap="cividis", alpha=0.85)
    figure = axes.get_figure(root=True)
    figure.colorbar(filled, ax=axes, label=response_label(result))  # pyright: ignore
    if show_data:
        axes.plot(*columns, "o", color="white", markersize=3, markeredgecolor=GREY, alpha=0.5)
    title = None
    if threshold is not None:
        axes.contour(*sides, mean, levels=[threshold], colors="black", linewidths=1.6)
        for limit in (low, high):
            axes.contour(
                *sides, limit, levels=[threshold], colors="black", linewidths=1.0,
                linestyles="dashed",
            )  # fmt: skip
        title = f"lines: {threshold:g}, and where a {percent(level)} limit crosses it"
    return finished(axes, x, y, title)
