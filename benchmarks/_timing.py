"""Times of two rivals taken in turn, so that a busy machine slows both alike."""

import os
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Comparison(NamedTuple):
    """Medians of the seconds of each, and the median of the ratios of neighbouring runs."""

    ours: float
    theirs: float
    ratio: float


def alternate(ours: Callable, theirs: Callable, rounds: int, warm: int = 1) -> Comparison:
    """Run both `rounds` times in turn, after `warm` rounds that do not count."""
    pairs = []
    for i in range(warm + rounds):
        pair = seconds(ours), seconds(theirs)
        if i >= warm:
            pairs.append(pair)
    return compare(pairs)


def compare(pairs: list[tuple[float, float]]) -> Comparison:
    """Medians of pairs (ours, theirs)."""
    return Comparison(
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def seconds(function: Callable) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def short(value: float) -> str:
    """A time with a unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
