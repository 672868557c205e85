"""How a training went."""

from typing import TYPE_CHECKING

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.plots.canvas import COLOURS, GREY
from asymptotix.plots.frame import axes_for, finished
from asymptotix.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = {
    "distance": "distance to the optimum, in standard errors",
    "loss": "minus mean log-likelihood",
    "accuracy": "share of right classes",
}


def history_plot(result: Results, show: str = "distance", *, ax: "Axes | None" = None) -> "Axes":
    r"""The path of a training in epochs: by default how many standard errors were left to go.

    A line at one tenth marks where optimisation error no longer matters beside sampling error.

    Arguments:
        result: of a fit with `solver=asx.Stochastic(...)`.
        show: `"distance"`, `"loss"` (with that of the rows kept apart) or `"accuracy"`.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        InputError: the fit has no history, or no such column.
        ImportError: matplotlib is not installed.
    """
    history = result.history
    if show not in SHOWN or show not in history:
        known = ", ".join(name for name in SHOWN if name in history)
        raise InputError(f"show={show!r} must be one of {known}.", code="option")
    axes = axes_for(ax)
    axes.plot(history.index, history[show], color=COLOURS[0], label="rows trained on")
    if show == "distance":
        if not np.isfinite(history["distance"]).any():
            raise InputError(
                "No optimum was found, so that there is no distance to it; use show='loss'.",
                code="not_converged",
            )
        axes.set_yscale("log")
        axes.axhline(0.1, color=GREY, linestyle="--", linewidth=0.9)
    apart = show == "loss" and "validation" in history
    if apart:
        axes.plot(
            history.index, history["validation"], color=COLOURS[1], linestyle="--",
            label="rows kept apart",
        )  # fmt: skip
    return finished(axes, "epoch", SHOWN[show], legend=apart)
