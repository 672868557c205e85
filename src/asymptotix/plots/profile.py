"""The profile likelihood of a coefficient, with the limits that it and Wald's parabola give."""

from typing import TYPE_CHECKING

import numpy as np

from asymptotix.plots.canvas import COLOURS, GREY, plain, pyplot
from asymptotix.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def profile_plot(
    result: Results,
    name: str,
    *,
    confidence: float | None = None,
    reach: float | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    r"""The profile log-likelihood of one coefficient beside Wald's parabola.

    Both are shown relative to their top; where they cross the dashed line are the limits of the
    confidence intervals.

    Arguments:
        result: from `asx.logit`, `asx.glm`, ...
        name: of the coefficient.
        confidence: coverage of the intervals; that of the fit by default.
        reach: how far to go on either side, in standard errors; beyond the limits by default.
        ax: axes to draw on.

    Returns:
        The figure.

    Raises:
        InputError: an unknown name, or no likelihood to be profiled.
        ImportError: matplotlib is not installed.
    """
    coverage = result.confidence if confidence is None else confidence
    limits = {m: _limits(result, name, coverage, m) for m in ("profile", "wald")}
    curve = result.profile(name, reach=reach or _reach(result, name, limits), points=40)
    level = -0.5 * float(result.reference.quantile(0.5 + coverage / 2)) ** 2
    axes: Axes = pyplot().subplots(layout="constrained")[1] if ax is None else ax
    axes.axhline(level, color=GREY, linestyle="--", linewidth=0.9)
    axes.axvline(_estimate(result, name), color=GREY, linewidth=0.9)
    error = result.wald.standard_errors[result.names.index(name)]
    wald = (curve["value"] - _estimate(result, name)) / error
    heights = {"profile": curve["log_likelihood"], "wald": -0.5 * wald**2}
    titles = {"profile": "profile", "wald": "Wald"}
    styles = {"profile": (COLOURS[0], "-"), "wald": (COLOURS[1], ":")}
    for method, (colour, line) in styles.items():
        axes.plot(
            curve["value"], heights[method], color=colour, linestyle=line, label=titles[method]
        )
        ends = limits[method]
        axes.plot(ends, np.full(len(ends), level), "o", color=colour, markersize=5)
    seen = np.any([np.asarray(h) > 2.2 * level for h in heights.values()], axis=0)
    axes.set_xlim(*np.asarray(curve["value"])[seen][[0, -1]])
    axes.set_ylim(bottom=2.2 * level)
    axes.set_xlabel(name)
    axes.set_ylabel("log-likelihood, from its top")
    axes.set_title(f"{100 * coverage:g}% limits at the dashed line", fontsize="medium", loc="left")
    axes.legend(frameon=False)
    plain(axes)
    return axes.get_figure(root=True)  # pyright: ignore[reportReturnType]


def _estimate(result: Results, name: str) -> float:
    return float(result.wald.estimates[result.names.index(name)])


def _limits(result: Results, name: str, coverage: float, method: str) -> np.ndarray:
    """The limits that exist."""
    limits = np.asarray(result.conf_int(coverage, method))[result.names.index(name)]
    return limits[np.isfinite(limits)]


def _reach(result: Results, name: str, limits) -> float:
    """A little further than the furthest limit, in the unit of `Results.profile`.

    That is the error by the curvature of what is profiled; other covariances have other errors.
    """
    ends, estimate = np.concatenate(list(limits.values())), _estimate(result, name)
    unit = result.profile(name, reach=1.0, points=1)["value"].iloc[-1] - estimate
    return 1.15 * float(np.max(np.abs(ends - estimate)) / unit)
