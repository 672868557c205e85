"""Every page of the documentation works as pasted: its blocks in order, in one namespace."""

from pathlib import Path

import pytest

from test_readme import python_blocks, run_session

PAGES = sorted(
    page for page in (Path(__file__).parent.parent / "docs").glob("*.md")
    if python_blocks(page.read_text(encoding="utf-8"))
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_works(page, tmp_path):
    run = run_session(python_blocks(page.read_text(encoding="utf-8")), tmp_path)
    assert run.returncode == 0, run.stderr
