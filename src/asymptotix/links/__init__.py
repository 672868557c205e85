"""Scalar functions between the mean and the predictor, one link a file."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from
from asymptotix.links.base import AbstractLink

if TYPE_CHECKING:
    from asymptotix.links.cauchit import CauchitLink
    from asymptotix.links.cloglog import CloglogLink
    from asymptotix.links.identity import IdentityLink
    from asymptotix.links.log import LogLink
    from asymptotix.links.logit import LogitLink
    from asymptotix.links.loglog import LoglogLink
    from asymptotix.links.power import (
        AbstractPowerLink,
        InverseLink,
        InverseSquareLink,
        PowerLink,
        SqrtLink,
    )
    from asymptotix.links.probit import ProbitLink

__getattr__ = names_from(
    __name__,
    {
        "cauchit": ("CauchitLink",),
        "cloglog": ("CloglogLink",),
        "identity": ("IdentityLink",),
        "log": ("LogLink",),
        "logit": ("LogitLink",),
        "loglog": ("LoglogLink",),
        "power": (
            "AbstractPowerLink",
            "InverseLink",
            "InverseSquareLink",
            "PowerLink",
            "SqrtLink",
        ),
        "probit": ("ProbitLink",),
    },
)

__all__ = [
    "AbstractLink",
    "AbstractPowerLink",
    "CauchitLink",
    "CloglogLink",
    "IdentityLink",
    "InverseLink",
    "InverseSquareLink",
    "LogLink",
    "LogitLink",
    "LoglogLink",
    "PowerLink",
    "ProbitLink",
    "SqrtLink",
]
