"""Inference: from estimates and covariances to tests and intervals."""

from asymptotix.inference.delta import Delta, delta_method
from asymptotix.inference.wald import WaldTable, wald_table

__all__ = ["Delta", "WaldTable", "delta_method", "wald_table"]
