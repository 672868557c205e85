"""Regressors that know how uncertain they are."""

import numpy as np
from sklearn.base import RegressorMixin

from asymptotix.families import AbstractFamily, Gaussian, Poisson
from asymptotix.sklearn.estimator import Estimator


class _Regressor(RegressorMixin, Estimator):
    """A mean as a function of a linear predictor.

    Attributes:
        coef_, intercept_: estimates, shape `(k,)` and a number.
        standard_errors_: of the coefficients.
        fit_: the `asx.Fit`.
        status_, n_iter_: how the fit ended, and Newton's steps.
    """

    def fit(self, X, y, sample_weight=None):
        """Maximum likelihood; `sample_weight` counts rows."""
        X, y = self._checked(X, y, y_numeric=True)
        y = np.asarray(y, np.float64)
        self._check_support(y)
        self._fit_arrays(X, y, self._weights(X, sample_weight))
        self.coef_, self.intercept_ = self._coefficients, float(self._intercept)
        return self

    def _check_support(self, y: np.ndarray) -> None:
        """Raise `ValueError` for responses that the family cannot have."""

    def predict(self, X):
        """The mean of each row."""
        return self._mean(X)


class LinearRegressor(_Regressor):
    """Linear regression by least squares."""

    def _family(self) -> AbstractFamily:
        return Gaussian()


class PoissonRegressor(_Regressor):
    """Poisson regression with a log link; quasi-likelihood where `y` is no count."""

    def _family(self) -> AbstractFamily:
        return Poisson()

    def _check_support(self, y: np.ndarray) -> None:
        if np.any(y < 0) or not np.any(y):
            raise ValueError(
                "Some value(s) of y are out of the valid range of the Poisson family: they must "
                "be 0 or positive, and not all 0."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags
