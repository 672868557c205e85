"""Formulas of people one does not trust: words of the formula language and arithmetic, no more.

A formula's expressions are Python. Here each is read as a syntax tree, before anything is
evaluated, and whatever is not on a short list is refused.
"""

import ast
from collections.abc import Iterable

from formulaic.parser.types import Factor
from formulaic.utils.code import sanitize_variable_names

from asymptotix.core.errors import InputError
from asymptotix.data.formula import WORDS, sides

FUNCTIONS = frozenset(
    ("abs", "arccos", "arcsin", "arctan", "arcsinh", "arctanh", "cbrt", "ceil", "cos", "cosh",
     "exp", "exp2", "expm1", "fabs", "floor", "hypot", "log", "log10", "log1p", "log2",
     "logaddexp", "maximum", "minimum", "power", "rint", "sign", "sin", "sinh", "sqrt", "square",
     "tan", "tanh", "trunc", "where")
)  # fmt: skip
"""Of numpy."""
NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call,
    ast.keyword, ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop, ast.Attribute,
)  # fmt: skip


def require_safe(text: str, names: Iterable[str], response: bool = True) -> None:
    """Raise `InputError` for a formula that does more than the formula language and arithmetic.

    Arguments:
        text: the formula.
        names: the columns of the data, the only other names that it may use.
        response: whether it must have one.
    """
    names = tuple(names)
    left, terms = sides(text, names, response)
    for factor in [f for term in terms for f in term.factors] + ([left] if left else []):
        if factor.eval_method.value == "python":
            _check(factor, text, names)


def _check(factor: Factor, text: str, names: tuple[str, ...]) -> None:
    aliases: dict[str, str] = {}
    code = sanitize_variable_names(factor.expr, {}, aliases)
    try:
        tree = ast.parse(code, mode="eval")
    except SyntaxError as error:
        raise _refused(text, f"'{factor.expr}' is not an expression") from error
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    modules = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        if not isinstance(node, NODES):
            raise _refused(text, f"'{factor.expr}' has a {type(node).__name__.lower()}")
        if isinstance(node, ast.Attribute):
            _check_attribute(node, id(node) in called, text)
        elif isinstance(node, ast.Name) and id(node) not in modules:
            name = aliases.get(node.id, node.id)
            known = node.id in WORDS - {"np"} if id(node) in called else name in (*names, *WORDS)
            if not known or name == "np":
                raise _refused(text, f"it uses '{name}'")


def _check_attribute(node: ast.Attribute, is_called: bool, text: str) -> None:
    of_numpy = isinstance(node.value, ast.Name) and node.value.id == "np"
    of_contrasts = isinstance(node.value, ast.Name) and node.value.id == "contr"
    if of_contrasts and not node.attr.startswith("_"):
        return
    if not (of_numpy and is_called and node.attr in FUNCTIONS):
        raise _refused(text, f"it uses '.{node.attr}'")


def _refused(text: str, why: str) -> InputError:
    return InputError(
        f"The formula '{text}' is not allowed with safe=True: {why}. Allowed are the columns, the "
        "words of the formula language, arithmetic, and numpy's elementwise functions.",
        code="unsafe_formula",
    )
