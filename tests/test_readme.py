"""Python sessions of pages work as pasted: all blocks, in order, in one namespace."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import asymptotix

ROOT = Path(__file__).parent.parent
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```python" in page.read_text(encoding="utf-8")
]
SOURCE = Path(asymptotix.__file__).parent.parent
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)

SESSION = """
import linecache
namespace = {"__name__": "__main__"}
for line, code in BLOCKS:
    name = f"block at line {line}"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec"), namespace)
"""


def python_blocks(text: str) -> list[tuple[int, str]]:
    """(line of the fence, code) of every ```python block."""
    return [(text.count("\n", 0, m.start()) + 1, m.group(1)) for m in BLOCK.finditer(text)]


def run_session(blocks, folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "MPLBACKEND": "Agg"}
    return subprocess.run(
        [sys.executable, "-c", f"BLOCKS = {blocks!r}\n{SESSION}"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
    )


def test_blocks_share_a_namespace_and_failures_name_their_line(tmp_path):
    text = "Hi\n```python\nx = 1\n```\n```text\nno\n```\n\n```python\nprint(x)\n1 / 0\n```\n"
    blocks = python_blocks(text)
    assert blocks == [(2, "x = 1\n"), (9, "print(x)\n1 / 0\n")]
    run = run_session(blocks, tmp_path)
    assert run.stdout == "1\n"
    assert "block at line 9" in run.stderr
    assert "ZeroDivisionError" in run.stderr
    assert run.returncode != 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sessions_work(page, tmp_path):
    blocks = python_blocks(page.read_text(encoding="utf-8"))
    assert blocks, f"{page.name} has no block that can be run"
    run = run_session(blocks, tmp_path)
    assert run.returncode == 0, run.stderr
