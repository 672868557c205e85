"""Penalties: what is added to the log-likelihood."""

from asymptotix.penalties.base import AbstractPenalty, BoundPenalty, Penalised
from asymptotix.penalties.ridge import Ridge

__all__ = ["AbstractPenalty", "BoundPenalty", "Penalised", "Ridge"]
