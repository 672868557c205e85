"""Predictors: from covariates to eta."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from
from asymptotix.predictors.base import AbstractPredictor, with_offset
from asymptotix.predictors.linear import Linear

if TYPE_CHECKING:
    from asymptotix.predictors.network import Network
    from asymptotix.predictors.perceptron import Standardised
    from asymptotix.predictors.vector import LinearVector

__getattr__ = names_from(
    __name__,
    {
        "network": ("Network",),
        "perceptron": ("Standardised",),
        "vector": ("LinearVector",),
    },
)

__all__ = [
    "AbstractPredictor",
    "Linear",
    "LinearVector",
    "Network",
    "Standardised",
    "with_offset",
]
