"""Hypotheses about a vector of estimates: expressions, contrasts, any function."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError
from asymptotix.core.user_functions import explained
from asymptotix.effects.estimates import Estimates, transformed
from asymptotix.effects.expressions import parse

CONTRASTS: dict[str, Callable[[int], list[tuple[int, int]]]] = {
    "reference": lambda m: [(i, 0) for i in range(1, m)],
    "sequential": lambda m: [(i, i - 1) for i in range(1, m)],
    "pairwise": lambda m: [(j, i) for i in range(m) for j in range(i + 1, m)],
}
"""Which estimate is compared with which: each later one less an earlier one."""


def tested(given: Estimates, hypothesis: Any) -> Estimates:
    """What a hypothesis makes of estimates.

    Arguments:
        given: the estimates.
        hypothesis: a number to test each against; an expression or several (see `parse`);
            `"reference"`, `"sequential"` or `"pairwise"` differences; a matrix of weights with
            one column a hypothesis; or a function of the vector of estimates.
    """
    if hypothesis is None:
        return given
    if isinstance(hypothesis, (int, float)) and not isinstance(hypothesis, bool):
        if not math.isfinite(hypothesis):
            raise InputError(
                f"hypothesis={hypothesis} is no number to test against; pass a finite one.",
                code="hypothesis",
            )
        return dataclasses.replace(given, null=float(hypothesis))
    if callable(hypothesis):
        return _of_function(given, hypothesis)
    if isinstance(hypothesis, str) and hypothesis in CONTRASTS:
        return _contrasts(given, CONTRASTS[hypothesis](len(given.values)))
    if isinstance(hypothesis, np.ndarray):
        return _weighted(given, hypothesis)
    texts = [hypothesis] if isinstance(hypothesis, str) else hypothesis
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(t, str) for t in texts):
        raise InputError(
            f"hypothesis={hypothesis!r} must be a number, an expression such as 'b1 = b2' or a "
            f"list of them, one of {', '.join(map(repr, CONTRASTS))}, a matrix, or a function.",
            code="hypothesis",
        )
    return _of_expressions(given, [part for text in texts for part in parse(text, given.names)])


def _of_expressions(given: Estimates, parts) -> Estimates:
    labels = pd.DataFrame({"term": [text for text, _ in parts]})
    return transformed(given, lambda v: jnp.stack([f(v) * 1.0 for _, f in parts]), labels)


def _of_function(given: Estimates, function: Callable) -> Estimates:
    function = explained(
        function, "hypothesis=", "a function of the vector of estimates", code="hypothesis"
    )
    count = np.size(np.asarray(function(jnp.asarray(given.values))))
    labels = pd.DataFrame({"term": [f"b{i + 1}" for i in range(count)]})
    return transformed(given, lambda v: jnp.ravel(jnp.asarray(function(v))), labels)


def _contrasts(given: Estimates, pairs: list[tuple[int, int]]) -> Estimates:
    if not pairs:
        raise InputError("One estimate alone has no contrasts.", code="hypothesis")
    left, right = np.array(pairs).T
    names = given.names
    labels = pd.DataFrame({"term": [f"{_whole(names[a])} - {_whole(names[b])}" for a, b in pairs]})
    return transformed(given, lambda v: v[left] - v[right], labels)


def _whole(name: str) -> str:
    return f"({name})" if " " in name else name


def _weighted(given: Estimates, weights: np.ndarray) -> Estimates:
    columns = weights[:, None] if weights.ndim == 1 else weights
    if columns.ndim != 2 or columns.shape[0] != len(given.values):
        raise InputError(
            f"A matrix of hypotheses needs one row for each of {len(given.values)} estimates; "
            f"this one has shape {weights.shape}.",
            code="hypothesis",
        )
    labels = pd.DataFrame({"term": [f"H{j + 1}" for j in range(columns.shape[1])]})
    return transformed(given, lambda v: columns.T @ v, labels)
