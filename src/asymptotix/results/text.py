"""A table as plain text of limited width."""

import textwrap
import unicodedata

from asymptotix.results.grid import Grid

GAP = 2
SHORTEST_LABEL = 16


def render_text(grid: Grid, width: int = 80) -> str:
    """The table as text; labels are shortened in the middle, columns that do not fit follow below.

    Arguments:
        grid: the formatted table.
        width: the largest number of columns of the screen that a line may take (at least 40).
    """
    width = max(width, 40)
    lines = [line.center(width).rstrip() for line in wrapped(grid.title, width)]
    lines += ["=" * width, *header_lines(grid.header, width)]
    for columns in panels(grid, width):
        lines += [*panel_lines(grid, columns, width)]
    lines.append("=" * width)
    for note in grid.notes:
        lines += wrapped(note, width)
    return "\n".join(lines)


def header_lines(header: tuple[tuple[str, str], ...], width: int) -> list[str]:
    """Pairs side by side; one that is longer than half a line takes lines of its own."""
    half = (width - GAP) // 2
    lines, left = [], None
    for label, value in header:
        label, value = f"{one_line(label)}:", one_line(value)
        if screen_width(label) + 1 + screen_width(value) > half:
            lines += [] if left is None else [left.rstrip()]
            lines += wrapped(f"{label} {value}", width, "    ")
            left = None
            continue
        pair = label + " " * (half - screen_width(label) - screen_width(value)) + value
        if left is None:
            left = pair
        else:
            lines.append(left + " " * (width - 2 * half) + pair)
            left = None
    return lines + ([] if left is None else [left.rstrip()])


def panels(grid: Grid, width: int) -> list[list[int]]:
    """Runs of columns that fit beside a label of reasonable length."""
    room = width - label_room(grid, width)
    found, used = [[]], 0
    for j in range(len(grid.columns)):
        need = column_width(grid, j, width) + GAP
        if found[-1] and used + need > room:
            found.append([])
            used = 0
        found[-1].append(j)
        used += need
    return found


def label_room(grid: Grid, width: int) -> int:
    """The least columns in which all labels stay apart, where every column leaves them as many."""
    labels = {one_line(r.label) for r in grid.rows}
    longest = max(map(screen_width, labels), default=0)
    widest = max((column_width(grid, j, width) for j in range(len(grid.columns))), default=0)
    least = min(longest, SHORTEST_LABEL)
    for room in range(least, min(longest, width - GAP - widest) + 1):
        if len({shortened(label, room) for label in labels}) == len(labels):
            return room
    return least


def column_width(grid: Grid, j: int, width: int) -> int:
    """The widest cell of a column, up to what a line can hold beside a label."""
    cells = [grid.columns[j], *(row.cells[j] for row in grid.rows)]
    return min(max(screen_width(one_line(c)) for c in cells), width - SHORTEST_LABEL - GAP)


def panel_lines(grid: Grid, columns: list[int], width: int) -> list[str]:
    """A heading, the lines under their sections, for some of the columns."""
    widths = [column_width(grid, j, width) for j in columns]
    label_width = width - sum(widths) - GAP * len(columns)

    def line(label: str, cells: list[str]) -> str:
        parts = [padded(shortened(one_line(label), label_width), label_width)]
        for cell, size in zip(cells, widths, strict=True):
            parts.append(" " * GAP + padded(shortened(one_line(cell), size), size, right=True))
        return "".join(parts).rstrip()

    lines = ["-" * width, line("", [grid.columns[j] for j in columns]), "-" * width]
    for section, rows in grid.sections():
        if section is not None:
            lines.append(shortened(one_line(section), width))
        lines += [line(row.label, [row.cells[j] for j in columns]) for row in rows]
    return lines


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def screen_width(text: str) -> int:
    """Columns that a text takes on a screen: wide characters two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def padded(text: str, width: int, right: bool = False) -> str:
    """The text filled with spaces to `width` columns of the screen."""
    space = " " * (width - screen_width(text))
    return space + text if right else text + space


def shortened(text: str, width: int) -> str:
    """The text with its middle replaced by an ellipsis where it is wider than `width`."""
    if screen_width(text) <= width:
        return text
    if text.isascii():  # a character a column
        last = (width - 1) // 2
        return f"{text[: width - 1 - last]}…{text[len(text) - last :]}"
    head, tail = "", ""
    for i in range(len(text)):  # one character more at each end in turn, while it fits
        longer = (head + text[len(head)], tail) if i % 2 == 0 else (head, text[-len(tail) - 1 :])
        if screen_width("".join(longer)) + 1 > width:
            break
        head, tail = longer
    return f"{head}…{tail}"


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The text broken into lines; the later ones are indented."""
    lines = textwrap.wrap(one_line(text), width, subsequent_indent=indent)
    if all(screen_width(line) <= width for line in lines):
        return lines
    # wide characters: half as many of them fit
    return textwrap.wrap(one_line(text), width // 2, subsequent_indent=indent)
