"""Predictors: from covariates to eta."""

from asymptotix.predictors.base import AbstractPredictor, with_offset
from asymptotix.predictors.linear import Linear
from asymptotix.predictors.network import Network
from asymptotix.predictors.perceptron import Standardised, perceptron
from asymptotix.predictors.vector import LinearVector

__all__ = [
    "AbstractPredictor",
    "Linear",
    "LinearVector",
    "Network",
    "Standardised",
    "perceptron",
    "with_offset",
]
