"""What single-axes plots share: axes to draw on, labels, a rug."""

from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError, close_matches
from asymptotix.data.frames import read_frame
from asymptotix.plots.canvas import GREY, plain, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
"""One a line, beside its colour."""
RUG = 400
"""Ticks of a rug: a sample of larger data, evenly through its sorted values."""


def axes_for(ax: "Axes | None") -> "Axes":
    """The axes given, or those of a new figure."""
    if ax is not None:
        return ax
    return pyplot().subplots(figsize=(5.6, 4.0), layout="constrained")[1]


def finished(ax: "Axes", x: str, y: str, title: str | None = None, legend: bool = False) -> "Axes":
    """The axes with their labels, without what carries no information."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if title is not None:
        ax.set_title(title, fontsize="medium", loc="left")
    if legend:
        ax.legend(frameon=False)
    plain(ax)
    return ax


def rug(ax: "Axes", values: np.ndarray) -> None:
    """A tick at the bottom for each value, or for an even sample of many."""
    values = np.sort(values[np.isfinite(values)])
    if values.size > RUG:
        values = values[np.linspace(0, values.size - 1, RUG).astype(int)]
    low = np.zeros(values.size)
    ax.vlines(
        values, low, low + 0.025, transform=ax.get_xaxis_transform(), color=GREY, linewidth=0.6,
        alpha=0.6,
    )  # fmt: skip


def response_label(res: Any) -> str:
    """What predictions are of, on the scale of the response."""
    name = res.spec.response_name or "the response"
    if res.model.family.response_kind == "categorical":
        return f"P({name})"
    if res.inputs.response_kind in ("binary", "grouped"):
        return f"P({name if res.event is None else f'{name} = {res.event}'})"
    return f"E({name})"


def percent(confidence: float) -> str:
    """`"95%"`."""
    return f"{100 * confidence:g}%"


def variable_values(result: Any, where: Any, variable: str) -> np.ndarray:
    """The values of a variable in the rows of the fit.

    Raises:
        InputError: the model has no such variable.
    """
    if variable not in result.spec.variables:
        raise InputError(
            f"The model has no variable '{variable}'."
            f"{close_matches(variable, result.spec.variables)}",
            code="unknown_name",
            column=variable,
        )
    frame = read_frame(where.source, [variable])
    values = frame[variable].to_numpy()[where.kept]
    return values if values.dtype.kind in "fiub" else values.astype(str)


def levels_of(result: Any, where: Any, variable: str) -> np.ndarray:
    """The values of a variable that occur, once each: of categories in their own order.

    Raises:
        InputError: the model has no such variable.
    """
    found = np.unique(variable_values(result, where, variable))
    order = {str(level): i for i, level in enumerate(result.spec.levels.get(variable, ()))}
    if not set(map(str, found)) <= set(order):
        return found
    return found[np.argsort([order[str(value)] for value in found], kind="stable")]


def shown(value: Any) -> str:
    """A value of a variable, whole numbers without decimals."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
