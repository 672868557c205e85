"""Results and tables: what a person reads."""

from asymptotix.results.compare import compare
from asymptotix.results.results import Results
from asymptotix.results.saving import load
from asymptotix.results.table import Row, Table

__all__ = ["Results", "Row", "Table", "compare", "load"]
