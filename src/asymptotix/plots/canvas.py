"""matplotlib, loaded when a plot is asked for, and the look that all plots share."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by colour-blind readers (Okabe and Ito 2008); the yellow is too pale for a line."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""One a series as well, for a print without colours."""

GREY = "#6E6E6E"


def pyplot():
    """`matplotlib.pyplot`.

    Raises:
        ImportError: it is not installed; the message says how to get it.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Plots need matplotlib; install it with: pip install "asymptotix[plots]"'
        ) from error
    return plt


def plain(ax: "Axes") -> None:
    """Take away what carries no information: the frame, the ticks of categories."""
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(GREY)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", color=GREY)
