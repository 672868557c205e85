"""The house keeps its floors: see "The floors" in CONTRIBUTING.md."""

import ast
import graphlib
import statistics
from pathlib import Path

import pytest

import asymptotix

FLOORS = {
    "core": 0,
    "links": 1,
    "data": 1,
    "families": 2,
    "penalties": 2,
    "predictors": 2,
    "model": 3,
    "likelihood": 4,
    "fitting": 5,
    "covariances": 6,
    "inference": 7,
    "effects": 7,
    "diagnostics": 7,
    "results": 8,
    "api": 8,
    "detection": 8,
    "networks": 8,
    "simulation": 9,
    "plots": 9,
    "sklearn": 9,
    "cli": 9,
    "demo": 9,
    "validation": 9,
    "__init__": 9,  # the flat public list
}
LONGEST_FILE = 500
MEDIAN_FILE = 150

ROOT = Path(asymptotix.__file__).parent


def module_name(path: Path) -> str:
    parts = ("asymptotix", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def room(module: str) -> str:
    """The package or top-level file that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported_modules(source: str, module: str, is_package: bool, known) -> set[str]:
    """The modules of the package that `source` imports, wherever in the file it does so."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "asymptotix"}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = module.split(".")
                up = node.level - 1 if is_package else node.level
                base = ".".join(here[: len(here) - up] + ([base] if base else []))
            if base.split(".")[0] == "asymptotix":
                for a in node.names:
                    full = f"{base}.{a.name}"
                    found.add(full if full in known else base)
    return found


def imports_of(module: str) -> set[str]:
    path = MODULES[module]
    return imported_modules(path.read_text(), module, path.name == "__init__.py", MODULES)


IMPORTS = {module: imports_of(module) for module in MODULES}


def first_cycle(graph) -> list[str]:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_the_walk_resolves_every_form_of_import():
    source = """
import asymptotix.core.errors
from asymptotix.links import base, LogitLink
from . import sibling
from ..core import typing
import numpy
def late():
    from asymptotix.model.regression import Regression
"""
    known = {"asymptotix.links.base", "asymptotix.data.sibling", "asymptotix.core.typing"}
    assert imported_modules(source, "asymptotix.data.rows", False, known) == {
        "asymptotix.core.errors",
        "asymptotix.links.base",
        "asymptotix.links",
        "asymptotix.data.sibling",
        "asymptotix.core.typing",
        "asymptotix.model.regression",
    }
    assert first_cycle({"a": {"b"}, "b": {"a"}})
    assert not first_cycle({"a": {"b"}, "b": set()})


def test_every_room_has_a_floor():
    assert {room(m) for m in MODULES} - set(FLOORS) == set()


@pytest.mark.parametrize("module", [m for m in MODULES if m != "asymptotix"])
def test_imports_only_from_own_or_lower_floors(module):
    floor = FLOORS[room(module)]
    upward = {m for m in IMPORTS[module] if FLOORS[room(m)] > floor}
    assert not upward, f"{module} is on floor {floor} and imports from above: {sorted(upward)}"


def test_imports_name_modules_that_exist():
    missing = {(m, i) for m, found in IMPORTS.items() for i in found if i not in MODULES}
    assert not missing


def test_no_import_cycle_between_files():
    # the public list names everything and is itself imported only from the top floor
    graph = {m: i - {"asymptotix"} for m, i in IMPORTS.items() if m != "asymptotix"}
    assert first_cycle(graph) == []


def test_no_import_cycle_between_packages():
    graph: dict[str, set[str]] = {}
    for module, found in IMPORTS.items():
        if module != "asymptotix":
            others = {room(i) for i in found} - {room(module), "__init__"}
            graph.setdefault(room(module), set()).update(others)
    assert first_cycle(graph) == []


def only_hands_names_on(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Assign(
            targets=[ast.Name(id="__getattr__")], value=ast.Call(func=ast.Name(id="names_from"))
        ):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
            return all(isinstance(s, ast.ImportFrom) for s in statement.body)
        case _:
            return False


def test_package_inits_only_hand_names_on():
    inits = [p for p in ROOT.rglob("__init__.py") if p.parent != ROOT]
    assert inits
    logic = {
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for path in inits
        for statement in ast.parse(path.read_text()).body
        if not only_hands_names_on(statement)
    }
    assert not logic


def under_type_checking(tree: ast.Module) -> list[ast.stmt]:
    return [
        statement
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
    ]


def test_names_that_load_late_are_told_to_type_checkers_too():
    seen = 0
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text())
        lists = [
            ast.literal_eval(node.value.args[1])
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__getattr__"
        ]
        for names in lists:
            told = {
                statement.module.rsplit(".", 1)[1]: tuple(a.name for a in statement.names)
                for statement in under_type_checking(tree)
            }
            assert told == names
            # where both exist, importing the module would put it in the place of the name
            assert not {f"{module}.{n}" for group in names.values() for n in group} & set(MODULES)
            seen += 1
    assert seen >= 5


def test_modules_that_load_late_are_imported_for_type_checkers_too():
    seen = set()
    for module, path in MODULES.items():
        if module == "asymptotix.core.lazy" or "core.lazy" not in path.read_text():
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in MODULES:
                assert node.value in IMPORTS[module], f"{module} loads {node.value} unseen"
                seen.add(node.value)
    assert {"asymptotix.results.testing", "asymptotix.results.effects"} <= seen


def test_no_package_shares_its_name_with_a_public_function():
    rooms = {room(m) for m in MODULES} - {"__init__"}
    assert not rooms & set(asymptotix.__all__)


def test_files_stay_small():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in MODULES.values()
        if path.name != "__init__.py"
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}
    assert statistics.median(lengths.values()) < MEDIAN_FILE
