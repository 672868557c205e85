r"""Where a likelihood has no maximum in $\eta$: the directions along which it never falls."""

from typing import NamedTuple

import numpy as np

from asymptotix.core.precision import double
from asymptotix.core.typing import Array, Bool, Float
from asymptotix.links.base import AbstractLink

ENDLESS = 1e15
"""From here a link's value at the edge of its means stands for infinity (cauchit rounds)."""


class Cones(NamedTuple):
    r"""For each row, the directions $u$ of $\eta$ along which its log-probability never falls.

    Attributes:
        normals: $A_i$ with $A_i u \ge 0$, shape `(n, r, m)` for $m$ components of $\eta$.
        pinned: rows whose likelihood has a maximum, or an edge, both ways: $A_i u = 0$.
    """

    normals: Float[Array, "n r m"]
    pinned: Bool[Array, "n"]


def half_lines(signs) -> Cones:
    r"""Cones of a scalar predictor.

    Arguments:
        signs: for each row +1 or -1, where the likelihood rises for ever as $\eta$ goes there,
            and 0 where it does neither.
    """
    signs = np.asarray(signs, np.float64)
    return Cones(np.where(signs == 0, 1.0, signs)[:, None, None], signs == 0)


def endless_side(link: AbstractLink, edge: float) -> int:
    r"""The side of $\eta$ on which a mean comes arbitrarily near `edge`; 0 if it gets there.

    The mean of a logit nears 1 as $\eta \to \infty$, that of a log link is 1 at $\eta = 0$.
    """
    with double():
        at = float(link.link(np.asarray(edge, np.float64)))
    return int(np.sign(at)) if abs(at) >= ENDLESS else 0
