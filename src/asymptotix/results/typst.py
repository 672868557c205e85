"""A table as Typst markup."""

import re

from asymptotix.results.grid import Grid
from asymptotix.results.html import minus

SPECIAL = re.compile(r"([\\#$*_`<>@~\[\]=+\-/])")


def render_typst(grid: Grid) -> str:
    """The table in a `figure` with rules as in books; header pairs and notes stand below it."""
    columns = len(grid.columns) + 1
    body = []
    for i, (section, rows) in enumerate(grid.sections()):
        if i:
            body.append("  table.hline(stroke: 0.3pt),")
        if section is not None:
            body.append(f"  table.cell(colspan: {columns})[_{escaped(section)}_],")
        body += [line(row.label, *map(minus, row.cells)) for row in rows]
    pairs = "; ".join(f"{label}: {minus(value)}" for label, value in grid.header)
    below = [f"{pairs}." if pairs else "", *grid.notes]
    return "\n".join(
        [
            "#figure(",
            f"  caption: [{escaped(grid.title)}],",
            "  table(",
            f"  columns: {columns}, stroke: none,",
            "  align: (x, _) => if x == 0 { left } else { right },",
            "  table.hline(),",
            f"  table.header({', '.join(f'[{escaped(c)}]' for c in ('', *grid.columns))}),",
            "  table.hline(stroke: 0.5pt),",
            *body,
            "  table.hline(),",
            "))",
            *(f"#text(size: 0.8em)[{escaped(text)}]" for text in below if text),
        ]
    )


def line(*cells: str) -> str:
    """One table row."""
    return f"  {' '.join(f'[{escaped(cell)}],' for cell in cells)}"


def escaped(text: str) -> str:
    """The text with everything that Typst would read as markup made literal."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
