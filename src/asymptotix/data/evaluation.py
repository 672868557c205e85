"""A formula's terms evaluated by formulaic, and encoded in the rows that are kept."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import warnings
from collections.abc import Iterable, Iterator, Mapping
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

from asymptotix.core.errors import InputError, listed
from asymptotix.data.captured import Captured
from asymptotix.data.columns import column, kind, refuse_unfit, side_by_side
from asymptotix.data.formula import Beyond, Parsed, explained, sides, vocabulary
from asymptotix.data.materialize import Columns


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


def response_of(parsed: Parsed, frame: pd.DataFrame, kept: np.ndarray) -> pd.Series | None:
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


def check_range(made: Made, columns: Mapping[str, tuple[str, ...]]) -> None:
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


@functools.lru_cache(maxsize=64)
def plain_record(formula: str, variables: tuple[str, ...]) -> ModelSpec:
    """The record of a sum of columns of numbers, which depends on none of these numbers.

    Arguments:
        formula: as it was written.
        variables: the columns.
    """
    _, terms = sides(formula, variables, response=True)
    frame = pd.DataFrame({name: [0.0, 1.0] for name in variables}, index=range(2))
    return materialise(ModelSpec(formula=terms), frame, Captured(), np.ones(2, bool), formula).spec
