"""The paper's numbers: some are computed again, and each one in the text comes from the results."""

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path

import pytest

PAPER = Path(__file__).parent.parent / "paper"
if not PAPER.exists():
    pytest.skip("there is no paper beside these tests", allow_module_level=True)
sys.path.insert(0, str(PAPER))

import build  # noqa: E402
import quote  # noqa: E402

sys.path.remove(str(PAPER))

TEXT = (PAPER / "asymptotix.tex").read_text(encoding="utf-8")
BODY = re.sub(r"(?<!\\)%.*", "", TEXT[TEXT.index(r"\begin{document}") :])
MACRO = re.compile(r"\\([A-Z][A-Za-z]+)")
COMMANDS = {"Bigl", "Bigr", "Lambda"}
LISTINGS = sorted(path.stem for path in (PAPER / "listings").glob("*.py"))


@pytest.fixture(scope="module")
def generated():
    return quote.everything()


def test_the_kept_numbers_are_those_of_the_results(generated):
    """`make paper` was run after the results changed."""
    for name, text in generated.items():
        kept = (PAPER / "generated" / name).read_text(encoding="utf-8")
        assert kept == text, f"{name} is stale: run make paper"


@pytest.mark.parametrize("name", quote.STUDIES)
def test_the_results_are_those_of_the_script(name):
    script = PAPER / "studies" / f"{name}.py"
    assert quote.common.is_current(script), f"{name} is stale: run make paper"


@pytest.mark.parametrize("name", quote.STUDIES)
def test_some_numbers_of_each_study_again(name):
    assert quote.study(name).quick() > 0


def test_a_changed_number_is_found():
    lpm = quote.study("lpm")
    table = lpm.populations(("uniform",), (1.0,), (0.2,))
    columns, keys = {"slope": 1e-9}, ["covariate", "effect", "rate"]
    assert quote.common.compare("lpm_population", table, keys, columns) == 1
    with pytest.raises(quote.common.Mismatch, match="slope"):
        changed = table.assign(slope=table["slope"] * 1.0001)
        quote.common.compare("lpm_population", changed, keys, columns)
    with pytest.raises(quote.common.Mismatch, match="no row"):
        quote.common.compare("lpm_population", table.assign(rate=0.21), keys, columns)


def test_every_number_of_the_text_is_made_and_every_number_made_is_used(generated):
    made = set(re.findall(r"\\newcommand\{\\(\w+)\}", generated["numbers.tex"]))
    own = set(re.findall(r"\\newcommand\{\\(\w+)\}", TEXT))
    used = set(MACRO.findall(TEXT)) - own - COMMANDS
    assert used == made


LAYOUT = (
    r"\\(?:input|includegraphics|ref|label|cite\w*|bibliography\w*)(?:\[[^]]*\])*\{.*?\}",
    r"\\begin\{minipage\}.*",
    r"\\setlength.*",
    r"\\log_\{10\}",
)


def test_no_number_is_typed_by_hand():
    """Single digits name things (HC0, a half); anything longer, and any decimal, is a macro."""
    plain = re.sub("|".join(LAYOUT), "", BODY)
    assert re.findall(r"\d+\.\d+|\d{2,}", plain) == []


def test_citations_and_files_exist():
    keys = re.findall(r"\\cite\w*(?:\[[^]]*\])*\{([^}]*)\}", BODY)
    cited = {key.strip() for group in keys for key in group.split(",")}
    bibliography = (PAPER / "references.bib").read_text(encoding="utf-8")
    assert cited == set(re.findall(r"^@\w+\{(\w+),", bibliography, re.MULTILINE))
    for name in re.findall(r"\\input\{(.*?)\}", TEXT):
        assert (PAPER / f"{name}.tex").exists(), name
    for name in re.findall(r"\\includegraphics\{(.*?)\}", TEXT):
        assert (PAPER / f"{name}.pdf").exists(), name
    assert sorted(re.findall(r"^\\listing\{(\w+)\}", BODY, re.MULTILINE)) == LISTINGS


@pytest.mark.parametrize("name", LISTINGS)
def test_listings_print_what_the_paper_shows(name):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(str(PAPER / "listings" / f"{name}.py"))
    kept = (PAPER / "generated" / f"{name}.txt").read_text(encoding="utf-8")
    assert build.same_output(out.getvalue(), kept), out.getvalue()


def test_outputs_may_differ_by_rounding_only():
    assert build.same_output("Decrement: 1.2e-13, b = 0.5", "Decrement: 9.8e-15, b = 0.5")
    assert not build.same_output("Decrement: 1.2e-13, b = 0.5", "Decrement: 9.8e-15, b = 0.6")
    assert not build.same_output("b = 0.5", "c = 0.5")
