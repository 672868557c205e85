"""`Results.report`: one page that explains a fit, complete in a single file."""

import base64
import importlib
import io
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Key
from asymptotix.results.page import Section, page
from asymptotix.results.table import Row, Table

PICTURES = "asymptotix.plots.report"
"""The part that draws: an extra on a higher floor, and so loaded by its name when it is needed."""


def report(
    res: Any, path: str | Path, *, title: str | None = None, cv: int | None = None, key: Key = None
) -> Path:
    """Write a page with the table, the conventions, effects, diagnostics and pictures.

    Everything is inside the file: it needs no network, reads on a phone and prints.

    Arguments:
        res: a `Results`.
        path: of the file, such as `"out.html"`.
        title: of the page.
        cv, key: as in `Results.calibration`: predictions are then judged by cross-validation.

    Returns:
        The path.

    Raises:
        InputError: `cv` without `key`.
        ImportError: matplotlib is not installed.
    """
    if (cv is None) != (key is None):
        raise InputError("cv= and key= go together; give both.", code="option")
    sections = [_estimates(res)]
    if res.converged:
        sections += [_effects(res), _judgement(res, cv, key), _diagnostics(res)]
    sections += [_conventions(res)]
    named = title or f"{res.title}: {res.inputs.formula}"
    target = Path(path)
    target.write_text(page(named, [s for s in sections if s.parts]), encoding="utf-8")
    return target


def _estimates(res: Any) -> Section:
    parts = [res.summary().to_html()]
    if res.converged:
        parts += [figure("Coefficients with their limits", "coefficients", res)]
    return Section("Estimates", parts)


def _effects(res: Any) -> Section:
    if res.inputs.data is None:
        return Section("Effects", [])
    table = _possible(lambda: res.avg_slopes().summary().to_html())
    pictures = [
        figure(f"Prediction against {name}", "prediction", res, name) for name in _variables(res)
    ]
    return Section("Effects", [*table, *pictures])


def _variables(res: Any, most: int = 4) -> list[str]:
    """The variables whose pictures are shown: the first few."""
    return list(res.spec.variables)[:most]


def _judgement(res: Any, cv: int | None, key: Key) -> Section:
    if res.inputs.response_kind not in ("binary", "grouped") or res.inputs.data is None:
        return Section("Predictions", [])
    area, brier = res.auc(cv=cv, key=key), res.brier(cv=cv, key=key)
    rows = (
        Row("Area under the ROC curve", (area.area, area.std_error)),
        Row("Brier score", (brier.score, None)),
        Row("Brier score of the overall share", (brier.uncertainty, None)),
    )
    table = Table(
        title=f"{cv}-fold cross-validated" if cv else "In the rows of the fit",
        header=(),
        columns=("Value", "Std. error"),
        rows=rows,
        kinds=("estimate", "error"),
    )
    return Section(
        "Predictions",
        [
            table.to_html(),
            figure("Calibration", "calibration", res, cv, key),
            figure("ROC curve", "roc", res, cv, key),
        ],
    )


def _diagnostics(res: Any) -> Section:
    if res.inputs.data is None:
        return Section("Diagnostics", [])
    return Section(
        "Diagnostics",
        [
            figure("Residuals against fitted means", "residuals", res),
            figure("Influence of single rows", "influence", res),
        ],
    )


def _conventions(res: Any) -> Section:
    lines = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in res.conventions.items()
    )
    return Section("Conventions", [f"<table class='plain'>{lines}</table>"])


def _possible(make: Callable[[], str]) -> list[str]:
    """The part, or the sentence that says why there is none."""
    try:
        return [make()]
    except InputError as error:
        return [f"<p class='said'>{escape(str(error))}</p>"]


def figure(caption: str, kind: str, *given: Any) -> str:
    """A picture inside the page, as SVG, with its caption.

    Arguments:
        caption: what it shows, also read out where it cannot be seen.
        kind: which picture.
        given: what it takes.
    """
    draw = importlib.import_module(PICTURES).draw
    try:
        data = io.BytesIO()
        draw(kind, data, *given)
    except InputError as error:
        return f"<p class='said'>{escape(caption)}: {escape(str(error))}</p>"
    encoded = base64.b64encode(data.getvalue()).decode("ascii")
    return (
        f"<figure><img alt='{escape(caption, quote=True)}' src='data:image/svg+xml;base64,"
        f"{encoded}'><figcaption>{escape(caption)}</figcaption></figure>"
    )
