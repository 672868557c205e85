"""Pictures of how good predicted probabilities are: calibration and ROC."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Key
from asymptotix.plots.canvas import COLOURS, GREY
from asymptotix.plots.frame import LINES, axes_for, finished, percent
from asymptotix.results import Results
from asymptotix.results.labels import model_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def calibration_plot(
    result: Results,
    *,
    groups: int | None = 10,
    cv: int | None = None,
    key: Key = None,
    confidence: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Observed shares against predicted probabilities, with the calibration belt.

    Points are groups of predictions with Wilson's limits; the band covers the whole curve at
    once. Where it leaves the diagonal, predictions are wrong.

    Arguments:
        result: of a model of an event.
        groups, cv, key, confidence: as in `Results.calibration`.
        ax: axes to draw on.

    Returns:
        The axes.

    Raises:
        InputError: the response is no event.
        ImportError: matplotlib is not installed.
    """
    found = result.calibration(groups, cv=cv, key=key, confidence=confidence)
    axes, curve, belt = axes_for(ax), found.curve, found.belt
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle="--", label="as predicted")
    if belt is not None:
        x, label = belt["predicted"], f"belt, {percent(found.confidence)} for all points"
        axes.fill_between(
            x, belt["lower"], belt["upper"], color=COLOURS[0], alpha=0.2, linewidth=0, label=label
        )
        axes.plot(x, belt["calibrated"], color=COLOURS[0])
    axes.vlines(curve["predicted"], curve["lower"], curve["upper"], color=COLOURS[1])
    axes.plot(curve["predicted"], curve["observed"], "o", color=COLOURS[1], label="groups")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    title = f"{cv}-fold cross-validated" if cv else "in the rows of the fit"
    return finished(axes, "predicted probability", "observed share", title, legend=True)


def roc_plot(
    *results: Results,
    labels: Sequence[str] | None = None,
    cv: int | None = None,
    key: Key = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Sensitivity against the rate of false positives, over all thresholds.

    Arguments:
        results: of models of an event (at most seven).
        labels: one name for each; its title by default.
        cv, key: as in `Results.roc`.
        ax: axes to draw on.

    Returns:
        The axes; the legend has the areas with DeLong's standard errors.

    Raises:
        InputError: no results, or too many.
        ImportError: matplotlib is not installed.
    """
    if not 1 <= len(results) <= len(LINES):
        raise InputError(f"Pass one to {len(LINES)} results.", code="arguments")
    axes = axes_for(ax)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle="--")
    for i, (res, label) in enumerate(zip(results, model_labels(results, labels), strict=True)):
        curve, area = res.roc(cv=cv, key=key), res.auc(cv=cv, key=key)
        axes.plot(
            curve["false_positive_rate"],
            curve["sensitivity"],
            color=COLOURS[i],
            linestyle=LINES[i],
            label=f"{label}: {area.area:.3f} ({area.std_error:.3f})",
        )
    axes.set_aspect("equal")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    title = f"{cv}-fold cross-validated" if cv else "in the rows of the fit"
    finished(axes, "false positive rate", "sensitivity", title)
    axes.legend(frameon=False, loc="lower right", title="area (std. error)")
    return axes
