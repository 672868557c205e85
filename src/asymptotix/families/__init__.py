"""Distributions of one response given its predictor, one family a file."""

from asymptotix.families.base import AbstractFamily
from asymptotix.families.bernoulli import Bernoulli
from asymptotix.families.binomial import Binomial, Counts
from asymptotix.families.gaussian import Gaussian
from asymptotix.families.poisson import Poisson

__all__ = ["AbstractFamily", "Bernoulli", "Binomial", "Counts", "Gaussian", "Poisson"]
