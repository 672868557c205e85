"""The record that every verb returns."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.reference import Reference
from asymptotix.effects.estimates import Estimates, tidy
from asymptotix.effects.hypotheses import tested
from asymptotix.results.table import Row, Table
from asymptotix.results.text import panels

SHOWN = 30
"""Rows that are printed; `.frame` holds all of them."""
MOST_DESCRIBED = 3
"""Variables that are printed beside predictions of a few rows."""
WIDTH = 80
"""Of the text within which variables are printed beside predictions."""
_HEADS = {"contrast": "Contrast", "component": "Component"}
_NUMBERS = ("estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class EffectTable:
    """Predictions, comparisons or slopes with their uncertainty.

    Attributes:
        title: what was computed.
        frame: one row an estimate: term, contrast, by-columns, then estimate, std.error,
            statistic, p.value, conf.low, conf.high.
        estimates: the same as vectors, with their joint covariance.
        header: how it was computed, as pairs.
        notes: what else to know, one sentence each.
        reference, confidence: of the intervals.
        described: columns of `frame` that are printed beside the row's number.
    """

    title: str
    frame: pd.DataFrame
    estimates: Estimates
    header: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    reference: Reference
    confidence: float
    described: tuple[str, ...] = ()

    @property
    def covariance(self) -> np.ndarray:
        """The covariance matrix of the estimates, before any `transform`."""
        return self.estimates.covariance

    def hypotheses(self, hypothesis: Any, *, confidence: float | None = None) -> "EffectTable":
        """Tests of functions of these estimates, as in `Results.hypotheses`.

        Arguments:
            hypothesis: an expression such as `"b1 = b2"`, a list of them, `"pairwise"`,
                `"reference"`, `"sequential"`, a number, a matrix, or a function.
            confidence: coverage of the intervals.
        """
        found = tested(self.estimates, hypothesis)
        level = self.confidence if confidence is None else confidence
        return effect_table("Hypotheses", found, self.reference, level, self.header)

    def summary(self) -> Table:
        """The table: prints as text, HTML in a notebook, LaTeX and Markdown.

        Described variables stay behind in `.frame` where they would break its lines.
        """
        shown = len(self.described)
        table = self._table(shown)
        while shown and len(panels(table.grid(), WIDTH)) > 1:
            shown -= 1
            table = self._table(shown)
        return table

    def _table(self, n_described: int) -> Table:
        given = self.estimates.labels
        first = next((c for c in ("term", "rowid", "component") if c in given), None)
        told = [c for c in given if c != first] + list(self.described[:n_described])
        shared = self._shared(told)
        told = [c for c in told if c not in shared]
        shown = self.frame.head(SHOWN)
        labels = [""] * len(shown) if first is None else list(map(_word, shown[first]))
        with np.errstate(divide="ignore"):
            numbers = shown[list(_NUMBERS)].assign(**{"p.value": np.log(shown["p.value"])})
        rows = tuple(
            Row(label, (*map(_word, words), *map(float, values)))
            for label, words, values in zip(
                labels, shown[told].to_numpy(object), numbers.to_numpy(float), strict=True
            )
        )
        more = len(self.frame) - SHOWN
        notes = (f"{more} more rows in .frame.",) if more > 0 else ()
        if rest := ", ".join(self.described[n_described:]):
            notes = (*notes, f"Not shown but in .frame: {rest}.")
        percent = f"{100 * self.confidence:g}%"
        heads = ("Estimate", "Std. error", self.reference.symbol, "p", f"{percent} low", "high")
        kinds: tuple[Any, ...] = ("estimate", "error", "statistic", "log_p", "bound", "bound")
        return Table(
            title=self.title,
            header=(*self.header, *((_HEADS.get(c, c), word) for c, word in shared.items())),
            columns=(*map(str, told), *heads),
            rows=rows,
            notes=(*notes, *self.notes),
            kinds=(*("statistic" for _ in told), *kinds),
        )

    def _shared(self, labels: list) -> dict[str, str]:
        """Labels that are the same in all rows, which then stand above them."""
        if len(self.frame) < 2:
            return {}
        words = {str(c): set(map(_word, self.frame[c])) for c in labels}
        return {c: found.pop() for c, found in words.items() if len(found) == 1}

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return self.summary().to_text()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self.summary().to_html()


def effect_table(
    title: str,
    estimates: Estimates,
    reference: Reference,
    confidence: float,
    header: tuple[tuple[str, str], ...] = (),
    notes: tuple[str, ...] = (),
    transform: Callable | None = None,
    beside: pd.DataFrame | None = None,
) -> EffectTable:
    """The record of some estimates.

    Arguments:
        title, header, notes: what was computed, and how.
        estimates: the estimates.
        reference, confidence: of tests and intervals.
        transform: applied to estimates and limits; errors are then withheld.
        beside: further columns, one row an estimate.
    """
    frame = tidy(estimates, reference, confidence)
    if estimates.null:
        notes = (*notes, f"Tests are of the null value {estimates.null:g}.")
    if transform is not None:
        for name in ("estimate", "conf.low", "conf.high"):
            frame[name] = _transformed(transform, frame[name].to_numpy())
        low, high = frame["conf.low"].copy(), frame["conf.high"].copy()
        frame["conf.low"], frame["conf.high"] = np.fmin(low, high), np.fmax(low, high)
        frame["std.error"] = np.nan
        notes = (*notes, "Estimates and limits are transformed; tests are of the untransformed.")
    described: tuple[str, ...] = ()
    if beside is not None and len(beside) == len(frame):
        fresh = [c for c in beside if c not in frame and not str(c).startswith(" ")]
        added = beside.loc[:, fresh]
        frame = pd.concat([frame, added], axis=1)
        described = _varying(added) if "term" not in frame else ()
    return EffectTable(title, frame, estimates, header, notes, reference, confidence, described)


def _transformed(transform: Callable, values: np.ndarray) -> np.ndarray:
    """The function of the vector of estimates, or of limits: as many numbers again."""
    try:
        found = np.asarray(transform(values), float)
    except TypeError as error:
        raise InputError(
            f"transform= cannot be applied to a vector of numbers ({error}); it must be a "
            "function of arrays, such as numpy.exp.",
            code="option",
            column="transform",
        ) from error
    if found.shape != values.shape:
        raise InputError(
            f"transform= makes an array of shape {found.shape} of one of shape {values.shape}; it "
            "must return a number for each number.",
            code="option",
            column="transform",
        )
    return found


def _varying(variables: pd.DataFrame) -> tuple[str, ...]:
    """What tells a few rows apart, such as the variables of a grid; nothing if it is much."""
    if len(variables) > SHOWN:
        return ()
    names = tuple(str(c) for c, column in variables.items() if column.nunique(dropna=False) > 1)
    return names if len(names) <= MOST_DESCRIBED else ()


def _word(value: Any) -> str:
    """A label as a person writes it: 8 and not 8.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)
