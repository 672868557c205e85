"""A formula's text: its terms, the columns it needs, and what it takes from the caller.

formulaic parses the algebra of terms. This file finds out which names in it are columns, which
are words of the formula language, and which come from the caller's environment; those last are
captured by name, so that a fitted formula predicts and pickles without that environment.
"""

from __future__ import annotations

import ast
import builtins
import copy
import dataclasses
import functools
import re
import types
import warnings
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula, SimpleFormula, StructuredFormula
from formulaic.errors import FormulaicError
from formulaic.materializers.types import FactorValues
from formulaic.parser.algos.tokenize import tokenize
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from formulaic.utils.code import UNQUOTED_BACKTICK_MATCHER, sanitize_variable_names

from asymptotix.core.errors import FitWarning, InputError, close_matches, listed
from asymptotix.data.captured import Captured
from asymptotix.data.columns import refuse_unfit

WORDS = frozenset(TRANSFORMS)
"""The formula language's own names: `np`, `C`, `I`, `bs`, `scale`, `poly`, `lag`, ..."""

_REMEDIES = {
    "offset": " Give the offset as the keyword offset='column' instead.",
    "cbind": " Give the number of trials as the keyword trials='column' instead.",
    "factor": " Write C(x) for a categorical variable.",
    "ns": " Write cr(x, df=4) for a natural cubic spline.",
    "s": " Write bs(x, df=4) or cr(x, df=4) for a spline.",
}
"""What to write instead of words that R or other packages know."""


@dataclasses.dataclass(frozen=True)
class Parsed:
    """A formula taken apart.

    Arguments:
        text: the formula as it was written.
        response: the expression left of `~`, or `None`.
        terms: the terms right of `~`.
        columns: for each factor's expression (the response's too), the columns it uses.
        calls: for each factor's expression, the names of functions and methods that it calls.
        captured: what the formula takes from the caller's environment.
    """

    text: str
    response: Factor | None
    terms: SimpleFormula
    columns: dict[str, tuple[str, ...]]
    calls: dict[str, frozenset[str]]
    captured: Captured


def parse_formula(
    text: str,
    names: Iterable[str],
    context: Mapping[str, Any] | types.FrameType | None = None,
    response: bool = True,
) -> Parsed:
    """Parse a formula and resolve every name in it.

    Arguments:
        text: the formula, such as `"y ~ x + C(g)"`.
        names: the column names of the data.
        context: where other names are looked up: a mapping, or the caller's stack frame (its
            locals, then its globals). Only names that the formula uses are read.
        response: whether there must be a response on the left of `~`.

    Raises:
        InputError: for a syntax error, no response, and names that are found nowhere.
    """
    names = tuple(names)
    left, terms = sides(text, names, response)
    factors = [f for term in terms for f in term.factors] + ([left] if left else [])
    columns, calls, captured = {}, {}, {}
    for factor in factors:
        found = _names_in(factor, text)
        columns[factor.expr] = tuple(n for n in found.columns if n in names)
        calls[factor.expr] = frozenset(found.calls | found.methods)
        captured |= _resolve(found, names, _environment(context), text)
    _refuse_collisions(columns, [*captured, *WORDS], text)
    return Parsed(text, left, terms, columns, calls, Captured(captured))


def sides(text: str, names: tuple[str, ...], response: bool) -> tuple[Factor | None, SimpleFormula]:
    """The response left of `~`, and the terms right of it."""
    if not isinstance(text, str):
        raise _error(repr(text), "a formula is a text such as 'y ~ x1 + x2'")
    try:
        _refuse_powers(text)
        formula = Formula.from_spec(
            text, context={"__formulaic_variables_available__": list(names)}
        )
    except (FormulaicError, SyntaxError) as error:
        raise _error(text, _without_markup(str(error))) from error
    if isinstance(formula, SimpleFormula):
        if response:
            raise _error(text, "there is no response; write 'response ~ terms'")
        return None, formula
    return _split(formula, text)


def _split(formula: StructuredFormula, text: str) -> tuple[Factor, SimpleFormula]:
    left, right = getattr(formula, "lhs", ()), getattr(formula, "rhs", None)
    if not isinstance(right, SimpleFormula) or not isinstance(left, SimpleFormula):
        raise _error(text, "parts separated by | or more than one ~ are not supported")
    if len(left) != 1 or len(left[0].factors) != 1:
        raise _error(text, "there must be one response left of ~; wrap sums as I(a + b)")
    factor = left[0].factors[0]
    if factor.eval_method.value == "literal":
        raise _error(text, "the response is a number, not a column")
    if any(term.factors == (factor,) for term in right):
        raise _error(text, f"the response '{factor.expr}' is also a term")
    return factor, right


def _refuse_powers(text: str) -> None:
    """`x^2` crosses x with itself, which is x: a quadratic term that silently is none."""
    tokens = list(tokenize(text))
    for base, operator, power in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if base.kind is None or power.kind is None or operator.token not in ("^", "**"):
            continue
        if base.kind.value in ("name", "python") and power.kind.value == "value":
            raise _error(
                text,
                f"{base.token}{operator.token}{power.token} crosses a term with itself, which "
                f"changes nothing; write I({base.token}**{power.token}) for the power",
            )


def _error(text: str, why: str) -> InputError:
    return InputError(f"The formula '{text}' cannot be used: {why}.", code="formula")


def _without_markup(message: str) -> str:
    """The message on one line, its coloured marks around the place taken out."""
    first = re.sub(r"\x1b\[[0-9;]*m|[⧛⧚]", "", message).split("\n")[0]
    return first.strip().rstrip(".")


@dataclasses.dataclass(frozen=True)
class _Found:
    """The names in one factor, by the part they play; insertion order is kept."""

    columns: dict[str, None]
    modules: dict[str, None]
    calls: set[str]
    methods: set[str]


def _names_in(factor: Factor, text: str) -> _Found:
    if factor.eval_method.value == "literal":
        return _Found({}, {}, set(), set())
    if factor.eval_method.value == "lookup":
        return _Found({factor.expr: None}, {}, set(), set())
    _refuse_repeated_quotes(factor.expr, text)
    aliases: dict[str, str] = {}
    code = sanitize_variable_names(factor.expr, {}, aliases)
    try:
        tree = ast.parse(code, mode="eval")
    except SyntaxError as error:
        raise _error(text, f"'{factor.expr}' is not a Python expression") from error
    return _walk(tree, aliases)


def _walk(tree: ast.AST, aliases: dict[str, str]) -> _Found:
    found = _Found({}, {}, set(), set())
    called, roots = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func)
            found.calls.add(node.func.id)
            if node.func.id == "Q" and node.args and isinstance(node.args[0], ast.Constant):
                found.columns[str(node.args[0].value)] = None
        if isinstance(node, ast.Attribute):
            found.methods.add(node.attr)
            roots.add(node.value)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in names:
        if node not in called and node.id not in bound:
            # `np` in np.log is the module even where the data have a column of that name.
            module = node in roots and node.id in WORDS
            (found.modules if module else found.columns)[aliases.get(node.id, node.id)] = None
    return found


def _resolve(
    found: _Found, names: tuple[str, ...], environment: Mapping[str, Any], text: str
) -> dict[str, Any]:
    """The values taken from the environment; raises for names that are nowhere."""
    captured = {}
    for name in found.columns:
        if name in names or name in WORDS or name in found.calls:
            continue
        if name in environment:
            captured[name] = _own(environment[name])
        elif not hasattr(builtins, name):
            raise InputError(
                f"The formula '{text}' uses '{name}', which is neither a column of the data nor "
                f"a name in your program.{_remedy(name, names)}",
                code="unknown_column",
                column=name,
            )
    for name in sorted(found.calls):
        captured |= _resolve_call(name, names, environment, text)
    return captured


def _remedy(name: str, names: tuple[str, ...]) -> str:
    root, dot, _ = name.partition(".")
    return f" Write I({name})." if dot and root in names else close_matches(name, names)


def _resolve_call(
    name: str, names: tuple[str, ...], environment: Mapping[str, Any], text: str
) -> dict[str, Any]:
    value = environment.get(name)
    if name in WORDS:
        if callable(value) and value is not TRANSFORMS[name] and not _same_word(name, value):
            warnings.warn(
                f"The formula's own {name}() is used and not the {name}() of your program; "
                "rename yours to use it in a formula.",
                FitWarning,
                stacklevel=5,
            )
        return {}
    if callable(value):
        return {name: value}
    if hasattr(builtins, name):
        return {}
    remedy = _REMEDIES.get(name) or close_matches(name, [*WORDS, *names])
    raise InputError(
        f"The formula '{text}' calls {name}(), which is neither a word of the formula language "
        f"nor a function in your program.{remedy}",
        code="unknown_function",
        column=name,
    )


def _same_word(name: str, value: Any) -> bool:
    """Whether a function of the caller's is the elementwise one that the word stands for."""
    return name in ("log", "log2", "log10", "exp") and (
        getattr(value, "__module__", None) in ("math", "numpy") or isinstance(value, np.ufunc)
    )


def _environment(context: Mapping[str, Any] | types.FrameType | None) -> Mapping[str, Any]:
    if isinstance(context, types.FrameType):
        return ChainMap(context.f_locals, context.f_globals)
    return {} if context is None else context


def _own(value: Any) -> Any:
    """A copy of containers, which the caller may change after the fit."""
    return copy.deepcopy(value) if isinstance(value, (list, dict, set, np.ndarray)) else value


def _refuse_repeated_quotes(expr: str, text: str) -> None:
    """Refuse a quoted name that one expression uses twice.

    The second use gets a *random* name from formulaic. The state of a spline or a standardisation
    is looked up by that text, so prediction would silently estimate it again from the new data.
    """
    parts = UNQUOTED_BACKTICK_MATCHER.split(expr)
    inside = [parts[i + 1] for i, part in enumerate(parts[:-1]) if part == "`"][::2]
    odd = [name for name in inside if not name.isidentifier()]
    if len(odd) != len(set(odd)):
        raise _error(text, f"'{expr}' uses a quoted name twice; rename that column")


def _refuse_collisions(columns: dict[str, tuple[str, ...]], others: list[str], text: str) -> None:
    """Quoted names that turn into the same Python identifier as another, for the same reason."""
    used = dict.fromkeys(name for group in columns.values() for name in group)
    plain = {name for name in [*used, *others] if name.isidentifier()}
    quoted = {n: None for expr, group in columns.items() for n in group if n != expr}
    for name in quoted:
        if name.isidentifier():
            continue
        identifier = re.sub(r"\W|^(?=\d)", "_", name)
        if identifier in plain:
            raise _error(text, f"the names '{name}' and '{identifier}' clash; rename one")
        plain.add(identifier)


def refuse_rows_from_outside(parsed: Parsed, n: int) -> None:
    """A column taken from the caller's program would be missing at prediction."""
    for name, value in parsed.captured.values.items():
        listing = isinstance(value, (np.ndarray, pd.Series, pd.Index))
        if listing and np.ndim(value) and len(value) == n:
            raise InputError(
                f"'{name}' is an array of your program and not a column of the data, so that "
                "prediction could not find it; put it into the data.",
                code="unknown_column",
                column=name,
            )


def explained(failure: Exception, formula: str) -> InputError:
    """A failure of formulaic, or of a function in the formula, as one sentence."""
    cause = failure.__cause__
    if isinstance(failure, InputError):
        return failure
    if isinstance(cause, InputError):
        term = re.search(r"factor `(.*)`\. \[", str(failure))
        where = term.group(1) if term else formula
        return InputError(f"In '{where}': {cause}", code=cause.code, column=where, rows=cause.rows)
    power = " In a formula's expressions a power is x**2, not x^2." if "^" in str(failure) else ""
    return InputError(
        f"The formula '{formula}' cannot be evaluated: {failure}.{power}",
        code="formula",
    )


# The words that estimate something


def vocabulary(captured: Captured, kept: np.ndarray, beyond: list[Beyond]) -> dict[str, Any]:
    """The captured names, and the words that estimate something, confined to the rows kept."""
    words = {**TRANSFORMS, **captured.values}
    confined = {
        name: _confined(word, kept, beyond)
        for name, word in words.items()
        if getattr(word, "__is_stateful_transform__", False)
    }
    return {**captured.values, **confined, "C": _categorical}


def _categorical(values: Any, *args: Any, **keywords: Any) -> FactorValues:
    """The word `C`; whole numbers are named 2 and not 2.0, whatever dtype they came in."""
    series = values if isinstance(values, pd.Series) else None
    if series is not None and series.dtype.kind == "f":
        present = series.dropna()
        if (present == np.floor(present)).all() and (present.abs() < 2**53).all():
            values = series.astype("Int64") if len(present) < len(series) else series.astype(int)
    return TRANSFORMS["C"](values, *args, **keywords)


def _confined(
    word: Callable[..., Any], kept: np.ndarray, beyond: list[Beyond]
) -> Callable[..., Any]:
    """A stateful transform that sees the kept rows with a value, and gives NaN elsewhere."""

    @functools.wraps(word)  # Carries over the mark by which formulaic knows such a transform.
    def confined(values: Any, *args: Any, **keywords: Any) -> Any:
        plain = values.__wrapped__ if isinstance(values, FactorValues) else values
        if not isinstance(plain, (np.ndarray, pd.Series)) or np.shape(plain) != kept.shape:
            return word(values, *args, **keywords)
        _refuse_infinite_input(word, plain, kept)
        rows = kept & ~np.asarray(pd.isna(plain))
        chosen = plain if rows.all() else plain[rows]
        try:
            result = word(chosen, *args, **keywords)
        except ValueError as error:
            state = keywords.get("_state") or {}
            outside = _outside(error, plain, rows, state)
            if outside is None:
                raise
            beyond.append(outside)
            inside = np.clip(chosen, state["lower_bound"], state["upper_bound"])
            result = word(inside, *args, **keywords)
        return result if rows.all() else _spread(result, rows)

    return confined


def _refuse_infinite_input(word: Callable[..., Any], values: Any, kept: np.ndarray) -> None:
    if values.dtype.kind == "f":
        refuse_unfit(f"the argument of {word.__name__}()", values, kept)


@dataclasses.dataclass(frozen=True)
class Beyond:
    """Rows outside the range of a spline, which matter only if no other term drops them."""

    name: str
    low: float
    high: float
    rows: np.ndarray

    def check(self, kept: np.ndarray) -> None:
        rows = np.flatnonzero(self.rows & kept)
        if len(rows):
            raise InputError(
                f"{self.name} lies outside the range {self.low:g} to {self.high:g} of its spline "
                f"in {len(rows)} row{'s' * (len(rows) > 1)} (rows {listed(rows)}); leave them out, "
                "or fit with bs(..., extrapolation='extend') or 'clip'.",
                code="outside_knots",
                column=self.name.strip("'"),
                rows=rows[:5],
            )


def _outside(error: ValueError, values: Any, rows: np.ndarray, state: Mapping) -> Beyond | None:
    """The rows that a spline complains about, or `None` if the error is another one."""
    low, high = state.get("lower_bound"), state.get("upper_bound")
    if low is None or high is None or "extend beyond" not in str(error):
        return None
    numbers = np.asarray(values, dtype=np.float64)
    name = getattr(values, "name", None)
    told = f"'{name}'" if name else "The argument of a spline"
    return Beyond(told, low, high, rows & ((numbers < low) | (numbers > high)))


def _spread(values: Any, rows: np.ndarray) -> Any:
    """A transform's values put back into their rows, NaN in the others."""
    if isinstance(values, FactorValues):
        inner = _spread(values.__wrapped__, rows)
        return FactorValues(inner, metadata=values.__formulaic_metadata__)
    if isinstance(values, Mapping):
        return {key: _spread(value, rows) for key, value in values.items()}
    if isinstance(values, pd.DataFrame):
        return {name: _spread(values[name], rows) for name in values}
    part = np.asarray(values)
    if part.ndim == 0 or len(part) != rows.sum():
        return values
    whole = np.full(
        (len(rows), *part.shape[1:]), np.nan, dtype=part.dtype if part.dtype.kind == "f" else object
    )
    whole[rows] = part
    return whole
