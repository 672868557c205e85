"""Covariances of estimates: bread, meat and correction."""

from asymptotix.covariances.base import AbstractCovariance, Covariance, Ingredients
from asymptotix.covariances.estimate import covariance, information, score_contributions
from asymptotix.covariances.information import InverseInformation, OuterProduct
from asymptotix.covariances.kinds import covariance_kind
from asymptotix.covariances.sandwich import Sandwich

__all__ = [
    "AbstractCovariance",
    "Covariance",
    "Ingredients",
    "InverseInformation",
    "OuterProduct",
    "Sandwich",
    "covariance",
    "covariance_kind",
    "information",
    "score_contributions",
]
