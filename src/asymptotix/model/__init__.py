"""Models: predictor and family together, and the layout of their parameters."""

from asymptotix.model.constructors import (
    MLP,
    LinearProbability,
    LinearRegression,
    Logit,
    MultinomialLogit,
    PoissonRegression,
    Probit,
)
from asymptotix.model.density import from_log_prob
from asymptotix.model.family_checks import check_family
from asymptotix.model.layout import Layout, layout
from asymptotix.model.regression import Regression

__all__ = [
    "MLP",
    "Layout",
    "LinearProbability",
    "LinearRegression",
    "Logit",
    "MultinomialLogit",
    "PoissonRegression",
    "Probit",
    "Regression",
    "check_family",
    "from_log_prob",
    "layout",
]
