"""Pictures of simulation studies: zip plot and coverage by cell."""

from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError, close_matches
from asymptotix.plots.canvas import COLOURS, GREY, MARKERS, plain, pyplot
from asymptotix.simulation import MonteCarlo

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def zip_plot(study: MonteCarlo, term: str, cell: str = "", *, ax: "Axes | None" = None) -> "Axes":
    r"""The intervals of all replications, those whose estimate is furthest from the truth on top.

    Intervals that miss the truth are dark. Where the method is right they fill the part above the
    dashed line, at the nominal coverage (Morris, White and Crowther 2019, figure 5).

    Arguments:
        study: from `asx.monte_carlo`.
        term: one of its terms.
        cell: one of its design cells.
        ax: axes to draw on.

    Raises:
        InputError: an unknown term or cell, or a term without a true value.
        ImportError: matplotlib is not installed.
    """
    j = _position(study, term)
    replications, truth = study.replications[_known(cell, study)], study.truth[cell][j]
    if not np.isfinite(truth):
        raise InputError(f"'{term}' has no true value to be covered.", code="truth")
    lower, upper = (limit[:, j] for limit in replications.limits(study.confidence))
    used = replications.used
    distance = np.abs(replications.values[used, j] - truth)
    order = np.argsort(distance / replications.standard_errors[used, j])
    height = 100 * (np.arange(len(order)) + 0.5) / len(order)
    missed = ((lower > truth) | (upper < truth))[order]
    axes: Axes = pyplot().subplots(layout="constrained")[1] if ax is None else ax
    for chosen, colour, label in (
        (~missed, COLOURS[5], "covers"),
        (missed, COLOURS[1], "misses"),
    ):
        axes.hlines(
            height[chosen], lower[order][chosen], upper[order][chosen],
            color=colour, linewidth=0.5, label=label, rasterized=True,
        )  # fmt: skip
    axes.axvline(truth, color="black", linewidth=1)
    axes.axhline(100 * study.confidence, color=GREY, linestyle="--", linewidth=0.9)
    axes.set_xlabel(f"{100 * study.confidence:g}% intervals of {term}")
    axes.set_ylabel("rank of |estimate - truth| / error, %")
    axes.legend(frameon=False, loc="lower right")
    plain(axes)
    return axes


def coverage_plot(study: MonteCarlo, *, ax: "Axes | None" = None) -> "Axes":
    """Coverage of each term's intervals by design cell, with twice its Monte-Carlo error.

    Arguments:
        study: from `asx.monte_carlo`.
        ax: axes to draw on.

    Raises:
        ImportError: matplotlib is not installed.
    """
    frame: Any = study.frame[study.frame["measure"] == "coverage"]
    frame = frame[frame["value"].notna()]
    cells, terms = list(dict.fromkeys(frame["cell"])), list(dict.fromkeys(frame["term"]))
    axes: Axes = pyplot().subplots(layout="constrained")[1] if ax is None else ax
    for i, term in enumerate(terms):
        rows = frame[frame["term"] == term]
        where = np.array([cells.index(c) for c in rows["cell"]], float)
        shift = 0.5 * ((i + 0.5) / len(terms) - 0.5)
        axes.errorbar(
            rows["value"], where + shift, xerr=2 * rows["mcse"], linestyle="none", label=term,
            color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], markersize=5,
        )  # fmt: skip
    axes.axvline(study.confidence, color=GREY, linestyle="--", linewidth=0.9)
    axes.set_yticks(range(len(cells)), [c or "all" for c in cells])
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_xlabel(f"coverage of {100 * study.confidence:g}% intervals, ± 2 Monte-Carlo errors")
    axes.legend(frameon=False, fontsize="small")
    plain(axes)
    return axes


def _position(study: MonteCarlo, term: str) -> int:
    if term not in study.names:
        raise InputError(
            f"'{term}' is no term of the study; its terms are {', '.join(study.names)}."
            f"{close_matches(term, study.names)}",
            code="term",
            column=term,
        )
    return study.names.index(term)


def _known(cell: str, study: MonteCarlo) -> str:
    if cell not in study.replications:
        known = ", ".join(map(repr, study.replications))
        raise InputError(f"{cell!r} is no cell of the study; its cells are {known}.", code="cell")
    return cell
