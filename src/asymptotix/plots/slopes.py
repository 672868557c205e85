"""Average slopes, overall or by groups."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.plots.canvas import COLOURS, GREY, MARKERS
from asymptotix.plots.frame import axes_for, finished, percent, response_label, shown
from asymptotix.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def slope_plot(
    result: Results,
    variables: str | Sequence[str] | None = None,
    *,
    by: str | None = None,
    confidence: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Average slopes of the predicted mean with their limits, one line each.

    Of numbers the average derivative, of 0/1 and categorical variables the average contrast. A
    response of several levels has a colour for each.

    Arguments:
        result: from `asx.logit`, `asx.glm`, ...
        variables: which; all by default.
        by: a column whose groups are drawn side by side (at most seven colours in all).
        confidence: coverage; that of the fit by default.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        InputError: an unknown variable, or too many groups.
        ImportError: matplotlib is not installed.
    """
    level = result.confidence if confidence is None else confidence
    asked = [variables] if isinstance(variables, str) else variables
    found = result.avg_slopes(variables=asked, by=by, confidence=level).frame
    lines = found["term"].astype(str)
    if "contrast" in found:
        told = found["contrast"].astype(str)
        lines = lines.where(told.isin(["dydx", "dY/dX", ""]), lines + ", " + told)
    names = list(dict.fromkeys(lines))
    series = _series(found, by)
    groups = list(dict.fromkeys(series))
    if len(groups) > len(COLOURS):
        raise InputError(
            f"There are {len(groups)} levels of the response and groups of by={by!r} to draw, and "
            f"{len(COLOURS)} can be told apart; take fewer.",
            code="option",
            column=by,
        )
    axes = axes_for(ax)
    axes.axvline(0, color=GREY, linewidth=0.9)
    for i, group in enumerate(groups):
        part = (series == group).to_numpy()
        shift = 0.7 * ((i + 0.5) / len(groups) - 0.5)
        at = np.array([names.index(n) for n in lines[part]]) + shift
        axes.hlines(at, found["conf.low"][part], found["conf.high"][part], color=COLOURS[i])
        look = {"color": COLOURS[i], "label": group or None}
        axes.plot(found["estimate"][part], at, MARKERS[i], **look)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.06)
    if groups != [""]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    x = f"average slope of {response_label(result)}, {percent(level)} limits"
    return finished(axes, x, "")


def _series(found: pd.DataFrame, by: str | None) -> pd.Series:
    """What each slope is of, by which it is coloured: a level of the response, a group."""
    parts = [found["component"].astype(str)] if "component" in found else []
    parts += [] if by is None else [found[by].map(lambda value: f"{by} = {shown(value)}")]
    told = [", ".join(map(str, words)) for words in zip(*parts, strict=True)]
    return pd.Series(told if parts else [""] * len(found), index=found.index)
