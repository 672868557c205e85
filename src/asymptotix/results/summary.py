"""The coefficient table of a fit."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.lazy import LazyModule
from asymptotix.core.status import MESSAGES
from asymptotix.covariances.estimate import is_least_squares
from asymptotix.results.exponentiated import exponentiated, ratio_name
from asymptotix.results.table import Row, Table

if TYPE_CHECKING:
    from asymptotix.results import separation
else:
    separation = LazyModule("asymptotix.results.separation")

RATIO_NOTE = (
    "Ratios are exponentiated coefficients, limits too; errors by the delta method. Tests are of "
    "the coefficients."
)


def summary_table(res: Any, exponentiate: bool = False) -> Table:
    """Estimates, errors, tests and limits, below what was fitted and how.

    Arguments:
        res: a `Results`; its module imports this one.
        exponentiate: whether to show odds ratios or ratios of means.
    """
    w = exponentiated(res, res.wald) if exponentiate else res.wald
    first = ratio_name(res).capitalize() if exponentiate else "Estimate"
    percent = f"{100 * res.confidence:g}%"
    columns = (first, "Std. error", res.reference.symbol, "p", f"{percent} low", "high")
    rows = tuple(
        Row(name, tuple(float(v) for v in values), _section(res, i))
        for i, (name, *values) in enumerate(
            zip(
                res.names,
                w.estimates,
                w.standard_errors,
                w.statistics,
                w.log_p,
                w.lower,
                w.upper,
                strict=True,
            )
        )
    )
    return Table(
        title=res.title,
        header=_header(res),
        columns=columns,
        rows=rows,
        notes=(*_notes(res), *((RATIO_NOTE,) if exponentiate else ())),
        kinds=("estimate", "error", "statistic", "log_p", "bound", "bound"),
    )


def _section(res: Any, position: int) -> str | None:
    return None if position < res.n_coefficients else "Parameters of the family"


def _header(res: Any) -> tuple[tuple[str, str], ...]:
    response = res.spec.response_name or "response"
    moment = res.model.family.dispersion_rule == "moment"
    pairs = [
        ("Response", response if res.event is None else f"{response} = {res.event}"),
        ("Observations", f"{res.nobs:g}"),
        ("Status", res.status.replace("_", " ")),
        ("Rows dropped", str(res.dropped)),
        ("Decrement", f"{float(res.fit.decrement):.1e}"),
        ("Newton steps", str(int(res.fit.steps))),
        ("Covariance", res.covariance.kind.label),
        ("Reference", res.reference.label),
        ("Log-likelihood", _number(res.llf)),
        ("Null log-lik.", _number(res.llnull)),
        ("AIC", _number(res.aic)),
        ("BIC", _number(res.bic)),
        ("Deviance", _number(res.deviance)),
    ]
    if moment:
        pairs.append(("Dispersion", _number(res.scale)))
        if is_least_squares(res.fit):
            pairs.append(("R²", _share(res.rsquared)))
        else:
            pairs.append(("Cox–Snell R²", _share(res.r_squared("cox-snell"))))
    else:
        pairs.append(("Pearson chi2", _number(res.pearson_chi2)))
        pairs.append(("McFadden R²", _share(res.r_squared())))
    return (*pairs, ("Parameters", str(res.n_parameters)))


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "—"
    return f"{value:.3f}" if abs(value) < 1e7 else f"{value:.6e}"


def _share(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "—"


def _indefinite(res: Any) -> str:
    covariance = res.covariance
    if not np.isfinite(np.asarray(res.fit.factor)).all():
        return f"Standard errors are withheld: {MESSAGES['indefinite']}."
    if not covariance.kind.may_be_indefinite:
        return f"Standard errors are withheld: {covariance.kind.absent}."
    return (
        "The covariance is not positive semidefinite; negative variances have no standard error, "
        "and joint tests are withheld."
    )


def _notes(res: Any) -> tuple[str, ...]:
    notes = []
    if res.separated is not None:
        notes.append(f"NOT CONVERGED (separated): {separation.separation_note(res.separated)}")
    elif not res.converged:
        notes.append(
            f"NOT CONVERGED ({res.status}): {MESSAGES[res.status]}. Standard errors are withheld."
        )
    elif res.covariance.status_name == "indefinite":
        notes.append(_indefinite(res))
    if "penalty" in res.conventions:
        notes.append(
            f"Penalty: {res.conventions['penalty']}. "
            f"Standard errors are {res.conventions['standard errors']}."
        )
    if res.covariance.has_few_clusters:
        notes.append(f"Few clusters: {res.conventions['clusters']}.")
    omitted = [n for n, a in zip(res.names, np.asarray(res.fit.active), strict=True) if not a]
    if omitted:
        told = ", ".join([one.text for one in res.omitted] or omitted)
        tolerance = res.conventions.get("collinear tolerance")
        how = "exactly" if tolerance is None else f"but for {tolerance}"
        notes.append(f"Omitted because other columns explain them {how}: {told}.")
    if res.inputs.weights is not None:
        notes.append(f"Weights: {res.inputs.weight_kind}.")
    return tuple(notes)
