"""Predictions, comparisons and slopes of `Results`: the verbs, mixed in."""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Unpack

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, MissingRowsWarning, check_confidence
from asymptotix.core.reference import CoefficientT, Reference, StudentT
from asymptotix.covariances import HAC, AbstractCovariance, Bootstrap, Cluster, DriscollKraay
from asymptotix.data.groups import labelled
from asymptotix.data.rows import Rows
from asymptotix.effects.columns import on_one_matrix, relations
from asymptotix.effects.comparing import check_comparison
from asymptotix.effects.estimates import Estimates, with_jacobian
from asymptotix.effects.grid import DataGrid
from asymptotix.effects.hypotheses import tested
from asymptotix.effects.options import (
    ComparisonOptions,
    Options,
    PredictionOptions,
    SlopeOptions,
    with_keywords,
)
from asymptotix.effects.problem import Data, Problem
from asymptotix.effects.scale import chosen_scale, is_discrete
from asymptotix.effects.stretches import in_stretches, streamed_comparisons, streamed_predictions
from asymptotix.effects.targets import grid
from asymptotix.effects.verbs import comparisons, predictions
from asymptotix.inference.refusals import require_converged
from asymptotix.results.components import component_names
from asymptotix.results.effect_table import EffectTable, effect_table
from asymptotix.results.unchanged import require_unchanged

NO_ERRORS = "not asked for"
AS_GIVEN = "as given"
UNDEFINED = {
    "ratio": "a ratio to a prediction of 0 is not defined",
    "lnratio": "a ratio of predictions that is not positive has no logarithm",
    "lnor": "predictions outside 0 and 1 have no odds",
}
"""Why a comparison is no number, by its name."""


class Effects:
    r"""The verbs of `Results` that turn coefficients into answers.

    Every verb takes `newdata` first and then the keywords of `PredictionOptions`; a word that it
    does not know is an error.

    Averages are taken first and compared after: `comparison="ratio"` of averages is the ratio of
    the average predictions.
    """

    @with_keywords(PredictionOptions)
    def predictions(
        self: Any, newdata: Any = None, **options: Unpack[PredictionOptions]
    ) -> EffectTable:
        r"""Predictions of rows, with intervals.

        Limits of a mean are those of $\eta$ carried through the link where $\eta$ is a scalar, so
        that they respect its range; limits of averages, of probabilities and of quantiles are
        symmetric.

        Arguments:
            newdata: where to predict: the data of the fit by default, any data, a grid of
                `asx.datagrid`, or `"mean"` or `"median"` for one row of typical values.
            options: see `PredictionOptions`.

        Returns:
            An `EffectTable` with one row a row of the data (complete rows only), `rowid` first,
            or one a level of `by`.
        """
        return _asked(self, "Predictions", predictions, newdata, options, average=False)

    @with_keywords(PredictionOptions)
    def avg_predictions(
        self: Any, newdata: Any = None, **options: Unpack[PredictionOptions]
    ) -> EffectTable:
        """Average predictions, overall or by groups.

        With `variables={"educ": [8, 12, 16]}` each row is predicted at each of these values, the
        others as observed, and averaged.

        Arguments:
            newdata, options: see `predictions`.
        """
        return _asked(self, "Average predictions", predictions, newdata, options, average=True)

    @with_keywords(ComparisonOptions)
    def comparisons(
        self: Any, newdata: Any = None, **options: Unpack[ComparisonOptions]
    ) -> EffectTable:
        """Predictions compared between two values of each variable, row by row.

        Numbers: one more than observed; 0/1: 1 against 0; categories: each level against the
        first.

        Arguments:
            newdata: see `predictions`.
            options: see `ComparisonOptions`.
        """
        return _asked(self, "Comparisons", comparisons, newdata, options, average=False)

    @with_keywords(ComparisonOptions)
    def avg_comparisons(
        self: Any, newdata: Any = None, **options: Unpack[ComparisonOptions]
    ) -> EffectTable:
        """Average predictions compared between two values of each variable.

        Arguments:
            newdata, options: see `comparisons`.
        """
        return _asked(self, "Average comparisons", comparisons, newdata, options, average=True)

    @with_keywords(SlopeOptions)
    def slopes(self: Any, newdata: Any = None, **options: Unpack[SlopeOptions]) -> EffectTable:
        r"""Derivatives of predictions in each variable, row by row.

        The variable moves with every term that contains it. 0/1 and categorical variables are
        compared as in `comparisons`.

        Arguments:
            newdata: see `predictions`.
            options: see `SlopeOptions`.
        """
        given = {"slope": "dydx", **options}
        return _asked(self, "Slopes", comparisons, newdata, given, average=False)

    @with_keywords(SlopeOptions)
    def avg_slopes(self: Any, newdata: Any = None, **options: Unpack[SlopeOptions]) -> EffectTable:
        """Average derivatives of predictions: average marginal effects.

        Arguments:
            newdata: see `predictions`; `"mean"` gives marginal effects at the means.
            options: see `SlopeOptions`.
        """
        given = {"slope": "dydx", **options}
        return _asked(self, "Average slopes", comparisons, newdata, given, average=True)

    def hypotheses(
        self: Any, hypothesis: Any, *, confidence: float | None = None, vcov: Any = None
    ) -> EffectTable:
        """Functions of the coefficients, tested and with intervals, by the delta method.

        Arguments:
            hypothesis: an expression such as `"b1 / b2 = 1"` or `"educ = 2 * exper"`, with names
                of coefficients as they stand, in backticks where that is not clear, or `b1`,
                `b2`, ... in order (`a = b = 0` is two hypotheses; without `=` the value is
                compared with 0); a list of such; `"pairwise"`, `"reference"`, `"sequential"`; a
                number; a matrix with one row a coefficient; or a function of their vector.
            confidence: coverage of the intervals; that of the fit by default.
            vcov: another covariance.

        Returns:
            An `EffectTable`; of `a = b` the estimate is `a - b`.

        Raises:
            InputError: an expression that cannot be read, or unknown names.
        """
        res, matrix, label = _with_covariance(self, vcov)
        labels = pd.DataFrame({"term": list(res.names)})
        values = np.where(np.asarray(res.fit.active), res.wald.estimates, np.nan)
        given = with_jacobian(labels, values, np.eye(len(values)), matrix)
        found = tested(given, hypothesis)
        reference = _reference(res.reference)
        header = (("Model", res.title), ("Covariance", label), ("Reference", reference.label))
        level = _confidence(res, confidence)
        return effect_table("Hypotheses", found, reference, level, header)

    def fill_grid(self: Any, given: DataGrid) -> pd.DataFrame:
        """The rows of a grid over the data of the fit; what `asx.datagrid(res, ...)` returns."""
        return grid(_problem(self, np.zeros((0, 0))), given)


def _asked(
    res: Any, title: str, verb: Callable, newdata: Any, given: Mapping[str, Any], *, average: bool
) -> EffectTable:
    given = dict(given)
    vcov = given.pop("vcov", None)
    res, matrix, label = _with_covariance(res, vcov)
    given["confidence"] = _confidence(res, given.get("confidence"))
    options = Options(newdata=newdata, **given, average=average)
    _check_unconditional(options, vcov)
    if "n_draws" in given and options.method not in ("simulation", "bootstrap"):
        raise InputError(
            "n_draws= is of method='simulation' or 'bootstrap', and no other method takes it.",
            code="option",
            column="n_draws",
        )
    if options.method == "simulation":
        _require_drawable(matrix)
    problem = _problem(res, matrix)
    if verb is comparisons:
        _check_comparison(res, problem, options)
    if in_stretches(problem, options):
        if options.bootstrap is not None:
            raise InputError(
                "A bootstrap refits data that are held in memory, and these are streamed; use "
                "method='delta' or 'simulation'.",
                code="stream",
            )
        verb = {comparisons: streamed_comparisons, predictions: streamed_predictions}[verb]
    estimates, data = verb(problem, options)
    reference = problem.reference
    if estimates.clusters is not None and res.reference_asked != "normal":
        reference = StudentT(estimates.clusters - 1.0)
    return effect_table(
        title,
        estimates,
        reference,
        options.confidence,
        _header(res, label, options, reference),
        _notes(res, label, options, estimates),
        options.transform,
        _beside(estimates, data),
    )


def _check_unconditional(options: Options, vcov: Any) -> None:
    """Raise `InputError` for a covariance that influence functions would leave unread."""
    unread = vcov is not None and vcov is not False and not isinstance(vcov, Cluster)
    if options.unconditional is not False and options.bootstrap is None and unread:
        raise InputError(
            "unconditional= has a covariance of its own, by influence functions; leave vcov= out, "
            "or name clusters, by vcov=asx.Cluster(column) or unconditional='column'.",
            code="option",
        )


def _check_comparison(res: Any, problem: Problem, options: Options) -> None:
    model = problem.model
    size = len(component_names(res, "link")) if model.predictor.has_vector_eta() else ()
    scale = chosen_scale(options.type, options.value, model.family, options.q, problem.levels)
    is_event = res.inputs.response_kind in ("binary", "grouped")
    check_comparison(options, scale, model.family, np.zeros(size), is_event=is_event)


def _confidence(res: Any, given: float | None) -> float:
    level = res.confidence if given is None else given
    check_confidence(level)
    return level


def _with_covariance(res: Any, vcov: Any) -> tuple[Any, np.ndarray, str]:
    """The result with that covariance, its matrix with zeros for omitted columns, and its name."""
    if vcov is False:
        p = len(res.names)
        return res, np.full((p, p), np.nan), NO_ERRORS
    if vcov is not None and np.ndim(vcov) != 2:
        res = res.with_cov(vcov)
    matrix, label = np.asarray(res.covariance.matrix), res.covariance.kind.label
    if vcov is not None and np.ndim(vcov) == 2:
        matrix, label = np.asarray(vcov, float), AS_GIVEN
        if matrix.shape != (len(res.names),) * 2:
            raise InputError(
                f"vcov has shape {matrix.shape}; there are {len(res.names)} parameters.",
                code="option",
            )
        _require_symmetric(matrix)
    active = np.asarray(res.fit.active)
    return res, np.where(active[:, None] & active[None, :], matrix, 0.0), label


def _require_symmetric(matrix: np.ndarray) -> None:
    """Refuse a matrix that no rounding explains; missing variances are missing on both sides."""
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    apart = np.abs(matrix - matrix.T) > 1e-8 * (np.outer(size, size) + np.abs(matrix))
    if apart.any() or (np.isnan(matrix) != np.isnan(matrix.T)).any():
        raise InputError(
            "vcov is not symmetric, so that it is no covariance matrix; pass (vcov + vcov.T) / 2 "
            "if it should be.",
            code="option",
            column="vcov",
        )


def _require_drawable(matrix: np.ndarray) -> None:
    """Refuse to draw from a normal distribution that does not exist."""
    variances = np.diagonal(matrix)
    moving = variances > 0
    try:
        np.linalg.cholesky(matrix[np.ix_(moving, moving)])
    except np.linalg.LinAlgError:
        is_covariance = False
    else:
        is_covariance = not (variances < 0).any()
    if not is_covariance:
        raise InputError(
            "The covariance is not positive definite, so that no parameters can be drawn from it; "
            "use method='delta', or another vcov=.",
            code="option",
            column="vcov",
        )


def _problem(res: Any, matrix: np.ndarray) -> Problem:
    model = on_one_matrix(res.model, res.spec)
    return Problem(
        fit=res.fit,
        model=model,
        matrix=matrix,
        spec=res.spec,
        components=functools.partial(component_names, res),
        source=res.inputs.data,
        offset=res.inputs.offset,
        evaluate=functools.cache(functools.partial(_rows_again, res)),
        clusters=functools.partial(_clusters, res.covariance.kind),
        reference=_reference(res.reference),
        resampling=functools.partial(_resampling, res),
        levels=tuple(res.levels or ()),
        omitted=relations(model, res.spec, res.omitted, res.names),
        read_stretches=None if res.inputs.streamed is None else res.inputs.streamed.read.stretches,
    )


def _reference(given: Reference) -> Reference:
    """One distribution for functions of several coefficients: the heaviest tails of theirs."""
    return StudentT(min(given.df)) if isinstance(given, CoefficientT) else given


def _clusters(kind: AbstractCovariance, rows: Rows) -> np.ndarray | None:
    """The clusters of a covariance kind as codes."""
    columns: Any = kind.group_columns
    if not columns and not isinstance(kind, HAC | DriscollKraay):
        return None
    if not isinstance(kind, Cluster) or len(columns) > 1:
        raise InputError(
            f"unconditional=True knows independent rows and one grouping, not {kind.label}; name "
            "the column of the clusters, unconditional='column'.",
            code="option",
        )
    return np.unique(np.asarray(rows.groups[columns[0]]), return_inverse=True)[1]


def _resampling(res: Any, kind: Bootstrap) -> tuple[Bootstrap, Rows]:
    """A bootstrap whose clusters are found in the data, and the rows of the fit."""
    require_converged(res, "A bootstrap")
    inputs = dataclasses.replace(res.inputs, groups=labelled(kind.group_columns))
    rows = dataclasses.replace(res, inputs=inputs).rows()
    return kind.with_columns(tuple(inputs.groups)), rows


def _rows_again(res: Any) -> tuple[Rows, np.ndarray]:
    """The rows of the fit and which rows of the source they are, checked to be the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        rows, design, _ = res.inputs.evaluate()
    require_unchanged(res.fit, rows)
    return rows, design.kept


def _header(
    res: Any, label: str, options: Options, reference: Reference
) -> tuple[tuple[str, str], ...]:
    how = "delta method"
    if options.method == "simulation":
        how = f"{options.n_draws} draws"
    elif options.bootstrap is not None:
        label, how = options.bootstrap.label, f"{options.bootstrap.n_replications} refits"
    elif options.unconditional is not False:
        label, how = "influence functions", "unconditional"
    return (
        ("Model", res.title),
        ("Scale", _scale(options)),
        ("Covariance", label),
        ("Standard errors", how),
        ("Observations", f"{res.nobs:g}"),
        ("Reference", reference.label),
    )


def _scale(options: Options) -> str:
    """What is predicted; where it is several things, the table itself names them."""
    if options.type == "quantile" and np.ndim(options.q) == 0:
        return f"{100 * options.q:g}% quantile"
    if options.type != "probability" or isinstance(options.value, list | np.ndarray):
        return options.type
    value, trials = options.value, ""
    if isinstance(value, tuple):
        value, trials = value[0], f" of {value[1]}"
    is_event = isinstance(value, str) and value.strip()[:1] in ("<", ">")
    return f"P(y {value.strip()}{trials})" if is_event else f"P(y = {value}{trials})"


def _notes(res: Any, label: str, options: Options, estimates: Estimates) -> tuple[str, ...]:
    notes = []
    if estimates.limits is not None:
        notes.append("Limits: those of the link scale, carried to the response.")
    if options.unconditional is not False:
        notes.append("Covariates count as sampled.")
    if estimates.told:
        notes.append(f"Refits: {estimates.told}.")
    variances = estimates.variances
    if not (np.isfinite(variances) & (variances >= 0)).all():
        notes.append(f"— is withheld: {_why_withheld(res, label, options, estimates)}.")
    return tuple(notes)


def _why_withheld(res: Any, label: str, options: Options, estimates: Estimates) -> str:
    family = res.model.family
    if label == NO_ERRORS:
        return "errors were not asked for"
    if res.separated is not None:
        return "it depends on estimates that are infinite (separated data)"
    if options.type == "quantile" and is_discrete(family):
        return (
            "a whole number has no standard error; method='simulation' or 'bootstrap' gives limits"
        )
    in_memory = res.inputs.data is not None and res.inputs.streamed is None
    needs_dispersion = family.dispersion_rule == "moment" and options.type in (
        "probability",
        "quantile",
    )
    if needs_dispersion and not in_memory:
        return "the error of the dispersion needs the data of the fit, in memory"
    if label != AS_GIVEN and np.isnan(np.asarray(res.covariance.matrix)).all():
        return "the fit has no covariance"
    reasons = []
    if (estimates.variances < 0).any():
        reasons.append("its variance is negative, as the covariance is not positive semidefinite")
    undefined = _why_undefined(options)
    if undefined and not np.isfinite(estimates.values).all():
        reasons.append(undefined)
    if res.omitted:
        told = ", ".join(one.text for one in res.omitted)
        reasons.append(f"in the fit {told}, and the data say nothing of what leaves that relation")
    return "; or ".join(reasons) or "it is not identified"


def _why_undefined(options: Options) -> str:
    """Why an estimate may be no number although its predictions are; empty where it cannot."""
    if options.hypothesis is not None:
        return "the hypothesis has no finite value there"
    if options.slope in ("eyex", "eydx"):
        return "an elasticity of a prediction of 0 is not defined"
    if callable(options.comparison):
        return "comparison= has no finite value there"
    return UNDEFINED.get(options.comparison, "") if options.slope is None else ""


def _beside(estimates: Estimates, data: Data | None) -> pd.DataFrame | None:
    """The variables of each row, beside row-wise results."""
    if data is None or "rowid" not in estimates.labels:
        return None
    at = np.searchsorted(data.rowid, estimates.labels["rowid"].to_numpy())
    return data.frame.iloc[at].reset_index(drop=True)
