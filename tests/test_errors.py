"""The catalogue of errors: every code that is raised, and no other, with cause and remedy."""

import ast
import re
from pathlib import Path

import asymptotix as asx

ROOT = Path(__file__).parent.parent
SOURCE = Path(asx.__file__).parent
ROW = re.compile(r"^\| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)

TAKEN_ON = {"cause.code", "error.code", "code"}
"""Codes of errors that are told again: with more about where, or in another process."""
NAMED = {
    "data/response.py": {"weights", "offset", "trials"},
    "cli.py": {"family", "link", "benchmark"},
}
"""Files in which the code is what an argument is called, and what it may be."""


def raised():
    """(file, code) of every error in the source, and the code expressions that are no text."""
    found, other = set(), set()
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and "InputError" in ast.unparse(node.func)):
                continue
            (code,) = (k.value for k in node.keywords if k.arg == "code")
            texts = [c.value for c in ast.walk(code) if isinstance(c, ast.Constant)]
            if isinstance(code, ast.IfExp):
                texts = [c.value for c in (code.body, code.orelse) if isinstance(c, ast.Constant)]
            if texts:
                found |= {(name, text) for text in texts}
            elif ast.unparse(code) not in TAKEN_ON:
                other.add((name, ast.unparse(code)))
    return found, other


def catalogue():
    return ROW.findall((ROOT / "docs" / "errors.md").read_text(encoding="utf-8"))


def test_every_code_is_in_the_catalogue_and_every_entry_is_raised():
    found, other = raised()
    assert {name for name, _ in other} == set(NAMED)
    codes = {code for _, code in found} | set().union(*NAMED.values())
    assert {code for code, _, _ in catalogue()} == codes


def test_entries_are_unique_and_sorted_within_their_sections():
    codes = [code for code, _, _ in catalogue()]
    assert len(codes) == len(set(codes))
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        listed = [code for code, _, _ in ROW.findall(section)]
        assert listed == sorted(listed)


def test_an_error_is_told_with_its_code_column_and_rows():
    error = asx.InputError("Said.", code="shape", column="x", rows=range(3))
    assert isinstance(error, ValueError)
    assert (str(error), error.code, error.column, error.rows) == ("Said.", "shape", "x", (0, 1, 2))
