"""Several searches at once: each asks for the likelihood at a point, one pass answers them all."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

import numpy as np

LANES = (2, 4, 8, 16)
"""Points of one pass: few sizes, so that few programs are compiled."""


class At(NamedTuple):
    """The likelihood at the point that a search asked for, on active parameters."""

    value: float
    score: np.ndarray
    information: np.ndarray
    expected: np.ndarray | None


Search = Generator[np.ndarray, At, Any]
"""Yields points, is sent an `At` for each, and returns what it found."""


def run_searches(searches: Sequence[Search], evaluate: Callable[[np.ndarray], Any]) -> list[Any]:
    """The results of all searches; a search that ends makes room for the next.

    Arguments:
        searches: generators that have not started.
        evaluate: from points, shape `(lanes, p)`, to arrays of one entry a lane.
    """
    found: list[Any] = [None] * len(searches)
    lanes = next((size for size in LANES if size >= len(searches)), LANES[-1])
    waiting, asking = list(enumerate(searches))[::-1], []
    while waiting or asking:
        while waiting and len(asking) < lanes:
            index, search = waiting.pop()
            _resume(asking, found, index, search, None)
        if asking:
            answered = _answers(asking, lanes, evaluate)
            current, asking = asking, []
            for (index, search, _), at in zip(current, answered, strict=True):
                _resume(asking, found, index, search, at)
    return found


def _resume(asking: list, found: list, index: int, search: Search, at: At | None) -> None:
    try:
        asking.append((index, search, next(search) if at is None else search.send(at)))
    except StopIteration as end:
        found[index] = end.value


def _answers(asking: list, lanes: int, evaluate) -> list[At]:
    points = np.stack([point for _, _, point in asking])
    padded = np.concatenate([points, np.repeat(points[:1], lanes - len(points), axis=0)])
    value, score, information, expected = evaluate(padded)
    return [
        At(float(value[i]), score[i], information[i], None if expected is None else expected[i])
        for i in range(len(asking))
    ]
