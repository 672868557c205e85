"""The first pass over a stream: what a formula has to know of all rows before any is evaluated.

Levels, means and scales, missing rows, weights and values of the response are found here, and a
sample of rows that has every level. Knots and polynomials would take all rows at once; they are
refused unless they are given.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, MissingRowsWarning
from asymptotix.data.batches import Stream
from asymptotix.data.captured import Captured
from asymptotix.data.columns import column, kind
from asymptotix.data.design import assemble
from asymptotix.data.design_spec import Design
from asymptotix.data.formula import (
    parse_formula,
    refuse_rows_from_outside,
)
from asymptotix.data.frames import open_source, warn_dropped
from asymptotix.data.memory import EVERY, give_back
from asymptotix.data.moments import RECORDERS, is_recorded, merged, settled
from asymptotix.data.recipe import (
    Recipe,
    Settled,
    Wanted,
    alike,
    columns_of,
    evaluated,
    let_go,
    located,
)
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.tally import Spread, Tally

if TYPE_CHECKING:
    import pyarrow as pa


class Survey:
    """What is known of the rows read so far.

    Arguments:
        formula, context: as in `build_design`.
        stream: where rows come from.
        wanted: what is read beside the formula's columns.
        check: of one stretch's response and trials, raises where a value cannot be.
    """

    def __init__(self, formula, context, stream: Stream, wanted: Wanted, check: Callable):
        self.stream, self.wanted, self.check = stream, wanted, check
        self.parsed = parse_formula(formula, stream.names, context)
        words = {**self.parsed.captured.values, **RECORDERS}
        self.recording = dataclasses.replace(self.parsed, captured=Captured(words))
        self.columns = columns_of(self.parsed, wanted)
        open_source(stream).check(self.columns)
        self.n = self.used = self.present = 0
        self.is_small, self.first = False, None
        self.total = 0.0
        self.lost: Counter[str] = Counter()
        self.kinds: dict[str, set[str]] = {name: set() for name in self.columns}
        self.answer_kinds: set[str] = set()
        self.categories: dict[str, dict] = {}
        self.states: dict[str, Any] = {}
        self.levels: dict[str, set] = {}
        self.examples: list[pd.DataFrame] = []
        self.sample = Spread()
        self.tally = Tally()

    def read(self, progress: Callable[[int], Any]) -> Survey:
        """All rows, once; nothing more than the first ones where these are all."""
        with progress(0) as bar:
            for table in self.stream.tables(self.columns, SLAB_ROWS):
                if self.n == 0 and table.num_rows < SLAB_ROWS:
                    self.is_small = True
                    return self
                self.add(table)
                bar(table.num_rows)
                if self.n % (EVERY * SLAB_ROWS) == 0:
                    give_back()
        self.judge()
        return self

    def add(self, table: pa.Table) -> None:
        """A stretch more."""
        self.first = self.first or table
        try:
            self._add(open_source(table).frame(self.columns))
        except InputError as error:
            raise located(error, self.n) from error.__cause__
        let_go()
        self.n += table.num_rows

    def judge(self) -> None:
        """Raise where there are no rows to fit."""
        refuse_rows_from_outside(self.parsed, self.n)
        if self.used == 0:
            told = ", ".join(f"'{name}' in {count}" for name, count in self.lost.most_common(4))
            why = f"; missing values: {told} of {self.n}" if self.n else " because there are none"
            raise InputError(f"No rows are left{why}.", code="no_rows")
        if self.wanted.weights is not None and self.total == 0:
            name = self.wanted.weights
            raise InputError(f"All weights ('{name}') are zero.", code="weights", column=name)

    def _add(self, frame: pd.DataFrame) -> None:
        self._look_at_columns(frame)
        found = evaluated(self.recording, self.wanted, frame)
        self.sample.add(frame, self.n)
        for name, rows in found.lost.items():
            self.lost[name] += int(rows.sum())
        if found.made is None or found.answer is None:
            return
        if isinstance(found.made.raw, InputError):
            raise found.made.raw
        taken = self.wanted.taken(frame, found.kept)
        self.check(found.answer, taken["trials"])
        self.answer_kinds.add(kind(found.answer))
        self.tally.add(found.answer, taken["trials"], taken["weights"])
        self._count(found, taken["weights"])
        for expr, state in found.made.spec.transform_state.items():
            self._keep_state(expr, state)
        self._keep_levels(found)

    def _count(self, found: Settled, weights) -> None:
        used = int(found.kept.sum())
        self.used += used
        self.present += used if weights is None else int(np.count_nonzero(weights))
        self.total += float(used) if weights is None else float(weights.sum())

    def _look_at_columns(self, frame: pd.DataFrame) -> None:
        for name in self.columns:
            values = column(frame, name)
            if values.isna().all():
                continue
            self.kinds[name].add(kind(values))
            if kind(values) == "category":
                order = self.categories.setdefault(name, {})
                order.update(dict.fromkeys(values.cat.categories))

    def _keep_state(self, expr: str, state: Any) -> None:
        if not state:
            return
        before = self.states.get(expr)
        if is_recorded(state):
            whole = merged(before and before["moments"], state["moments"])
            self.states[expr] = {**state, "moments": whole}
        elif before is None:
            self.states[expr] = state
        elif not _equal(before, state):
            raise InputError(
                f"'{expr}' estimates its knots or polynomials from all rows at once, which a "
                "stream does not hold; give them, such as bs(x, knots=[...], lower_bound=..., "
                "upper_bound=...), or write powers as I(x**2).",
                code="stream",
                column=expr,
            )

    def _keep_levels(self, found: Settled) -> None:
        """Keep a row of every level that has not been seen."""
        rows = np.flatnonzero(found.kept)
        new: set[int] = set()
        for expr, factor in found.made.values.items():
            if factor.metadata.kind.value != "categorical":
                continue
            values = getattr(factor.values, "__wrapped__", factor.values)
            values = pd.Series(values).astype(object).reset_index(drop=True).iloc[rows]
            first = values[~values.duplicated()].dropna()
            seen = self.levels.setdefault(expr, set())
            new |= {int(i) for i, value in first.items() if value not in seen}  # pyright: ignore[reportArgumentType]
            seen |= set(first)
        if new:
            self.examples.append(found.frame.iloc[sorted(new)])

    # --- several surveys of parts of a source -----------------------------------------------

    def slim(self, most: int) -> Survey:
        """What was found, without what finds it, and with at most so many rows of a sample."""
        if self.first is not None:
            self.first = self.first.slice(0, most)
        self.sample.keep(most)
        for name in ("stream", "parsed", "recording", "check"):
            delattr(self, name)
        return self

    def merge(self, other: Survey) -> None:
        """What a survey of the next rows has found too."""
        if other.n == 0:
            return
        self.first = self.first or other.first
        self.n, self.used = self.n + other.n, self.used + other.used
        self.present, self.total = self.present + other.present, self.total + other.total
        self.lost.update(other.lost)
        self.answer_kinds |= other.answer_kinds
        for name, kinds in other.kinds.items():
            self.kinds[name] |= kinds
        for name, order in other.categories.items():
            self.categories.setdefault(name, {}).update(order)
        for expr, state in other.states.items():
            self._keep_state(expr, state)
        if any(seen - self.levels.get(expr, set()) for expr, seen in other.levels.items()):
            self.examples += other.examples
        for expr, seen in other.levels.items():
            self.levels.setdefault(expr, set()).update(seen)
        self.sample.parts += other.sample.parts
        self.tally.merge(other.tally)

    # --- what follows from it --------------------------------------------------------------

    def recipe(self, code: Callable) -> tuple[Recipe, Design, pd.DataFrame]:
        """How every stretch is evaluated, the design of a sample, and the sample."""
        self._refuse_nested()
        kinds = {name: _one_kind(found, name) for name, found in self.kinds.items()}
        order = {name: list(values) for name, values in self.categories.items()}
        parts = [alike(part, kinds, order) for part in (*self.sample.parts, *self.examples)]
        frame = pd.concat(parts, ignore_index=True)
        found = evaluated(self.parsed, self.wanted, frame)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingRowsWarning)
            design = assemble(self.parsed, frame, found.made, found.values, found.lost)
        record = design.spec.state()
        for expr, state in self.states.items():
            if is_recorded(state):
                record.transform_state[expr] = settled(state["moments"], state["asked"])
        spec = dataclasses.replace(design.spec, model_spec=record)
        dropped, counts = self.n - self.used, dict(self.lost)
        warn_dropped(dropped, self.n, counts)
        design = dataclasses.replace(design, spec=spec, dropped=dropped, dropped_by=counts)
        return Recipe(self.parsed, self.wanted, spec, kinds, order, code), design, frame

    def responses(self) -> tuple[pd.Series, Any, np.ndarray]:
        """The different responses, their trials, and the weight of each."""
        answers, trials, weights = self.tally.values()
        if self.answer_kinds == {"bool", "number"}:
            answers = answers.astype(np.float64)
        if "category" in self.answer_kinds and self.parsed.response is not None:
            known = self.categories.get(self.parsed.response.expr)
            answers = pd.Series(pd.Categorical(answers, categories=known and list(known)))
        return answers, trials, weights

    def _refuse_nested(self) -> None:
        for inner in self.states:
            for outer in self.states:
                if inner != outer and inner in outer:
                    raise InputError(
                        f"'{outer}' needs '{inner}' of all rows first, which takes two passes over "
                        "a stream; write one of them.",
                        code="stream",
                        column=outer,
                    )


def check_rowwise(recipe: Recipe, table: Any) -> None:
    """Raise `InputError` where a term's value in a row depends on other rows.

    A stretch must give the same whether it is read whole or in two pieces.
    """
    frame = recipe.frame(table)
    whole, kept = recipe.rows(frame)
    cut = max(len(frame) * 3 // 7, 1)
    parts = (frame.iloc[:cut], frame.iloc[cut:].reset_index(drop=True))
    pieces = [recipe.rows(part) for part in parts]
    found = [rows for rows, _ in pieces if rows is not None]
    same = np.array_equal(kept, np.concatenate([mask for _, mask in pieces]))
    if same and whole is not None:
        x = np.concatenate([rows.x for rows in found])
        odd = ~np.isclose(whole.x, x, rtol=1e-9, atol=0).all(axis=0)
        if odd.any():
            raise _depends(recipe.spec.names[int(np.flatnonzero(odd)[0])])
        y = [np.concatenate(parts) for parts in zip(*map(_leaves, found), strict=True)]
        same = all(np.allclose(a, b, rtol=1e-9) for a, b in zip(_leaves(whole), y, strict=True))
    if not same:
        raise _depends(recipe.spec.response_name or "the response")


def _leaves(rows) -> list[np.ndarray]:
    return list(rows.y) if isinstance(rows.y, tuple) else [rows.y]


def _depends(what: str) -> InputError:
    return InputError(
        f"'{what}' depends on other rows (a mean, a lag, a rank, ...), which a stream does not "
        "hold; write center(x), scale(x) or a number, or put it into the data.",
        code="stream",
        column=what,
    )


def _one_kind(found: set[str], name: str) -> str:
    for one in (("category", "text"), ("number", "bool"), ("date",)):
        if found <= set(one):
            return next((k for k in one if k in found), "number")
    raise InputError(
        f"Column '{name}' holds {' and '.join(sorted(found))} in different batches; make it one.",
        code="mixed_types",
        column=name,
    )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        keys = one.keys() == other.keys() if isinstance(other, dict) else False
        return keys and all(_equal(one[key], other[key]) for key in one)
    return np.array_equal(np.asarray(one, object), np.asarray(other, object))
