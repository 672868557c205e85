"""Statuses as an enumeration that extends optimistix's, for code that speaks optimistix.

Kept apart from `core.status` because it imports optimistix.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optimistix as optx

from asymptotix.core.status import CODES, MESSAGES


class Status(optx.RESULTS):  # pyright: ignore[reportGeneralTypeIssues]
    """How a fit ended: optimistix's `successful` and what Asymptotix adds to its failures."""

    converged_to_rounding = MESSAGES["converged_to_rounding"]
    max_steps = MESSAGES["max_steps"]
    diverging = MESSAGES["diverging"]
    separated = MESSAGES["separated"]
    boundary = MESSAGES["boundary"]
    rank_deficient = MESSAGES["rank_deficient"]
    not_finite = MESSAGES["not_finite"]
    indefinite = MESSAGES["indefinite"]
    stalled = MESSAGES["stalled"]
    running = MESSAGES["running"]
    early_stopped = MESSAGES["early_stopped"]


def promote(code) -> Status:
    """The enumeration's item for an integer code, or for an array of codes."""
    if jnp.ndim(code) > 0:
        return jax.vmap(promote)(jnp.asarray(code))
    item: Any = Status.successful
    for position, name in enumerate(CODES[1:], start=1):
        item = Status.where(jnp.asarray(code == position), getattr(Status, name), item)
    return item
