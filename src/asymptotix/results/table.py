"""The one table object behind every printed result."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asymptotix.core.lazy import LazyModule
from asymptotix.results.grid import Grid, GridRow
from asymptotix.results.numbers import (
    MISSING,
    Kind,
    column_decimals,
    number,
    p_value,
    statistic,
)
from asymptotix.results.text import render_text

if TYPE_CHECKING:
    from asymptotix.results import html, latex, markdown, typst
else:
    html = LazyModule("asymptotix.results.html")
    latex = LazyModule("asymptotix.results.latex")
    markdown = LazyModule("asymptotix.results.markdown")
    typst = LazyModule("asymptotix.results.typst")

Cell = float | int | str | None
"""A number (an integer is a count), text printed as it is, or None; NaN is a withheld number."""


@dataclass(frozen=True)
class Row:
    """One line of a table, such as one coefficient.

    Arguments:
        label: what the line is about.
        cells: one cell for each column of the table.
        section: the heading under which the line stands, such as `"Nuisance parameters"`.
    """

    label: str
    cells: tuple[Cell, ...]
    section: str | None = None


@dataclass(frozen=True, repr=False)
class Table:
    """A table that prints as text, HTML, LaTeX, Markdown and Typst, with the same digits in each.

    Arguments:
        title: one line above the table.
        header: (label, value) pairs, shown two by two in reading order.
        columns: the headings.
        rows: the lines; neighbours of the same section stand under one heading.
        notes: sentences below the table.
        kinds: how each column's numbers are printed; all as estimates when left out.
        detailed: whether small p-values are printed as powers of ten.
    """

    title: str
    header: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    detailed: bool = False

    def __post_init__(self):
        if self.kinds and len(self.kinds) != len(self.columns):
            raise ValueError(f"{len(self.kinds)} kinds for {len(self.columns)} columns")
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"row {row.label!r} has {len(row.cells)} cells for {len(self.columns)} columns"
                )

    def grid(self) -> Grid:
        """The same table with every cell formatted."""
        kinds = self.kinds or ("estimate",) * len(self.columns)
        cells = [[row.cells[j] for row in self.rows] for j in range(len(self.columns))]
        decimals = column_decimals(kinds, [numbers_in(column) for column in cells])
        columns = [
            [self._formatted(cell, kind, places) for cell in column]
            for column, kind, places in zip(cells, kinds, decimals, strict=True)
        ]
        rows = (
            GridRow(row.label, tuple(column[i] for column in columns), row.section)
            for i, row in enumerate(self.rows)
        )
        return Grid(self.title, self.header, self.columns, tuple(rows), self.notes)

    def _formatted(self, cell: Cell, kind: Kind, decimals: int | None) -> str:
        if cell is None:
            return MISSING
        if isinstance(cell, str):
            return cell
        if isinstance(cell, int):
            return str(cell)
        if kind == "log_p":
            return p_value(cell, detailed=self.detailed)
        if kind == "statistic":
            return statistic(cell)
        return number(cell, decimals)

    def to_text(self, width: int = 80) -> str:
        """Plain text, no line wider than `width`."""
        return render_text(self.grid(), width)

    def to_html(self) -> str:
        """A fragment that needs no style sheet and reads on light and dark pages."""
        return html.render_html(self.grid())

    def to_latex(self) -> str:
        r"""A `table` environment that needs `\usepackage{booktabs}`."""
        return latex.render_latex(self.grid())

    def to_markdown(self) -> str:
        """A pipe table."""
        return markdown.render_markdown(self.grid())

    def to_typst(self) -> str:
        """A `figure` for Typst, which needs no package."""
        return typst.render_typst(self.grid())

    def __str__(self) -> str:
        return self.to_text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_html()


def numbers_in(cells: list[Cell]) -> list[float]:
    """The cells that are numbers to be given common decimals."""
    return [float(c) for c in cells if c is not None and not isinstance(c, str | int)]
