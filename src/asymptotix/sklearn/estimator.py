"""What the scikit-learn adapters share: arrays in, estimates and their covariance out."""

import abc
import math
import numbers
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from asymptotix.core.errors import CollinearWarning, InputError
from asymptotix.core.status import MESSAGES
from asymptotix.covariances import covariance
from asymptotix.data.rows import Rows
from asymptotix.diagnostics import row_predictors
from asymptotix.diagnostics.rowwise import row_values
from asymptotix.families import AbstractFamily
from asymptotix.fitting import Newton
from asymptotix.fitting.host import fit as fit_rows
from asymptotix.model import Regression, layout
from asymptotix.penalties import Ridge
from asymptotix.predictors import Linear


class Estimator(BaseEstimator, metaclass=abc.ABCMeta):
    r"""Maximum likelihood behind scikit-learn's interface.

    Arguments:
        cov: the kind of covariance behind `standard_errors_`, such as `"HC1"`; `None` for the
            observed information.
        penalty: $\lambda$ of a ridge penalty $\tfrac{\lambda}{2}\sum_j \beta_j^2$ over slopes (no
            standard errors in the usual sense then); 0 for none, except that 1e-6 is taken, with
            a warning, where samples are no more than coefficients.
        fit_intercept: whether the model has an intercept.
    """

    def __init__(self, cov=None, penalty=0.0, fit_intercept=True):
        self.cov = cov
        self.penalty = penalty
        self.fit_intercept = fit_intercept

    @abc.abstractmethod
    def _family(self) -> AbstractFamily:
        """The distribution of the response."""

    def _weights(self, X, sample_weight):
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _fit_arrays(self, X, y, weights) -> None:
        """Estimates from checked arrays; weights count rows, as if they were repeated."""
        rows = Rows(self._design(X), y, weights, None if weights is None else "frequency")
        model = Regression(Linear(rows.x.shape[1]), self._family())
        penalty = self._penalty(rows)
        with warnings.catch_warnings():
            # Columns that repeat others are nothing unusual here; their coefficients are 0.
            warnings.simplefilter("ignore", CollinearWarning)
            found = fit_rows(model, rows, Newton(), checked=True, penalty=penalty)
        self.fit_ = found
        self.status_ = found.status_name
        self.n_iter_ = max(int(found.steps), 1)
        if not bool(found.converged):
            warnings.warn(
                f"The fit is {found.status_name}: {MESSAGES[found.status_name]}.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self._set_estimates(rows)

    def _penalty(self, rows: Rows) -> Ridge | None:
        penalty = 0.0 if self.penalty is None else self.penalty
        if not (isinstance(penalty, numbers.Real) and 0 <= penalty < math.inf):
            raise InputError(
                f"penalty={penalty!r} must be the strength of a ridge penalty, a number from 0 "
                "such as penalty=1.0; for other penalties use asx.fit.",
                code="penalty",
                column="penalty",
            )
        if penalty:
            return Ridge(strength=float(penalty))  # pyright: ignore[reportCallIssue]
        columns = rows.x.shape[1]
        if columns < rows.n:
            return None
        warnings.warn(
            f"{rows.n} samples cannot tell {columns} coefficients apart; a ridge penalty of "
            f"{TRACE:g} makes them unique. Choose one with penalty=.",
            ConvergenceWarning,
            stacklevel=4,
        )
        return Ridge(strength=TRACE)  # pyright: ignore[reportCallIssue]

    def _set_estimates(self, rows: Rows) -> None:
        theta = np.asarray(layout(self.fit_.model).flatten(self.fit_.model))[: rows.x.shape[1]]
        errors = np.asarray(covariance(self.fit_, rows, self.cov or "observed").standard_errors)
        first = int(self.fit_intercept)
        self._coefficients, self._intercept = theta[first:], theta[0] if first else 0.0
        self.standard_errors_ = errors[first : rows.x.shape[1]]
        self.intercept_error_ = errors[0] if first else 0.0

    def _design(self, X) -> np.ndarray:
        X = np.asarray(X, np.float64)
        return np.column_stack([np.ones(len(X)), X]) if self.fit_intercept else X

    def _predictor(self, X) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return row_predictors(self.fit_, Rows(self._design(X), np.zeros(len(X))))

    def _mean(self, X) -> np.ndarray:
        eta = self._predictor(X)
        return row_values(_mean, self.fit_.model.family, eta, np.zeros(len(eta)))

    def _checked(self, X, y, **options) -> Any:
        return validate_data(self, X, y, dtype=np.float64, **options)


TRACE = 1e-6
"""The ridge where samples are no more than coefficients."""


def _mean(family, eta, y):
    del y
    return family.mean(eta)
