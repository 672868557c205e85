"""Models: predictor and family together, and the layout of their parameters."""

from asymptotix.model.constructors import (
    LinearProbability,
    LinearRegression,
    Logit,
    MultinomialLogit,
    PoissonRegression,
    Probit,
)
from asymptotix.model.layout import Layout, layout
from asymptotix.model.regression import Regression

__all__ = [
    "Layout",
    "LinearProbability",
    "LinearRegression",
    "Logit",
    "MultinomialLogit",
    "PoissonRegression",
    "Probit",
    "Regression",
    "layout",
]
