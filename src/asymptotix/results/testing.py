"""What `Results` can test: the verbs, each a line to a function of `inference`."""

import collections
import dataclasses
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd

from asymptotix.core.errors import (
    FitWarning,
    InputError,
    MissingRowsWarning,
    check_confidence,
    close_matches,
)
from asymptotix.covariances import Cluster, InverseInformation, OuterProduct, Sandwich
from asymptotix.covariances.draws import entropy
from asymptotix.data.groups import labelled
from asymptotix.data.rows import Rows
from asymptotix.inference import specification
from asymptotix.inference.delta import delta_method
from asymptotix.inference.hypotheses import linear_hypothesis
from asymptotix.inference.joint import (
    refuse_omitted,
    wald_function,
    wald_restrictions,
    wald_terms,
    why_withheld,
)
from asymptotix.inference.multiplicity import hypothesis_family, max_t_intervals
from asymptotix.inference.profile import likelihood_limits, profile_curve
from asymptotix.inference.record import HypothesisTest
from asymptotix.inference.refusals import require_converged, require_likelihood, require_unpenalised
from asymptotix.inference.score import score_test
from asymptotix.inference.wild import BootstrapTest, wild_bootstrap_test
from asymptotix.results.unchanged import require_unchanged


class Testing:
    """The tests of a fit, mixed into `Results`."""

    __slots__ = ()

    def rows(self: Any, data: Any = None) -> Rows:
        """The rows of the fit, found again and checked to be the same.

        Arguments:
            data: the data again, where the fit was made with `keep_data=False`.

        Raises:
            InputError: there are no data, or they have changed since the fit.
        """
        rows = self.inputs.again(data)
        require_unchanged(self.fit, rows)
        return rows

    def wald_test(self: Any, hypothesis: Any) -> HypothesisTest:
        r"""A joint Wald test with the covariance of this result.

        Arguments:
            hypothesis: text such as `"x1 = x2 = 0"` (two restrictions) or `"2*x1 + x2 = 1, x3"`;
                a list of such texts or of names; a matrix $R$, or a pair `(R, r)`; or a function
                from the model to numbers that are 0 under the hypothesis (delta method).

        Returns:
            A record with `statistic`, `df`, `p` and `log_p`; chi2, or F where single
            coefficients are referred to t.

        Raises:
            InputError: unknown names, an expression that cannot be read, omitted columns.
        """
        if callable(hypothesis):
            found = delta_method(hypothesis, self.model, self.covariance)
            name = getattr(hypothesis, "__name__", "the function")
            shown = "the function = 0" if name == "<lambda>" else f"{name} = 0"
            return wald_function(found, self.covariance, self.reference, shown)
        parsed = linear_hypothesis(hypothesis, self.names)
        return wald_restrictions(
            self.wald.estimates, self.covariance, parsed, self.reference, self.names
        )

    def wald_terms(self: Any) -> pd.DataFrame:
        """A joint Wald test of each term of the formula: `statistic`, `df`, `p`, `log_p`."""
        terms, k = self.spec.terms, len(self.spec.names)
        # one design may serve several components of the predictor, one after the other
        starts = range(0, max(self.n_coefficients, 1), max(k, 1))
        whole = {t: [first + j for first in starts for j in at] for t, at in terms.items()}
        return wald_terms(whole, self.wald.estimates, self.covariance, self.reference, self.names)

    def wild_bootstrap_test(
        self: Any,
        hypothesis: Any,
        n_replications: int = 999,
        *,
        key: Any = None,
        cluster: Any = None,
        weights: str = "rademacher",
        data: Any = None,
    ) -> BootstrapTest:
        r"""A linear hypothesis by the wild (score) bootstrap, for few clusters.

        See `asx.wild_bootstrap_test`. The statistic is the robust Wald statistic (that of
        `wald_test` in a linear regression, not divided by the number of restrictions), its
        p-value that of random signs given to the scores of the restricted model.

        Arguments:
            hypothesis: text, names, a matrix or a pair, as in `wald_test`.
            n_replications: draws.
            key: a JAX random key; the same key gives the same numbers.
            cluster: rows of one cluster share a draw: a column's name or identifiers. Those of
                this result's covariance by default; single rows where it has none.
            weights: `"rademacher"`, `"webb"` or `"mammen"`.
            data: the data again, where the fit was made with `keep_data=False`.

        Returns:
            A record with `statistic`, `df`, `p`, its Monte-Carlo error `p_error`, and `replicates`.

        Raises:
            InputError: no key, unknown names or options, a penalised fit or one without a
                maximum, a covariance that says neither rows nor one grouping.
        """
        require_unpenalised(self, "A wild bootstrap test")
        if callable(hypothesis):
            raise InputError(
                "A wild bootstrap test is for linear hypotheses, such as 'x1 = x2 = 0'; use "
                "wald_test for a function of the model.",
                code="hypothesis",
            )
        parsed = linear_hypothesis(hypothesis, self.names)
        refuse_omitted(parsed, np.asarray(self.fit.active), self.names)
        columns = _wild_columns(self, cluster)
        inputs = dataclasses.replace(self.inputs, groups=labelled(columns))
        rows = dataclasses.replace(self, inputs=inputs).rows(data)
        return wild_bootstrap_test(
            self.fit,
            rows,
            parsed,
            n_replications,
            key=key,
            cluster=next(iter(inputs.groups), None),
            weights=weights,
        )

    def score_test(
        self: Any,
        added: str,
        *,
        information: str = "expected",
        robust: bool | None = None,
        data: Any = None,
    ) -> HypothesisTest:
        """The score (Rao) test of terms that the formula does not have; nothing is fitted again.

        Arguments:
            added: terms to add, such as `"x5 + x6"`.
            information: `"expected"` or `"observed"`, at this fit.
            robust: whether the test is to hold where only the mean is right; by default so where
                the covariance of this result is HC0, HC1, ...
            data: the data again, where the fit was made with `keep_data=False`.

        Raises:
            InputError: terms that add nothing, that are missing in rows of the fit, or a
                likelihood-based test where there is no likelihood.
        """
        if not isinstance(added, str) or not added.strip() or "~" in added:
            raise InputError(
                f"added={added!r} must be the terms to add, such as 'x5 + x6'.", code="formula"
            )
        kind = self.covariance.kind
        if robust is None and kind.robust and not isinstance(kind, Sandwich):
            raise InputError(
                f"The score test has no form that matches {kind.label} errors; use wald_test on "
                "the larger model, or say robust=True for one against heteroskedasticity only.",
                code="robust",
            )
        chosen = kind.robust if robust is None else robust
        if chosen:
            require_converged(self, "A score test")
        else:
            require_likelihood(self, "A score test")
        columns = added_columns(self, added, data, sys._getframe(1))
        return score_test(
            self.fit,
            self.rows(data),
            columns,
            information=information,
            robust=chosen,
            text=f"no effect of {added}",
        )

    def profile(
        self: Any, name: str, reach: float = 3.0, points: int = 20, data: Any = None
    ) -> pd.DataFrame:
        r"""The profile likelihood of one coefficient, on a grid of values.

        Arguments:
            name: of the coefficient.
            reach: how far the grid goes on either side, in standard errors.
            points: values on either side.
            data: the data again, where the fit was made with `keep_data=False`.

        Returns:
            `value`; `likelihood`, `score` and `wald`: signed roots of the three statistics of
            that value, whose square is referred to chi2 with one degree of freedom (to
            $F(1, n - k)$ where the reference is t); `log_likelihood`, the profile relative to
            its top (over the dispersion, where that is a moment estimate).
        """
        require_likelihood(self, "A profile", penalised=True)
        if not (reach > 0 and points >= 1):
            raise InputError("reach must be positive and points at least 1.", code="option")
        position = position_of(self, name)
        curve = profile_curve(self.fit, self.rows(data), position, reach, int(points))
        value, likelihood, score = curve.T
        grid = np.linspace(-reach, reach, len(value))
        return pd.DataFrame(
            {
                "value": value,
                "likelihood": likelihood,
                "score": score,
                "wald": grid,
                "log_likelihood": 0.0 - likelihood**2 / 2,
            }
        )

    # --- specification ------------------------------------------------------------------

    def link_test(self: Any, data: Any = None) -> HypothesisTest:
        """Pregibon's link test; see `asx.link_test`."""
        return specification.link_test(self, data)

    def reset_test(
        self: Any, powers: int | Sequence[int] = (2, 3), data: Any = None
    ) -> HypothesisTest:
        """RESET; see `asx.reset_test`."""
        return specification.reset_test(self, powers, data)

    def hosmer_lemeshow(self: Any, groups: int = 10, data: Any = None) -> HypothesisTest:
        """The Hosmer-Lemeshow test; see `asx.hosmer_lemeshow`."""
        return specification.hosmer_lemeshow(self, groups, data)

    def goodness_of_fit(self: Any, statistic: str = "pearson") -> HypothesisTest:
        """Pearson's chi2 or the deviance as a test; see `asx.goodness_of_fit`."""
        return specification.goodness_of_fit(self, statistic)

    def overdispersion_test(self: Any, form: str = "NB2", data: Any = None) -> HypothesisTest:
        """Cameron and Trivedi's test; see `asx.overdispersion_test`."""
        return specification.overdispersion_test(self, form, data)

    def information_matrix_test(self: Any, data: Any = None) -> HypothesisTest:
        """White's information-matrix test; see `asx.information_matrix_test`."""
        return specification.information_matrix_test(self, data)

    # --- several hypotheses at once -----------------------------------------------------

    def simultaneous_intervals(
        self: Any,
        hypotheses: Any = None,
        *,
        key: Any = None,
        confidence: float | None = None,
        draws: int = 100_000,
    ) -> pd.DataFrame:
        r"""Intervals that cover all of a family of linear combinations at once (max-t).

        The critical value is the quantile of the largest $|t|$ under the joint normal (or t)
        distribution of the estimates, by simulation; never wider than Bonferroni's.

        Arguments:
            hypotheses: combinations as in `wald_test`; all coefficients but the intercept by
                default.
            key: a JAX random key; the same key gives the same numbers.
            confidence: joint coverage; that of the fit by default.
            draws: of the simulation.

        Returns:
            One row a combination: `estimate` (less its value under the hypothesis), `error`,
            `lower`, `upper` and `p`, adjusted for the whole family; `critical_value` is in
            `attrs`.
        """
        coverage = self.confidence if confidence is None else confidence
        check_confidence(coverage)
        entropy(key)  # refuses what is no key
        family = hypothesis_family(hypotheses, self.names, np.asarray(self.fit.active))
        matrix = np.asarray(self.covariance.matrix)
        if why := why_withheld(self.covariance, len(family.matrix)):
            warnings.warn(why, FitWarning, stacklevel=2)
            matrix = np.full_like(matrix, np.nan)
        return max_t_intervals(
            self.wald.estimates,
            matrix,
            family,
            self.reference,
            coverage,
            key,
            draws,
        )


def _wild_columns(res: Any, cluster: Any) -> tuple[Any, ...]:
    """What shares a draw: the column asked for, or that of the covariance; none for rows."""
    if cluster is not None:
        return (cluster,)
    kind = res.covariance.kind
    if isinstance(kind, Sandwich | InverseInformation | OuterProduct):
        return ()
    if isinstance(kind, Cluster) and len(kind.group_columns) == 1:
        label = kind.group_columns[0]
        return (res.inputs.groups.get(label, label),)
    raise InputError(
        f"The wild bootstrap test has no form that matches {kind.label} errors; say cluster= the "
        "column within which rows depend on each other.",
        code="robust",
    )


METHODS = {"profile": "profile likelihood", "score": "score (Rao)"}


def likelihood_intervals(res: Any, confidence: float | None, method: str, data: Any) -> Any:
    """Intervals by profile likelihood or score, as `Results.conf_int` hands them out."""
    if method not in METHODS:
        raise InputError(
            f"method={method!r} must be 'wald', 'profile' or 'score'."
            f"{close_matches(method, ['wald', *METHODS])}",
            code="option",
        )
    what = "A profile interval" if method == "profile" else "A score interval"
    moment = res.model.family.dispersion_rule == "moment"
    require_likelihood(res, what, maximum=moment, penalised=method == "profile")
    coverage = res.confidence if confidence is None else confidence
    quantile = res.reference.quantile(0.5 + coverage / 2)
    limits = likelihood_limits(res.fit, res.rows(data), quantile, method)
    found = pd.DataFrame({"lower": limits.lower, "upper": limits.upper}, index=list(res.names))
    endless = [n for n, ends in found.iterrows() if np.isinf(ends.to_numpy()).any()]
    if endless:
        warnings.warn(
            f"The {METHODS[method]} of {', '.join(map(str, endless))} does not reach the "
            f"{100 * coverage:g}% quantile on a side, however far it is followed; that limit is "
            "given as infinite.",
            FitWarning,
            stacklevel=3,
        )
    return found


def position_of(res: Any, name: str) -> int:
    """The position of a coefficient that was estimated."""
    if name not in res.names:
        raise InputError(
            f"The model has no coefficient '{name}'.{close_matches(name, res.names)}",
            code="unknown_name",
            column=name,
        )
    position = res.names.index(name)
    if not np.asarray(res.fit.active)[position]:
        raise InputError(
            f"The coefficient of '{name}' was omitted from the fit.", code="omitted", column=name
        )
    return position


def added_columns(res: Any, added: str, data: Any, frame: FrameType) -> np.ndarray:
    """The columns by which more terms would widen a design, in the rows of the fit."""
    own, wider = _designs(res, added, data, frame)
    if not np.array_equal(own.kept, wider.kept):
        lost = int(own.kept.sum() - (own.kept & wider.kept).sum())
        raise InputError(
            f"The terms '{added}' are missing in {lost} rows of the fit; fit again without these "
            "rows, so that both models see the same.",
            code="other_rows",
        )
    new = [j for j, name in enumerate(wider.names) if name not in own.names]
    return wider.x[:, new]


def _designs(res: Any, added: str, data: Any, frame: FrameType):
    if not isinstance(res.inputs.formula, str):
        raise InputError(
            "The model has several formulas, and it is not said to which of them the terms are "
            "added; fit the larger model and use lr_test or wald_test.",
            code="vector_predictor",
        )
    left, _, right = res.inputs.formula.partition("~")
    held = res.inputs.context if isinstance(res.inputs.context, dict) else {}
    names = collections.ChainMap(held, frame.f_locals, frame.f_globals)
    source = res.inputs.data if data is None else data
    if source is None:
        raise InputError(
            "The fit does not hold its data (keep_data=False); pass data=.", code="no_data"
        )
    wider = dataclasses.replace(
        res.inputs, formula=f"{left}~{right} + {added}", context=names, data=source
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        _, own, _ = dataclasses.replace(res.inputs, data=source).evaluate()
        _, design, _ = wider.evaluate()
    return own, design
