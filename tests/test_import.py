"""`import asymptotix` is quick and leaves no trace; the public list tells the truth."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import asymptotix

SOURCE = Path(asymptotix.__file__).parent
HEAVY = {"matplotlib", "statsmodels", "optax", "dask", "pandas", "formulaic"}
OPTIONAL = {"matplotlib", "statsmodels", "optax", "dask"}

PROBE = """
import json, sys
import jax
from jax._src import xla_bridge

before = dict(jax.config.values)
{action}
after = dict(jax.config.values)
print(json.dumps({{
    "changed": sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k)),
    "backend": xla_bridge.backends_are_initialized(),
    "modules": sorted({{name.split(".")[0] for name in sys.modules}}),
}}))
"""


def in_fresh_process(action: str) -> dict:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(action=action)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_import_has_no_side_effects():
    probe = in_fresh_process("import asymptotix")
    assert probe["changed"] == []
    assert probe["backend"] is False
    assert HEAVY & set(probe["modules"]) == set()


def test_looking_up_every_public_name_has_no_side_effects():
    probe = in_fresh_process(
        "import asymptotix as asx\nfor name in asx.__all__: getattr(asx, name)"
    )
    assert probe["changed"] == []
    assert probe["backend"] is False
    assert OPTIONAL & set(probe["modules"]) == set()


def test_every_public_name_is_where_the_list_says():
    assert len(asymptotix.__all__) == len(set(asymptotix.__all__))  # ruff keeps the order
    assert set(asymptotix.__all__) == set(asymptotix._PUBLIC)
    for name, module in asymptotix._PUBLIC.items():
        assert getattr(asymptotix, name) is getattr(importlib.import_module(module), name)
        assert name in dir(asymptotix)


def test_type_checkers_see_the_same_list():
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    ]
    told = {
        alias.asname or alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == asymptotix._PUBLIC


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(asymptotix, "no_such_name")


def test_the_cache_of_compiled_programs_is_asked_for_by_name(tmp_path):
    folder = tmp_path / "programs"
    fit = "asx.fit(asx.Logit(1), np.ones((9, 1)), np.arange(9) % 2 * 1.0)"
    probe = in_fresh_process(
        f"import numpy as np\nimport asymptotix as asx\nasx.cache({str(folder)!r})\n{fit}"
    )
    assert set(probe["changed"]) == {
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
    }
    assert list(folder.iterdir())


def test_a_cache_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(asymptotix.InputError, match="cannot be made into a folder"):
        asymptotix.cache(tmp_path / "file")
