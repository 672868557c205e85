"""Expressions of estimates, such as `"b1 / b2 = 1"`: parsed and checked, never `eval`."""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp

from asymptotix.core.errors import InputError, close_matches

_OPERATORS: Mapping[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SIGNS: Mapping[type, Callable] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: Mapping[str, Callable] = {"exp": jnp.exp, "log": jnp.log, "sqrt": jnp.sqrt}
_POSITIONAL = re.compile(r"b([1-9][0-9]*)")
LONGEST = 2_000
"""Characters of an expression; what is longer was not written by a person."""


def parse(text: str, names: Sequence[str]) -> list[tuple[str, Callable]]:
    """The functions that an expression states to be zero (or, without `=`, to be estimated).

    Arguments:
        text: such as `"b1 / b2 = 1"`, `"educ = 2 * exper"`, `"a = b = 0"` (two functions). Names
            are those of the estimates, as they stand or in backticks; `b1`, `b2`, ... are
            positions from 1, unless a name is written so. Known besides: numbers, `+ - * / **`,
            parentheses, `exp`, `log`, `sqrt`.
        names: of the estimates, in order.

    Returns:
        For each function its own text, and the function from the vector of estimates to a number.

    Raises:
        InputError: anything else.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        raise _error(text, "it must be a short text such as 'b1 = b2'")
    code, places = _with_placeholders(text, names)
    sides = [side.strip() for side in re.split(r"(?<![=!<>])=(?!=)", code)]
    if not all(sides):
        raise _error(text, "a side of = is missing; write it as 'b1 = b2'")
    original = [_restored(side, places, names) for side in sides]
    functions = [_compiled(side, text, places, names) for side in sides]
    if len(sides) == 1:
        return [(original[0], functions[0])]
    return [
        (f"{original[i]} = {original[i + 1]}", _difference(functions[i], functions[i + 1]))
        for i in range(len(sides) - 1)
    ]


def _difference(left: Callable, right: Callable) -> Callable:
    return lambda values: left(values) - right(values)


def _with_placeholders(text: str, names: Sequence[str]) -> tuple[str, dict[str, int]]:
    """The text with every name that is no identifier, or is in backticks, replaced by one."""
    places: dict[str, int] = {}

    def placeholder(position: int) -> str:
        word = f"_name{position}_"
        places[word] = position
        return f" {word} "

    def quoted(match: re.Match) -> str:
        name = match.group(1)
        if name not in names or not name.strip():
            raise _unknown(text, name, names)
        return placeholder(list(names).index(name))

    text_now = re.sub(r"`([^`]*)`", quoted, text)
    odd = sorted((n for n in names if n.strip() and not n.isidentifier()), key=len, reverse=True)
    if odd:
        known = {_squeezed(n): i for i, n in reversed(list(enumerate(names)))}
        pattern = "|".join(_spaced(n) for n in odd)
        text_now = re.sub(
            rf"(?<![\w.])(?:{pattern})(?![\w\[])",
            lambda match: placeholder(known[_squeezed(match.group(0))]),
            text_now,
        )
    return text_now, places


def _squeezed(name: str) -> str:
    return re.sub(r"\s+", "", name)


def _spaced(name: str) -> str:
    """A pattern for a name in which spaces do not matter."""
    return r"\s*".join(map(re.escape, _squeezed(name)))


def _restored(code: str, places: dict[str, int], names: Sequence[str]) -> str:
    for word, position in places.items():
        code = re.sub(rf"\s*{word}\s*", lambda _, p=position: f" {names[p]} ", code)
    return " ".join(code.split())


def _compiled(code: str, text: str, places: dict[str, int], names: Sequence[str]) -> Callable:
    try:
        return _built(ast.parse(code, mode="eval").body, text, places, names)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise _error(text, "it is not an expression such as 'b1 = b2'") from error


def _built(node: ast.expr, text: str, places: dict[str, int], names: Sequence[str]) -> Callable:
    def of(inner: ast.expr) -> Callable:
        return _built(inner, text, places, names)

    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return lambda values: float(number)
        case ast.Name(id=name):
            position = _position(name, text, places, names)
            return lambda values: values[position]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
            sign, inner = _SIGNS[type(op)], of(operand)
            return lambda values: sign(inner(values))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            combine, a, b = _OPERATORS[type(op)], of(left), of(right)
            return lambda values: combine(jnp.asarray(a(values)), b(values))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            function, inner = _FUNCTIONS[name], of(argument)
            return lambda values: function(jnp.asarray(inner(values)))
    raise _error(
        text,
        f"'{ast.unparse(node)}' is not allowed; use names, numbers, + - * / **, parentheses, "
        "exp(), log() and sqrt()",
    )


def _position(name: str, text: str, places: dict[str, int], names: Sequence[str]) -> int:
    if name in places:
        return places[name]
    if name in names:
        return list(names).index(name)
    numbered = _POSITIONAL.fullmatch(name)
    if numbered and int(numbered.group(1)) <= len(names):
        return int(numbered.group(1)) - 1
    raise _unknown(text, name, names)


def _unknown(text: str, name: str, names: Sequence[str]) -> InputError:
    return InputError(
        f"The hypothesis '{text}' uses '{name}', which is no estimate."
        f"{close_matches(name, names)} b1 to b{len(names)} are the estimates in order.",
        code="hypothesis",
        column=name,
    )


def _error(text, why: str) -> InputError:
    return InputError(
        f"The hypothesis {str(text)[:80]!r} cannot be used: {why}.", code="hypothesis"
    )
