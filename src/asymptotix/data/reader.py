"""A stream's rows, evaluated from the first one on whenever they are asked for."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.data.batches import Stream
from asymptotix.data.columns import column
from asymptotix.data.frames import open_source
from asymptotix.data.groups import MISSING
from asymptotix.data.recipe import Recipe, located
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS


@dataclasses.dataclass(frozen=True)
class Reader:
    """What a pass over a stream does before any sum is taken.

    Arguments:
        stream: where rows come from.
        recipe: how they are evaluated.
    """

    stream: Stream
    recipe: Recipe

    def __call__(self) -> Iterator[Rows]:
        """The rows of every stretch."""
        for rows, _, _ in self.stretches([]):
            if rows is not None:
                yield rows

    def groups(self, columns: dict[str, str], n: int) -> dict[str, np.ndarray]:
        """Codes of clusters in order of appearance, one a row, by label.

        Arguments:
            columns: for each label the name of its column.
            n: rows.
        """
        known: dict[str, dict] = {label: {} for label in columns}
        found = {label: np.full(n, MISSING, np.int32) for label in columns}
        first = 0
        names = list(dict.fromkeys(columns.values()))
        for _, kept, table in self.stretches(names):
            frame = open_source(table).frame(names)
            for label, name in columns.items():
                codes = _codes(column(frame, name)[kept], known[label])[: n - first]
                found[label][first : first + codes.size] = codes
            first += int(kept.sum())
        return found

    def stretches(self, extra: list[str]) -> Iterator[tuple[Rows | None, np.ndarray, Any]]:
        """Rows of every stretch, which of its rows they are, and its table with further columns."""
        recipe, first = self.recipe, 0
        columns = list(dict.fromkeys([*recipe.columns, *extra]))
        source = open_source(self.stream)
        source.check(columns)
        for table in self.stream.tables(columns, SLAB_ROWS):
            try:
                rows, kept = recipe.of_table(table)
            except InputError as error:
                raise located(error, first) from error.__cause__
            first += table.num_rows
            yield rows, kept, table


def _codes(identifiers: Any, known: dict) -> np.ndarray:
    """Codes of one stretch; `known` holds those of all identifiers so far, and learns new ones."""
    codes, labels = pd.factorize(identifiers)
    numbers = [known.setdefault(label, len(known)) for label in labels.tolist()]
    return np.asarray([*numbers, MISSING], np.int32)[codes]
