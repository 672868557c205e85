"""Results and tables: what a person reads."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from

if TYPE_CHECKING:
    from asymptotix.results.results import Results
    from asymptotix.results.saving import load
    from asymptotix.results.table import Row, Table

__getattr__ = names_from(
    __name__,
    {
        "results": ("Results",),
        "saving": ("load",),
        "table": (
            "Row",
            "Table",
        ),
    },
)

__all__ = [
    "Results",
    "Row",
    "Table",
    "load",
]
