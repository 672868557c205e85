"""Formula and frame in, `Results` out."""

import sys
import warnings
from typing import Any

import jax
import numpy as np

from asymptotix.core.errors import FitWarning, InputError, close_matches
from asymptotix.core.precision import double
from asymptotix.core.reference import Normal, StudentT
from asymptotix.core.status import MESSAGES
from asymptotix.covariances import AbstractCovariance, InverseInformation, covariance_kind
from asymptotix.covariances.estimate import estimate
from asymptotix.data.rows import Rows
from asymptotix.families import AbstractFamily, Bernoulli, Gaussian, Poisson
from asymptotix.fitting import Fit, Newton
from asymptotix.fitting.host import fit as fit_rows
from asymptotix.fitting.host import fit_constant
from asymptotix.links import ProbitLink
from asymptotix.model import Regression, layout
from asymptotix.predictors import Linear
from asymptotix.results.inputs import Inputs
from asymptotix.results.results import Results


def logit(formula: str, data: Any, **options) -> Results:
    r"""Logistic regression, $P(y = 1 \mid x) = 1/(1 + e^{-x^\top\beta})$.

    Arguments:
        formula: such as `"lfp ~ educ + I(exper**2) + C(city)"`.
        data: a pandas or Polars frame, a PyArrow table, a DuckDB relation, a dict of arrays, or
            the path of a Parquet or CSV file.
        options: as in `glm`.

    Returns:
        `Results`; the response may be 0/1, bool, or have two labels, the second being the event.
    """
    return _from_formula("Logit", formula, data, Bernoulli(), options)


def probit(formula: str, data: Any, **options) -> Results:
    r"""Probit regression, $P(y = 1 \mid x) = \Phi(x^\top\beta)$; arguments as in `logit`."""
    return _from_formula("Probit", formula, data, Bernoulli(ProbitLink()), options)


def lpm(formula: str, data: Any, **options) -> Results:
    r"""Linear probability model, $P(y = 1 \mid x) = x^\top\beta$ by least squares.

    HC1 standard errors by default, since the variance of a 0/1 response is not constant; the
    other arguments as in `logit`.
    """
    options = {"cov": "HC1", **options}
    return _from_formula("Linear probability", formula, data, Gaussian(), options, kind="binary")


def linear(formula: str, data: Any, **options) -> Results:
    r"""Linear regression, $E(y \mid x) = x^\top\beta$ by least squares; arguments as in `logit`."""
    return _from_formula("Linear regression", formula, data, Gaussian(), options)


def poisson(formula: str, data: Any, **options) -> Results:
    r"""Poisson regression, $E(y \mid x) = e^{x^\top\beta}$; arguments as in `logit`."""
    return _from_formula("Poisson regression", formula, data, Poisson(), options)


def glm(
    formula: str,
    data: Any,
    family: AbstractFamily,
    *,
    trials: Any = None,
    response: str = "counts",
    cov: "str | AbstractCovariance | None" = None,
    weights: Any = None,
    weight_kind: str | None = None,
    offset: Any = None,
    missing: str = "drop",
    collinear: str = "drop",
    solver: Newton | None = None,
    confidence: float = 0.95,
    reference: str | None = None,
    keep_data: bool = True,
) -> Results:
    """A generalised linear model of any family.

    Arguments:
        formula, data: as in `logit`.
        family: `asx.Bernoulli(link=asx.CloglogLink())`, `asx.Binomial()`, ... or your own.
        trials: a column's name or numbers, for grouped binomial responses.
        response: `"counts"` of successes, or `"proportion"` where it is a share of the trials.
        cov: `"observed"` (default), `"expected"`, `"opg"`, `"HC0"`, `"HC1"`, or an object.
        weights, offset: a column's name or numbers, one a row of the data.
        weight_kind: `"frequency"`, `"precision"` or `"sampling"`; required with weights.
        missing: `"drop"` (with a warning) or `"raise"`.
        collinear: `"drop"` (with a warning) or `"raise"`.
        solver: `asx.Newton()` by default.
        confidence: coverage of intervals.
        reference: `"normal"` or `"t"`; by default as the family declares.
        keep_data: whether Results refer to the data; otherwise verbs that need rows ask for them.

    Raises:
        InputError: formula, data or options cannot be used; the message says what to do.
    """
    _check_family(family, {})
    link = getattr(getattr(family, "link", None), "name", None)
    title = f"GLM: {family.name}" + (f", {link} link" if link else "")
    options = {
        "trials": trials,
        "response": response,
        "cov": cov,
        "weights": weights,
        "weight_kind": weight_kind,
        "offset": offset,
        "missing": missing,
        "collinear": collinear,
        "solver": solver,
        "confidence": confidence,
        "reference": reference,
        "keep_data": keep_data,
    }
    return _from_formula(title, formula, data, family, options)


OPTIONS = (
    "trials", "response", "cov", "weights", "weight_kind", "offset", "missing", "collinear",
    "solver", "confidence", "reference", "keep_data",
)  # fmt: skip


def _from_formula(title, formula, data, family, options, kind=None) -> Results:
    _check_options(options)
    _check_family(family, options)
    inputs = Inputs(
        formula,
        data,
        context=sys._getframe(2),
        weights=options.get("weights"),
        weight_kind=options.get("weight_kind"),
        offset=options.get("offset"),
        trials=options.get("trials"),
        missing=options.get("missing", "drop"),
        response_kind=kind or family.response_kind,
        response_is=options.get("response", "counts"),
    )
    rows, design, response = inputs.evaluate()
    inputs = _settled(inputs, design, options.get("keep_data", True))
    family.check_response(rows.y, design.response_name or "response")
    model = Regression(Linear(len(design.names)), family)
    fit = _fit(model, rows, design.names, options)
    chosen = _covariance(options.get("cov"), rows)
    with double():
        found = jax.tree.map(np.asarray, estimate(fit, rows, chosen))
    reference = _reference(options.get("reference"), fit)
    result = Results(
        title=title,
        fit=fit,
        covariance=found,
        names=_names(model, design.names),
        inputs=inputs,
        spec=design.spec,
        reference=reference,
        confidence=options.get("confidence", 0.95),
        llnull=float(fit_constant(model, rows, fit).log_likelihood),
        conventions=_conventions(fit, found, reference, inputs),
        dropped=design.dropped,
        event=response.event,
    )
    _warn(result)
    return result


def _check_options(options) -> None:
    for name in options:
        if name not in OPTIONS:
            raise InputError(
                f"The option {name!r} is not known.{close_matches(name, OPTIONS)}", code="option"
            )
    confidence = options.get("confidence", 0.95)
    if not 0 < confidence < 1:
        raise InputError(
            f"confidence={confidence!r} must lie between 0 and 1, such as 0.95.", code="option"
        )
    if options.get("collinear", "drop") not in ("drop", "raise"):
        raise InputError("collinear must be 'drop' or 'raise'.", code="option")
    if options.get("cov") is not None:
        covariance_kind(options["cov"])  # before the costly fit


def _check_family(family, options) -> None:
    if not isinstance(family, AbstractFamily):
        raise InputError(
            f"family={family!r} is not a family; give an instance, such as asx.Poisson() or "
            "asx.Bernoulli(link=asx.ProbitLink()).",
            code="family",
        )
    if options.get("trials") is not None and family.response_kind != "grouped":
        raise InputError(
            f"trials= belongs to grouped responses; family {family.name} has none. "
            "Use asx.glm(..., family=asx.Binomial(), trials=...).",
            code="trials",
            column="trials",
        )
    if options.get("response", "counts") != "counts" and family.response_kind != "grouped":
        raise InputError(
            f"response= says how grouped responses are written; family {family.name} has none.",
            code="option",
        )
    solver = options.get("solver")
    if solver is not None and not isinstance(solver, Newton):
        raise InputError(
            f"solver={solver!r} is not a solver; give an instance, such as asx.Newton().",
            code="solver",
        )


def _settled(inputs: Inputs, design, keep_data: bool) -> Inputs:
    """The inputs without the caller's stack frame, and without data unless they are kept."""
    import dataclasses

    captured = design.spec.captured.values
    return dataclasses.replace(inputs, context=captured, data=inputs.data if keep_data else None)


def _fit(model, rows: Rows, names, options) -> Fit:
    solver = options.get("solver") or Newton()
    return fit_rows(
        model, rows, solver, names=names, checked=True, collinear=options.get("collinear", "drop")
    )


def _covariance(cov, rows: Rows) -> AbstractCovariance:
    if cov is not None:
        return covariance_kind(cov)
    if rows.weight_kind == "sampling":
        return covariance_kind("HC1")
    return InverseInformation("observed")


def _reference(given: str | None, fit: Fit):
    if given not in (None, "normal", "t"):
        raise InputError(f"reference={given!r} must be 'normal' or 't'.", code="option")
    moment = fit.model.family.dispersion_rule == "moment"
    if given == "t" or (given is None and moment):
        return StudentT(float(fit.n) - int(np.sum(np.asarray(fit.active))))
    return Normal()


def _names(model: Regression, columns) -> tuple[str, ...]:
    mean = model.predictor.coefficient_names(columns) or ()
    return (*mean, *layout(model).names[len(mean) :])


def _conventions(fit: Fit, found, reference, inputs: Inputs) -> dict[str, str]:
    moment = fit.model.family.dispersion_rule == "moment"
    stated = {
        "covariance": found.kind.label,
        "bread": found.kind.bread,
        "reference": reference.label,
        "dispersion": "Pearson chi2 / (n - k)" if moment else "1",
        "log-likelihood dispersion": "deviance / n" if moment else "1",
        "AIC counts": "mean parameters and the dispersion" if moment else "all parameters",
        "llnull": "intercept only, same offset and weights",
        "intervals": "Wald",
        "missing": inputs.missing,
        "weights": inputs.weight_kind or "none",
    }
    return stated


def _warn(result: Results) -> None:
    if not result.converged:
        warnings.warn(
            f"The fit of '{result.inputs.formula}' is {result.status}: "
            f"{MESSAGES[result.status]}. Standard errors are withheld.",
            FitWarning,
            stacklevel=4,
        )
