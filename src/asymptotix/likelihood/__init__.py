"""The likelihood: theta to sums over rows."""

from asymptotix.likelihood.coordinates import (
    Coordinates,
    RotatedCoordinates,
    exact,
    host_coordinates,
    inward,
    outward,
    plain_if_near,
    traced_coordinates,
)
from asymptotix.likelihood.curvatures import (
    declares_expected,
    row_informations,
    row_leverages,
)
from asymptotix.likelihood.generic import row_log_likelihoods, weighted
from asymptotix.likelihood.outer import outer_products, row_scores
from asymptotix.likelihood.statistics import Statistics, dispersed_log_likelihood, statistics
from asymptotix.likelihood.structured import information_factor, is_structured
from asymptotix.likelihood.sums import (
    Curvature,
    Sums,
    block_gradient,
    block_sums,
    block_sums_and_statistics,
)

__all__ = [
    "Coordinates",
    "Curvature",
    "RotatedCoordinates",
    "Statistics",
    "Sums",
    "block_gradient",
    "block_sums",
    "block_sums_and_statistics",
    "declares_expected",
    "dispersed_log_likelihood",
    "exact",
    "host_coordinates",
    "information_factor",
    "inward",
    "is_structured",
    "outer_products",
    "outward",
    "plain_if_near",
    "row_informations",
    "row_leverages",
    "row_log_likelihoods",
    "row_scores",
    "statistics",
    "traced_coordinates",
    "weighted",
]
