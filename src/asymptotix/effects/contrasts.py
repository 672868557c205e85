"""Which variables an effect is about, and between which of their values."""

import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError, close_matches
from asymptotix.data.columns import column
from asymptotix.data.design_spec import DesignSpec, DesignSpecs

Setter = Callable[[pd.Series], Any]
"""From the observed values of a variable to others: an array or one value."""

ROUNDING = 1e-10
"""What a sum of weights may miss a whole number by, as a share of their total."""
SLOPES = {"dydx": "dY/dX", "eyex": "eY/eX", "dyex": "dY/eX", "eydx": "eY/dX"}
LABELS = {
    "difference": "{high} - {low}",
    "ratio": "{high} / {low}",
    "lnratio": "ln({high} / {low})",
    "lnor": "ln(odds({high}) / odds({low}))",
}
_PAIRS: Mapping[str, Callable[[Sequence], list]] = {
    "reference": lambda levels: [(levels[0], level) for level in levels[1:]],
    "sequential": lambda levels: list(itertools.pairwise(levels)),
    "pairwise": lambda levels: [
        (low, high) for i, low in enumerate(levels) for high in levels[i + 1 :]
    ],
}
SPREADS: Mapping[str, Callable[["Numbers"], tuple[float, float]]] = {
    "sd": lambda x: around(x, 0.5),
    "2sd": lambda x: around(x, 1.0),
    "iqr": lambda x: x.quartiles(),
    "minmax": lambda x: x.ends(),
}
"""Between which two values a variable is compared, by the words for it."""


@dataclasses.dataclass(frozen=True)
class Contrast:
    """One variable at two values, or, with neither, its derivative.

    Attributes:
        variable: its name.
        label: how tables write it.
        low, high: the two values.
    """

    variable: str
    label: str
    low: Setter | None = None
    high: Setter | None = None

    @property
    def is_slope(self) -> bool:
        """Whether it is a derivative."""
        return self.low is None


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable of the formula: `"number"`, `"binary"` (0 and 1) or `"levels"`.

    Attributes:
        name, kind: its name and kind.
        levels: of categories, in the formula's order.
        numbers: how its numbers are spread in the data of the fit.
    """

    name: str
    kind: str
    levels: tuple = ()
    numbers: "Numbers | None" = None


class Numbers:
    """How the numbers of a variable are spread.

    Arguments:
        values: all of them.
        weights: how often each counts, or `None` for once.
    """

    def __init__(self, values: np.ndarray, weights: np.ndarray | None = None):
        self.values, self.weights = values, weights

    def ends(self) -> tuple[float, float]:
        """The smallest and the largest."""
        return float(self.values.min()), float(self.values.max())

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation, the latter with the sum of weights less 1."""
        mean = np.average(self.values, weights=self.weights)
        squares = (self.values - mean) ** 2
        n = len(squares) if self.weights is None else np.sum(self.weights)
        total = np.sum(squares if self.weights is None else self.weights * squares)
        return float(mean), float(np.sqrt(total / (n - 1)))

    def quartiles(self) -> tuple[float, float]:
        """The first and the third, as of rows that are repeated as often as they count."""
        if self.weights is None:
            low, high = np.quantile(self.values, [0.25, 0.75])
            return float(low), float(high)
        order = np.argsort(self.values, kind="stable")
        values, ends = self.values[order], np.cumsum(self.weights[order])
        at = np.array([0.25, 0.75]) * (ends[-1] - 1)
        rounding = min(0.5, ROUNDING * ends[-1])
        low, high = (
            values[np.searchsorted(ends, np.floor(at) + step + rounding).clip(max=len(values) - 1)]
            for step in (0, 1)
        )
        first, third = low + (at - np.floor(at)) * (high - low)
        return float(first), float(third)


def around(numbers: Numbers, share: float) -> tuple[float, float]:
    """A share of the standard deviation below the mean, and as much above."""
    mean, deviation = numbers.moments()
    return mean - share * deviation, mean + share * deviation


def known_variables(
    spec: DesignSpec | DesignSpecs, seen: pd.DataFrame, counts: np.ndarray | None = None
) -> dict[str, Variable]:
    """The variables of a formula by name.

    Arguments:
        spec: the design.
        seen: rows of its variables.
        counts: how often each row counts, or `None` for once.
    """
    return {name: _variable(spec, name, column(seen, name), counts) for name in spec.variables}


def counts_of(weights: np.ndarray | None, kind: str | None) -> np.ndarray | None:
    """How often rows count: frequency weights, or sampling weights with a mean of 1."""
    if weights is None or kind not in ("frequency", "sampling"):
        return None
    weights = np.asarray(weights, float)
    weights = weights[weights > 0]
    return weights if kind == "frequency" else weights / weights.mean()


def categories(spec: DesignSpec | DesignSpecs) -> frozenset[str]:
    """The variables that enter as categories although they may be numbers: `C(x)`."""
    return frozenset(name for name in spec.levels if _enters_as_category(spec, name))


def _enters_as_category(spec: DesignSpec | DesignSpecs, name: str) -> bool:
    if spec.kinds[name] in ("text", "category"):
        return True
    wrapped = re.compile(rf"C\(\s*`?{re.escape(name)}`?\s*[,)]")
    return any(wrapped.match(expr) for expr in spec.columns if name in spec.columns[expr])


def _variable(spec: DesignSpec | DesignSpecs, name: str, seen: pd.Series, counts) -> Variable:
    kind = spec.kinds[name]
    if kind == "bool":
        return Variable(name, "levels", (False, True))
    if name in categories(spec):
        return Variable(name, "levels", tuple(spec.levels[name]))
    if kind in ("text", "category"):
        return Variable(name, "levels", tuple(sorted(seen.unique())))
    if kind == "date":
        return Variable(name, "date")
    values = seen.to_numpy(float)
    kind = "binary" if _is_binary(values) else "number"
    return Variable(name, kind, (), Numbers(values, counts))


def _is_binary(values: np.ndarray) -> bool:
    """Whether there are zeros and ones, and nothing else; most columns show in their first rows."""
    for part in (values[:100], values):
        if not len(part) or not ((part == 0) | (part == 1)).all():
            return False
    return bool(np.ptp(values) == 1)


def contrasts(
    known: Mapping[str, Variable], wanted: Any, comparison: Any, slope: str | None
) -> list[Contrast]:
    """The contrasts that a user asks for.

    Arguments:
        known: the variables of the formula.
        wanted: `None` for all, a name, a list, or a dict from names to steps or pairs.
        comparison: how two values are compared, for labels.
        slope: for derivatives of numbers, which; `None` where numbers too are compared.

    Raises:
        InputError: unknown variables, steps that do not fit a variable.
    """
    requests = _requests(known, wanted)
    found = []
    for name, request in requests.items():
        variable = known[name]
        if slope is not None:
            found += _slopes(variable, request, comparison, slope, named=wanted is not None)
        else:
            found += _compared(variable, request, comparison)
    if not found:
        raise InputError("There is no variable to take an effect of.", code="variables")
    return found


def _requests(known: Mapping[str, Variable], wanted: Any) -> dict[str, Any]:
    if wanted is None:
        return {name: None for name, v in known.items() if v.kind != "date"}
    if isinstance(wanted, str):
        wanted = [wanted]
    requests = dict(wanted) if isinstance(wanted, Mapping) else dict.fromkeys(wanted)
    for name in requests:
        if name not in known:
            raise InputError(
                f"'{name}' is no variable of the formula.{close_matches(name, known)} "
                f"Variables: {', '.join(known)}.",
                code="unknown_column",
                column=name,
            )
        if known[name].kind == "date":
            raise InputError(
                f"'{name}' holds dates, which have no effect of one step; use a number of days "
                "in the formula.",
                code="date_column",
                column=name,
            )
    return requests


def _slopes(variable: Variable, request, comparison, slope: str, *, named: bool):
    numeric = variable.kind == "number" or (variable.kind == "binary" and request == "dydx")
    if numeric:
        if request not in (None, "dydx"):
            raise _unfit(variable, request, "slopes take derivatives; use comparisons()")
        return [Contrast(variable.name, SLOPES[slope])]
    if slope == "dydx":
        return _compared(variable, request, comparison)
    if not named:
        return []  # an elasticity is of a number
    raise InputError(
        f"'{variable.name}' is no number in the sense of an elasticity (slope={slope!r}); "
        "use slope='dydx' or comparisons().",
        code="variables",
        column=variable.name,
    )


def _compared(variable: Variable, request, comparison) -> list[Contrast]:
    if variable.kind == "levels":
        pairs = _levels(variable, request)
        return [_pair(variable.name, low, high, comparison) for low, high in pairs]
    if variable.kind == "binary" and request is None:
        return [_pair(variable.name, 0, 1, comparison)]
    numbers = variable.numbers
    assert numbers is not None  # no other kind is left
    if isinstance(request, str) and request in SPREADS:
        pair = _pair(variable.name, *SPREADS[request](numbers), comparison)
        return [pair if request == "minmax" else dataclasses.replace(pair, label=request)]
    if isinstance(request, Sequence) and not isinstance(request, str) and len(request) == 2:
        low, high = map(float, request)
        return [_pair(variable.name, low, high, comparison)]
    step = 1.0 if request is None else request
    if isinstance(step, int | float | np.number) and not isinstance(step, bool) and step:
        return [_moved(variable.name, f"{float(step):+g}", float(step))]
    raise _unfit(
        variable, request, "give a step, a pair (low, high), 'sd', '2sd', 'iqr' or 'minmax'"
    )


def _levels(variable: Variable, request) -> list[tuple]:
    levels = variable.levels
    if request is None or (isinstance(request, str) and request in _PAIRS):
        return _PAIRS[request or "reference"](levels)
    pair = isinstance(request, Sequence) and not isinstance(request, str) and len(request) == 2
    if pair and all(level in levels for level in request):
        return [tuple(request)]
    told = ", ".join(map(repr, levels[:8]))
    raise _unfit(
        variable,
        request,
        f"give 'reference', 'sequential', 'pairwise' or a pair of the levels {told}",
    )


def _unfit(variable: Variable, request, remedy: str) -> InputError:
    return InputError(
        f"variables={{{variable.name!r}: {request!r}}} does not fit: {remedy}.",
        code="variables",
        column=variable.name,
    )


def _pair(name: str, low, high, comparison) -> Contrast:
    pattern = LABELS.get(comparison, "{high}, {low}") if isinstance(comparison, str) else None
    label = (pattern or "{high}, {low}").format(high=_told(high), low=_told(low))
    return Contrast(name, label, lambda _: low, lambda _: high)


def _moved(name: str, label: str, step: float) -> Contrast:
    def by(amount: float) -> Setter:
        return lambda observed: observed.to_numpy(float) + amount

    return Contrast(name, label, by(0.0), by(step))


def _told(level) -> str:
    return f"{level:g}" if isinstance(level, float | np.floating) else str(level)
