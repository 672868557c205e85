"""The notebooks run, from the first cell to the last, and hold what they held when last run.

Their claims are assertions in their own cells. `make notebooks` executes them in place.
"""

import re
from pathlib import Path

import pytest

from test_readme import run_session

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STUDIES = {
    "labour_force",
    "s1_linear_boundary",
    "s2_by_hand",
    "s3_regression_to_networks",
    "s4_against_statsmodels",
    "s5_circles",
}
LARGEST = 600_000
MACHINE = re.compile(r"/(?:home|root|tmp|work|Users)/\w")

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path):
    return nbformat.read(path, as_version=4).cells


def test_there_is_one_for_each_study():
    assert {path.stem for path in NOTEBOOKS} >= STUDIES


@each
def test_they_run(path, tmp_path):
    code = [(i, cell.source) for i, cell in enumerate(cells(path), 1) if cell.cell_type == "code"]
    assert any("assert " in source for _, source in code)
    run = run_session(code, tmp_path)
    assert run.returncode == 0, run.stderr[-3000:]


@each
def test_outputs_are_kept_whole_and_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert not MACHINE.search(text)
    assert f"python notebooks/run.py {path.stem}" in text
    code = [cell for cell in cells(path) if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not any(output.output_type == "error" for output in outputs)
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert pictures >= 2


@each
def test_every_axis_that_a_notebook_makes_is_labelled(path):
    """Pictures of the package label themselves; those made by hand must do so."""
    for cell in cells(path):
        if cell.cell_type == "code" and re.search(
            r"\b(ax|left|right)\.(plot|scatter|hist)\(", cell.source
        ):
            labelled = "label(" in cell.source or "asx." in cell.source
            assert labelled or "def " in cell.source, cell.source
