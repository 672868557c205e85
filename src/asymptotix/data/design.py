"""The design matrix of a formula: built once from training rows, then re-used on new ones.

Expressions of single rows (`np.log(x)`) and of neighbouring rows (`lag(x)`) see the source as it
is; whatever is *estimated* from the data (knots, means, levels) sees the rows that are kept and
no others. Which rows are kept depends on what the expressions give, so that evaluation is
repeated until no further row drops out: once in nearly every case, twice where an expression
makes missing values.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.errors import FormulaicWarning
from formulaic.materializers.types import EvaluatedFactor, FactorValues
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from formulaic.utils.layered_mapping import LayeredMapping
from formulaic.utils.stateful_transforms import stateful_eval

from asymptotix.core.errors import CollinearWarning, InputError, listed
from asymptotix.data.columns import (
    as_trained,
    column,
    kind,
    refuse_unfit,
    side_by_side,
    used_levels,
)
from asymptotix.data.formula import (
    Beyond,
    Captured,
    Parsed,
    explained,
    parse_formula,
    refuse_rows_from_outside,
    vocabulary,
)
from asymptotix.data.frames import (
    missing_columns,
    open_source,
    report_missing,
    require_rows,
    warn_dropped,
    without,
)
from asymptotix.data.materialize import Columns


@dataclasses.dataclass(frozen=True)
class DesignSpec:
    """How to build the design of a formula on new data; pickles, and holds no rows.

    Arguments:
        formula: the formula as it was written.
        response_name: the response's expression, or `None`.
        names: the design's columns.
        terms: for each term, the positions of its columns in the design.
        term_variables: for each term, the columns of the data that it uses.
        variables: the columns of the data that the terms use.
        kinds: what each of them holds (`"number"`, `"bool"`, `"text"`, `"category"`, `"date"`).
        levels: the known levels of those that enter as categories.
        columns, calls: for each factor's expression, the data columns and the functions it uses.
        captured: what the formula took from the caller's environment.
        model_spec: formulaic's record of levels, knots, means and scales.
    """

    formula: str
    response_name: str | None
    names: tuple[str, ...]
    terms: dict[str, list[int]]
    term_variables: dict[str, tuple[str, ...]]
    variables: tuple[str, ...]
    kinds: dict[str, str]
    levels: dict[str, tuple[Any, ...]]
    columns: dict[str, tuple[str, ...]]
    calls: dict[str, frozenset[str]]
    captured: Captured
    model_spec: ModelSpec

    @property
    def has_intercept(self) -> bool:
        """Whether the design has the constant column `"Intercept"`."""
        return "Intercept" in self.names

    def design(self, data: Any, missing: str = "drop") -> tuple[np.ndarray, np.ndarray]:
        """The design of new data with the training data's levels, knots and scales.

        Arguments:
            data: anything `read_frame` takes, with the columns in `variables`.
            missing: `"drop"` leaves rows with missing values out; `"raise"` refuses them.

        Returns:
            The design of the rows kept, shape `(kept.sum(), k)`, and the mask of the rows kept,
            shape `(n,)`.

        Raises:
            InputError: for missing columns, columns of another kind, levels never seen, and
                values outside a spline's range.
        """
        frame = open_source(data).frame(self.variables)
        frame = frame.assign(**{v: as_trained(column(frame, v), v, self.kinds[v]) for v in frame})
        lost = missing_columns(frame, self.columns, self.calls, ())
        kept = np.ones(len(frame), dtype=bool)
        while True:
            report_missing(lost, kept, missing)
            kept = without(kept, lost)
            if not kept.any():
                return np.empty((0, len(self.names))), kept
            made = materialise(self.state(), frame, self.captured, kept, self.formula)
            if not (lost := made.lost):
                break
        _check_range(made, self.columns)
        return finite_design(made.matrix(), self.names, kept), kept

    def state(self) -> ModelSpec:
        """A copy of the record, which formulaic writes into."""
        return self.model_spec.update(
            transform_state=copy.deepcopy(self.model_spec.transform_state),
            encoder_state=copy.deepcopy(self.model_spec.encoder_state),
        )


@dataclasses.dataclass(frozen=True)
class Design:
    """A formula's design on training data.

    Arguments:
        x: the design of the rows kept, float64, C-contiguous, shape `(n, k)`.
        names: its columns.
        response: the response in the rows kept, as it came; its index holds source positions.
        response_name: the response's expression, or `None`.
        spec: how to build the design on new data.
        kept: which rows of the source are used, shape `(n_source,)`.
        dropped: how many are not.
        dropped_by: for each column or term with missing values, in how many rows.
        frame: the columns read from the source, all rows.
    """

    x: np.ndarray
    names: tuple[str, ...]
    response: pd.Series | None
    response_name: str | None
    spec: DesignSpec
    kept: np.ndarray
    dropped: int
    dropped_by: dict[str, int]
    frame: pd.DataFrame


def build_design(
    formula: str,
    data: Any,
    context: Mapping[str, Any] | FrameType | None = None,
    extra_columns: Iterable[str] = (),
    missing: str = "drop",
    response: bool = True,
) -> Design:
    """The design matrix and the response of a formula.

    Arguments:
        formula: such as `"y ~ x + C(g) + bs(z, df=4)"`.
        data: anything `read_frame` takes.
        context: where names that are no columns are looked up: a mapping or a stack frame.
        extra_columns: further columns that must not be missing (weights, offset, cluster).
        missing: `"drop"` leaves rows with missing values out and warns; `"raise"` refuses them.
        response: whether there must be a response on the left of `~`.

    Raises:
        InputError: when the formula or the data cannot be used, naming column and rows.
    """
    if missing not in ("drop", "raise"):
        raise InputError(f"missing={missing!r} must be 'drop' or 'raise'.", code="option")
    source = open_source(data)
    parsed = parse_formula(formula, source.names, context, response)
    extra = tuple(extra_columns)
    used = [name for group in parsed.columns.values() for name in group]
    frame = source.frame([*used, *extra])
    refuse_rows_from_outside(parsed, len(frame))
    lost = missing_columns(frame, parsed.columns, parsed.calls, extra)
    kept = without(np.ones(len(frame), dtype=bool), lost)
    report_missing(lost, kept, missing)
    made, answer = settle(parsed, frame, kept, lost, missing)
    return assemble(parsed, frame, made, answer, lost)


def settle(
    parsed: Parsed,
    frame: pd.DataFrame,
    kept: np.ndarray,
    lost: dict[str, np.ndarray],
    missing: str,
    known: DesignSpec | None = None,
) -> tuple[Made, pd.Series | None]:
    """Evaluate until no further row has a missing value; adds to `lost` what it finds.

    Arguments:
        known: whose levels, knots and scales are used; by default those of these rows.
    """
    while True:
        require_rows(kept, lost)
        trained = used_levels(frame, kept) if known is None else frame
        answer = _response(parsed, trained, kept)
        spec = ModelSpec(formula=parsed.terms) if known is None else known.state()
        made = materialise(spec, trained, parsed.captured, kept, parsed.text)
        found = dict(made.lost)
        if answer is not None and (rows := kept & answer.isna().to_numpy()).any():
            found = {str(answer.name): rows} | found
        report_missing(found, kept, missing)
        if not found:
            _check_range(made, parsed.columns)
            return made, answer
        lost |= found
        kept = without(kept, found)


def assemble(
    parsed: Parsed,
    frame: pd.DataFrame,
    made: Made,
    answer: pd.Series | None,
    lost: dict[str, np.ndarray],
) -> Design:
    """The design of one evaluation, and how to build it again."""
    matrix, spec, kept = made.matrix(), made.spec, made.kept
    names = tuple(str(name) for name in spec.column_names)
    if not names:
        raise InputError(f"The formula '{parsed.text}' has no columns.", code="formula")
    factors = factors_of(parsed.terms)
    columns = {f.expr: parsed.columns[f.expr] for f in factors}
    variables = tuple(dict.fromkeys(name for group in columns.values() for name in group))
    design_spec = DesignSpec(
        formula=parsed.text,
        response_name=parsed.response.expr if parsed.response else None,
        names=names,
        terms={_title(term): list(at) for term, at in spec.term_indices.items()},
        term_variables={
            _title(term): tuple(
                dict.fromkeys(n for f in term.factors for n in columns.get(f.expr, ()))
            )
            for term in spec.term_indices
        },
        variables=variables,
        kinds={name: kind(column(frame, name)) for name in variables},
        levels=_levels(spec, columns),
        columns=columns,
        calls={expr: parsed.calls[expr] for expr in columns},
        captured=parsed.captured,
        model_spec=spec,
    )
    _warn_empty_terms(design_spec)
    counts = {name: int(rows.sum()) for name, rows in lost.items()}
    warn_dropped(int((~kept).sum()), len(kept), counts)
    return Design(
        x=finite_design(matrix, names, kept),
        names=names,
        response=None if answer is None else answer.loc[kept],
        response_name=design_spec.response_name,
        spec=design_spec,
        kept=kept,
        dropped=int((~kept).sum()),
        dropped_by=counts,
        frame=frame,
    )


def _title(term: Any) -> str:
    return "Intercept" if str(term) == "1" else str(term)


def _levels(spec: ModelSpec, columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[Any, ...]]:
    """Levels by column, of the factors that are one column, bare or inside C()."""
    return {
        columns[expr][0]: tuple(state["categories"])
        for expr, (_, state) in spec.encoder_state.items()
        if "categories" in state and len(columns.get(expr, ())) == 1
    }


# Evaluation


@dataclasses.dataclass(frozen=True)
class Made:
    """One evaluation of the terms.

    Arguments:
        spec: formulaic's record.
        kept: the rows that were used.
        lost: the rows of those that turned out to be missing, by term.
        values: what each factor gave, by expression.
        beyond: rows outside the range of splines.
        raw: the columns, or the reason why there are none.
    """

    spec: Any
    kept: np.ndarray
    lost: dict[str, np.ndarray]
    values: Mapping[str, EvaluatedFactor]
    beyond: list[Beyond]
    raw: pd.DataFrame | InputError

    def matrix(self) -> np.ndarray:
        """The columns side by side, row by row in memory."""
        if isinstance(self.raw, InputError):
            raise self.raw
        columns = [values.to_numpy() for _, values in self.raw.items()]
        if len(columns) != len(self.spec.column_names):
            raise InputError("Two columns of the design have the same name.", code="formula")
        return side_by_side(columns, len(self.raw))


def factors_of(terms: Iterable[Any]) -> tuple[Factor, ...]:
    """The factors of some terms, each once, without numbers."""
    every = dict.fromkeys(factor for term in terms for factor in term.factors)
    return tuple(f for f in every if f.eval_method.value != "literal")


def materialise(
    spec: ModelSpec,
    frame: pd.DataFrame,
    captured: Captured,
    kept: np.ndarray,
    formula: str,
) -> Made:
    """Evaluate all terms in all rows, and encode them in the rows kept."""
    beyond: list[Beyond] = []
    materializer = Columns(frame, context=vocabulary(captured, kept, beyond))
    cache, unused = materializer.factor_cache, set(np.flatnonzero(~kept).tolist())
    made: Any
    try:
        with _quiet():
            made = materializer.get_model_matrix(
                spec, drop_rows=unused, na_action="ignore", output="pandas"
            )
        spec, raw = made.model_spec, made.__wrapped__
    except Exception as error:  # A formula runs the caller's code, which may raise anything.
        # Rows that are missing, or levels that are unknown, explain it better and come first.
        raw = explained(error, formula)
        raw.__cause__ = error
    lost = {
        factor.expr: kept & _missing_in(factor.expr, cache[factor.expr], kept)
        for factor in factors_of(spec.formula)
        if factor.expr in cache
    }
    lost = {expr: rows for expr, rows in lost.items() if rows.any()}
    # They refer to each other, and would keep the frame until Python looks for such circles.
    vars(materializer.layered_context).clear()
    vars(materializer).clear()
    return Made(spec, kept, lost, cache, beyond, raw)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What NumPy, pandas and formulaic would warn of is refused or dropped here, with its rows."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        for category in (FormulaicWarning, RuntimeWarning, DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        yield


def _missing_in(term: str, factor: EvaluatedFactor, kept: np.ndarray) -> np.ndarray:
    """The rows where an evaluated factor is missing; refuses what no design can hold."""
    categorical = factor.metadata.kind.value == "categorical"
    missing = np.zeros(len(kept), dtype=bool)
    for values in _parts(factor.values):
        if np.ndim(values) != 1 or len(values) != len(kept):
            raise InputError(
                f"The term '{term}' gives {np.size(values)} values for {len(kept)} rows; "
                "it must give one for each row.",
                code="term_length",
                column=term,
            )
        missing |= np.asarray(pd.isna(values))
        if not categorical:
            refuse_unfit(term, values, kept)
    return missing


def _parts(values: Any) -> list[Any]:
    """The columns that a factor's values consist of."""
    plain = values.__wrapped__ if isinstance(values, FactorValues) else values
    if isinstance(plain, Mapping):
        return [p for k, v in plain.items() if not str(k).startswith("__") for p in _parts(v)]
    if isinstance(plain, pd.DataFrame):
        return [plain[name] for name in plain]
    if isinstance(plain, np.ndarray) and plain.ndim == 2:
        return list(plain.T)
    return [plain]


def _response(parsed: Parsed, frame: pd.DataFrame, kept: np.ndarray) -> pd.Series | None:
    """The response in all rows of the source: the column itself, or the expression's value."""
    factor = parsed.response
    if factor is None:
        return None
    if factor.eval_method.value == "lookup":
        if factor.expr not in frame:
            raise InputError(
                f"The response '{factor.expr}' is not a column of the data.",
                code="unknown_column",
                column=factor.expr,
            )
        return column(frame, factor.expr)
    layers = LayeredMapping(
        LayeredMapping(dict(frame.items()), name="data"),
        LayeredMapping(vocabulary(parsed.captured, kept, [])),
        LayeredMapping(TRANSFORMS),
    )
    try:
        with _quiet():
            values = stateful_eval(factor.expr, layers, None, {}, None)
    except Exception as error:  # The caller's code may raise anything.
        raise explained(error, parsed.text) from error
    (values, *others) = _parts(values)
    if others or np.ndim(values) != 1 or len(values) != len(kept):
        raise InputError(
            f"The response '{factor.expr}' must give one value for each row.",
            code="term_length",
            column=factor.expr,
        )
    answer = pd.Series(values, index=frame.index, name=factor.expr)
    if kind(answer) != "text":
        refuse_unfit(factor.expr, answer, kept)
    return answer


def _check_range(made: Made, columns: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse values outside a spline's range, and levels that are not known.

    Such levels would otherwise be coded as the reference level.
    """
    for outside in made.beyond:
        outside.check(made.kept)
    for factor in factors_of(made.spec.formula):
        state = made.spec.encoder_state.get(factor.expr, (None, {}))[1]
        if "categories" not in state or factor.expr not in made.values:
            continue
        (values,) = _parts(made.values[factor.expr].values)
        values = values if isinstance(values, pd.Series) else pd.Series(values)
        known = list(state["categories"])
        rows = np.flatnonzero(
            made.kept & ~values.isin(known).to_numpy() & values.notna().to_numpy()
        )
        if not len(rows):
            continue
        unseen = ", ".join(repr(v) for v in values.iloc[rows].unique().tolist()[:4])
        name = columns[factor.expr][0] if len(columns[factor.expr]) == 1 else factor.expr
        raise InputError(
            f"'{name}' has values that the model does not know: {unseen} (rows {listed(rows)}); "
            f"known levels: {', '.join(repr(level) for level in known[:12])}"
            f"{', ...' if len(known) > 12 else ''}.",
            code="unseen_category",
            column=name,
            rows=rows[:5],
        )


def finite_design(x: np.ndarray, names: tuple[str, ...], kept: np.ndarray) -> np.ndarray:
    """The design as it came; a product of large finite columns may still overflow."""
    if np.isfinite(x.sum()):
        return x
    bad = ~np.isfinite(x)
    if bad.any():
        column = int(np.flatnonzero(bad.any(axis=0))[0])
        rows = np.flatnonzero(kept)[bad[:, column]]
        raise InputError(
            f"The design column '{names[column]}' is not finite in {len(rows)} rows "
            f"(rows {listed(rows)}); rescale the variables in it.",
            code="infinite_values",
            column=names[column],
            rows=rows[:5],
        )
    return x


def _warn_empty_terms(spec: DesignSpec) -> None:
    for term, at in spec.terms.items():
        if not at:
            warnings.warn(
                f"The term '{term}' adds no column (its category takes one value in the rows "
                "used) and was left out.",
                CollinearWarning,
                stacklevel=4,
            )
