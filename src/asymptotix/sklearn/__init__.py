"""Models as scikit-learn estimators; they need `pip install "asymptotix[sklearn]"`."""

from asymptotix.sklearn.classifiers import CloglogClassifier, LogitClassifier, ProbitClassifier
from asymptotix.sklearn.regressors import LinearRegressor, PoissonRegressor

__all__ = [
    "CloglogClassifier",
    "LinearRegressor",
    "LogitClassifier",
    "PoissonRegressor",
    "ProbitClassifier",
]
