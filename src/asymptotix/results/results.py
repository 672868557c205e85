"""Results: what a person reads off a formula fit."""

from __future__ import annotations

import dataclasses
import functools
import math
import warnings
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from asymptotix.core.errors import CollinearWarning, InputError, check_confidence, listed
from asymptotix.core.lazy import Deferred, LazyModule
from asymptotix.core.precision import double
from asymptotix.core.reference import Reference
from asymptotix.covariances import (
    AbstractCovariance,
    Covariance,
    covariance,
    covariance_kind,
    reference_of,
)
from asymptotix.covariances.estimate import is_least_squares
from asymptotix.data.batches import Stream
from asymptotix.data.columns import refuse_other_index
from asymptotix.data.design_spec import DesignSpec, DesignSpecs
from asymptotix.data.frames import read_frame
from asymptotix.data.groups import labelled
from asymptotix.data.response import take_column
from asymptotix.fitting import Fit
from asymptotix.fitting.rank import Omitted, undetermined
from asymptotix.inference import Delta, WaldTable, delta_method, wald_table
from asymptotix.model import Regression, layout
from asymptotix.results.exponentiated import exponentiated
from asymptotix.results.familiar import Familiar
from asymptotix.results.inputs import Inputs
from asymptotix.results.summary import summary_table
from asymptotix.results.table import Table
from asymptotix.results.unchanged import as_source_changed

if TYPE_CHECKING:
    import pandas as pd

    from asymptotix.results import streaming, testing, written
    from asymptotix.results.diagnostics import Diagnostics
    from asymptotix.results.effects import Effects
    from asymptotix.results.resampling import Resampling
    from asymptotix.results.saving import Saving
    from asymptotix.results.separation import Separated
    from asymptotix.results.testing import Testing
    from asymptotix.results.training import Trained

    class Verbs(Effects, Testing, Trained, Diagnostics, Resampling, Saving):
        """What else can be asked of a fit."""
else:
    pd = LazyModule("pandas")
    streaming = LazyModule("asymptotix.results.streaming")
    testing = LazyModule("asymptotix.results.testing")
    written = LazyModule("asymptotix.results.written")

    class Verbs(Deferred):
        """What else can be asked of a fit, from modules that load when it is."""

        places = (
            ("asymptotix.results.saving", "Saving"),
            ("asymptotix.results.testing", "Testing"),
            ("asymptotix.results.effects", "Effects"),
            ("asymptotix.results.diagnostics", "Diagnostics"),
            ("asymptotix.results.resampling", "Resampling"),
            ("asymptotix.results.training", "Trained"),
        )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Results(Familiar, Verbs):
    """An estimated model with its uncertainty; made by `asx.logit`, `asx.glm`, ...

    Holds the source of its data by reference, never rows or a design.

    Attributes:
        title: what the model is called.
        fit: the fit, without data.
        covariance: the covariance of the estimates, with its status.
        names: names of the parameters.
        inputs, spec: the formula's inputs, and how to build its design on new data.
        reference: the distribution of estimate over standard error.
        confidence: coverage of intervals.
        llnull: log-likelihood with an intercept only.
        conventions: every numeric choice that these numbers follow.
        dropped: rows left out because of missing values.
        event: the label that counts as 1, where the response was labels.
        levels: the labels of a response of labels, in the order of their numbers.
        reference_asked: `"normal"` or `"t"`, where the user decided.
        separated: which coefficients are infinite, and the fit of the others; else `None`.
        omitted: columns that were left out, and what each equals.
        null_deviance: deviance with an intercept only; of linear models without a constant among
            the combinations of their columns, with nothing.
        has_constant: whether there is one.
        criteria: whose count of parameters AIC and BIC follow, if not this package's.
    """

    title: str
    fit: Fit
    covariance: Covariance
    names: tuple[str, ...]
    inputs: Inputs
    spec: DesignSpec | DesignSpecs
    reference: Reference
    confidence: float
    llnull: float
    conventions: dict[str, str]
    dropped: int
    event: str | None
    levels: tuple[Any, ...] = ()
    reference_asked: str | None = None
    separated: Separated | None = None
    omitted: tuple[Omitted, ...] = ()
    null_deviance: float = math.nan
    criteria: str | None = None
    has_constant: bool = True

    # --- estimates ----------------------------------------------------------------------

    @property
    def model(self) -> Regression:
        """The fitted Equinox module."""
        return self.fit.model

    @functools.cached_property
    def wald(self) -> WaldTable:
        """Estimates, errors, tests and limits as arrays, in the order of `names`."""
        values = np.asarray(layout(self.model).flatten(self.model), float)
        values = np.where(np.asarray(self.fit.active), values, np.nan)
        errors = np.asarray(self.covariance.standard_errors)
        table = wald_table(values, errors, self.reference, self.confidence)
        return table if self.separated is None else self.separated.in_table(table)

    @property
    def params(self) -> pd.Series:
        """Estimates; NaN for omitted columns."""
        return self._series(self.wald.estimates)

    @property
    def bse(self) -> pd.Series:
        """Standard errors; NaN where they do not exist."""
        return self._series(self.wald.standard_errors)

    @property
    def tvalues(self) -> pd.Series:
        """Estimates over standard errors: z or t, as `reference` says."""
        return self._series(self.wald.statistics)

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p-values of zero coefficients."""
        return self._series(np.exp(self.wald.log_p))

    @property
    def log_pvalues(self) -> pd.Series:
        """Their natural logarithms, which do not underflow."""
        return self._series(self.wald.log_p)

    def conf_int(
        self, confidence: float | None = None, method: str = "wald", data: Any = None
    ) -> pd.DataFrame:
        """Confidence intervals of the coefficients.

        Arguments:
            confidence: coverage; that of the fit by default.
            method: `"wald"`, `"profile"` (likelihood ratio) or `"score"` (Rao); the latter two
                say where a limit does not exist, and give it as infinite.
            data: the data again, for a profile of a fit made with `keep_data=False`.
        """
        if confidence is not None:
            check_confidence(confidence)
        if method == "profile" and self.separated is not None:
            return self.separated.profile_limits(self, confidence or self.confidence, data)
        if method != "wald":
            return testing.likelihood_intervals(self, confidence, method, data)
        w = self.wald
        if confidence is not None:
            w = wald_table(w.estimates, w.standard_errors, self.reference, confidence)
            if self.separated is not None:
                w = self.separated.in_table(w, confidence, lambda: self.rows(data))
        return pd.DataFrame({"lower": w.lower, "upper": w.upper}, index=list(self.names))

    def cov_params(self) -> pd.DataFrame:
        """The covariance matrix of the estimates."""
        names = list(self.names)
        return pd.DataFrame(np.asarray(self.covariance.matrix), index=names, columns=names)

    def _series(self, values) -> pd.Series:
        return pd.Series(values, index=list(self.names))

    # --- statistics of the model --------------------------------------------------------

    @property
    def llf(self) -> float:
        """Log-likelihood at the estimate, with every constant."""
        return float(self.fit.log_likelihood)

    @property
    def deviance(self) -> float:
        """Twice the distance of the log-likelihood from a saturated model's, at dispersion 1."""
        return float(self.fit.statistics.deviance)

    @property
    def pearson_chi2(self) -> float:
        """Sum of squared Pearson residuals, at dispersion 1."""
        return float(self.fit.statistics.pearson)

    @property
    def scale(self) -> float:
        """The dispersion: 1, or its moment estimate."""
        return float(self.fit.dispersion)

    @property
    def nobs(self) -> float:
        """Observations: rows used, or the sum of frequency weights."""
        return float(self.fit.n)

    @property
    def rank(self) -> int:
        """Estimated parameters, without a moment dispersion."""
        return int(np.sum(np.asarray(self.fit.active)))

    @property
    def df_model(self) -> int:
        """Estimated coefficients besides intercepts, without the family's own parameters."""
        active = np.asarray(self.fit.active)[: self.n_coefficients]
        return int(active.sum()) - sum(n.split(": ")[-1] == "Intercept" for n in self.names)

    @property
    def n_coefficients(self) -> int:
        """Entries of `names` that belong to the predictor; the family's own come after them."""
        return len(self.names) - layout(self.model.family).size

    @property
    def df_resid(self) -> float:
        """Observations less estimated parameters."""
        return self.nobs - self.rank

    @property
    def n_parameters(self) -> int:
        """Parameters as AIC and BIC count them: with a dispersion that was estimated."""
        if self.criteria == "statsmodels":
            return self.rank
        return self.rank + (self.model.family.dispersion_rule == "moment")

    @property
    def aic(self) -> float:
        r"""$-2\ell + 2p$."""
        return -2 * self.llf + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        r"""$-2\ell + p \log n$."""
        return -2 * self.llf + self.n_parameters * math.log(self.nobs)

    def r_squared(self, kind: str = "mcfadden", data: Any = None) -> float:
        r"""A coefficient of determination.

        Arguments:
            kind: `"mcfadden"` $1 - \ell/\ell_0$, `"cox-snell"` $1 - e^{2(\ell_0 - \ell)/n}$,
                `"nagelkerke"` (Cox-Snell over its largest value), `"tjur"` (mean fitted
                probability of events less that of the others; Tjur 2009).
            data: the data again, for Tjur's of a fit made with `keep_data=False`.

        Of a Gaussian model Cox and Snell's is the ordinary R², `rsquared`, unless its
        log-likelihood was asked for at another dispersion.
        """
        if kind == "tjur":
            return self.tjur(data)
        gain = 2 * (self.llnull - self.llf) / self.nobs
        if kind == "mcfadden":
            return 1 - self.llf / self.llnull
        if kind == "cox-snell":
            return -math.expm1(gain)
        if kind == "nagelkerke":
            return -math.expm1(gain) / -math.expm1(2 * self.llnull / self.nobs)
        raise InputError(
            f"R² kind {kind!r} is not known; use 'mcfadden', 'cox-snell', 'nagelkerke' or 'tjur'.",
            code="option",
        )

    @property
    def converged(self) -> bool:
        """Whether the maximum was found."""
        return bool(self.fit.converged)

    @property
    def status(self) -> str:
        """How the fit ended, as a word; `self.fit.status` is the enumeration's item."""
        return self.fit.status_name

    # --- verbs --------------------------------------------------------------------------

    def with_cov(self, cov: "str | AbstractCovariance", data: Any = None) -> "Results":
        """The same estimates with another covariance; nothing is fitted again.

        Arguments:
            cov: `"observed"`, `"expected"`, `"opg"`, `"HC0"` to `"HC5"`, or an object, such as
                `asx.Cluster("firm")`; its columns are read from the data of the fit.
            data: the data again, where the fit was made with `keep_data=False`.

        Raises:
            InputError: an unknown kind, or data that have changed since the fit.
        """
        kind = covariance_kind(cov)
        inputs = dataclasses.replace(self.inputs, groups=labelled(kind.group_columns))
        rows = streaming.covariance_rows(inputs, kind, data)
        kind = kind.with_columns(tuple(inputs.groups))
        with as_source_changed():
            if self.separated is None:
                found = covariance(self.fit, rows, kind)
            else:
                found = self.separated.covariance(rows, kind)
        reference = reference_of(self.fit, found, self.reference_asked)
        former = self.covariance.describe()
        rest = {name: value for name, value in self.conventions.items() if name not in former}
        return dataclasses.replace(
            self,
            covariance=found,
            inputs=inputs,
            reference=reference,
            conventions={**found.describe(), **rest, "reference": reference.label},
        )

    def predict(
        self,
        new_data: Any = None,
        *,
        type: str = "response",
        offset: Any = None,
        path: "str | PathLike | None" = None,
    ) -> Any:
        r"""Fitted means of new observations, or of the data of the fit.

        Arguments:
            new_data: anything a fit takes, with the formula's variables; levels, knots and
                scales are those of the fit.
            type: `"response"` for $E(y \mid x)$, `"link"` for $\eta$.
            offset: a column's name or numbers, where the fit had an array as its offset.
            path: a Parquet file that predictions of a stream are written to, a stretch at a
                time.

        Returns:
            A pandas Series, one entry a row of the data, NaN where a variable is missing; a
            frame with a column for each level, or each component of a vector eta. With `path`,
            that path.

        Raises:
            InputError: missing columns, levels never seen, or a missing offset.
        """
        if type not in ("response", "link"):
            raise InputError(f"type={type!r} must be 'response' or 'link'.", code="option")
        own = new_data is None
        source = self.inputs.data if own else new_data
        if source is None:
            raise InputError("The fit does not hold its data; pass new_data.", code="no_data")
        if path is not None or isinstance(source, Stream):
            given = self._offset_column(self.inputs.offset if own else offset)
            if path is not None:
                return written.write_predictions(self, source, type, given, path)
            return written.predicted(self, source, type, given)
        x, kept = self.spec.design(source)
        if not own:
            self._warn_undetermined(x, kept)
        shift = self._offset(source, kept, self.inputs.offset if own else offset)
        verb = self.model if type == "response" else self.model.eta
        with double():
            found = np.asarray(verb(x, shift)) if kept.any() else np.empty(0)
        index = source.index if isinstance(source, pd.DataFrame) else None
        return written.spread(self, found, kept, type, index)

    def _warn_undetermined(self, x, kept: np.ndarray) -> None:
        """Warn of new rows in which omitted columns are not what they were in the fit."""
        if not self.omitted or self.model.predictor.has_vector_eta():
            return
        rows = np.flatnonzero(kept)[undetermined(x, self.omitted)]
        if len(rows):
            warnings.warn(
                f"{len(rows)} rows ({listed(rows)}) break what held in the fit, "
                f"{', '.join(one.text for one in self.omitted)}, so that the data do not "
                "determine their predictions; those given take omitted coefficients as 0.",
                CollinearWarning,
                stacklevel=3,
            )

    def _offset_column(self, given: Any) -> Any:
        """The offset's column for other data than those of the fit."""
        fitted = self.inputs.offset
        if given is None and fitted is not None and not isinstance(fitted, str):
            raise InputError(
                "The fit had an array as its offset; pass offset= for the new data.",
                code="offset",
                column="offset",
            )
        return fitted if given is None else given

    def _offset(self, source, kept, offset):
        fitted = self.inputs.offset
        if fitted is None and offset is None:
            return 0.0
        given = self._offset_column(offset)
        refuse_other_index(given, source, "offset")
        columns = [given] if isinstance(given, str) else []
        frame = read_frame(source, [*self.spec.variables, *columns])
        return take_column(frame, given, kept, "offset")

    def delta(self, function) -> Delta:
        """Value and standard error of any smooth function of the fitted module.

        Arguments:
            function: from the model to an array or pytree of arrays, written with `jax.numpy`.
        """
        return delta_method(function, self.model, self.covariance)

    # --- tables -------------------------------------------------------------------------

    def tidy(self, confidence: float | None = None, *, exponentiate: bool = False) -> pd.DataFrame:
        """One row a coefficient, with broom's column names.

        Arguments:
            confidence: coverage of the limits; that of the fit by default.
            exponentiate: whether to give odds ratios or ratios of means: estimates and limits
                are exponentiated, errors follow by the delta method, tests stay as they are.
        """
        w = self.wald
        if confidence is not None:
            check_confidence(confidence)
            w = wald_table(w.estimates, w.standard_errors, self.reference, confidence)
        w = exponentiated(self, w) if exponentiate else w
        return pd.DataFrame(
            {
                "term": list(self.names),
                "estimate": w.estimates,
                "std.error": w.standard_errors,
                "statistic": w.statistics,
                "p.value": np.exp(w.log_p),
                "conf.low": w.lower,
                "conf.high": w.upper,
            }
        )

    def glance(self) -> pd.DataFrame:
        """One row of statistics of the model, with broom's column names.

        Linear regressions have their R² too, and the F test of all slopes.
        """
        shares = {}
        if is_least_squares(self.fit):
            shares = {
                "r.squared": [self.rsquared],
                "adj.r.squared": [self.rsquared_adj],
                "statistic": [self.fvalue],
                "p.value": [self.f_pvalue],
                "df": [self.rank - self.has_constant],
            }
        return pd.DataFrame(
            {
                **shares,
                "null.deviance": [self.null_deviance],
                "df.null": [self._df_null],
                "null.loglik": [self.llnull],
                "logLik": [self.llf],
                "AIC": [self.aic],
                "BIC": [self.bic],
                "deviance": [self.deviance],
                "df.residual": [self.df_resid],
                "nobs": [self.nobs],
                "sigma": [math.sqrt(self.scale)],
                "status": [self.status],
            }
        )

    @property
    def _df_null(self) -> float:
        if is_least_squares(self.fit):
            return self.nobs - self.has_constant
        return self.df_resid + self.df_model

    def summary(self, *, exponentiate: bool = False) -> Table:
        """The coefficient table: prints as text, HTML in a notebook, LaTeX and Markdown.

        Arguments:
            exponentiate: as in `tidy`.
        """
        return summary_table(self, exponentiate)

    def __repr__(self) -> str:
        return (
            f"<{self.title}: {self.inputs.formula}; {self.nobs:g} observations, {self.status}; "
            "print(res.summary()) for the table>"
        )

    def _repr_html_(self) -> str:
        return self.summary().to_html()
