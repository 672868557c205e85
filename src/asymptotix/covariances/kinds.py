"""Covariance kinds by name, as users write them."""

from asymptotix.core.errors import InputError, close_matches
from asymptotix.covariances.base import AbstractCovariance
from asymptotix.covariances.information import InverseInformation, OuterProduct
from asymptotix.covariances.sandwich import Sandwich

KINDS = {
    "observed": lambda: InverseInformation("observed"),
    "expected": lambda: InverseInformation("expected"),
    "opg": lambda: OuterProduct(),
    "HC0": lambda: Sandwich("HC0"),
    "HC1": lambda: Sandwich("HC1"),
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
