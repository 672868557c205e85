"""Write a model as an Equinox module; get its estimates *and* their uncertainty.

The public names are loaded when they are first used, so that `import asymptotix` is quick, starts
no backend and changes no setting.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PUBLIC = {
    "AbstractCovariance": "asymptotix.covariances",
    "AbstractFamily": "asymptotix.families",
    "AbstractLink": "asymptotix.links",
    "AbstractPredictor": "asymptotix.predictors",
    "Bernoulli": "asymptotix.families",
    "Binomial": "asymptotix.families",
    "CauchitLink": "asymptotix.links",
    "CloglogLink": "asymptotix.links",
    "CollinearWarning": "asymptotix.core.errors",
    "Fit": "asymptotix.fitting",
    "FitError": "asymptotix.core.errors",
    "FitWarning": "asymptotix.core.errors",
    "Gaussian": "asymptotix.families",
    "IdentityLink": "asymptotix.links",
    "InputError": "asymptotix.core.errors",
    "InverseInformation": "asymptotix.covariances",
    "InverseLink": "asymptotix.links",
    "InverseSquareLink": "asymptotix.links",
    "Linear": "asymptotix.predictors",
    "LinearProbability": "asymptotix.model",
    "LinearRegression": "asymptotix.model",
    "LogLink": "asymptotix.links",
    "Logit": "asymptotix.model",
    "LogitLink": "asymptotix.links",
    "LoglogLink": "asymptotix.links",
    "MissingRowsWarning": "asymptotix.core.errors",
    "Network": "asymptotix.predictors",
    "Newton": "asymptotix.fitting",
    "OuterProduct": "asymptotix.covariances",
    "Poisson": "asymptotix.families",
    "PoissonRegression": "asymptotix.model",
    "PowerLink": "asymptotix.links",
    "Probit": "asymptotix.model",
    "ProbitLink": "asymptotix.links",
    "Regression": "asymptotix.model",
    "Results": "asymptotix.results",
    "Rows": "asymptotix.data.rows",
    "Sandwich": "asymptotix.covariances",
    "SqrtLink": "asymptotix.links",
    "Status": "asymptotix.core.enumeration",
    "coefficient_plot": "asymptotix.plots",
    "constant": "asymptotix.core.parameters",
    "covariance": "asymptotix.covariances",
    "delta_method": "asymptotix.inference",
    "fit": "asymptotix.fitting",
    "freeze": "asymptotix.core.parameters",
    "glm": "asymptotix.api",
    "information": "asymptotix.covariances",
    "linear": "asymptotix.api",
    "load_example": "asymptotix.data.examples",
    "logit": "asymptotix.api",
    "lpm": "asymptotix.api",
    "parameter": "asymptotix.core.parameters",
    "poisson": "asymptotix.api",
    "probit": "asymptotix.api",
    "score_contributions": "asymptotix.covariances",
}

__all__ = [
    "AbstractCovariance",
    "AbstractFamily",
    "AbstractLink",
    "AbstractPredictor",
    "Bernoulli",
    "Binomial",
    "CauchitLink",
    "CloglogLink",
    "CollinearWarning",
    "Fit",
    "FitError",
    "FitWarning",
    "Gaussian",
    "IdentityLink",
    "InputError",
    "InverseInformation",
    "InverseLink",
    "InverseSquareLink",
    "Linear",
    "LinearProbability",
    "LinearRegression",
    "LogLink",
    "Logit",
    "LogitLink",
    "LoglogLink",
    "MissingRowsWarning",
    "Network",
    "Newton",
    "OuterProduct",
    "Poisson",
    "PoissonRegression",
    "PowerLink",
    "Probit",
    "ProbitLink",
    "Regression",
    "Results",
    "Rows",
    "Sandwich",
    "SqrtLink",
    "Status",
    "coefficient_plot",
    "constant",
    "covariance",
    "delta_method",
    "fit",
    "freeze",
    "glm",
    "information",
    "linear",
    "load_example",
    "logit",
    "lpm",
    "parameter",
    "poisson",
    "probit",
    "score_contributions",
]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


if TYPE_CHECKING:  # for type checkers and editors: the same names, told in their own language
    from asymptotix.api import glm, linear, logit, lpm, poisson, probit
    from asymptotix.core.enumeration import Status
    from asymptotix.core.errors import (
        CollinearWarning,
        FitError,
        FitWarning,
        InputError,
        MissingRowsWarning,
    )
    from asymptotix.core.parameters import constant, freeze, parameter
    from asymptotix.covariances import (
        AbstractCovariance,
        InverseInformation,
        OuterProduct,
        Sandwich,
        covariance,
        information,
        score_contributions,
    )
    from asymptotix.data.examples import load_example
    from asymptotix.data.rows import Rows
    from asymptotix.families import AbstractFamily, Bernoulli, Binomial, Gaussian, Poisson
    from asymptotix.fitting import Fit, Newton, fit
    from asymptotix.inference import delta_method
    from asymptotix.links import (
        AbstractLink,
        CauchitLink,
        CloglogLink,
        IdentityLink,
        InverseLink,
        InverseSquareLink,
        LogitLink,
        LogLink,
        LoglogLink,
        PowerLink,
        ProbitLink,
        SqrtLink,
    )
    from asymptotix.model import (
        LinearProbability,
        LinearRegression,
        Logit,
        PoissonRegression,
        Probit,
        Regression,
    )
    from asymptotix.plots import coefficient_plot
    from asymptotix.predictors import AbstractPredictor, Linear, Network
    from asymptotix.results import Results
