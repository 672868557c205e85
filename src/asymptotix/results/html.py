"""A table as an HTML fragment that carries its own style."""

import re
from html import escape

from asymptotix.results.grid import Grid, GridRow

NEGATIVE = re.compile(r"(?:(?<=^)|(?<=[(\[])|(?<=, ))-(?=[\d∞])")
RULE = "1px solid currentColor"
PLAIN = "background:transparent;border:none;padding:0.15em 0.6em;"


def render_html(grid: Grid) -> str:
    """The table in the page's own colours, so that it reads on light and dark ones."""
    n_columns = len(grid.columns) + 1
    body = []
    for section, rows in grid.sections():
        if section is not None:
            body.append(row_of(heading(section, "left", f' colspan="{n_columns}"')))
        body += [row_of(heading(r.label, "left", ' scope="row"'), *data(r)) for r in rows]
    head = row_of(heading("", "left"), *(heading(c, "right", ' scope="col"') for c in grid.columns))
    return "\n".join(
        [
            '<div class="asymptotix" style="color:inherit;overflow-x:auto">',
            f'<p style="font-weight:bold;margin:0.3em 0">{escape(grid.title)}</p>',
            *header_table(grid.header),
            f'<table style="border-collapse:collapse;border-top:{RULE};border-bottom:{RULE}">',
            f'<thead style="border-bottom:{RULE}">',
            head,
            "</thead>",
            "<tbody>",
            *body,
            "</tbody>",
            "</table>",
            *(f'<p style="font-size:smaller;margin:0.3em 0">{escape(n)}</p>' for n in grid.notes),
            "</div>",
        ]
    )


def header_table(header: tuple[tuple[str, str], ...]) -> list[str]:
    """The (label, value) pairs, two on a line."""
    if not header:
        return []
    lines = [
        row_of(*(heading(k, "left") + cell(minus(v), "left") for k, v in header[i : i + 2]))
        for i in range(0, len(header), 2)
    ]
    return [
        '<table style="border-collapse:collapse;margin-bottom:0.5em">',
        "<tbody>",
        *lines,
        "</tbody>",
        "</table>",
    ]


def data(row: GridRow) -> list[str]:
    """The cells of one line, with a proper minus sign before numbers."""
    return [cell(minus(c), "right") for c in row.cells]


def minus(text: str) -> str:
    """The text with minus signs in place of the hyphens before its numbers."""
    return NEGATIVE.sub("\N{MINUS SIGN}", text)


def row_of(*cells: str) -> str:
    """One table row."""
    return f'<tr style="background:transparent">{"".join(cells)}</tr>'


def heading(text: str, align: str, attributes: str = "") -> str:
    """A heading cell."""
    weight = "font-weight:normal;" if "row" in attributes else ""
    style = f"{PLAIN}{weight}text-align:{align}"
    return f'<th{attributes} style="{style}">{escape(text)}</th>'


def cell(text: str, align: str) -> str:
    """A data cell."""
    return f'<td style="{PLAIN}text-align:{align}">{escape(text)}</td>'
