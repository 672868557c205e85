"""Formula and frame in, `Results` out."""

import dataclasses
import functools
import math
import sys
import warnings
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from asymptotix.core.errors import FitWarning, InputError, check_confidence, close_matches
from asymptotix.core.lazy import LazyModule
from asymptotix.core.precision import double
from asymptotix.core.status import MESSAGES
from asymptotix.covariances import (
    AbstractCovariance,
    InverseInformation,
    covariance_kind,
    reference_of,
)
from asymptotix.covariances.estimate import estimate, is_least_squares, with_groups
from asymptotix.data.groups import labelled
from asymptotix.data.rows import Rows
from asymptotix.families import AbstractFamily, Bernoulli
from asymptotix.fitting import AbstractSolver, Fit, Newton
from asymptotix.fitting.api import check_route
from asymptotix.fitting.dispersions import check_dispersions, with_dispersions
from asymptotix.fitting.host import fit as fit_rows
from asymptotix.fitting.host import fit_constant
from asymptotix.fitting.nothing import deviance_of_nothing, has_constant
from asymptotix.fitting.rank import Omitted
from asymptotix.model import Regression, layout
from asymptotix.penalties import AbstractPenalty
from asymptotix.predictors import AbstractPredictor, Linear
from asymptotix.results.inputs import Inputs
from asymptotix.results.results import Results
from asymptotix.results.streaming import can_stream, evaluated, second_look

if TYPE_CHECKING:
    from asymptotix import families, links, predictors
    from asymptotix.fitting import separated
    from asymptotix.results import separation
else:
    families = LazyModule("asymptotix.families")
    links = LazyModule("asymptotix.links")
    predictors = LazyModule("asymptotix.predictors")
    separated = LazyModule("asymptotix.fitting.separated")
    separation = LazyModule("asymptotix.results.separation")


def logit(formula: str, data: Any, **options) -> Results:
    r"""Logistic regression, $P(y = 1 \mid x) = 1/(1 + e^{-x^\top\beta})$.

    Arguments:
        formula: such as `"lfp ~ educ + I(exper**2) + C(city)"`.
        data: a pandas or Polars frame, a PyArrow table, a DuckDB relation, a dict of arrays, or
            the path of a Parquet or CSV file; or, larger than memory, a folder or pattern of
            files and whatever else `asx.stream` reads.
        options: as in `glm`.

    Returns:
        `Results`; the response may be 0/1, bool, or have two labels, the second being the event.
    """
    return from_formula("Logit", formula, data, Bernoulli(), options)


def probit(formula: str, data: Any, **options) -> Results:
    r"""Probit regression, $P(y = 1 \mid x) = \Phi(x^\top\beta)$; arguments as in `logit`."""
    return from_formula("Probit", formula, data, Bernoulli(links.ProbitLink()), options)


def lpm(formula: str, data: Any, **options) -> Results:
    r"""Linear probability model, $P(y = 1 \mid x) = x^\top\beta$ by least squares.

    HC1 standard errors by default, since the variance of a 0/1 response is not constant; the
    other arguments as in `logit`.
    """
    options = {"cov": "HC1", **options}
    return from_formula(
        "Linear probability", formula, data, families.Gaussian(), options, kind="binary"
    )


def linear(formula: str, data: Any, **options) -> Results:
    r"""Linear regression, $E(y \mid x) = x^\top\beta$ by least squares; arguments as in `logit`."""
    return from_formula("Linear regression", formula, data, families.Gaussian(), options)


def poisson(formula: str, data: Any, **options) -> Results:
    r"""Poisson regression, $E(y \mid x) = e^{x^\top\beta}$; arguments as in `logit`."""
    return from_formula("Poisson regression", formula, data, families.Poisson(), options)


def glm(
    formula: str | Mapping[str, str],
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
    collinear_tol: float | None = None,
    solver: AbstractSolver | None = None,
    penalty: AbstractPenalty | None = None,
    confidence: float = 0.95,
    reference: str | None = None,
    dispersion: str | None = None,
    llf_dispersion: str | None = None,
    criteria: str | None = None,
    keep_data: bool = True,
    checkpoint: "str | PathLike | None" = None,
    safe: bool = False,
) -> Results:
    """A generalised linear model of any family.

    Arguments:
        formula: as in `logit`; where the family has several predictors, a dict of formulas, such
            as `{"mu": "y ~ x", "log_sigma": "~ z"}`.
        data: as in `logit`.
        family: `asx.Bernoulli(link=asx.CloglogLink())`, `asx.Binomial()`, ... or your own.
        trials: a column's name or numbers, for grouped binomial responses.
        response: `"counts"` of successes, or `"proportion"` where it is a share of the trials.
        cov: `"observed"` (default), `"expected"`, `"opg"`, `"HC0"` to `"HC5"`, or an object, such
            as `asx.Cluster("firm")` and `asx.HAC(time="year")`.
        weights, offset: a column's name or numbers, one a row of the data.
        weight_kind: `"frequency"`, `"precision"` or `"sampling"`; required with weights.
        missing: `"drop"` (with a warning) or `"raise"`.
        collinear: `"drop"` (with a warning) or `"raise"`.
        collinear_tol: smallest share of a column's length that earlier columns may leave
            unexplained, on centred and scaled columns; 1e-11 if not given.
        solver: `asx.Newton()` by default; `asx.Quasi()`, `asx.Stochastic(optimiser)`.
        penalty: added to the log-likelihood, such as `asx.Ridge(1.0)`.
        confidence: coverage of intervals.
        reference: `"normal"` or `"t"`; by default as the family declares, with clusters
            t(G - 1).
        dispersion: where it is estimated from residuals: `"pearson"` (default: chi2 over n - k),
            `"deviance"` (over n - k) or `"ml"`.
        llf_dispersion: that in the log-likelihood of such families: `"deviance"` over n
            (default), `"pearson"` (statsmodels' `GLM`) or `"ml"`.
        criteria: `"statsmodels"`: AIC and BIC do not count a dispersion taken from residuals.
        keep_data: whether Results refer to the data; otherwise verbs that need rows ask for them.
        checkpoint: a `.npz` file that holds the state of a fit on a stream after each pass; a fit
            that was cut off goes on from there, and the file goes when the fit has ended.
        safe: refuse formulas that do more than the formula language and arithmetic, for formulas
            of people whom you do not trust.

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
        "collinear_tol": collinear_tol,
        "solver": solver,
        "penalty": penalty,
        "confidence": confidence,
        "reference": reference,
        "dispersion": dispersion,
        "llf_dispersion": llf_dispersion,
        "criteria": criteria,
        "keep_data": keep_data,
        "safe": safe,
        "checkpoint": checkpoint,
    }
    return from_formula(title, formula, data, family, options)


OPTIONS = (
    "trials", "response", "cov", "weights", "weight_kind", "offset", "missing", "collinear",
    "collinear_tol", "solver", "penalty", "confidence", "reference", "dispersion",
    "llf_dispersion", "criteria", "keep_data", "checkpoint", "safe",
)  # fmt: skip


def linear_predictor(design, response, family) -> AbstractPredictor:
    """The linear predictor of a design: one, or one for each component of the family's eta."""
    if family.eta_names:
        return predictors.LinearVector({name: x.shape[1] for name, x in design.x.items()})
    if family.response_kind == "categorical":
        k, labels = len(design.names), response.levels[1:]
        return predictors.LinearVector({str(label): k for label in labels}, shared=True)
    return Linear(len(design.names))


def from_formula(
    title, formula, data, family, options, kind=None, predictor=linear_predictor, fit=None
) -> Results:
    """What every one-line call does; it is called from one, two frames below the user's.

    Arguments:
        title: what the model is called.
        formula, data, family: as in `glm`.
        options: the keywords of `glm` that the user gave.
        kind: how the response is read, if not as the family says.
        predictor: from design, coded response and family to a predictor.
        fit: from model, rows, names and options to a `Fit`; that of the solver by default.
    """
    check_options(options)
    _check_formula(formula)
    _check_family(family, options)
    chosen = _covariance(options)
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
        components=family.eta_names,
        safe=bool(options.get("safe", False)),
        groups=labelled(chosen.group_columns),
    )
    inputs.refuse_unsafe()
    streams = fit is None and chosen.streams and not chosen.refits and can_stream(options)
    inputs, rows, design, response = evaluated(inputs, family, streams, options.get("checkpoint"))
    chosen, rows = with_groups(chosen.with_columns(tuple(inputs.groups)), rows)
    given, inputs = inputs, _settled(inputs, design, options.get("keep_data", True))
    model = Regression(predictor(design, response, family), family)
    names = _names(model, design.names)
    omitted: list[Omitted] = []
    fit_linear = functools.partial(fit_formula, omitted=omitted)
    fit = (fit or fit_linear)(model, rows, names, options)
    kept = design.kept
    if again := second_look(fit, rows, given):
        rows, kept = again
        inputs = dataclasses.replace(inputs, streamed=None)
        fit = fit_linear(model, rows, names, options)
    dispersions = options.get("dispersion"), options.get("llf_dispersion")
    fit = with_dispersions(fit, rows, *dispersions)
    null = with_dispersions(fit_constant(model, rows, fit), rows, *dispersions)
    is_linear = is_least_squares(fit) and fit.coordinates is not None  # networks are not
    constant = not is_linear or has_constant(model, rows, names)
    extended = None
    if fit.status_name == "separated":
        if any(dispersions):
            raise InputError(
                "The data are separated, and the dispersion of what is left is Pearson's only; "
                "leave dispersion= out.",
                code="option",
            )
        extended = separated.extended_fit(fit, model, rows, options.get("solver") or Newton())
        fit, found = extended.fit, separation.separated_covariance(extended, rows, chosen)
    else:
        with double():
            found = jax.tree.map(np.asarray, estimate(fit, rows, chosen))
    reference = reference_of(fit, found, options.get("reference"))
    result = Results(
        title=title,
        fit=fit,
        covariance=found,
        names=names,
        inputs=inputs,
        spec=design.spec,
        reference=reference,
        confidence=options.get("confidence", 0.95),
        llnull=float(null.log_likelihood),
        has_constant=constant,
        null_deviance=_null_deviance(null) if constant else deviance_of_nothing(fit, rows),
        criteria=options.get("criteria"),
        conventions=_conventions(fit, found, reference, inputs, options),
        dropped=design.dropped,
        event=response.event,
        levels=response.levels,
        reference_asked=options.get("reference"),
        omitted=tuple(omitted),
        separated=extended
        and separation.separated(
            extended, model, rows, kept, names, options.get("confidence", 0.95)
        ),
    )
    _warn(result)
    return result


REDUCED = "of the bias-reduced estimate: information of the likelihood alone"
UNSEARCHED = (
    " The stream's rows are too many and too different to be searched for separation: use "
    "asx.detect_separation on some of the rows, round or group the columns, give it more memory "
    "by asx.stream(source, memory=bytes), or use penalty=asx.Jeffreys()."
)
POSTERIOR = "of the maximum a-posteriori estimate: information with the penalty's curvature"
DISPERSION = {
    "fixed": "1",
    "moment": "Pearson chi2 / (n - k)",
    "estimated": "estimated with the coefficients",
}
CHOSEN_DISPERSION = {
    "pearson": "Pearson chi2 / (n - k)", "deviance": "deviance / (n - k)",
    "ml": "maximum likelihood",
}  # fmt: skip


def check_options(options) -> None:
    """Raise `InputError` for unknown options and values that cannot be."""
    for name in options:
        if name not in OPTIONS:
            raise InputError(
                f"The option {name!r} is not known.{close_matches(name, OPTIONS)}", code="option"
            )
    check_confidence(options.get("confidence", 0.95))
    if options.get("collinear", "drop") not in ("drop", "raise"):
        raise InputError(
            f"collinear={options['collinear']!r} must be 'drop' or 'raise'.", code="option"
        )
    tolerance = options.get("collinear_tol")
    if tolerance is not None and not (isinstance(tolerance, float) and 0 < tolerance < 1):
        raise InputError(
            f"collinear_tol={tolerance!r} must lie between 0 and 1, such as 1e-9.", code="option"
        )
    for name in ("keep_data", "safe"):
        if not isinstance(options.get(name, True), bool | np.bool_):
            raise InputError(f"{name}={options[name]!r} must be True or False.", code="option")
    check_dispersions(options.get("dispersion"), options.get("llf_dispersion"))
    if options.get("criteria") not in (None, "statsmodels"):
        raise InputError(
            f"criteria={options['criteria']!r} must be 'statsmodels', or left out.", code="option"
        )
    if options.get("reference") not in (None, "normal", "t"):
        raise InputError(
            f"reference={options['reference']!r} must be 'normal' or 't'.", code="option"
        )


def _check_formula(formula) -> None:
    parts = formula.values() if isinstance(formula, Mapping) else (formula,)
    if not all(isinstance(part, str) for part in parts):
        raise InputError(
            f"The formula is a {type(formula).__name__}, not text such as 'y ~ x'; formula first, "
            "then data.",
            code="formula",
        )


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
    if options.get("offset") is not None and family.response_kind == "categorical":
        raise InputError(
            f"Family {family.name} has one predictor a level, and an offset would belong to none "
            "of them; leave offset= out.",
            code="offset",
            column="offset",
        )
    if options.get("response", "counts") != "counts" and family.response_kind != "grouped":
        raise InputError(
            f"response= says how grouped responses are written; family {family.name} has none.",
            code="option",
        )
    check_route(options.get("solver") or Newton(), options.get("penalty"), family)
    check_dispersions(options.get("dispersion"), options.get("llf_dispersion"), family)


def _settled(inputs: Inputs, design, keep_data: bool) -> Inputs:
    """The inputs without the caller's stack frame, and without data unless they are kept."""
    captured = design.spec.captured.values
    inputs = dataclasses.replace(inputs, context=captured)
    return inputs if keep_data else dataclasses.replace(inputs, data=None, streamed=None)


def fit_formula(model, rows: Rows, names, options, omitted: list[Omitted] | None = None) -> Fit:
    """The fit of checked rows by the solver among the options; `omitted` takes lost columns."""
    solver = options.get("solver") or Newton()
    return fit_rows(
        model,
        rows,
        solver,
        names=names,
        checked=True,
        collinear=options.get("collinear", "drop"),
        collinear_tol=options.get("collinear_tol"),
        penalty=options.get("penalty"),
        told=omitted,
    )


def _covariance(options) -> AbstractCovariance:
    if options.get("cov") is not None:
        return covariance_kind(options["cov"])
    if options.get("weight_kind") == "sampling":
        return covariance_kind("HC1")
    penalty = options.get("penalty")
    if penalty is not None and penalty.is_bias_reduction:
        return InverseInformation("expected")
    return InverseInformation("observed")


def _names(model: Regression, columns) -> tuple[str, ...]:
    mean = model.predictor.coefficient_names(columns) or ()
    return (*mean, *(name.removeprefix("family.") for name in layout(model).names[len(mean) :]))


def _null_deviance(null: Fit) -> float:
    """The deviance with an intercept only; families with parameters of their own have none."""
    comparable = null.model.family.dispersion_rule != "estimated"
    return float(null.statistics.deviance) if comparable else math.nan


def _conventions(fit: Fit, found, reference, inputs: Inputs, options) -> dict[str, str]:
    rule = fit.model.family.dispersion_rule
    moment = rule == "moment"
    chosen, in_likelihood = options.get("dispersion"), options.get("llf_dispersion")
    if in_likelihood in (None, "deviance"):
        plugged = "deviance / n" if moment else "1"
    else:
        plugged = CHOSEN_DISPERSION[in_likelihood]
    counted = "mean parameters and the dispersion" if moment else "all parameters"
    stated = {
        **found.describe(),
        "reference": reference.label,
        "dispersion": CHOSEN_DISPERSION[chosen] if chosen else DISPERSION[rule],
        "log-likelihood dispersion": plugged,
        "AIC counts": "parameters without the dispersion"
        if moment and options.get("criteria")
        else counted,
        "llnull": "intercept only, same offset and weights",
        "intervals": "Wald",
        "missing": inputs.missing,
        "weights": inputs.weight_kind or "none",
    }
    if options.get("collinear_tol") is not None:
        stated["collinear tolerance"] = f"{options['collinear_tol']:g}"
    if fit.penalty is not None:
        given = fit.penalty.penalty
        stated["penalty"] = given.label
        stated["standard errors"] = REDUCED if given.is_bias_reduction else POSTERIOR
        stated["log-likelihood"] = "without the penalty, at the penalised estimate"
    return stated


def _remedy(result: Results) -> str:
    """A penalty that the family has."""
    family = result.model.family
    reduced = family.dispersion_rule == "fixed" and family.is_exponential
    single = not result.model.predictor.has_vector_eta()
    return "asx.Jeffreys()" if reduced and single else "asx.LogF()"


def _warn(result: Results) -> None:
    if result.separated is not None:
        note = separation.separation_note(result.separated)
        warnings.warn(
            f"The data of '{result.inputs.formula}' are separated, so that the "
            f"maximum-likelihood estimate does not exist. {note} "
            f"Drop columns, pool levels, or use penalty={_remedy(result)}.",
            FitWarning,
            stacklevel=4,
        )
    elif not result.converged and result.status != "early_stopped":
        unsearched = result.status == "diverging" and result.inputs.streamed is not None
        warnings.warn(
            f"The fit of '{result.inputs.formula}' is {result.status}: "
            f"{MESSAGES[result.status]}. Standard errors are withheld."
            f"{UNSEARCHED if unsearched else ''}",
            FitWarning,
            stacklevel=4,
        )
