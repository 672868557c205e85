"""From a stretch of a stream to rows of a fit, with levels and scales that are known."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.data.columns import as_trained, column, kind, side_by_side
from asymptotix.data.design import settle
from asymptotix.data.design_spec import DesignSpec, finite_design
from asymptotix.data.formula import Parsed
from asymptotix.data.frames import missing_columns, open_source, report_missing, without
from asymptotix.data.response import take_column
from asymptotix.data.rows import Rows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is read beside a formula's columns.

    Arguments:
        weights, offset, trials: names of columns, or `None`.
        weight_kind: as in `Rows`.
        missing: `"drop"` or `"raise"`.
    """

    weights: str | None
    offset: str | None
    trials: str | None
    weight_kind: Any
    missing: str

    @property
    def columns(self) -> list[str]:
        """Their names."""
        return [name for name in (self.weights, self.offset, self.trials) if name is not None]

    def taken(self, frame: pd.DataFrame, kept: np.ndarray) -> dict[str, np.ndarray | None]:
        """Their numbers in the rows kept."""
        return {what: self._one(frame, what, kept) for what in ("weights", "offset", "trials")}

    def _one(self, frame: pd.DataFrame, what: str, kept: np.ndarray):
        name = getattr(self, what)
        if name is None:
            return None
        values = column(frame, name)
        if what == "weights" and kind(values) == "number" and not values.to_numpy()[kept].any():
            return np.zeros(kept.sum())  # a stretch may be so; all rows together may not
        return take_column(frame, name, kept, what)


@dataclasses.dataclass(frozen=True)
class Settled:
    """One stretch, evaluated.

    Arguments:
        frame: its columns.
        kept: which of its rows are used.
        lost: rows with a missing value, by column or term.
        made, values: the design, and the response of all rows; `None` where no row is left.
    """

    frame: pd.DataFrame
    kept: np.ndarray
    lost: dict[str, np.ndarray]
    made: Any
    values: pd.Series | None

    @property
    def answer(self) -> pd.Series | None:
        """The response of the rows kept."""
        return None if self.values is None else self.values.loc[self.kept]


def evaluated(parsed: Parsed, wanted: Wanted, frame: pd.DataFrame, known=None) -> Settled:
    """A stretch's design and response.

    Arguments:
        known: a `DesignSpec` whose levels and scales are used; else those of the stretch.
    """
    lost = missing_columns(frame, parsed.columns, parsed.calls, tuple(wanted.columns))
    kept = without(np.ones(len(frame), dtype=bool), lost)
    report_missing(lost, kept, wanted.missing)
    try:
        made, answer = settle(parsed, frame, kept, lost, wanted.missing, known)
    except InputError as error:
        if error.code != "no_rows":
            raise
        return Settled(frame, np.zeros(len(frame), bool), lost, None, None)
    return Settled(frame, made.kept, lost, made, answer)


def let_go() -> None:
    """Free what an evaluation left in circles of references: whole frames, of few objects.

    Python looks for circles by the number of new objects, not by their size.
    """
    gc.collect(1)


def located(error: InputError, first: int) -> InputError:
    """The error with the row from which its row numbers count."""
    if not error.rows or first == 0:
        return error
    return InputError(
        f"In the rows from {first} on: {error}",
        code=error.code,
        column=error.column,
        rows=[first + row for row in error.rows],
    )


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a stretch of rows is evaluated.

    Arguments:
        parsed: the formula.
        wanted: what is read beside its columns.
        spec: levels, scales and names of the design.
        kinds, categories: of each column what it holds, and the order of its categories.
        code: from the response and the trials to numbers.
    """

    parsed: Parsed
    wanted: Wanted
    spec: DesignSpec
    kinds: dict[str, str]
    categories: dict[str, list]
    code: Callable[[pd.Series, Any], Any]

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        return columns_of(self.parsed, self.wanted)

    def frame(self, table: pa.Table) -> pd.DataFrame:
        """A stretch's columns, each of the kind that it has in the whole stream."""
        return alike(open_source(table).frame(self.columns), self.kinds, self.categories)

    def of_table(self, table: pa.Table) -> tuple[Rows | None, np.ndarray]:
        """The rows of a stretch (`None` where none is left), and which of its rows they are."""
        found = self._as_they_are(table)
        if found is None:
            found = self.rows(self.frame(table))
            let_go()
        return found

    def _as_they_are(self, table: pa.Table) -> tuple[Rows, np.ndarray] | None:
        """The same without formula or frame, where all terms are columns of finite numbers."""
        response = self.parsed.response
        plain = all(
            name == "Intercept" or (self.spec.columns.get(name) == (name,) and name in self.kinds)
            for name in self.spec.names
        )
        if not plain or response is None or response.eval_method.value != "lookup":
            return None
        columns = []
        for name in self.spec.names:
            one = None if name == "Intercept" else _numbers(table[name])
            if one is None and name != "Intercept":
                return None
            columns.append(np.ones(table.num_rows) if one is None else one)
        x = side_by_side(columns, table.num_rows)
        beside = open_source(table).frame([response.expr, *self.wanted.columns])
        beside = alike(beside, self.kinds, self.categories)
        if not np.isfinite(x.sum()) or bool(beside.isna().to_numpy().any()):
            return None
        kept = np.ones(table.num_rows, dtype=bool)
        return self._rows(x, column(beside, response.expr), beside, kept), kept

    def _rows(self, x: np.ndarray, answer: pd.Series, frame: pd.DataFrame, kept) -> Rows:
        taken = self.wanted.taken(frame, kept)
        return Rows(
            x,
            self.code(answer, taken["trials"]),
            weights=taken["weights"],
            weight_kind=self.wanted.weight_kind,
            offset=taken["offset"],
        )

    def rows(self, frame: pd.DataFrame) -> tuple[Rows | None, np.ndarray]:
        """The same of a stretch's frame."""
        found = evaluated(self.parsed, self.wanted, frame, self.spec)
        if found.made is None or found.answer is None:
            return None, found.kept
        x = finite_design(found.made.matrix(), self.spec.names, found.kept)
        return self._rows(x, found.answer, found.frame, found.kept), found.kept


def _numbers(values: Any) -> np.ndarray | None:
    """A column of a table as an array, if it has numbers in every row."""
    import pyarrow as pa

    is_number = pa.types.is_floating(values.type) or pa.types.is_integer(values.type)
    return values.to_numpy() if is_number and not values.null_count else None


def columns_of(parsed: Parsed, wanted: Wanted) -> list[str]:
    """The columns that a formula and what goes with it read."""
    used = [name for group in parsed.columns.values() for name in group]
    return list(dict.fromkeys([*used, *wanted.columns]))


def alike(frame: pd.DataFrame, kinds: dict[str, str], categories: dict[str, list]) -> pd.DataFrame:
    """Columns of one stretch in the types that they have in the whole stream."""
    frame = frame.reset_index(drop=True)
    return frame.assign(**{str(n): _alike(frame, str(n), kinds, categories) for n in frame})


def _alike(frame: pd.DataFrame, name: str, kinds, categories) -> pd.Series:
    values = column(frame, name)
    wanted = kinds.get(name, "number")
    if wanted == "category":
        return pd.Series(pd.Categorical(values.astype(object), categories=categories[name]))
    if kind(values) == "bool" and wanted == "number":
        return values.astype(np.float64)
    return as_trained(values, name, wanted)
