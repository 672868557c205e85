"""The documentation: every public name has a docstring and a place, and the site builds offline."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import asymptotix as asx

ROOT = Path(__file__).parent.parent
FORMULA = re.compile(r"(?<![\\$`])\$([^$`\n]+)\$(?!\d)")
PUBLIC = [*asx.__all__, *(f"sklearn.{name}" for name in asx.sklearn.__all__)]


def hook(name):
    """A file of the site's own, loaded by its path, as mkdocs does."""
    spec = importlib.util.spec_from_file_location(
        f"hook_{name}", ROOT / "docs/hooks" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public(name):
    found = asx
    for part in name.split("."):
        found = getattr(found, part)
    return found


def members(cls):
    """What a class has of this package that a user can see."""
    for name, member in inspect.getmembers_static(cls):
        shown = not name.startswith("_") and (
            inspect.isroutine(member) or isinstance(member, property | classmethod | staticmethod)
        )
        owner = next(c for c in cls.__mro__ if name in vars(c)) if shown else None
        if owner is not None and owner.__module__.startswith("asymptotix"):
            yield name


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name):
    found = public(name)
    assert inspect.getdoc(found), f"asx.{name} has no docstring"
    explained = re.search("Arguments:|arguments as in", inspect.getdoc(found))
    assert explained or not takes_arguments(found), f"asx.{name} does not explain its arguments"
    if inspect.isclass(found):
        bare = [m for m in members(found) if not inspect.getdoc(getattr(found, m))]
        assert not bare, f"asx.{name} has members without docstrings: {bare}"


def takes_arguments(found) -> bool:
    """Whether a function has parameters that must be explained."""
    return inspect.isfunction(found) and len(inspect.signature(found).parameters) > 1


def test_every_public_name_has_one_place_in_the_reference():
    pytest.importorskip("mkdocs")
    pages = hook("reference").contents()
    placed = [name for _, names in pages.values() for name in names]
    assert sorted(placed) == sorted(f"asymptotix.{name}" for name in PUBLIC)


def test_formulas_become_mathml():
    pytest.importorskip("latex2mathml")
    mathematics = hook("mathematics")
    page = r'<p>So <span class="arithmatex">\(\log f(y) &lt; 1\)</span>.</p>'
    made = mathematics.on_page_content(page)
    assert made.startswith("<p>So <math")
    assert "log</mi><mspace" in made
    assert "arithmatex" not in made


def test_every_formula_is_understood():
    """No command of TeX is left over as text: pages, and docstrings of the package."""
    pytest.importorskip("latex2mathml")
    convert = hook("mathematics").converted
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    formulas = {found for text in texts for found in FORMULA.findall(text)}
    assert len(formulas) > 300
    wrong = [f for f in formulas if re.search(r"\\[A-Za-z]|(?<!&)&(?!#|\w+;)", convert(f))]
    assert not wrong


def test_the_home_page_prints_what_the_package_prints(mroz):
    page = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    code, shown = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL).groups()
    formula = re.search(r'"(inlf .*?)"', code).group(1)
    table = str(asx.logit(formula, mroz).summary())

    def stable(text):
        return [line.rstrip() for line in text.splitlines() if "Decrement" not in line and line]

    assert stable(shown) == stable(table)


def test_the_site_builds_without_a_warning_and_without_the_network(tmp_path):
    pytest.importorskip("mkdocs")
    site = tmp_path / "site"
    environment = {
        **os.environ,
        "NO_MKDOCS_2_WARNING": "1",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "WARNING" not in run.stderr
    pages = {
        path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")
    }
    assert len(pages) > 25
    for name, text in pages.items():
        assert not re.search(r'<(?:link|script|img)[^>]+(?:href|src)="https?:', text), name
        assert "arithmatex" not in text, name
    for name in PUBLIC:
        assert f'id="asymptotix.{name}"' in "".join(
            text for page, text in pages.items() if page.startswith("reference/")
        ), name
