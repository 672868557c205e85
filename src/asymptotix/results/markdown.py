"""A table as a Markdown pipe table."""

import re

from asymptotix.results.grid import Grid

SPECIAL = re.compile(r"([\\`*_|<>\[\]~$#])")


def render_markdown(grid: Grid) -> str:
    """Title, header pairs, pipe table and notes, in paragraphs of their own."""
    body = []
    for section, rows in grid.sections():
        if section is not None:
            body.append(line(f"*{escaped(section)}*", *("" for _ in grid.columns)))
        body += [line(escaped(row.label), *map(escaped, row.cells)) for row in rows]
    table = [
        line("", *map(escaped, grid.columns)),
        line(":---", *("---:" for _ in grid.columns)),
        *body,
    ]
    pairs = " · ".join(f"{escaped(label)}: {escaped(value)}" for label, value in grid.header)
    parts = [f"**{escaped(grid.title)}**", pairs, "\n".join(table), *map(escaped, grid.notes)]
    return "\n\n".join(part for part in parts if part)


def line(*cells: str) -> str:
    """One table row."""
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """The text on one line, with everything that Markdown would read as markup made literal."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
