"""Penalties: what is added to the log-likelihood."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from

if TYPE_CHECKING:
    from asymptotix.penalties.adjusted_scores import MeanBR, MedianBR, MixedBR
    from asymptotix.penalties.base import AbstractPenalty, BoundPenalty, Penalised
    from asymptotix.penalties.intercepts import FLAC, FLIC
    from asymptotix.penalties.jeffreys import Jeffreys
    from asymptotix.penalties.priors import GaussianPrior, LogF
    from asymptotix.penalties.reduction import AbstractBiasReduction, Corrected, RowTerms, Sample
    from asymptotix.penalties.ridge import Ridge

__getattr__ = names_from(
    __name__,
    {
        "adjusted_scores": (
            "MeanBR",
            "MedianBR",
            "MixedBR",
        ),
        "base": (
            "AbstractPenalty",
            "BoundPenalty",
            "Penalised",
        ),
        "intercepts": (
            "FLAC",
            "FLIC",
        ),
        "jeffreys": ("Jeffreys",),
        "priors": (
            "GaussianPrior",
            "LogF",
        ),
        "reduction": (
            "AbstractBiasReduction",
            "Corrected",
            "RowTerms",
            "Sample",
        ),
        "ridge": ("Ridge",),
    },
)

__all__ = [
    "FLAC",
    "FLIC",
    "AbstractBiasReduction",
    "AbstractPenalty",
    "BoundPenalty",
    "Corrected",
    "GaussianPrior",
    "Jeffreys",
    "LogF",
    "MeanBR",
    "MedianBR",
    "MixedBR",
    "Penalised",
    "Ridge",
    "RowTerms",
    "Sample",
]
