r"""Linear hypotheses $R\theta = r$ from text, names or matrices. Nothing is evaluated as Python."""

import dataclasses
import itertools
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from asymptotix.core.errors import InputError, close_matches

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_QUOTED = re.compile(r"`([^`]*)`|'([^']*)'|\"([^\"]*)\"")
_UNKNOWN = re.compile(r"[^\s=,+\-*/]+")
_PIECES = re.compile(r"\w+|[^\w\s]")


@dataclasses.dataclass(frozen=True, eq=False)
class LinearHypothesis:
    r"""$R\theta = r$.

    Attributes:
        matrix: $R$, shape `(q, p)`.
        value: $r$, shape `(q,)`.
        text: the restrictions as a reader sees them.
        rows: one text a restriction.
    """

    matrix: np.ndarray
    value: np.ndarray
    text: str
    rows: tuple[str, ...] = ()


def linear_hypothesis(
    given: Any, names: Sequence[str], *, independent: bool = True
) -> LinearHypothesis:
    r"""A hypothesis in any of the forms that users write.

    Arguments:
        given: text such as `"x1 = x2 = 0"` or `"2*x1 + x2 = 1, x3 = 0"` (an expression without
            `=` is tested against 0; a name that holds operators may be quoted); a list of such
            texts; a matrix $R$ with one column a parameter; or a pair `(R, r)`.
        names: of the parameters.
        independent: whether restrictions that repeat or contradict each other are refused.

    Raises:
        InputError: unknown names, an expression that is not linear, restrictions that repeat or
            contradict each other, a matrix of another width.
    """
    names = tuple(names)
    if isinstance(given, str):
        found = _from_texts([given], names)
    elif isinstance(given, LinearHypothesis):
        found = given
    elif isinstance(given, list | tuple) and given and all(isinstance(g, str) for g in given):
        found = _from_texts(given, names)
    else:
        found = _from_arrays(given, names)
    _refuse_empty(found)
    if independent:
        _refuse_dependent(found)
    return found


def _from_texts(texts: Sequence[str], names) -> LinearHypothesis:
    forms = [form for text in texts for form in _Parser(text, names).restrictions()]
    matrix = np.array([form[:-1] for form in forms])
    value = 0.0 - np.array([form[-1] for form in forms])  # no -0
    text = ", ".join(" ".join(t.split()) for t in texts)
    return LinearHypothesis(matrix, value, text, _written_rows(matrix, value, names))


def _from_arrays(given, names) -> LinearHypothesis:
    pair = isinstance(given, tuple) and len(given) == 2 and np.ndim(given[0]) == 2
    try:
        matrix = np.asarray(given[0] if pair else given, float)
        value = np.asarray(given[1] if pair else 0.0, float)
    except (TypeError, ValueError) as error:
        raise _no_hypothesis(given) from error
    if matrix.ndim == 0:
        raise _no_hypothesis(given)
    matrix = np.atleast_2d(matrix)
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise InputError(
            f"A matrix of restrictions needs {len(names)} columns, one a parameter, but has shape "
            f"{matrix.shape}.",
            code="hypothesis",
        )
    if value.shape not in ((), (len(matrix),)):
        raise InputError(
            f"There are {len(matrix)} restrictions but values of shape {value.shape}; "
            "give one value a restriction.",
            code="hypothesis",
        )
    value = np.broadcast_to(value, len(matrix))
    rows = _written_rows(matrix, value, names)
    return LinearHypothesis(matrix, value, ", ".join(rows), rows)


def _no_hypothesis(given) -> InputError:
    return InputError(
        f"{given!r} is no hypothesis; write text such as 'x1 = x2 = 0', a list of such texts, a "
        "matrix of restrictions, or a pair of matrix and values.",
        code="hypothesis",
    )


def _written_rows(matrix, value, names) -> tuple[str, ...]:
    return tuple(_written(row, r, names) for row, r in zip(matrix, value, strict=True))


def _written(row, value: float, names) -> str:
    """One restriction as text: `2*x1 - x2 = 1`."""
    parts = []
    for coefficient, name in zip(row, names, strict=True):
        if coefficient:
            size = "" if abs(coefficient) == 1 else f"{abs(coefficient):g}*"
            sign = "-" if coefficient < 0 else "+"
            parts.append(f"{sign} {size}{name}")
    left = " ".join(parts).removeprefix("+ ") or "0"
    return f"{left} = {value:g}"


def _refuse_empty(found: LinearHypothesis) -> None:
    if not np.isfinite(found.matrix).all() or not np.isfinite(found.value).all():
        raise InputError("A restriction holds numbers that are not finite.", code="hypothesis")
    if len(found.matrix) == 0 or not np.any(found.matrix != 0, axis=1).all():
        raise InputError(
            f"A restriction of '{found.text}' holds no parameter; there is nothing to test in it.",
            code="hypothesis",
        )


def _refuse_dependent(found: LinearHypothesis) -> None:
    lengths = np.linalg.norm(found.matrix, axis=1)
    if np.linalg.matrix_rank(found.matrix / lengths[:, None]) < len(found.matrix):
        raise InputError(
            f"The restrictions '{found.text}' repeat or contradict each other; "
            "leave out those that follow from the rest.",
            code="hypothesis",
        )


class _Parser:
    """Recursive descent over one text; a linear form is a vector of coefficients and a constant."""

    def __init__(self, text: str, names):
        self.text, self.names, self.at = text, names, 0
        # The longest name first: `x1` must not be found inside `x10` or `x1:x2`.
        self.patterns = sorted(
            ((_pattern(name), j) for j, name in enumerate(names)), key=lambda p: -len(p[0].pattern)
        )

    def restrictions(self) -> list[np.ndarray]:
        """One linear form for each restriction; each is 0 under the hypothesis."""
        found = []
        while True:
            chain = [self._sum()]
            while self._take("="):
                self._take("=")  # R and Python write ==
                chain.append(self._sum())
            if len(chain) == 1:
                found.append(chain[0])
            found.extend(a - b for a, b in itertools.pairwise(chain))
            if not self._take(","):
                break
        self._skip()
        if self.at < len(self.text):
            self._refuse(f"{self.text[self.at :]!r} is not understood")
        return found

    def _sum(self) -> np.ndarray:
        total = self._product()
        while True:
            if self._take("+"):
                total = total + self._product()
            elif self._take("-"):
                total = total - self._product()
            else:
                return total

    def _product(self) -> np.ndarray:
        left = self._signed()
        while True:
            if self._take("*"):
                right = self._signed()
                if left[:-1].any() and right[:-1].any():
                    self._refuse("it multiplies parameters, so pass a function of the model")
                left = left * right[-1] if left[:-1].any() else right * left[-1]
            elif self._take("/"):
                right = self._signed()
                if right[:-1].any():
                    self._refuse("it divides by a parameter, so pass a function of the model")
                if right[-1] == 0:
                    self._refuse("it divides by zero")
                left = left / right[-1]
            else:
                return left

    def _signed(self) -> np.ndarray:
        if self._take("-"):
            return -self._signed()
        if self._take("+"):
            return self._signed()
        return self._atom()

    def _atom(self) -> np.ndarray:
        self._skip()
        form = np.zeros(len(self.names) + 1)
        position = self._name()
        if position is not None:
            form[position] = 1.0
            return form
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            form[-1] = float(number.group())
            return form
        if self._take("("):
            inside = self._sum()
            if not self._take(")"):
                self._refuse("a parenthesis is not closed")
            return inside
        return self._refuse_unknown()

    def _name(self) -> int | None:
        """The position of the name that stands here, quoted or bare."""
        if quoted := _QUOTED.match(self.text, self.at):
            inside = next(g for g in quoted.groups() if g is not None)
            for pattern, j in self.patterns:
                if pattern.fullmatch(inside):
                    self.at = quoted.end()
                    return j
            self._unknown(inside)
        for pattern, j in self.patterns:
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return j
        return None

    def _take(self, symbol: str) -> bool:
        self._skip()
        if self.text.startswith(symbol, self.at):
            self.at += len(symbol)
            return True
        return False

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _refuse_unknown(self) -> NoReturn:
        found = _UNKNOWN.match(self.text, self.at)
        if found is None:
            self._refuse(
                "something is missing" if self.at >= len(self.text) else "a name is missing"
            )
        self._unknown(found.group())

    def _unknown(self, word: str) -> NoReturn:
        raise InputError(
            f"The model has no parameter '{word}'.{close_matches(word, self.names)} "
            f"Parameters: {', '.join(self.names[:12])}{', ...' if len(self.names) > 12 else ''}.",
            code="unknown_name",
            column=word,
        )

    def _refuse(self, why: str) -> NoReturn:
        raise InputError(
            f"The hypothesis '{self.text}' cannot be read: {why}; write it as 'x1 = x2 = 0' or "
            "'2*x1 + x2 = 1'.",
            code="hypothesis",
        )


def _pattern(name: str) -> re.Pattern:
    """A name with any spacing: `I(exper**2)` is the parameter `I(exper ** 2)`."""
    pieces = r"\s*".join(re.escape(piece) for piece in _PIECES.findall(name))
    return re.compile(pieces + (r"(?![\w(\[.:])" if re.search(r"\w$", name) else r"(?![:\[])"))
