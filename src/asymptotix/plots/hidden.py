"""What each hidden unit of a network responds to."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.effects.grid import datagrid
from asymptotix.plots.canvas import plain, pyplot
from asymptotix.plots.frame import variable_values
from asymptotix.predictors import Standardised
from asymptotix.results import Results
from asymptotix.results.located import located

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 4
"""Panels beside each other."""
ALIVE = 1e-6
"""A unit whose weight is this share of the largest is one that a penalty has switched off."""


def hidden_unit_plot(
    result: Results, x: str, y: str, *, units: int = 8, points: int = 60
) -> "Figure":
    r"""The first hidden layer over two variables, others at their means: a panel a unit.

    Colours show the unit's activation $a(w^\top z + b)$ at standardised inputs $z$, the line
    where $w^\top z + b = 0$: the edge of the unit's half-plane. Titles say the
    weight with which eta reads it.

    Arguments:
        result: from `asx.mlp`, with at least one hidden layer.
        x, y: two variables of the formula, both numbers.
        units: panels at most, those of the largest weights; units that are switched off have none.
        points: of the grid on each side.

    Returns:
        The figure.

    Raises:
        InputError: the fit has no hidden units, or an unknown variable.
        ImportError: matplotlib is not installed.
    """
    predictor = result.model.predictor
    if not isinstance(predictor, Standardised) or len(predictor.layers) < 2:
        raise InputError(
            "This fit has no hidden units; asx.mlp(..., hidden=(2,)) has.", code="family"
        )
    where = located(result)
    sides = [np.linspace(v.min(), v.max(), points) for v in _numbers(result, where, (x, y))]
    asked: dict[str, Any] = {x: list(sides[0]), y: list(sides[1])}
    design, _ = result.spec.design(datagrid(result, **asked))
    with double():
        found = jax.vmap(predictor.hidden_units)(jnp.asarray(design))
        edges, values = (np.asarray(v).reshape(points, points, -1).T for v in found)
    weights = np.asarray(predictor.layers[1].weight)
    size = np.linalg.norm(weights, axis=0)
    largest = np.argsort(-size, kind="stable")[:units]
    chosen = np.sort(largest[size[largest] > ALIVE * size.max()])
    figure, panels = _panels(len(chosen))
    low, high = values[chosen].min(), values[chosen].max()
    levels = np.linspace(low, high if high > low else low + 1.0, 13)
    filled: Any = None
    for ax, unit in zip(panels, chosen, strict=True):
        filled = _draw(ax, sides, values[unit], edges[unit], levels)
        title = f"unit {unit + 1}"
        if weights.shape[0] == 1:
            title += f", weight {weights[0, unit]:.3g}"
        ax.set_title(title, fontsize="medium", loc="left")
    _name_sides(panels, x, y)
    figure.colorbar(filled, ax=panels, label="activation", format=lambda v, _: f"{round(v, 9):.2g}")
    return figure


def _numbers(result: Results, where, names) -> list[np.ndarray]:
    columns = [variable_values(result, where, name) for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.dtype.kind not in "fiu":
            raise InputError(f"'{name}' is no number; two are needed.", code="option", column=name)
    return columns


def _panels(count: int) -> "tuple[Figure, list[Axes]]":
    """Panels in rows of about equal length; those that are not needed are taken away."""
    down = -(-count // ACROSS)
    across = -(-count // down)
    figure, axes = pyplot().subplots(
        down, across, sharex=True, sharey=True, squeeze=False, layout="constrained",
        figsize=(1.4 + 2.2 * across, 0.4 + 2.3 * down),
    )  # fmt: skip
    panels = list(axes.flat)
    for unused in panels[count:]:
        unused.remove()
    return figure, panels[:count]


def _name_sides(panels: "list[Axes]", x: str, y: str) -> None:
    """Labels where no panel follows below, and where a row begins."""
    across = panels[0].get_gridspec().ncols  # pyright: ignore[reportOptionalMemberAccess]
    for i, ax in enumerate(panels):
        lowest = i + across >= len(panels)
        ax.tick_params(labelbottom=lowest)
        ax.set(xlabel=x if lowest else "", ylabel=y if i % across == 0 else "")


def _draw(ax: "Axes", sides, values: np.ndarray, edge: np.ndarray, levels: np.ndarray) -> Any:
    """One unit: its activation in the shades of all units, and its edge."""
    filled = ax.contourf(*sides, values, levels=levels, cmap="cividis", alpha=0.85)
    if edge.min() < 0 < edge.max():
        ax.contour(*sides, edge, levels=[0.0], colors="black", linewidths=1.4)
    plain(ax)
    return filled
