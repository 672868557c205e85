"""Numbers as a journal prints them: common decimals, honest p-values, intervals."""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Literal

Kind = Literal["estimate", "error", "bound", "statistic", "log_p"]
"""How a column is printed. `estimate`, `error` (standard errors) and `bound` share decimals that
follow the standard errors where there are any; `statistic`: three decimals; `log_p`: the cells are
log p, printed as p."""

WITHHELD = "—"
MISSING = ""
SIGNIFICANT = 4
LEAST_SIGNIFICANT = 3
MOST_DECIMALS = 7
MOST_DIGITS = 12
LARGEST_STATISTIC = 1e6


def exponent(value: float) -> int:
    """The power of ten of the first significant digit."""
    return int(f"{abs(value):e}".partition("e")[2])


def common_decimals(
    values: Iterable[float], others: Iterable[float] = (), significant: int = SIGNIFICANT
) -> int | None:
    """Decimals that serve a whole column, or None where no single choice does.

    The middle value gets `significant` digits and the smallest at least three. A column that would
    need more than seven decimals, or twelve digits in one number, has no common choice.

    Arguments:
        values: the numbers whose size decides, such as standard errors.
        others: numbers printed with the same decimals, such as the estimates.
        significant: the digits of the middle value.
    """
    powers = powers_of_ten(values)
    if not powers:
        return SIGNIFICANT - 1
    middle, low = statistics.median_low(powers), min(powers)
    high = max(0, *powers, *powers_of_ten(others))
    decimals = max(significant - 1 - middle, LEAST_SIGNIFICANT - 1 - low, 0)
    if decimals > MOST_DECIMALS or decimals + high + 1 > MOST_DIGITS:
        return None
    return decimals


def powers_of_ten(values: Iterable[float]) -> list[int]:
    """The exponents of the values that have one."""
    return [exponent(v) for v in values if math.isfinite(v) and v != 0]


def column_decimals(kinds: Sequence[Kind], columns: Sequence[Sequence[float]]) -> list[int | None]:
    """The decimals of each column of a table, given its numbers.

    Standard errors say how many digits of an estimate mean anything: an estimate that happens to
    lie near zero must not ask for digits of noise.
    """
    chosen = [common_decimals(column) for column in columns]
    if "error" in kinds and powers_of_ten(columns[kinds.index("error")]):
        leading, significant = kinds.index("error"), LEAST_SIGNIFICANT
        alike = [j for j, kind in enumerate(kinds) if kind in ("estimate", "error", "bound")]
    elif "estimate" in kinds:
        leading, significant = kinds.index("estimate"), SIGNIFICANT
        alike = [j for j, kind in enumerate(kinds) if j == leading or kind in ("error", "bound")]
    else:
        return chosen
    others = [v for j in alike for v in columns[j]]
    shared = common_decimals(columns[leading], others, significant)
    return [shared if j in alike else own for j, own in enumerate(chosen)]


def number(value: float, decimals: int | None) -> str:
    """One number with `decimals` decimals, or with four significant digits where that is None."""
    if math.isnan(value):
        return WITHHELD
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if decimals is not None:
        return unsigned_zero(f"{value:.{decimals}f}")
    if value == 0:
        return "0"
    power = exponent(float(f"{value:.{SIGNIFICANT - 1}e}"))
    if -4 <= power <= 6:
        return f"{value:.{max(SIGNIFICANT - 1 - power, 0)}f}"
    return f"{value:.{SIGNIFICANT - 1}e}"


def statistic(value: float, decimals: int = 3) -> str:
    """A test statistic: three decimals, or four significant digits from a million on."""
    return number(value, decimals if abs(value) < LARGEST_STATISTIC else None)


def p_value(log_p: float, decimals: int = 3, detailed: bool = False) -> str:
    """A p-value from its logarithm: `0.032`, `<0.001`; in detail `3.2e-17`, `<1e-300`."""
    if math.isnan(log_p):
        return WITHHELD
    power = min(log_p, 0.0) / math.log(10)
    if power >= -decimals:
        return f"{10**power:.{decimals}f}"
    if not detailed:
        return f"<{10.0**-decimals:.{decimals}f}"
    return "<1e-300" if power < -300 else f"{10**power:.1e}"


def interval(low: float, high: float, decimals: int | None = None) -> str:
    """`[low, high]`, both with the same decimals."""
    if decimals is None:
        decimals = common_decimals((low, high))
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def unsigned_zero(text: str) -> str:
    """`-0.00` is printed as `0.00`."""
    return text.removeprefix("-") if not text.strip("-0.") else text
