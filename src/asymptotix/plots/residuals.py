"""Pictures of residuals and of the influence of single rows."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Key
from asymptotix.plots.canvas import COLOURS, GREY
from asymptotix.plots.frame import axes_for, finished, variable_values
from asymptotix.results import Results
from asymptotix.results.located import located

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 20_000
"""Points that are drawn; an even sample of more."""


def residual_plot(
    result: Results,
    against: str = "fitted",
    *,
    kind: str = "pearson",
    key: Key = None,
    bins: int = 30,
    ax: "Axes | None" = None,
) -> "Axes":
    """Residuals against fitted values, a variable, or the normal distribution.

    Means of bins with two standard errors on either side show what single residuals of a 0/1
    response hide (Gelman and Hill 2007); bins away from zero say that something is missing.

    Arguments:
        result: from `asx.logit`, `asx.glm`, ...
        against: `"fitted"` for fitted means, `"normal"` for quantiles of the normal distribution,
            or a variable of the formula (a number).
        kind: of residual; Pearson's have mean zero where the model is right, and `"quantile"`
            ones are normal.
        key: a JAX random key, for quantile residuals of a discrete response.
        bins: how many, of equal size.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        InputError: an unknown kind or variable.
        ImportError: matplotlib is not installed.
    """
    where = located(result)
    values = np.asarray(result.residuals(kind, key=key))[where.kept]
    if values.ndim > 1:
        raise InputError(
            "This response has several residuals a row, which no single picture shows.",
            code="family",
        )
    axes = axes_for(ax)
    if against == "normal":
        return _normal(axes, values, kind)
    if against == "fitted":
        x = np.asarray(result.predict())[where.kept]
    else:
        x = variable_values(result, where, against)
        if x.dtype.kind not in "fiu":
            raise InputError(
                f"'{against}' is no number; residuals are drawn against numbers.",
                code="option",
                column=against,
            )
    _scatter(axes, np.asarray(x, float), values)
    _binned(axes, np.asarray(x, float), values, bins)
    axes.axhline(0, color=GREY, linewidth=0.9)
    label = "fitted mean" if against == "fitted" else against
    return finished(axes, label, _title(kind), "bins: mean ± 2 standard errors")


def _title(kind: str) -> str:
    return f"{'Pearson' if kind == 'pearson' else kind} residual"


def _scatter(axes: "Axes", x: np.ndarray, y: np.ndarray) -> None:
    step = max(1, -(-x.size // MOST_POINTS))
    alpha = float(np.clip(200 / x.size, 0.08, 0.6))
    axes.plot(
        x[::step], y[::step], "o", color=COLOURS[0], alpha=alpha, markersize=3.5,
        markeredgewidth=0, rasterized=x.size > 2000,
    )  # fmt: skip


def _binned(axes: "Axes", x: np.ndarray, y: np.ndarray, bins: int) -> None:
    parts = [p for p in np.array_split(np.argsort(x, kind="stable"), bins) if p.size > 1]
    at = np.array([x[p].mean() for p in parts])
    mean = np.array([y[p].mean() for p in parts])
    error = np.array([y[p].std(ddof=1) / np.sqrt(p.size) for p in parts])
    axes.errorbar(at, mean, 2 * error, fmt="s", color=COLOURS[1], markersize=4, linewidth=1.0)


def _normal(axes: "Axes", values: np.ndarray, kind: str) -> "Axes":
    from scipy.special import ndtri

    ordered = np.sort(values[np.isfinite(values)])
    ideal = ndtri((np.arange(ordered.size) + 0.5) / ordered.size)
    ends = [ideal[0], ideal[-1]]
    centre, spread = (0.0, 1.0) if kind == "quantile" else (ordered.mean(), ordered.std())
    axes.plot(ends, [centre + spread * e for e in ends], color=GREY, linewidth=0.9)
    _scatter(axes, ideal, ordered)
    return finished(axes, "normal quantile", _title(kind))


def influence_plot(
    result: Results,
    *,
    label: int = 5,
    size: Literal["cooks"] | None = "cooks",
    ax: "Axes | None" = None,
) -> "Axes":
    """Standardised residuals against leverage; the areas of points are Cook's distances.

    A response of several levels has several residuals a row; Cook's distance then takes their
    place. Dotted lines mark twice and three times the mean leverage.

    Arguments:
        result: from `asx.logit`, `asx.glm`, ...
        label: how many rows of the largest Cook's distance to name.
        size: `None` for points of one size.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
    """
    where = located(result)
    found = result.augment()
    height = ".std.resid" if ".std.resid" in found else ".cooksd"
    names = found.index[where.kept]
    hat, residual, cooks = found[[".hat", height, ".cooksd"]].to_numpy(float)[where.kept].T
    axes = axes_for(ax)
    area = 18.0 if size is None else 8 + 300 * cooks / max(float(np.nanmax(cooks)), 1e-300)
    axes.scatter(
        hat, residual, area, color=COLOURS[0], alpha=0.45, linewidths=0,
        rasterized=hat.size > 2000,
    )  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=0.9)
    for times in (2, 3):
        axes.axvline(times * np.nanmean(hat), color=GREY, linestyle=":", linewidth=0.9)
    for i in np.argsort(-cooks)[:label]:
        axes.annotate(
            str(names[i]), (hat[i], residual[i]), xytext=(4, 4), textcoords="offset points",
            fontsize="small",
        )  # fmt: skip
    title = f"area: Cook's distance, at most {np.nanmax(cooks):.2g}" if size else None
    y = "standardised residual" if height == ".std.resid" else "Cook's distance"
    return finished(axes, "leverage", y, title)
