"""Covariance kinds by name, as users write them."""

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
        raise InputError(
            f"Covariance kind {kind!r} is not known; use one of {', '.join(KINDS)}."
            f"{close_matches(kind, KINDS)}",
            code="covariance",
        )
    return KINDS[name]()
