"""The support of a family: points and weights by which expectations are taken."""

from typing import Any

import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Array, Float

SUPPORTS = ("counts", "real", "positive", "unit")
TRIALS = 7
"""Of a grouped binomial whose family is checked."""
_NODES = 4001
_LARGEST_COUNT = 2**18


def guessed(family, draws) -> Any:
    """The support that a family's draws suggest: a name of `SUPPORTS`, or all of its points.

    Arguments:
        family: read for how its response is read.
        draws: draws of the response (NumPy), a pytree; `None` where there are none.
    """
    if family.response_kind == "binary":
        return np.array([0.0, 1.0])
    if family.response_kind == "grouped":
        return np.arange(TRIALS + 1.0), np.full(TRIALS + 1, float(TRIALS))
    if not isinstance(draws, np.ndarray):
        raise InputError(
            f"The support of family {family.name} cannot be told from draws; give "
            "check_family(..., support=) one of 'counts', 'real', 'positive', 'unit', or all "
            "points of the response.",
            code="support",
        )
    if family.response_kind == "categorical":
        return np.arange(draws.max() + 1.0)
    if np.all(draws == np.round(draws)) and draws.min() >= 0:
        return "counts"
    if draws.min() > 0:
        return "unit" if draws.max() < 1 else "positive"
    return "real"


def points(support: Any, draws, log_prob) -> tuple[Any, Float[Array, "m"]]:
    """Points of the response and weights: sums over them are integrals against the density.

    Arguments:
        support: a name of `SUPPORTS`, or all points of the response.
        draws: draws at the predictor in question, to see where the mass is; or `None`.
        log_prob: the log-density of many points.

    Raises:
        InputError: the support has another name.
    """
    if not isinstance(support, str):
        support = jax.tree.map(lambda v: np.asarray(v, float), support)
        return support, np.ones(len(jax.tree.leaves(support)[0]))
    if support not in SUPPORTS:
        raise InputError(
            f"support={support!r} must be one of {', '.join(SUPPORTS)}, or all points of the "
            "response.",
            code="option",
        )
    if support == "counts":
        counts = _counts(log_prob)
        return counts, np.ones(counts.size)
    return _quadrature(support, draws)


def _counts(log_prob) -> np.ndarray:
    """0, 1, ... up to where what is left weighs nothing."""
    size = 256
    while size < _LARGEST_COUNT:
        # The tail is about as heavy as a geometric one that begins with the last two terms.
        last = np.asarray(log_prob(np.array([size - 2.0, size - 1.0])))
        if not last[1] >= -45 or np.isnan(last).any():
            break
        size *= 4
    return np.arange(float(size))


def _quadrature(support: str, draws):
    r"""The trapezoid rule in $t$ with $y = T(c + s\sinh t)$, exact for smooth densities.

    $T$ is the identity, the exponential or the logistic function; the ends are where $T$ is
    about to leave double precision.
    """
    into = {"real": lambda v: v, "positive": np.log, "unit": lambda v: np.log(v / (1 - v))}
    reach = {"real": 1e15, "positive": 200.0, "unit": 34.0}[support]
    known = np.array([0.5]) if draws is None else np.asarray(draws, float)
    center = np.median(into[support](known))
    spread = np.subtract(*np.percentile(into[support](known), [75, 25])) if known.size > 1 else 1.0
    spread = spread if spread > 0 else 1.0
    reach = reach * spread if support == "real" else max(reach - abs(center), spread)
    t = np.linspace(-1, 1, _NODES) * np.arcsinh(reach / spread)
    v = center + spread * np.sinh(t)
    slope = spread * np.cosh(t) * (t[1] - t[0])
    if support == "positive":
        return np.exp(v), slope * np.exp(v)
    if support == "unit":
        y = 1 / (1 + np.exp(-v))
        return y, slope * y / (1 + np.exp(v))
    return v, slope
