"""Comparisons as a table, a page and a file for programs."""

import html
import importlib.metadata
import math
import platform
from typing import Any

from asymptotix.results.table import Row, Table
from asymptotix.validation.comparison import Comparison

PACKAGES = ("asymptotix", "statsmodels", "jax", "numpy", "scipy")


def passed(comparisons: list[Comparison]) -> bool:
    """Whether there are comparisons, and none fails."""
    return bool(comparisons) and all(c.passed for c in comparisons)


def verdict(comparisons: list[Comparison]) -> str:
    """The outcome in one sentence."""
    failed = [c for c in comparisons if not c.passed]
    models = len({(c.data, c.model) for c in comparisons})
    total = f"{len(comparisons)} quantities of {models} model{'s' * (models != 1)}"
    if not failed:
        return f"{total} agree within their tolerances."
    names = dict.fromkeys(f"{c.data}: {c.model}" for c in failed)
    return f"{len(failed)} of {total} FAIL: {'; '.join(names)}."


def table(comparisons: list[Comparison]) -> Table:
    """One line a quantity, one section a model; notes are numbered."""
    notes = list(dict.fromkeys(c.note for c in comparisons if c.note))
    numbers = {note: f"{i}" for i, note in enumerate(notes, start=1)}
    return Table(
        title="Asymptotix against statsmodels",
        header=tuple(versions().items()),
        columns=("Against", "Differs", "Allowed", "Verdict", "Note"),
        rows=tuple(
            Row(c.quantity, cells(c, numbers.get(c.note, "")), f"{c.data}: {c.model}")
            for c in comparisons
        ),
        notes=(
            verdict(comparisons),
            "Differences are relative, the largest of all parameters. Against: classes of "
            "statsmodels, solved to the last digit; own maximum: NumPy and complex steps.",
            *(f"{i}: {note.rstrip('.')}." for note, i in numbers.items()),
        ),
    )


def cells(c: Comparison, note: str) -> tuple[str, ...]:
    """A comparison as text."""
    word = "pass" if c.passed else "FAIL"
    return c.oracle, f"{c.difference:.0e}", f"{c.tolerance:.0e}", word, note


def versions() -> dict[str, str]:
    """Of Python and the packages that the numbers come from."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {**found, "Python": platform.python_version()}


def page(comparisons: list[Comparison]) -> str:
    """The table as a page that needs nothing else."""
    told = html.escape(verdict(comparisons))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            "<title>Asymptotix: validation</title>",
            "<style>",
            ":root { color-scheme: light dark; font-family: system-ui, sans-serif }",
            "body { max-width: 60em; margin: 2em auto; padding: 0 1em }",
            "</style>",
            "</head>",
            "<body>",
            "<h1>Validation</h1>",
            f"<p>{told}</p>",
            table(comparisons).to_html(),
            "</body>",
            "</html>",
            "",
        ]
    )


def as_json(comparisons: list[Comparison]) -> dict[str, Any]:
    """Everything for a program; a difference that is no number is null."""
    return {
        "passed": passed(comparisons),
        "versions": versions(),
        "comparisons": [
            {
                "data": c.data,
                "model": c.model,
                "quantity": c.quantity,
                "oracle": c.oracle,
                "difference": c.difference if math.isfinite(c.difference) else None,
                "tolerance": c.tolerance,
                "passed": c.passed,
                "note": c.note,
            }
            for c in comparisons
        ],
    }
