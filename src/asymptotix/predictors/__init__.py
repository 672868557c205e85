"""Predictors: from covariates to eta."""

from asymptotix.predictors.base import AbstractPredictor
from asymptotix.predictors.linear import Linear
from asymptotix.predictors.network import Network

__all__ = ["AbstractPredictor", "Linear", "Network"]
