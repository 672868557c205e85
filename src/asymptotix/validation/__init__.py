"""`asymptotix validate`: every model that ships beside statsmodels and other oracles."""

from asymptotix.validation.cases import (
    Case,
    all_cases,
    binary,
    counts,
    generalised_case,
)
from asymptotix.validation.comparison import Comparison
from asymptotix.validation.report import as_json, page, passed, table
from asymptotix.validation.run import validate
from asymptotix.validation.samples import Sample

__all__ = [
    "Case",
    "Comparison",
    "Sample",
    "all_cases",
    "as_json",
    "binary",
    "counts",
    "generalised_case",
    "page",
    "passed",
    "table",
    "validate",
]
