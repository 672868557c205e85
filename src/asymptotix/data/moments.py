"""Means and scales of a formula's `center()`, `scale()` and `standardize()` over a stream."""

from typing import Any

import numpy as np
from formulaic.utils.stateful_transforms import stateful_transform


@stateful_transform
def scale(data: Any, center: Any = True, scale: Any = True, ddof: float = 1, _state: Any = None):
    """The values as they are; what a scale is made of goes into the state."""
    values = np.asarray(data, np.float64)
    mean = values.mean(axis=0)
    _state["moments"] = (len(values), mean, np.sum((values - mean) ** 2, axis=0))
    _state["asked"] = (center, scale, ddof)
    return values


@stateful_transform
def center(data: Any, _state: Any = None):
    """The same for a mean."""
    return scale(data, scale=False, _state=_state)


@stateful_transform
def standardize(x: Any, center: Any = True, rescale: Any = True, ddof: int = 0, _state: Any = None):
    """The same by the name it has in patsy."""
    return scale(x, center=center, scale=rescale, ddof=ddof, _state=_state)


RECORDERS = {"scale": scale, "center": center, "standardize": standardize}
"""What stands for these words while a stream is read for the first time."""


def is_recorded(state: Any) -> bool:
    """Whether a transform's state was left by one of these."""
    return isinstance(state, dict) and "moments" in state


def merged(one, other):
    """Number, mean and sum of squares of two stretches together (Chan, Golub and LeVeque 1979)."""
    if one is None:
        return other
    (n, mean, squares), (m, next_mean, next_squares) = one, other
    gap, total = next_mean - mean, n + m
    return total, mean + gap * m / total, squares + next_squares + gap**2 * n * m / total


def settled(moments, asked) -> dict[str, Any]:
    """The state that the words themselves would have reached on all rows at once."""
    (n, mean, squares), (center, scale, ddof) = moments, asked
    found = _given(center, mean)
    shift = 0.0 if found is None else found
    spread = np.sqrt((squares + n * (mean - shift) ** 2) / (n - ddof))
    return {"ddof": ddof, "center": found, "scale": _given(scale, spread)}


def _given(asked, estimated):
    if isinstance(asked, bool):
        return estimated if asked else None
    return np.array(asked)
