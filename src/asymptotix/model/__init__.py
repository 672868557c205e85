"""Models: predictor and family together, and the layout of their parameters."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from
from asymptotix.model.layout import Layout, layout
from asymptotix.model.regression import Regression

if TYPE_CHECKING:
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

__getattr__ = names_from(
    __name__,
    {
        "constructors": (
            "MLP",
            "LinearProbability",
            "LinearRegression",
            "Logit",
            "MultinomialLogit",
            "PoissonRegression",
            "Probit",
        ),
        "density": ("from_log_prob",),
        "family_checks": ("check_family",),
    },
)

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
