"""Finite-sample corrections as this and other systems have them, by name."""

import dataclasses
from typing import Literal

from asymptotix.core.errors import InputError, close_matches


@dataclasses.dataclass(frozen=True)
class Convention:
    r"""How a system corrects robust covariances, and with what it tests.

    Attributes:
        bread: which information is inverted where that is not said.
        lost: what HC1 takes from `n` in $n/(n - \cdot)$: `"k"` or `"1"`.
        rows: whether CR1 has the factor $(n-1)/(n-k)$ besides $G/(G-1)$: always, never, or in
            linear regressions only.
        groups: with several groupings, each part's own `G` or the smallest.
        single_reference: tests with HC errors: as the family declares, or normal.
        cluster_reference: tests with clusters: t(G - 1), normal, as the family declares, or
            t(G - 1) only where the family's own is t.
        ways: groupings for which the system's digits are known.
    """

    bread: Literal["observed", "expected"] = "observed"
    lost: Literal["k", "1"] = "k"
    rows: Literal["always", "never", "linear"] = "always"
    groups: Literal["own", "min"] = "own"
    single_reference: Literal["family", "normal"] = "family"
    cluster_reference: Literal["t", "normal", "family", "t if family"] = "t"
    ways: int | None = None


CONVENTIONS = {
    "asymptotix": Convention(),
    "statsmodels": Convention(single_reference="normal", cluster_reference="normal"),
    "stata": Convention(ways=1),
    "stata-ml": Convention(
        lost="1", rows="never", single_reference="normal", cluster_reference="normal", ways=1
    ),
    "sandwich": Convention(bread="expected", rows="linear", cluster_reference="family"),
    "fixest": Convention(bread="expected", groups="min", cluster_reference="t if family"),
}


def convention_named(name: str) -> Convention:
    """The convention of a name.

    Raises:
        InputError: the name is not known.
    """
    if name not in CONVENTIONS:
        raise InputError(
            f"convention={name!r} is not known; use one of {', '.join(CONVENTIONS)}."
            f"{close_matches(name, CONVENTIONS)}",
            code="covariance",
        )
    return CONVENTIONS[name]


def bread_or_default(bread: str | None, convention: Convention) -> str:
    """The information asked for, or the convention's own."""
    if bread not in (None, "observed", "expected"):
        raise InputError(f"bread={bread!r} must be 'observed' or 'expected'.", code="covariance")
    return convention.bread if bread is None else bread


def chosen(value: str, what: str, known) -> str:
    """The value, if it is among those known.

    Raises:
        InputError: it is not; the message names those that are.
    """
    if value not in known:
        raise InputError(
            f"{what} {value!r} is not known; use one of {', '.join(known)}."
            f"{close_matches(value, known)}",
            code="covariance",
        )
    return value
