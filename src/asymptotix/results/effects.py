"""Predictions, comparisons and slopes of `Results`: the verbs, mixed in."""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, MissingRowsWarning
from asymptotix.core.reference import CoefficientT, Reference, StudentT
from asymptotix.covariances import AbstractCovariance, Cluster
from asymptotix.data.rows import Rows
from asymptotix.effects.columns import on_one_matrix
from asymptotix.effects.estimates import Estimates, with_jacobian
from asymptotix.effects.grid import DataGrid
from asymptotix.effects.hypotheses import tested
from asymptotix.effects.options import Options
from asymptotix.effects.problem import Data, Problem
from asymptotix.effects.targets import grid
from asymptotix.effects.verbs import comparisons, predictions
from asymptotix.results.components import component_names
from asymptotix.results.effect_table import EffectTable, effect_table
from asymptotix.results.unchanged import require_unchanged


class Effects:
    r"""The verbs of `Results` that turn coefficients into answers.

    Every verb takes these keywords; a word that it does not know is an error.

    Arguments:
        variables: the variables concerned; all by default. A name, a list, or a dict: to a step
            (`{"educ": 4}`), a pair (`{"educ": (8, 12)}`), `"sd"`, `"2sd"`, `"iqr"`, `"minmax"`;
            for categories `"reference"`, `"sequential"`, `"pairwise"` or a pair of levels; for
            the derivative in a 0/1 variable `"dydx"`. For `avg_predictions` to values.
        newdata: where to evaluate: the data of the fit by default, any data, a grid of
            `asx.datagrid`, or `"mean"` or `"median"` for one row of typical values of the
            variables (the most frequent level of categories).
        by: one or several columns; averages are taken within their levels; `True` for all rows.
        type: `"response"` for the mean, `"link"` for $\eta$, `"probability"` (with `value=`) for
            $P(y = \text{value})$ of a discrete response.
        hypothesis: as in `hypotheses`, about the estimates of the verb.
        transform: a function applied to estimates and limits, such as `np.exp`.
        weights: of averages: a column's name or numbers. By default the fit's frequency or
            sampling weights where its own rows are averaged.
        confidence: coverage of intervals; that of the fit by default.
        vcov: another covariance: a name such as `"HC1"`, a covariance object, or a matrix.
        unconditional: for averages over the rows of the fit, whether the covariates count as
            sampled too; a column's name for clusters that were sampled.
        method: `"delta"`, or `"simulation"` from the asymptotic normal distribution of the
            parameters, with `key` (a JAX random key) and `n_draws`.

    Averages are taken first and compared after: `comparison="ratio"` of averages is the ratio of
    the average predictions.
    """

    def predictions(
        self: Any,
        *,
        variables: Any = None,
        newdata: Any = None,
        by: Any = None,
        type: str = "response",
        value: Any = None,
        hypothesis: Any = None,
        transform: Callable | None = None,
        weights: Any = "fit",
        confidence: float | None = None,
        vcov: Any = None,
        unconditional: Any = False,
        method: str = "delta",
        n_draws: int = 1000,
        key: Any = None,
    ) -> EffectTable:
        r"""Predictions of rows, with intervals.

        Limits of a mean are those of $\eta$ carried through the link where $\eta$ is a scalar, so
        that they respect its range; limits of averages and of probabilities of values are
        symmetric.

        Arguments: see `Effects`.

        Returns:
            An `EffectTable` with one row a row of the data (complete rows only), `rowid` first,
            or one a level of `by`.
        """
        return _asked(self, "Predictions", predictions, locals(), average=False)

    def avg_predictions(
        self: Any,
        *,
        variables: Any = None,
        newdata: Any = None,
        by: Any = None,
        type: str = "response",
        value: Any = None,
        hypothesis: Any = None,
        transform: Callable | None = None,
        weights: Any = "fit",
        confidence: float | None = None,
        vcov: Any = None,
        unconditional: Any = False,
        method: str = "delta",
        n_draws: int = 1000,
        key: Any = None,
    ) -> EffectTable:
        """Average predictions, overall or by groups.

        With `variables={"educ": [8, 12, 16]}` each row is predicted at each of these values, the
        others as observed, and averaged.

        Arguments: see `Effects`.
        """
        return _asked(self, "Average predictions", predictions, locals(), average=True)

    def comparisons(
        self: Any,
        *,
        variables: Any = None,
        newdata: Any = None,
        by: Any = None,
        type: str = "response",
        value: Any = None,
        comparison: Any = "difference",
        hypothesis: Any = None,
        transform: Callable | None = None,
        weights: Any = "fit",
        confidence: float | None = None,
        vcov: Any = None,
        unconditional: Any = False,
        method: str = "delta",
        n_draws: int = 1000,
        key: Any = None,
    ) -> EffectTable:
        """Predictions compared between two values of each variable, row by row.

        Numbers: one more than observed; 0/1: 1 against 0; categories: each level against the
        first.

        Arguments: see `Effects`, and
            comparison: `"difference"`, `"ratio"`, `"lnratio"`, `"lnor"` (log odds ratio), or a
                function of the high and the low prediction that JAX can trace.
        """
        return _asked(self, "Comparisons", comparisons, locals(), average=False)

    def avg_comparisons(
        self: Any,
        *,
        variables: Any = None,
        newdata: Any = None,
        by: Any = None,
        type: str = "response",
        value: Any = None,
        comparison: Any = "difference",
        hypothesis: Any = None,
        transform: Callable | None = None,
        weights: Any = "fit",
        confidence: float | None = None,
        vcov: Any = None,
        unconditional: Any = False,
        method: str = "delta",
        n_draws: int = 1000,
        key: Any = None,
    ) -> EffectTable:
        """Average predictions compared between two values of each variable.

        Arguments: see `comparisons`.
        """
        return _asked(self, "Average comparisons", comparisons, locals(), average=True)

    def slopes(
        self: Any,
        *,
        variables: Any = None,
        newdata: Any = None,
        by: Any = None,
        type: str = "response",
        value: Any = None,
        slope: str = "dydx",
        hypothesis: Any = None,
        transform: Callable | None = None,
        weights: Any = "fit",
        confidence: float | None = None,
        vcov: Any = None,
        unconditional: Any = False,
        method: str = "delta",
        n_draws: int = 1000,
        key: Any = None,
    ) -> EffectTable:
        r"""Derivatives of predictions in each variable, row by row.

        The variable moves with every term that contains it. 0/1 and categorical variables are
        compared as in `comparisons`.

        Arguments: see `Effects`, and
            slope: `"dydx"`; elasticities `"eyex"`; `"dyex"` (in $\log x$) and `"eydx"` (of
                $\log y$). Elasticities are of numbers: other variables are left out.
        """
        return _asked(self, "Slopes", comparisons, locals(), average=False)

    def avg_slopes(
        self: Any,
        *,
        variables: Any = None,
        newdata: Any = None,
        by: Any = None,
        type: str = "response",
        value: Any = None,
        slope: str = "dydx",
        hypothesis: Any = None,
        transform: Callable | None = None,
        weights: Any = "fit",
        confidence: float | None = None,
        vcov: Any = None,
        unconditional: Any = False,
        method: str = "delta",
        n_draws: int = 1000,
        key: Any = None,
    ) -> EffectTable:
        """Average derivatives of predictions: average marginal effects.

        Arguments: see `slopes`. `newdata="mean"` gives marginal effects at the means.
        """
        return _asked(self, "Average slopes", comparisons, locals(), average=True)

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


def _asked(res: Any, title: str, verb: Callable, given: dict, *, average: bool) -> EffectTable:
    given = {name: value for name, value in given.items() if name != "self"}
    res, matrix, label = _with_covariance(res, given.pop("vcov"))
    given["confidence"] = _confidence(res, given["confidence"])
    options = Options(**given, average=average)
    problem = _problem(res, matrix)
    estimates, data = verb(problem, options)
    return effect_table(
        title,
        estimates,
        problem.reference,
        options.confidence,
        _header(res, label, options, problem.reference),
        _notes(options, estimates),
        options.transform,
        _beside(estimates, data),
    )


def _confidence(res: Any, given: float | None) -> float:
    level = res.confidence if given is None else given
    if not 0 < level < 1:
        raise InputError(f"confidence={level!r} must lie between 0 and 1.", code="option")
    return level


def _with_covariance(res: Any, vcov: Any) -> tuple[Any, np.ndarray, str]:
    """The result with that covariance, its matrix with zeros for omitted columns, and its name."""
    if vcov is not None and np.ndim(vcov) != 2:
        res = res.with_cov(vcov)
    matrix, label = np.asarray(res.covariance.matrix), res.covariance.kind.label
    if vcov is not None and np.ndim(vcov) == 2:
        matrix, label = np.asarray(vcov, float), "as given"
        if matrix.shape != (len(res.names),) * 2:
            raise InputError(
                f"vcov has shape {matrix.shape}; there are {len(res.names)} parameters.",
                code="option",
            )
    active = np.asarray(res.fit.active)
    return res, np.where(active[:, None] & active[None, :], matrix, 0.0), label


def _problem(res: Any, matrix: np.ndarray) -> Problem:
    return Problem(
        fit=res.fit,
        model=on_one_matrix(res.model, res.spec),
        matrix=matrix,
        spec=res.spec,
        components=functools.partial(component_names, res),
        source=res.inputs.data,
        offset=res.inputs.offset,
        evaluate=functools.partial(_rows_again, res),
        clusters=functools.partial(_clusters, res.covariance.kind),
        reference=_reference(res.reference),
    )


def _reference(given: Reference) -> Reference:
    """One distribution for functions of several coefficients: the heaviest tails of theirs."""
    return StudentT(min(given.df)) if isinstance(given, CoefficientT) else given


def _clusters(kind: AbstractCovariance, rows: Rows) -> np.ndarray | None:
    """The clusters of a covariance kind as codes."""
    if not kind.group_columns:
        return None
    columns: Any = kind.group_columns
    if not isinstance(kind, Cluster) or len(columns) > 1:
        raise InputError(
            f"unconditional=True knows independent rows and one grouping, not {kind.label}; name "
            "the column of the clusters, unconditional='column'.",
            code="option",
        )
    return np.unique(np.asarray(rows.groups[columns[0]]), return_inverse=True)[1]


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
    how = {"delta": "delta method", "simulation": f"{options.n_draws} draws"}[options.method]
    if options.unconditional is not False:
        label, how = "influence functions", "unconditional"
    scale = options.type if options.value is None else f"P(y = {options.value})"
    return (
        ("Model", res.title),
        ("Scale", scale),
        ("Covariance", label),
        ("Standard errors", how),
        ("Observations", f"{res.nobs:g}"),
        ("Reference", reference.label),
    )


def _notes(options: Options, estimates: Estimates) -> tuple[str, ...]:
    notes = []
    if estimates.limits is not None:
        notes.append("Limits: those of the link scale, carried to the response.")
    if options.unconditional is not False:
        notes.append("Covariates count as sampled.")
    if not np.isfinite(estimates.variances).all():
        notes.append("— is withheld: not identified, or the fit has no covariance.")
    return tuple(notes)


def _beside(estimates: Estimates, data: Data) -> pd.DataFrame | None:
    """The variables of each row, beside row-wise results."""
    if "rowid" not in estimates.labels:
        return None
    at = np.searchsorted(data.rowid, estimates.labels["rowid"].to_numpy())
    return data.frame.iloc[at].reset_index(drop=True)
