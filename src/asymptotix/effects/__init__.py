"""Effects: from a fitted model to predictions, comparisons and slopes with their uncertainty."""

from asymptotix.effects.arrays import average_slopes
from asymptotix.effects.grid import datagrid

__all__ = ["average_slopes", "datagrid"]
