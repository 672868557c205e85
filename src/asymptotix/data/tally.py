"""What is kept of a stream that is read once: rows spread evenly, and how often responses occur."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from asymptotix.data.columns import column, kind, tidy_column

SAMPLE_ROWS = 16_384
"""Rows at least that a sample has."""
FEW = 4096
"""Different responses up to which they are counted."""


class Spread:
    """Every so-manieth row of a stream of unknown length: between one and two samples."""

    def __init__(self):
        self.step, self.parts, self.at = 1, [], []

    def add(self, frame: pd.DataFrame, first: int) -> None:
        """Rows whose positions are multiples of the step, which doubles when there are many."""
        start = -first % self.step
        # A copy, since a view would keep the whole stretch alive.
        self._append(frame.iloc[start :: self.step].copy(), first + start)
        while sum(map(len, self.parts)) > 2 * SAMPLE_ROWS:
            self._thin()

    def _append(self, part: pd.DataFrame, first: int) -> None:
        if len(part):
            self.parts.append(part)
            self.at.append(first + self.step * np.arange(len(part)))

    def keep(self, most: int) -> None:
        """At most so many of the rows, still evenly spread."""
        if self.parts:
            whole = pd.concat(self.parts, ignore_index=True)
            self.parts = [whole.iloc[:: -(-len(whole) // most)].copy()]

    def _thin(self) -> None:
        self.step *= 2
        masks = [where % self.step == 0 for where in self.at]
        kept = [(p[m], a[m]) for p, a, m in zip(self.parts, self.at, masks, strict=True) if m.any()]
        self.parts, self.at = [p for p, _ in kept], [a for _, a in kept]


class Tally:
    """How often each response occurs, as long as there are few different ones."""

    def __init__(self):
        self.found: pd.DataFrame | None = None
        self.is_open = True

    def add(self, answer: pd.Series, trials, weights) -> None:
        """One stretch more."""
        if not self.is_open:
            return
        part = pd.DataFrame(
            {
                "y": answer.astype(object) if kind(answer) == "category" else answer.to_numpy(),
                "trials": 0.0 if trials is None else trials,
                "weight": np.ones(len(answer)) if weights is None else weights,
            }
        )
        self.has_trials = trials is not None
        self._add(_grouped(part))

    def merge(self, other: Tally) -> None:
        """Responses that were counted elsewhere."""
        self.is_open = self.is_open and other.is_open
        if self.is_open and other.found is not None:
            self.has_trials = other.has_trials
            self._add(other.found)

    def _add(self, found: pd.DataFrame) -> None:
        if self.found is not None:
            found = _grouped(pd.concat([self.found, found], ignore_index=True))
        self.found, self.is_open = found, len(found) <= FEW

    def values(self) -> tuple[pd.Series, Any, np.ndarray]:
        """Responses, trials and weights."""
        assert self.found is not None
        answers = tidy_column(column(self.found, "y"), "response")
        trials = self.found["trials"].to_numpy() if self.has_trials else None
        return answers, trials, self.found["weight"].to_numpy()


def _grouped(frame: pd.DataFrame) -> Any:
    return frame.groupby(["y", "trials"], sort=False, as_index=False)["weight"].sum()
