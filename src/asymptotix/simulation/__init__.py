"""Simulation: data generators, Monte-Carlo studies, power."""

from asymptotix.simulation.covariates import (
    AbstractCovariates,
    DiscreteCovariates,
    HeavyTailedCovariates,
    NormalCovariates,
    SkewedCovariates,
    UniformCovariates,
)
from asymptotix.simulation.draws import simulate
from asymptotix.simulation.estimators import Estimates, Estimator
from asymptotix.simulation.generators import (
    AbstractGenerator,
    Circles,
    Clustered,
    Heteroskedastic,
    Hill,
    LinearBoundary,
    Radial,
    Sample,
)
from asymptotix.simulation.power import power
from asymptotix.simulation.study import MonteCarlo, monte_carlo

__all__ = [
    "AbstractCovariates",
    "AbstractGenerator",
    "Circles",
    "Clustered",
    "DiscreteCovariates",
    "Estimates",
    "Estimator",
    "HeavyTailedCovariates",
    "Heteroskedastic",
    "Hill",
    "LinearBoundary",
    "MonteCarlo",
    "NormalCovariates",
    "Radial",
    "Sample",
    "SkewedCovariates",
    "UniformCovariates",
    "monte_carlo",
    "power",
    "simulate",
]
