"""Names that readers of statsmodels' results look for, beside those of `Results` itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.reference import Chi2, F
from asymptotix.covariances.estimate import is_least_squares

if TYPE_CHECKING:
    import pandas as pd


class Familiar:
    """Attributes under statsmodels' names, mixed into `Results`; those that need rows find them."""

    __slots__ = ()

    @property
    def fittedvalues(self: Any) -> pd.Series:
        """Fitted means."""
        return self.predict()

    @property
    def resid(self: Any) -> Any:
        """Response residuals."""
        return self.residuals("response")

    @property
    def resid_response(self: Any) -> Any:
        """Response residuals."""
        return self.residuals("response")

    @property
    def resid_pearson(self: Any) -> Any:
        """Pearson residuals."""
        return self.residuals("pearson")

    @property
    def resid_deviance(self: Any) -> Any:
        """Deviance residuals."""
        return self.residuals("deviance")

    @property
    def prsquared(self: Any) -> float:
        r"""McFadden's $1 - \ell/\ell_0$."""
        return self.r_squared("mcfadden")

    @property
    def rsquared(self: Any) -> float:
        """The share of variance explained, of linear models; NaN for others.

        Of the sum of squares about 0 where no combination of columns is constant.
        """
        if not is_least_squares(self.fit):
            return math.nan
        return 1 - self.deviance / self.null_deviance if self.null_deviance > 0 else math.nan

    @property
    def rsquared_adj(self: Any) -> float:
        """The same with degrees of freedom counted; NaN for other than linear models."""
        return 1 - (1 - self.rsquared) * (self.nobs - self.has_constant) / self.df_resid

    @property
    def llr(self: Any) -> float:
        r"""$2(\ell - \ell_0)$, against the model with an intercept only."""
        return 2 * (self.llf - self.llnull)

    @property
    def llr_pvalue(self: Any) -> float:
        """Its p-value."""
        return float(np.exp(Chi2(self.df_model).log_sf(self.llr)))

    @property
    def fvalue(self: Any) -> float:
        """The classical F statistic of all slopes of a linear model; NaN for others."""
        slopes = self.rank - self.has_constant
        if not is_least_squares(self.fit) or not (slopes > 0 and self.df_resid > 0):
            return math.nan
        gain = (self.null_deviance - self.deviance) / slopes
        return gain / (self.deviance / self.df_resid) if self.deviance > 0 else math.nan

    @property
    def f_pvalue(self: Any) -> float:
        """Its p-value."""
        if not math.isfinite(self.fvalue):
            return math.nan
        slopes = self.rank - self.has_constant
        return float(np.exp(F(slopes, self.df_resid).log_sf(self.fvalue)))

    @property
    def endog_names(self: Any) -> str:
        """The response."""
        return self.spec.response_name or "response"

    @property
    def exog_names(self: Any) -> list[str]:
        """Names of the parameters."""
        return list(self.names)
