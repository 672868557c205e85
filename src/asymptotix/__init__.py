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
    "AbstractGenerator": "asymptotix.simulation",
    "AbstractLink": "asymptotix.links",
    "AbstractPenalty": "asymptotix.penalties",
    "AbstractPredictor": "asymptotix.predictors",
    "AbstractSolver": "asymptotix.fitting",
    "AreaUnderCurve": "asymptotix.diagnostics",
    "Bernoulli": "asymptotix.families",
    "Beta": "asymptotix.families",
    "Binomial": "asymptotix.families",
    "Bootstrap": "asymptotix.covariances",
    "BootstrapTest": "asymptotix.inference",
    "BrierScore": "asymptotix.diagnostics",
    "Calibration": "asymptotix.diagnostics",
    "CauchitLink": "asymptotix.links",
    "Circles": "asymptotix.simulation",
    "CloglogLink": "asymptotix.links",
    "Cluster": "asymptotix.covariances",
    "Clustered": "asymptotix.simulation",
    "CollinearWarning": "asymptotix.core.errors",
    "Confusion": "asymptotix.diagnostics",
    "DiscreteCovariates": "asymptotix.simulation",
    "DriscollKraay": "asymptotix.covariances",
    "Estimates": "asymptotix.simulation",
    "Estimator": "asymptotix.simulation",
    "FLAC": "asymptotix.penalties",
    "FLIC": "asymptotix.penalties",
    "Fit": "asymptotix.fitting",
    "FitError": "asymptotix.core.errors",
    "FitWarning": "asymptotix.core.errors",
    "Gamma": "asymptotix.families",
    "Gaussian": "asymptotix.families",
    "GaussianPrior": "asymptotix.penalties",
    "HAC": "asymptotix.covariances",
    "HeavyTailedCovariates": "asymptotix.simulation",
    "Heteroskedastic": "asymptotix.simulation",
    "Hill": "asymptotix.simulation",
    "HypothesisTest": "asymptotix.inference",
    "IdentityLink": "asymptotix.links",
    "InfinitesimalJackknife": "asymptotix.covariances",
    "InputError": "asymptotix.core.errors",
    "InverseGaussian": "asymptotix.families",
    "InverseInformation": "asymptotix.covariances",
    "InverseLink": "asymptotix.links",
    "InverseSquareLink": "asymptotix.links",
    "Jackknife": "asymptotix.covariances",
    "Jeffreys": "asymptotix.penalties",
    "Linear": "asymptotix.predictors",
    "LinearBoundary": "asymptotix.simulation",
    "LinearProbability": "asymptotix.model",
    "LinearRegression": "asymptotix.model",
    "LinearVector": "asymptotix.predictors",
    "LocationScale": "asymptotix.families",
    "LogF": "asymptotix.penalties",
    "LogLink": "asymptotix.links",
    "Logit": "asymptotix.model",
    "LogitLink": "asymptotix.links",
    "LoglogLink": "asymptotix.links",
    "MLP": "asymptotix.model",
    "MeanBR": "asymptotix.penalties",
    "MedianBR": "asymptotix.penalties",
    "MissingRowsWarning": "asymptotix.core.errors",
    "MixedBR": "asymptotix.penalties",
    "Multinomial": "asymptotix.families",
    "MultinomialLogit": "asymptotix.model",
    "NegativeBinomial": "asymptotix.families",
    "Network": "asymptotix.predictors",
    "Newton": "asymptotix.fitting",
    "NormalCovariates": "asymptotix.simulation",
    "OuterProduct": "asymptotix.covariances",
    "Poisson": "asymptotix.families",
    "PoissonRegression": "asymptotix.model",
    "PowerLink": "asymptotix.links",
    "Probit": "asymptotix.model",
    "ProbitLink": "asymptotix.links",
    "Quasi": "asymptotix.fitting",
    "QuasiBinomial": "asymptotix.families",
    "QuasiPoisson": "asymptotix.families",
    "Radial": "asymptotix.simulation",
    "Regression": "asymptotix.model",
    "Results": "asymptotix.results",
    "Ridge": "asymptotix.penalties",
    "Rows": "asymptotix.data.rows",
    "Sample": "asymptotix.simulation",
    "Sandwich": "asymptotix.covariances",
    "SkewedCovariates": "asymptotix.simulation",
    "SqrtLink": "asymptotix.links",
    "Status": "asymptotix.core.enumeration",
    "Stochastic": "asymptotix.fitting",
    "UniformCovariates": "asymptotix.simulation",
    "adjust_p": "asymptotix.inference",
    "anova": "asymptotix.inference",
    "average_slopes": "asymptotix.effects",
    "cache": "asymptotix.core.cache",
    "calibration_plot": "asymptotix.plots",
    "check_family": "asymptotix.model",
    "coefficient_plot": "asymptotix.plots",
    "compare": "asymptotix.results.compare",
    "constant": "asymptotix.core.parameters",
    "covariance": "asymptotix.covariances",
    "coverage_plot": "asymptotix.plots",
    "datagrid": "asymptotix.effects",
    "delta_method": "asymptotix.inference",
    "detect_separation": "asymptotix.detection",
    "fit": "asymptotix.fitting",
    "fit_many": "asymptotix.covariances",
    "freeze": "asymptotix.core.parameters",
    "from_log_prob": "asymptotix.model",
    "glm": "asymptotix.api",
    "goodness_of_fit": "asymptotix.inference",
    "hidden_unit_plot": "asymptotix.plots",
    "history_plot": "asymptotix.plots",
    "hosmer_lemeshow": "asymptotix.inference",
    "influence_plot": "asymptotix.plots",
    "information": "asymptotix.covariances",
    "information_matrix_test": "asymptotix.inference",
    "linear": "asymptotix.api",
    "link_test": "asymptotix.inference",
    "load": "asymptotix.results",
    "load_example": "asymptotix.data.examples",
    "logit": "asymptotix.api",
    "lpm": "asymptotix.api",
    "lr_test": "asymptotix.inference",
    "mlp": "asymptotix.networks",
    "monte_carlo": "asymptotix.simulation",
    "overdispersion_test": "asymptotix.inference",
    "parameter": "asymptotix.core.parameters",
    "poisson": "asymptotix.api",
    "power": "asymptotix.simulation",
    "prediction_plot": "asymptotix.plots",
    "probit": "asymptotix.api",
    "profile_plot": "asymptotix.plots",
    "resample": "asymptotix.covariances.resample",
    "reset_test": "asymptotix.inference",
    "residual_plot": "asymptotix.plots",
    "roc_plot": "asymptotix.plots",
    "score_contributions": "asymptotix.covariances",
    "shard": "asymptotix.data.sharded",
    "score_test": "asymptotix.inference",
    "simulate": "asymptotix.simulation",
    "slope_plot": "asymptotix.plots",
    "stream": "asymptotix.data.streams",
    "surface_plot": "asymptotix.plots",
    "wild_bootstrap_test": "asymptotix.inference",
    "zip_plot": "asymptotix.plots",
}

__all__ = [
    "FLAC",
    "FLIC",
    "HAC",
    "MLP",
    "AbstractCovariance",
    "AbstractFamily",
    "AbstractGenerator",
    "AbstractLink",
    "AbstractPenalty",
    "AbstractPredictor",
    "AbstractSolver",
    "AreaUnderCurve",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Bootstrap",
    "BootstrapTest",
    "BrierScore",
    "Calibration",
    "CauchitLink",
    "Circles",
    "CloglogLink",
    "Cluster",
    "Clustered",
    "CollinearWarning",
    "Confusion",
    "DiscreteCovariates",
    "DriscollKraay",
    "Estimates",
    "Estimator",
    "Fit",
    "FitError",
    "FitWarning",
    "Gamma",
    "Gaussian",
    "GaussianPrior",
    "HeavyTailedCovariates",
    "Heteroskedastic",
    "Hill",
    "HypothesisTest",
    "IdentityLink",
    "InfinitesimalJackknife",
    "InputError",
    "InverseGaussian",
    "InverseInformation",
    "InverseLink",
    "InverseSquareLink",
    "Jackknife",
    "Jeffreys",
    "Linear",
    "LinearBoundary",
    "LinearProbability",
    "LinearRegression",
    "LinearVector",
    "LocationScale",
    "LogF",
    "LogLink",
    "Logit",
    "LogitLink",
    "LoglogLink",
    "MeanBR",
    "MedianBR",
    "MissingRowsWarning",
    "MixedBR",
    "Multinomial",
    "MultinomialLogit",
    "NegativeBinomial",
    "Network",
    "Newton",
    "NormalCovariates",
    "OuterProduct",
    "Poisson",
    "PoissonRegression",
    "PowerLink",
    "Probit",
    "ProbitLink",
    "Quasi",
    "QuasiBinomial",
    "QuasiPoisson",
    "Radial",
    "Regression",
    "Results",
    "Ridge",
    "Rows",
    "Sample",
    "Sandwich",
    "SkewedCovariates",
    "SqrtLink",
    "Status",
    "Stochastic",
    "UniformCovariates",
    "adjust_p",
    "anova",
    "average_slopes",
    "cache",
    "calibration_plot",
    "check_family",
    "coefficient_plot",
    "compare",
    "constant",
    "covariance",
    "coverage_plot",
    "datagrid",
    "delta_method",
    "detect_separation",
    "fit",
    "fit_many",
    "freeze",
    "from_log_prob",
    "glm",
    "goodness_of_fit",
    "hidden_unit_plot",
    "history_plot",
    "hosmer_lemeshow",
    "influence_plot",
    "information",
    "information_matrix_test",
    "linear",
    "link_test",
    "load",
    "load_example",
    "logit",
    "lpm",
    "lr_test",
    "mlp",
    "monte_carlo",
    "overdispersion_test",
    "parameter",
    "poisson",
    "power",
    "prediction_plot",
    "probit",
    "profile_plot",
    "resample",
    "reset_test",
    "residual_plot",
    "roc_plot",
    "score_contributions",
    "score_test",
    "shard",
    "simulate",
    "slope_plot",
    "stream",
    "surface_plot",
    "wild_bootstrap_test",
    "zip_plot",
]


_PACKAGES = ("sklearn",)
"""Optional parts that are spelled with their name: `asx.sklearn.LogitClassifier`."""


def __getattr__(name: str):
    if name in _PACKAGES:
        return importlib.import_module(f"asymptotix.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from asymptotix.core.lazy import without_collection  # `import asymptotix` loads this file only

    with without_collection():
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


if TYPE_CHECKING:  # for type checkers and editors: the same names, told in their own language
    from asymptotix.api import glm, linear, logit, lpm, poisson, probit
    from asymptotix.core.cache import cache as cache
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
        HAC,
        AbstractCovariance,
        Bootstrap,
        Cluster,
        DriscollKraay,
        InfinitesimalJackknife,
        InverseInformation,
        Jackknife,
        OuterProduct,
        Sandwich,
        covariance,
        fit_many,
        information,
        score_contributions,
    )
    from asymptotix.covariances.resample import resample as resample
    from asymptotix.data.examples import load_example
    from asymptotix.data.rows import Rows
    from asymptotix.data.sharded import shard as shard
    from asymptotix.data.streams import stream as stream
    from asymptotix.detection import detect_separation as detect_separation
    from asymptotix.diagnostics import AreaUnderCurve as AreaUnderCurve
    from asymptotix.diagnostics import BrierScore as BrierScore
    from asymptotix.diagnostics import Calibration as Calibration
    from asymptotix.diagnostics import Confusion as Confusion
    from asymptotix.effects import average_slopes, datagrid
    from asymptotix.families import AbstractFamily, Bernoulli, Binomial, Gaussian, Poisson
    from asymptotix.families import Beta as Beta
    from asymptotix.families import Gamma as Gamma
    from asymptotix.families import InverseGaussian as InverseGaussian
    from asymptotix.families import LocationScale as LocationScale
    from asymptotix.families import Multinomial as Multinomial
    from asymptotix.families import NegativeBinomial as NegativeBinomial
    from asymptotix.families import QuasiBinomial as QuasiBinomial
    from asymptotix.families import QuasiPoisson as QuasiPoisson
    from asymptotix.fitting import AbstractSolver as AbstractSolver
    from asymptotix.fitting import Fit, Newton, fit
    from asymptotix.fitting import Quasi as Quasi
    from asymptotix.fitting import Stochastic as Stochastic
    from asymptotix.inference import BootstrapTest as BootstrapTest
    from asymptotix.inference import (
        HypothesisTest,
        adjust_p,
        anova,
        delta_method,
        goodness_of_fit,
        hosmer_lemeshow,
        information_matrix_test,
        link_test,
        lr_test,
        overdispersion_test,
        reset_test,
        score_test,
    )
    from asymptotix.inference import wild_bootstrap_test as wild_bootstrap_test
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
    from asymptotix.model import MLP as MLP
    from asymptotix.model import (
        LinearProbability,
        LinearRegression,
        Logit,
        PoissonRegression,
        Probit,
        Regression,
    )
    from asymptotix.model import MultinomialLogit as MultinomialLogit
    from asymptotix.model import check_family as check_family
    from asymptotix.model import from_log_prob as from_log_prob
    from asymptotix.networks import mlp as mlp
    from asymptotix.penalties import FLAC as FLAC
    from asymptotix.penalties import FLIC as FLIC
    from asymptotix.penalties import AbstractPenalty as AbstractPenalty
    from asymptotix.penalties import GaussianPrior as GaussianPrior
    from asymptotix.penalties import Jeffreys as Jeffreys
    from asymptotix.penalties import LogF as LogF
    from asymptotix.penalties import MeanBR as MeanBR
    from asymptotix.penalties import MedianBR as MedianBR
    from asymptotix.penalties import MixedBR as MixedBR
    from asymptotix.penalties import Ridge as Ridge
    from asymptotix.plots import (
        calibration_plot,
        coefficient_plot,
        history_plot,
        influence_plot,
        prediction_plot,
        profile_plot,
        residual_plot,
        roc_plot,
        slope_plot,
        surface_plot,
    )
    from asymptotix.plots import coverage_plot as coverage_plot
    from asymptotix.plots import hidden_unit_plot as hidden_unit_plot
    from asymptotix.plots import zip_plot as zip_plot
    from asymptotix.predictors import AbstractPredictor, Linear, Network
    from asymptotix.predictors import LinearVector as LinearVector
    from asymptotix.results import Results
    from asymptotix.results import load as load
    from asymptotix.results.compare import compare as compare
    from asymptotix.simulation import AbstractGenerator as AbstractGenerator
    from asymptotix.simulation import Circles as Circles
    from asymptotix.simulation import Clustered as Clustered
    from asymptotix.simulation import DiscreteCovariates as DiscreteCovariates
    from asymptotix.simulation import Estimates as Estimates
    from asymptotix.simulation import Estimator as Estimator
    from asymptotix.simulation import HeavyTailedCovariates as HeavyTailedCovariates
    from asymptotix.simulation import Heteroskedastic as Heteroskedastic
    from asymptotix.simulation import Hill as Hill
    from asymptotix.simulation import LinearBoundary as LinearBoundary
    from asymptotix.simulation import NormalCovariates as NormalCovariates
    from asymptotix.simulation import Radial as Radial
    from asymptotix.simulation import Sample as Sample
    from asymptotix.simulation import SkewedCovariates as SkewedCovariates
    from asymptotix.simulation import UniformCovariates as UniformCovariates
    from asymptotix.simulation import monte_carlo as monte_carlo
    from asymptotix.simulation import power as power
    from asymptotix.simulation import simulate as simulate
