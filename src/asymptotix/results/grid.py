"""A table whose cells are text already: what every renderer takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class GridRow:
    """One line: its label and one text for each column."""

    label: str
    cells: tuple[str, ...]
    section: str | None = None


@dataclass(frozen=True)
class Grid:
    """Title, header pairs, columns, lines and notes, all plain text and not yet escaped."""

    title: str
    header: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    notes: tuple[str, ...]

    def sections(self) -> Iterator[tuple[str | None, list[GridRow]]]:
        """Neighbouring rows of the same section, with its name."""
        for name, rows in groupby(self.rows, key=lambda row: row.section):
            yield name, list(rows)
