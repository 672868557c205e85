"""A table as LaTeX, with booktabs rules."""

import re

from asymptotix.results.grid import Grid

SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "_": r"\_",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "$": r"\$",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "*": r"{*}",
        "[": r"{[}",
        "]": r"{]}",
        "∞": r"$\infty$",
        "²": r"$^2$",
        "χ": r"$\chi$",
        "≥": r"$\geq$",
        "≤": r"$\leq$",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "−": r"$-$",
        "—": "---",
        "–": "--",
        "…": r"\ldots{}",
    }
)
NUMBER = re.compile(r"([<>]?)(-?)(\d+(?:\.\d*)?|∞)(?:e([+-]\d+))?")
ONE = r"[<>]?-?(?:\d+(?:\.\d*)?|∞)(?:e[+-]\d+)?"
CELL = re.compile(rf"({ONE}|\({ONE}\)|\[{ONE}, {ONE}\])(\**)")
PIECE = re.compile(rf"{ONE}|[\[\]]")


def render_latex(grid: Grid) -> str:
    """The table in a `table` environment; header pairs and notes stand below it."""
    n_columns = len(grid.columns) + 1
    body = []
    for i, (section, rows) in enumerate(grid.sections()):
        if i:
            body.append(r"\addlinespace")
        if section is not None:
            body.append(rf"\multicolumn{{{n_columns}}}{{l}}{{\emph{{{escaped(section)}}}}} \\")
        body += [line(escaped(row.label), *map(latex_cell, row.cells)) for row in rows]
    pairs = "; ".join(f"{escaped(label)}: {latex_cell(value)}" for label, value in grid.header)
    below = [f"{pairs}." if pairs else "", *map(escaped, grid.notes)]
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{escaped(grid.title)}}}",
            rf"\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
            r"\toprule",
            line("", *map(escaped, grid.columns)),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\smallskip{{\footnotesize {text}\par}}" for text in below if text),
            r"\end{table}",
        ]
    )


def line(*cells: str) -> str:
    """One table row."""
    return rf"{' & '.join(cells)} \\".lstrip()


def latex_cell(text: str) -> str:
    """Numbers in mathematics, with powers of ten spelled out; anything else escaped.

    A cell may hold a number, one in parentheses, an interval, and stars.
    """
    match = CELL.fullmatch(text)
    if match is None:
        return escaped(text)
    inner, stars = match.groups()
    raised = f"$^{{{stars}}}$" if stars else ""
    return PIECE.sub(lambda piece: in_mathematics(piece[0]), inner) + raised


def in_mathematics(text: str) -> str:
    """A number as LaTeX sets it, or text of a cell that is none."""
    match = NUMBER.fullmatch(text)
    if match is None:
        return escaped(text)
    sign, minus, digits, power = match.groups()
    digits = digits.replace("∞", r"\infty")
    times = rf" \times 10^{{{int(power)}}}" if power else ""
    return f"${sign}{minus}{digits}{times}$"


def escaped(text: str) -> str:
    """The text with everything that LaTeX would read as a command made literal."""
    return text.translate(SPECIAL)
