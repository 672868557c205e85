"""Predictors: from covariates to eta."""

from asymptotix.predictors.base import AbstractPredictor, with_offset
from asymptotix.predictors.linear import Linear
from asymptotix.predictors.network import Network
from asymptotix.predictors.vector import LinearVector

__all__ = ["AbstractPredictor", "Linear", "LinearVector", "Network", "with_offset"]
