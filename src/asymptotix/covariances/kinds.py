"""Covariance kinds by name, as users write them."""

import functools

from asymptotix.core.errors import InputError, close_matches
from asymptotix.covariances.base import AbstractCovariance
from asymptotix.covariances.information import InverseInformation, OuterProduct
from asymptotix.covariances.sandwich import RULES, Sandwich

KINDS = {
    "observed": lambda: InverseInformation("observed"),
    "expected": lambda: InverseInformation("expected"),
    "opg": lambda: OuterProduct(),
    **{name: lambda name=name: Sandwich(name) for name in RULES},
}

OBJECTS = ("cluster", "hac", "bootstrap", "jackknife")
"""Kinds that need to know more than a name, so that there is none for them."""


def covariance_kind(kind: "str | AbstractCovariance") -> AbstractCovariance:
    """The covariance object for a name, or the object itself.

    Raises:
        InputError: the name is not known.
    """
    if isinstance(kind, AbstractCovariance):
        return kind
    known = {name.lower(): name for name in KINDS}
    name = known.get(str(kind).lower())
    if name is None:
        near = close_matches(kind, KINDS) or close_matches(str(kind).lower(), OBJECTS)
        raise InputError(
            f"Covariance kind {kind!r} is not known; use one of {', '.join(KINDS)}, or an object "
            f"such as asx.Cluster('firm') or asx.HAC(time='year').{near}",
            code="covariance",
        )
    return _made(name)


@functools.cache
def _made(name: str) -> AbstractCovariance:
    return KINDS[name]()
