"""The design of a formula on training data, and how to build it again on other data."""

from __future__ import annotations

import copy
import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import InputError, listed
from asymptotix.core.lazy import LazyModule
from asymptotix.data.captured import Captured
from asymptotix.data.columns import as_trained, column, refuse_unfit, side_by_side
from asymptotix.data.frames import missing_columns, open_source, report_missing, without

if TYPE_CHECKING:
    import pandas as pd
    from formulaic import ModelSpec

    from asymptotix.data import evaluation
else:
    evaluation = LazyModule("asymptotix.data.evaluation")


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
        model_spec: formulaic's record of levels, knots, means and scales; `None` for a sum of
            columns of numbers, which has none of these.
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
    model_spec: ModelSpec | None

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
            if self.model_spec is None:
                return plain_matrix(frame, self.names, kept), kept
            made = evaluation.materialise(self.state(), frame, self.captured, kept, self.formula)
            if not (lost := made.lost):
                break
        evaluation.check_range(made, self.columns)
        return finite_design(made.matrix(), self.names, kept), kept

    @property
    def record(self) -> ModelSpec:
        """Formulaic's record, made now where the design did without."""
        if self.model_spec is None:
            return evaluation.plain_record(self.formula, self.variables)
        return self.model_spec

    def state(self) -> ModelSpec:
        """A copy of the record, which formulaic writes into."""
        return self.record.update(
            transform_state=copy.deepcopy(self.record.transform_state),
            encoder_state=copy.deepcopy(self.record.encoder_state),
        )


@dataclasses.dataclass(frozen=True)
class Design:
    """A formula's design on training data.

    Arguments:
        x: the design of the rows kept, float64, C-contiguous, shape `(n, k)`.
        names: its columns.
        response: the response in the rows kept, as it came; its index holds source positions.
            An array where all columns are bare numbers.
        response_name: the response's expression, or `None`.
        spec: how to build the design on new data.
        kept: which rows of the source are used, shape `(n_source,)`.
        dropped: how many are not.
        dropped_by: for each column or term with missing values, in how many rows.
        frame: the columns read from the source, all rows, as a pandas frame; `None` where all are
            bare numbers.
    """

    x: np.ndarray
    names: tuple[str, ...]
    response: pd.Series | np.ndarray | None
    response_name: str | None
    spec: DesignSpec
    kept: np.ndarray
    dropped: int
    dropped_by: dict[str, int]
    frame: Any


@dataclasses.dataclass(frozen=True)
class DesignSpecs:
    """How to build the designs of several formulas on new data; holds no rows.

    Arguments:
        parts: the design of each component, the one with the response first.
    """

    parts: dict[str, DesignSpec]

    @property
    def main(self) -> DesignSpec:
        """The design of the component whose formula has the response."""
        return next(iter(self.parts.values()))

    @property
    def formula(self) -> str:
        """All formulas, each after the name of its component."""
        return "; ".join(f"{name}: {part.formula}" for name, part in self.parts.items())

    @property
    def response_name(self) -> str | None:
        """The response's expression."""
        return self.main.response_name

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The columns of all designs, each after the name of its component."""
        return tuple(f"{n}: {column}" for n, part in self.parts.items() for column in part.names)

    @property
    def has_intercept(self) -> bool:
        """Whether the first component has one."""
        return self.main.has_intercept

    @functools.cached_property
    def terms(self) -> dict[str, list[int]]:
        """For each term, the positions of its coefficients."""
        found, start = {}, 0
        for name, part in self.parts.items():
            found |= {f"{name}: {t}": [start + i for i in at] for t, at in part.terms.items()}
            start += len(part.names)
        return found

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns of the data that any formula uses."""
        return tuple(dict.fromkeys(v for part in self.parts.values() for v in part.variables))

    @property
    def kinds(self) -> dict[str, str]:
        """What each of them holds."""
        return self._union("kinds")

    @property
    def levels(self) -> dict[str, tuple[Any, ...]]:
        """The known levels of those that enter as categories."""
        return self._union("levels")

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """For each factor's expression, the data columns that it uses."""
        return self._union("columns")

    @property
    def calls(self) -> dict[str, frozenset[str]]:
        """For each factor's expression, the functions that it calls."""
        return self._union("calls")

    @property
    def captured(self) -> Captured:
        """What the formulas took from the caller's environment."""
        parts = [part.captured.values for part in self.parts.values()]
        return Captured({name: value for values in parts for name, value in values.items()})

    def _union(self, field: str) -> dict:
        return {k: v for part in self.parts.values() for k, v in getattr(part, field).items()}

    def design(self, data: Any, missing: str = "drop") -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The designs of new data, and which rows could be used in all of them."""
        made = {name: part.design(data, missing) for name, part in self.parts.items()}
        kept = np.logical_and.reduce([mask for _, mask in made.values()])
        return {name: x[kept[mask]] for name, (x, mask) in made.items()}, kept


def plain_matrix(frame: pd.DataFrame, names: tuple[str, ...], kept: np.ndarray) -> np.ndarray:
    """An intercept and columns of numbers side by side.

    Arguments:
        frame: the columns, all rows.
        names: `"Intercept"`, and which.
        kept: which rows.
    """
    for name in names[1:]:
        refuse_unfit(name, column(frame, name), kept)
    positions = None if kept.all() else np.flatnonzero(kept)
    columns = [np.ones(len(kept)), *(column(frame, name).to_numpy() for name in names[1:])]
    n = len(kept) if positions is None else len(positions)
    return finite_design(side_by_side(columns, n, positions), names, kept)


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
