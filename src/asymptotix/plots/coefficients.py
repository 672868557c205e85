"""Coefficients with their intervals, models side by side."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.plots.canvas import COLOURS, GREY, MARKERS, plain, pyplot
from asymptotix.results import Results
from asymptotix.results.labels import model_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALES = {"logit": "log-odds", "probit": "probit index", "log": "log of the mean"}
"""What a coefficient is a change of, by link; `"identity"` is a change of the mean itself."""

DODGE = 0.75
"""The share of a line's height over which the models of one panel are spread."""


class Series(NamedTuple):
    """What is drawn for one model: arrays of one entry a coefficient, and how it looks."""

    label: str
    scale: str
    names: tuple[str, ...]
    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    colour: str
    marker: str


def coefficient_plot(
    *results: Results,
    names: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    per: Literal["unit", "sd"] = "unit",
    intercept: bool = False,
    confidence: float | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    r"""Estimates with confidence intervals, several models side by side.

    Models share a panel only if their coefficients are changes of the same thing: two logits do,
    a logit and a linear probability do not and get panels of their own, over common rows.
    A model without standard errors (it did not converge) is named and not drawn.

    Arguments:
        results: from `asx.logit`, `asx.glm`, ...
        names: the coefficients to show, in this order from the top; all by default.
        labels: one name for each model; its title by default.
        per: what a coefficient is multiplied by: `"unit"` shows $\hat\beta_j$ as the table does,
            `"sd"` shows $\hat\beta_j\,\mathrm{sd}(x_j)$, for columns whose units differ widely.
        intercept: whether to show it too (`per="unit"` only).
        confidence: coverage of the intervals; that of the fits by default.
        ax: axes to draw on, where one panel is enough.

    Returns:
        The figure; `figure.savefig("coefficients.png")` writes it.

    Raises:
        InputError: no results, names or labels that do not fit, fits of different coverage, or
            `ax` for models that need several panels.
        ImportError: matplotlib is not installed.
    """
    confidence = _checked(results, labels, per, intercept, confidence)
    series = _series(results, labels, per, confidence)
    shown = _shown(results, names, intercept)
    panels = {s.scale: [t for t in series if t.scale == s.scale] for s in series}
    if ax is not None and len(panels) > 1:
        raise InputError(
            f"The coefficients of these models are changes of different things "
            f"({', '.join(panels)}), which need a panel each; leave ax out.",
            code="option",
        )
    figure, axes = _canvas(ax, len(panels), len(shown), max(map(len, panels.values())))
    for one, (scale, members) in zip(axes, panels.items(), strict=True):
        _draw(one, members, shown)
        unit = "per standard deviation" if per == "sd" else "per unit"
        one.set_xlabel(f"change of {scale}\n{unit}, {100 * confidence:g}% intervals")
        _name_models(one, members)
    _write_rows(axes[0], shown)
    return figure


def _checked(results, labels, per, intercept, confidence) -> float:
    if not results:
        raise InputError("Nothing to plot: pass at least one result.", code="arguments")
    if per not in ("unit", "sd"):
        raise InputError(f"per={per!r} must be 'unit' or 'sd'.", code="option")
    if per == "sd" and intercept:
        raise InputError(
            "An intercept has no standard deviation; use per='unit' to show it.", code="option"
        )
    coverages = {r.confidence for r in results}
    if confidence is None and len(coverages) > 1:
        raise InputError(
            f"The results have intervals of different coverage ({sorted(coverages)}); "
            "pass confidence=.",
            code="option",
        )
    return coverages.pop() if confidence is None else confidence


def _series(results, labels, per, confidence) -> list[Series]:
    looks = itertools.cycle(zip(COLOURS, MARKERS, strict=True))
    chosen = model_labels(results, labels)
    found = []
    for res, label, (colour, marker) in zip(results, chosen, looks, strict=False):
        k = len(res.spec.names)
        unit = _standard_deviations(res) if per == "sd" else np.ones(k)
        limits = res.conf_int(confidence)
        if not np.isfinite(res.wald.standard_errors[:k]).any():
            label = f"{label} (no standard errors: {res.covariance.status_name.replace('_', ' ')})"
        found.append(
            Series(
                label,
                _scale(res),
                res.names[:k],
                res.wald.estimates[:k] * unit,
                limits["lower"].to_numpy()[:k] * unit,
                limits["upper"].to_numpy()[:k] * unit,
                colour,
                marker,
            )
        )
    return found


def _scale(res: Results) -> str:
    """What the coefficients are changes of."""
    response = res.spec.response_name or "the response"
    link = getattr(getattr(res.model.family, "link", None), "name", None)
    if link == "identity":
        return f"P({response})" if res.inputs.response_kind == "binary" else f"E({response})"
    return SCALES.get(str(link), f"the {link or res.model.family.name} predictor")


def _standard_deviations(res: Results) -> np.ndarray:
    """Standard deviations of the columns of the design, rows weighted as in the fit."""
    rows = res.inputs.again()
    x = np.asarray(rows.x, float)
    weights = np.ones(len(x)) if rows.weights is None else np.asarray(rows.weights, float)
    centred = x - np.average(x, axis=0, weights=weights)
    return np.sqrt(np.average(centred**2, axis=0, weights=weights))


def _shown(results, names, intercept: bool) -> list[str]:
    known = list(dict.fromkeys(n for r in results for n in r.names[: len(r.spec.names)]))
    if names is None:
        return [n for n in known if intercept or n != "Intercept"]
    from asymptotix.core.errors import close_matches

    for name in names:
        if name not in known:
            raise InputError(
                f"No model has a coefficient {name!r}.{close_matches(name, known)}",
                code="unknown_name",
                column=name,
            )
    return list(names)


def _canvas(ax, panels: int, rows: int, models: int) -> "tuple[Figure, list[Axes]]":
    if ax is not None:
        return ax.get_figure(root=True), [ax]
    height = 1.5 + rows * (0.3 + 0.12 * (models - 1))
    figure, axes = pyplot().subplots(
        1,
        panels,
        sharey=True,
        squeeze=False,
        figsize=(2.6 + 2.8 * max(panels, 1.4), height),
        layout="constrained",
    )
    return figure, list(axes[0])


def _draw(ax: "Axes", members: list[Series], shown: list[str]) -> None:
    ax.axvline(0, color=GREY, linewidth=0.9, zorder=1)
    shifts = DODGE * ((np.arange(len(members)) + 0.5) / len(members) - 0.5)
    for s, shift in zip(members, shifts, strict=True):
        pairs = [(i, s.names.index(n)) for i, n in enumerate(shown) if n in s.names]
        lines = np.array([i + shift for i, j in pairs if np.isfinite(s.lower[j])])
        at = [j for _, j in pairs if np.isfinite(s.lower[j])]
        ax.hlines(lines, s.lower[at], s.upper[at], color=s.colour, linewidth=1.8, zorder=2)
        ax.plot(
            s.estimate[at],
            lines,
            s.marker,
            color=s.colour,
            markeredgecolor="white",
            markeredgewidth=0.8,
            markersize=7,
            label=s.label,
            zorder=3,
        )
    for i in range(1, len(shown)):
        ax.axhline(i - 0.5, color=GREY, alpha=0.18, linewidth=0.6, zorder=0)
    ax.margins(x=0.06)
    ax.locator_params(axis="x", nbins=5)
    plain(ax)


def _name_models(ax: "Axes", members: list[Series]) -> None:
    """A title where a panel holds one model, else a legend above the data."""
    if len(members) == 1:
        ax.set_title(members[0].label, color=members[0].colour, fontsize="medium", weight="bold")
        return
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=1 if max(len(s.label) for s in members) > 24 else min(len(members), 3),
        frameon=False,
        borderaxespad=0.3,
        handletextpad=0.3,
    )


def _write_rows(ax: "Axes", shown: list[str]) -> None:
    ax.set_yticks(range(len(shown)), shown)
    ax.set_ylim(len(shown) - 0.5, -0.5)
