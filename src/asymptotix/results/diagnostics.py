"""What `Results` can say of single rows and of its predictions: the verbs, mixed in."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asymptotix import diagnostics
from asymptotix.core.errors import InputError, check_confidence
from asymptotix.core.typing import Key
from asymptotix.data.rows import Rows
from asymptotix.diagnostics.outcomes import Outcomes, outcomes
from asymptotix.inference.refusals import require_converged
from asymptotix.results.augment import augmented
from asymptotix.results.components import component_names
from asymptotix.results.located import located
from asymptotix.results.report import report


class Diagnostics:
    """Residuals, influence, and how good predictions are; mixed into `Results`.

    Verbs that judge predictions take `cv=`, a number of folds, with `key=`, a JAX random key:
    each row is then predicted by a fit that has not seen it. `data=` is the data again, where the
    fit was made with `keep_data=False`.
    """

    __slots__ = ()

    # --- rows ---------------------------------------------------------------------------

    def residuals(self: Any, kind: str = "response", *, key: Key = None, data: Any = None) -> Any:
        r"""Residuals, one a row of the data; NaN where the row was left out.

        Arguments:
            kind: `"response"` $y - \mu$, `"pearson"`, `"deviance"`, `"working"`, `"score"`
                (derivative of the log-likelihood in $\eta$) or `"quantile"` (standard normal
                where the model is right). All but the last at unit dispersion.
            key: a JAX random key, for quantile residuals of a discrete response.
            data: see `Diagnostics`.

        Returns:
            A Series; a frame with a column a level or a predictor where the response or the
            predictor is a vector.
        """
        where = located(self, data)
        found = diagnostics.residuals(self.fit, where.rows, kind, key)
        columns = None
        if found.ndim > 1:
            columns = component_names(self, "link" if kind == "score" else "response")
        return where.spread(found, kind, columns)

    def leverage(self: Any, *, data: Any = None) -> pd.Series:
        r"""The share of each fitted value that its own row decides: $\mathrm{tr}(I^{-1} H_i)$.

        From the expected information where the family declares it (R's `hatvalues`); of one copy
        of a row where weights are frequencies. Sums to the number of parameters.
        """
        require_converged(self, "A leverage")
        where = located(self, data)
        return where.spread(diagnostics.leverages(self.fit, where.rows), "leverage")

    def cooks_distance(self: Any, *, data: Any = None) -> pd.Series:
        r"""How far all estimates move without a row, in the information's metric (Cook 1977).

        $r_i^2 h_i / \{(1 - h_i)^2 p \phi\}$ for a generalised linear model, by one Newton step
        for any other.
        """
        require_converged(self, "Cook's distance")
        where = located(self, data)
        return where.spread(diagnostics.cooks_distances(self.fit, where.rows), "cooks_distance")

    def dfbetas(
        self: Any, method: str = "one-step", *, scaled: bool = True, data: Any = None
    ) -> pd.DataFrame:
        r"""$\hat\theta_j - \hat\theta_{j(i)}$: what each estimate owes to each row.

        Arguments:
            method: `"one-step"` of Newton's method without the row; `"exact"`, a fit without each
                row; `"implicit"`, the derivative in the row's weight, which ignores its leverage.
            scaled: whether in standard errors, these with the dispersion without the row.
            data: see `Diagnostics`.
        """
        require_converged(self, "Case deletion")
        where = located(self, data)
        shift, dispersion = diagnostics.deletions(self.fit, where.rows, method)  # pyright: ignore
        if scaled:
            shift = diagnostics.scaled(self.fit, where.rows, shift, dispersion)
        shift[:, ~np.asarray(self.fit.active)] = np.nan
        return where.spread(shift, "dfbetas", list(self.names))  # pyright: ignore

    def augment(
        self: Any, *, type: str = "response", residuals: str | None = None, data: Any = None
    ) -> pd.DataFrame:
        r"""The data with what the fit says of each row, under broom's column names.

        Arguments:
            type: scale of `.fitted` and `.se.fit`: `"response"` or `"link"`.
            residuals: the kind of `.resid`; `"deviance"` by default, `"pearson"` for families
                without one.
            data: see `Diagnostics`.

        Returns:
            All columns of the data, then `.fitted`, `.se.fit`, `.resid`, `.hat`, `.std.resid`
            (the default residual over $\sqrt{\phi(1 - h)}$) and `.cooksd`; NaN where a row was
            left out. Where the response has several levels (or, on the link scale, the model
            several predictors) there is one column each, such as `.fitted.north`, `.fitted` is
            the likeliest level, residuals are Pearson's, and `.std.resid` is left out.
        """
        require_converged(self, "augment()")
        if type not in ("response", "link"):
            raise InputError(f"type={type!r} must be 'response' or 'link'.", code="option")
        return augmented(self, located(self, data), type, residuals, data)

    def report(
        self: Any,
        path: str | Path,
        *,
        title: str | None = None,
        cv: int | None = None,
        key: Key = None,
    ) -> Path:
        """Write one self-contained page with table, effects, diagnostics and pictures.

        Arguments:
            path: of the file, such as `"out.html"`.
            title: of the page.
            cv, key: as in `calibration`: predictions are then judged by cross-validation.

        Returns:
            The path.
        """
        return report(self, path, title=title, cv=cv, key=key)

    # --- predictions --------------------------------------------------------------------

    def calibration(
        self: Any,
        groups: int | None = 10,
        *,
        cv: int | None = None,
        key: Key = None,
        confidence: float | None = None,
        data: Any = None,
    ) -> diagnostics.Calibration:
        """Predicted probabilities beside observed shares, with a simultaneous belt.

        Arguments:
            groups: of about equal size, by prediction; `None` for one a distinct prediction.
            cv, key, data: see `Diagnostics`.
            confidence: coverage of limits and belt; that of the fit by default.
        """
        level = self.confidence if confidence is None else confidence
        check_confidence(level)
        given = _judged(self, "Calibration", cv, key, data)
        return diagnostics.calibration(given, groups, level, own=cv is None)

    def brier(
        self: Any,
        groups: int | None = 10,
        *,
        cv: int | None = None,
        key: Key = None,
        data: Any = None,
    ) -> diagnostics.BrierScore:
        """Brier's score and its parts; `float()` of it is the score.

        Arguments:
            groups: of the decomposition, as in `calibration`.
            cv, key, data: see `Diagnostics`.
        """
        return diagnostics.brier_score(_judged(self, "Brier's score", cv, key, data), groups)

    def tjur(self: Any, data: Any = None) -> float:
        """Tjur's R²: the mean fitted probability of events less that of the other rows."""
        return diagnostics.tjur_coefficient(_judged(self, "Tjur's R²", None, None, data))

    def log_loss(self: Any, *, cv: int | None = None, key: Key = None, data: Any = None) -> float:
        r"""Minus the mean log-probability of what was observed; of labels and events only."""
        eta, rows = _predictors(self, cv, key, data)
        family = self.model.family
        given = None
        if family.response_kind != "categorical":
            given = _outcomes(self, eta, rows, "The logarithmic score")
        return diagnostics.log_loss(family, eta, rows, given)

    def roc(self: Any, *, cv: int | None = None, key: Key = None, data: Any = None) -> pd.DataFrame:
        """`threshold`, `sensitivity`, `false_positive_rate`: one row a distinct prediction."""
        return diagnostics.roc_curve(_judged(self, "The ROC curve", cv, key, data))

    def auc(
        self: Any,
        *,
        cv: int | None = None,
        key: Key = None,
        confidence: float | None = None,
        data: Any = None,
    ) -> diagnostics.AreaUnderCurve:
        """The area under the ROC curve with DeLong's error; `float()` of it is the area.

        With `cv=` the error takes the predictions as given.
        """
        level = self.confidence if confidence is None else confidence
        check_confidence(level)
        given = _judged(self, "The area under the ROC curve", cv, key, data)
        return diagnostics.area_under_curve(given, level)

    def confusion(
        self: Any,
        threshold: float = 0.5,
        *,
        cv: int | None = None,
        key: Key = None,
        data: Any = None,
    ) -> diagnostics.Confusion:
        """Observed against predicted labels.

        Arguments:
            threshold: the probability from which the event is predicted; of several labels the
                likeliest is.
            cv, key, data: see `Diagnostics`.
        """
        _check_threshold(threshold)
        eta, rows = _predictors(self, cv, key, data)
        if self.model.family.response_kind == "categorical":
            weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights)
            whole = np.concatenate([np.zeros((rows.n, 1)), eta], axis=1)
            labels = [str(level) for level in self.levels]
            return diagnostics.confusion(rows.y, np.argmax(whole, axis=1), weight, labels, None)
        given = _outcomes(self, eta, rows, "A confusion table")
        labels = [str(level) for level in self.levels] or ["0", "1"]
        said = given.probability >= threshold
        return diagnostics.confusion(given.happened, said, given.weight, labels, threshold)


def _check_threshold(threshold: Any) -> None:
    """Raise `InputError` for what is no probability."""
    number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
    if not (number and 0 <= threshold <= 1):
        raise InputError(
            f"threshold={threshold!r} must be a probability, from 0 to 1.",
            code="option",
            column="threshold",
        )


def _predictors(res: Any, cv, key, data) -> tuple[np.ndarray, Rows]:
    require_converged(res, "A judgement of predictions")
    rows = located(res, data).rows
    if cv is None:
        if key is not None:
            raise InputError("key= decides the folds of cv=; give both.", code="option")
        return diagnostics.row_predictors(res.fit, rows), rows
    return diagnostics.out_of_fold(res.fit, rows, cv, key, res.names), rows


def _outcomes(res: Any, eta: np.ndarray, rows: Rows, what: str) -> Outcomes:
    binary = res.inputs.response_kind == "binary"
    return outcomes(res.model.family, eta, rows, binary=binary, what=what)


def _judged(res: Any, what: str, cv, key, data) -> Outcomes:
    return _outcomes(res, *_predictors(res, cv, key, data), what)
