"""Models side by side: estimates over standard errors, statistics of the models below."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from asymptotix.core.errors import InputError, close_matches
from asymptotix.covariances.estimate import is_least_squares
from asymptotix.inference import WaldTable
from asymptotix.results.exponentiated import exponentiated, ratio_name
from asymptotix.results.labels import model_labels
from asymptotix.results.numbers import (
    LEAST_SIGNIFICANT,
    MISSING,
    WITHHELD,
    common_decimals,
    interval,
    number,
    p_value,
    statistic,
)
from asymptotix.results.results import Results
from asymptotix.results.table import Row, Table

Below = Literal["std.error", "statistic", "p.value", "interval"]
BELOW = {
    "std.error": "Standard errors in parentheses.",
    "statistic": "Test statistics in parentheses.",
    "p.value": "p-values in parentheses.",
    "interval": "Confidence intervals in brackets.",
}
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
STARS_NOTE = "* p < 0.05, ** p < 0.01, *** p < 0.001."
MODEL = "Model"


def compare(
    *results: Any,
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    below: Below = "std.error",
    statistics: Sequence[str] | None = None,
    exponentiate: bool = False,
    stars: bool = False,
) -> Table:
    """Several models in one table: text, HTML, LaTeX, Markdown and Typst.

    Arguments:
        results: from `asx.logit`, `asx.glm`, ...
        labels: one heading for each model; its title by default.
        names: the coefficients to show, in this order; all by default, intercepts last.
        below: what stands below an estimate: `"std.error"`, `"statistic"`, `"p.value"` or
            `"interval"`.
        statistics: of the models, by name, from `nobs`, `llf`, `aic`, `bic`, `r2`, `deviance`,
            `scale`, `covariance`, `status`; a choice by default.
        exponentiate: whether to show odds ratios or ratios of means, as in `Results.tidy`.
        stars: whether to mark small p-values, and say how.

    Raises:
        InputError: no results, or an unknown name or option.
    """
    if not results:
        raise InputError("Nothing to compare: pass at least one result.", code="arguments")
    for res in results:
        if not isinstance(res, Results):
            raise InputError(
                f"{type(res).__name__} is no result of a fit; pass results one after the other, "
                "compare(first, second), and their headings by labels=.",
                code="arguments",
            )
    if below not in BELOW:
        raise InputError(
            f"below={below!r} must be one of {', '.join(BELOW)}.{close_matches(below, BELOW)}",
            code="option",
        )
    tables = [exponentiated(r, r.wald) if exponentiate else r.wald for r in results]
    rows = []
    for name in _names(results, names):
        rows += _pair(name, results, tables, below, stars)
    notes = [_ratios(results)] if exponentiate else []
    notes += [BELOW[below], *([STARS_NOTE] if stars else [])]
    return Table(
        title=_title(results),
        header=(),
        columns=tuple(model_labels(results, labels)),
        rows=(*rows, *_statistics(results, statistics)),
        notes=(" ".join(notes), *_warnings(results)),
    )


# --- coefficients ---------------------------------------------------------------------------


def _names(results: Sequence[Any], names: Sequence[str] | None) -> list[str]:
    known = list(dict.fromkeys(name for res in results for name in res.names))
    if names is None:
        last = [name for name in known if name.split(": ")[-1] == "Intercept"]
        own = {name for res in results for name in res.names[res.n_coefficients :]}
        return sorted(known, key=lambda name: (name in own, name in last))
    for name in names:
        if name not in known:
            raise InputError(
                f"No model has a coefficient {name!r}.{close_matches(name, known)}",
                code="unknown_name",
                column=name,
            )
    return list(names)


def _pair(name: str, results, tables: list[WaldTable], below: Below, stars: bool) -> list[Row]:
    """The line of a coefficient and that of its uncertainty, with common decimals."""
    at = [res.names.index(name) if name in res.names else None for res in results]
    there = [(w, j) for w, j in zip(tables, at, strict=True) if j is not None]
    estimates = [float(w.estimates[j]) for w, j in there]
    errors = [float(w.standard_errors[j]) for w, j in there]
    decimals = common_decimals(errors, estimates, LEAST_SIGNIFICANT)
    if not any(map(math.isfinite, errors)):
        decimals = common_decimals(estimates)
    above, under = [], []
    for w, j in zip(tables, at, strict=True):
        if j is None:
            above.append(MISSING)
            under.append(MISSING)
            continue
        mark = _stars(float(w.log_p[j])) if stars else ""
        above.append(number(float(w.estimates[j]), decimals) + mark)
        under.append(_below(w, j, below, decimals))
    return [Row(name, tuple(above)), Row("", tuple(under))]


def _below(w: WaldTable, j: int, below: Below, decimals: int | None) -> str:
    if not math.isfinite(w.standard_errors[j]):
        return f"({WITHHELD})"
    if below == "interval":
        return interval(float(w.lower[j]), float(w.upper[j]), decimals)
    inside = {
        "std.error": lambda: number(float(w.standard_errors[j]), decimals),
        "statistic": lambda: statistic(float(w.statistics[j])),
        "p.value": lambda: p_value(float(w.log_p[j])),
    }
    return f"({inside[below]()})"


def _stars(log_p: float) -> str:
    return next((mark for level, mark in STARS if log_p < math.log(level)), "")


# --- models ---------------------------------------------------------------------------------


def _number(value: float) -> str:
    return number(value, 3 if abs(value) < 1e7 else None)


def _r2(kind: str) -> Callable[[Any], str]:
    """A cell of the one kind that suits a model."""

    def cell(res: Any) -> str:
        moment = res.model.family.dispersion_rule == "moment"
        suits = "cox-snell" if moment else "mcfadden"
        if is_least_squares(res.fit):
            suits = "ordinary"
        if suits != kind:
            return MISSING
        return number(res.rsquared if kind == "ordinary" else res.r_squared(kind), 4)

    return cell


KNOWN: dict[str, tuple[tuple[str, Callable[[Any], str]], ...]] = {
    "nobs": (("Observations", lambda r: f"{r.nobs:g}"),),
    "llf": (("Log-likelihood", lambda r: _number(r.llf)),),
    "deviance": (("Deviance", lambda r: _number(r.deviance)),),
    "aic": (("AIC", lambda r: _number(r.aic)),),
    "bic": (("BIC", lambda r: _number(r.bic)),),
    "r2": (
        ("R²", _r2("ordinary")),
        ("Cox–Snell R²", _r2("cox-snell")),
        ("McFadden R²", _r2("mcfadden")),
    ),
    "scale": (("Dispersion", lambda r: _number(r.scale)),),
    "covariance": (("Covariance", lambda r: r.covariance.kind.label),),
    "status": (("Status", lambda r: r.status.replace("_", " ")),),
}
CHOSEN = ("nobs", "llf", "aic", "bic", "r2", "covariance")


def _statistics(results, asked: Sequence[str] | None) -> list[Row]:
    rows = []
    responses = [_response(res) for res in results]
    if len(set(responses)) > 1:
        rows.append(Row("Response", tuple(responses), MODEL))
    for name in CHOSEN if asked is None else asked:
        if name not in KNOWN:
            raise InputError(
                f"The statistic {name!r} is not known; use {', '.join(KNOWN)}."
                f"{close_matches(name, KNOWN)}",
                code="option",
            )
        for label, cell in KNOWN[name]:
            cells = tuple(cell(res) for res in results)
            if any(cells):
                rows.append(Row(label, cells, MODEL))
    return rows


def _response(res: Any) -> str:
    name = res.spec.response_name or "response"
    return name if res.event is None else f"{name} = {res.event}"


def _title(results) -> str:
    responses = {_response(res) for res in results}
    return f"Models of {responses.pop()}" if len(responses) == 1 else "Models"


def _ratios(results) -> str:
    words = dict.fromkeys(f"{ratio_name(res)}s" for res in results)
    return f"Exponentiated: {', '.join(words)}; tests are of the coefficients."


def _warnings(results) -> list[str]:
    """Models without standard errors, by their number."""
    failed = [f"({i + 1}) {r.status}" for i, r in enumerate(results) if not r.converged]
    omitted = any(not np.asarray(res.fit.active).all() for res in results)
    notes = []
    if failed:
        notes.append(f"NOT CONVERGED: {', '.join(failed)}. Standard errors are withheld.")
    if omitted:
        notes.append(f"{WITHHELD} stands for coefficients omitted because others explain them.")
    return notes
