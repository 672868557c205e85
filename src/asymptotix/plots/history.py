"""How a training went."""

from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.plots.canvas import COLOURS, GREY
from asymptotix.plots.frame import axes_for, finished
from asymptotix.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = {
    "distance": "standard errors to the optimum",
    "loss": "minus mean log-likelihood",
    "accuracy": "share of right classes",
    "false_positive": "share of false positives",
    "false_negative": "share of false negatives",
    "mean_prediction": "mean prediction",
}
POINTS = 100
"""Epochs at which what was not recorded is looked at: so many evenly, as many by logarithm."""


def history_plot(
    result: Results,
    show: str = "distance",
    *,
    new_data: Any = None,
    first: int = 0,
    label: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    r"""The path of a training in epochs: by default how many standard errors were left to go.

    A line at one tenth marks where optimisation error no longer matters beside sampling error.
    Drawn again on the same axes, another result has a colour of its own.

    Arguments:
        result: of a fit with `solver=asx.Stochastic(...)`.
        show: `"distance"`, `"loss"` (with that of the rows kept apart), or of a response of 0 and
            1 `"accuracy"`, `"false_positive"`, `"false_negative"`, `"mean_prediction"`.
        new_data: rows that were not trained on, drawn dashed.
        first: the epoch to begin with; 0 is the start.
        label: what the training is called.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        InputError: the fit has no history, or no such column; distances of new data.
        ImportError: matplotlib is not installed.
    """
    history = result.history
    if show not in SHOWN:
        raise InputError(f"show={show!r} must be one of {', '.join(SHOWN)}.", code="option")
    if show == "distance" and new_data is not None:
        raise InputError(
            "The distance to the optimum is one number, whatever the rows; leave new_data= out.",
            code="option",
        )
    epochs = _some(len(history) - 1)
    own = history if show in history else result.history_on(epochs=epochs)
    if show not in own:
        raise InputError(f"This training has no {show!r}; use show='loss'.", code="option")
    if show == "distance" and not np.isfinite(own["distance"]).any():
        raise InputError(
            "No optimum was found, so that there is no distance to it; use show='loss'.",
            code="not_converged",
        )
    axes = axes_for(ax)
    colour = COLOURS[sum(not line.is_dashed() for line in axes.lines) % len(COLOURS)]
    lines = [(own[show], "rows trained on", "-", colour)]
    if show == "loss" and "validation" in history:
        lines.append((history["validation"], "rows kept apart", "--", COLOURS[1]))
    if new_data is not None:
        aside = result.history_on(new_data, epochs=epochs)[show]
        lines.append((aside, "new rows", "--", colour if label else COLOURS[1]))
    for values, what, style, shade in lines:
        values = values.loc[first:]
        said = ", ".join(filter(None, (label, what if len(lines) > 1 else None)))
        axes.plot(values.index, values, color=shade, linestyle=style, label=said or None)
    if show == "distance":
        axes.set_yscale("log")
        axes.axhline(0.1, color=GREY, linestyle="--", linewidth=0.9)
    return finished(axes, "epoch", SHOWN[show], legend=len(lines) > 1 or label is not None)


def _some(last: int) -> np.ndarray:
    """The first epochs, and ever fewer of the later ones where there are many."""
    even = np.linspace(0, last, min(last + 1, POINTS))
    return np.unique(np.round(np.concatenate([even, np.geomspace(1, last, POINTS)])).astype(int))
