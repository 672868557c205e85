"""Binary classifiers that know how uncertain they are."""

import abc

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from asymptotix.core.precision import double
from asymptotix.families import AbstractFamily, Bernoulli
from asymptotix.links import AbstractLink, CloglogLink, LogitLink, ProbitLink
from asymptotix.sklearn.estimator import Estimator


class _BinaryClassifier(ClassifierMixin, Estimator):
    """Two classes, the second in sorted order being the event.

    Attributes:
        classes_: the two labels.
        coef_, intercept_: estimates, shapes `(1, k)` and `(1,)`.
        standard_errors_: of the coefficients.
        fit_: the `asx.Fit`.
        status_, n_iter_: how the fit ended, and Newton's steps.
    """

    def fit(self, X, y, sample_weight=None):
        """Maximum likelihood; `sample_weight` counts rows."""
        X, y = self._checked(X, y)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        weights = self._weights(X, sample_weight)
        self.classes_, codes = np.unique(y, return_inverse=True)
        present = codes if weights is None else codes[weights > 0]
        if np.unique(present).size < 2:
            raise ValueError(
                "The response has one class only among samples of positive weight; a classifier "
                "needs both."
            )
        self._fit_arrays(X, codes.astype(np.float64), weights)
        self.coef_, self.intercept_ = self._coefficients[None, :], np.array([self._intercept])
        return self

    def decision_function(self, X):
        """The predictor less its value at one half: positive where the event is the likelier."""
        eta = self._predictor(X)
        with double():
            return eta - float(self._link().link(np.asarray(0.5)))

    def predict_proba(self, X):
        """Probabilities of both classes, shape `(n, 2)`."""
        event = self._mean(X)
        return np.column_stack([1 - event, event])

    def predict_log_proba(self, X):
        """Their logarithms."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X):
        """The likelier class of each row."""
        event = self._mean(X) > 0.5
        return self.classes_[event.astype(int)]

    @abc.abstractmethod
    def _link(self) -> AbstractLink:
        """The link of the probability."""

    def _family(self) -> AbstractFamily:
        return Bernoulli(self._link())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class LogitClassifier(_BinaryClassifier):
    """Logistic regression by maximum likelihood, without a penalty unless asked for."""

    def _link(self) -> AbstractLink:
        return LogitLink()


class ProbitClassifier(_BinaryClassifier):
    """Probit regression."""

    def _link(self) -> AbstractLink:
        return ProbitLink()


class CloglogClassifier(_BinaryClassifier):
    """Complementary log-log regression."""

    def _link(self) -> AbstractLink:
        return CloglogLink()
