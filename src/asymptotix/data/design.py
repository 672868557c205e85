"""The design matrix of a formula: built once from training rows, then re-used on new ones.

Expressions of single rows (`np.log(x)`) and of neighbouring rows (`lag(x)`) see the source as it
is; whatever is *estimated* from the data (knots, means, levels) sees the rows that are kept and
no others. Which rows are kept depends on what the expressions give, so that evaluation is
repeated until no further row drops out: once in nearly every case, twice where an expression
makes missing values.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from asymptotix.core.errors import CollinearWarning, InputError
from asymptotix.data.columns import column, kind, used_levels
from asymptotix.data.design_spec import Design, DesignSpec, finite_design
from asymptotix.data.evaluation import Made, check_range, factors_of, materialise, response_of
from asymptotix.data.formula import Parsed, parse_formula, refuse_rows_from_outside
from asymptotix.data.frames import (
    missing_columns,
    open_source,
    report_missing,
    require_rows,
    warn_dropped,
    without,
)


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
        answer = response_of(parsed, trained, kept)
        spec = ModelSpec(formula=parsed.terms) if known is None else known.state()
        made = materialise(spec, trained, parsed.captured, kept, parsed.text)
        found = dict(made.lost)
        if answer is not None and (rows := kept & answer.isna().to_numpy()).any():
            found = {str(answer.name): rows} | found
        report_missing(found, kept, missing)
        if not found:
            check_range(made, parsed.columns)
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


def _warn_empty_terms(spec: DesignSpec) -> None:
    for term, at in spec.terms.items():
        if not at:
            warnings.warn(
                f"The term '{term}' adds no column (its category takes one value in the rows "
                "used) and was left out.",
                CollinearWarning,
                stacklevel=4,
            )
