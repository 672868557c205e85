"""Joint Wald tests: of linear restrictions, of terms, and of any smooth function."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import triangular_factor
from asymptotix.core.reference import Chi2, F, JointReference
from asymptotix.core.status import succeeded
from asymptotix.covariances import Covariance
from asymptotix.inference.delta import Delta
from asymptotix.inference.hypotheses import LinearHypothesis, linear_hypothesis
from asymptotix.inference.record import HypothesisTest, upper_tail

WITHHELD = "The covariance of these restrictions does not exist or is not positive definite."
INDEFINITE = (
    "The covariance of the estimates is not positive semidefinite (several groupings, or a kernel "
    "with negative weights, can do that), so that joint tests are withheld; test coefficients one "
    "by one, or mend it with psd='eigen'."
)


def joint_reference(reference: Any, q: int, involved=None) -> JointReference:
    """Chi2 with `q` degrees of freedom, or F where single coefficients are referred to t.

    Arguments:
        reference: of single coefficients.
        q: the number of restrictions.
        involved: which coefficients they touch; of several degrees of freedom the fewest count.
    """
    df = getattr(reference, "df", None)
    if df is None:
        return Chi2(q)
    every = np.asarray(df, float)
    chosen = every if every.ndim == 0 or involved is None else every[involved]
    return F(q, float(np.min(chosen)))


def quadratic_form(difference, covariance) -> float:
    r"""$d^\top C^{-1} d$ by a triangular factor; NaN where `C` is not positive definite."""
    matrix = np.asarray(covariance, float)
    if not np.isfinite(matrix).all() or not np.isfinite(difference).all():
        return np.nan
    factor = triangular_factor(matrix, np.ones(len(matrix), bool))
    if not np.isfinite(factor).all():
        return np.nan
    half = solve_triangular(factor, np.asarray(difference, float), trans=1)
    return float(half @ half)


def wald_restrictions(
    estimates,
    covariance: Any,
    hypothesis: LinearHypothesis,
    reference,
    names: Sequence[str],
) -> HypothesisTest:
    r"""$(R\hat\theta - r)^\top (R V R^\top)^{-1} (R\hat\theta - r)$ (Wald 1943).

    Referred to chi2 with `q` degrees of freedom; divided by `q` and referred to F where the
    estimates' reference is t.

    Arguments:
        estimates: $\hat\theta$; NaN for omitted columns.
        covariance: $V$, as a matrix, or as a `Covariance` that knows whether it may be trusted in
            several directions at once.
        hypothesis: $R\theta = r$.
        reference: of single coefficients.
        names: of the parameters.

    Raises:
        InputError: the hypothesis involves an omitted column.
    """
    estimates = np.asarray(estimates, float)
    refuse_omitted(hypothesis, ~np.isnan(estimates), names)
    involved = np.any(hypothesis.matrix != 0, axis=0)
    rows = hypothesis.matrix[:, involved]
    spread = rows @ np.asarray(covariance)[np.ix_(involved, involved)] @ rows.T
    difference = rows @ estimates[involved] - hypothesis.value
    law = joint_reference(reference, len(rows), involved)
    if why := why_withheld(covariance, len(rows)):
        return upper_tail("Wald test", hypothesis.text, np.nan, law, why)
    return wald_statistic(difference, spread, law, hypothesis.text)


def why_withheld(covariance: Any, q: int) -> str:
    """Why a covariance cannot be asked about `q` restrictions, as a sentence; empty if it can.

    One that is indefinite knows single variances and no more.
    """
    if not isinstance(covariance, Covariance) or succeeded(int(np.asarray(covariance.code))):
        return ""
    if covariance.status_name == "separated" and np.isfinite(covariance.matrix).any():
        return ""  # the finite coefficients are known, and tests of the others come out as NaN
    if covariance.status_name != "indefinite":
        status = covariance.status_name.replace("_", " ")
        return f"The fit is {status}, so that the covariance of its estimates is withheld."
    if not covariance.kind.may_be_indefinite:
        return f"The covariance is withheld: {covariance.kind.absent}."
    return INDEFINITE if q > 1 else ""


def refuse_omitted(hypothesis: LinearHypothesis, active, names: Sequence[str]) -> None:
    """Raise `InputError` where a hypothesis involves columns that are not estimated."""
    involved = np.any(hypothesis.matrix != 0, axis=0)
    lost = [n for n, i, a in zip(names, involved, active, strict=True) if i and not a]
    if lost:
        raise InputError(
            f"The coefficient of '{lost[0]}' was omitted from the fit, so nothing can be tested "
            "about it; leave it out of the hypothesis.",
            code="omitted",
            column=lost[0],
        )


def wald_function(delta: Delta, covariance: Any, reference, text: str) -> HypothesisTest:
    r"""The test of $g(\theta) = 0$ by the delta method.

    Arguments:
        delta: $g(\hat\theta)$ and its covariance.
        covariance: of the estimates.
        reference: of single coefficients.
        text: what is tested.
    """
    spread = np.asarray(delta.covariance)
    value = np.concatenate([np.ravel(np.asarray(v)) for v in jax.tree.leaves(delta.value)])
    law = joint_reference(reference, len(value))
    if why := why_withheld(covariance, len(value)):
        return upper_tail("Wald test", text, np.nan, law, why)
    return wald_statistic(value, spread, law, text)


def wald_statistic(difference, spread, law: JointReference, text: str) -> HypothesisTest:
    """The record of a quadratic form, as chi2 or F."""
    form = quadratic_form(difference, spread)
    statistic = form / law.df if isinstance(law, F) else form
    return upper_tail("Wald test", text, statistic, law, WITHHELD if np.isnan(form) else "")


def wald_terms(
    terms: Mapping[str, Sequence[int]], estimates, covariance, reference, names: Sequence[str]
) -> pd.DataFrame:
    """A joint Wald test of each term: are all its coefficients zero?

    Arguments:
        terms: positions of each term's coefficients.
        estimates, covariance, reference, names: as in `wald_restrictions`.

    Returns:
        One row a term: `statistic`, `df`, `p` and `log_p`; NaN where all its columns were omitted.
    """
    found = {}
    for term, positions in terms.items():
        kept = [j for j in positions if np.isfinite(np.asarray(estimates)[j])]
        if not kept:
            found[term] = (np.nan, 0, np.nan, np.nan)
            continue
        zero = linear_hypothesis(np.eye(len(names))[kept], names)
        test = wald_restrictions(estimates, covariance, zero, reference, names)
        found[term] = (test.statistic, len(kept), test.p, test.log_p)
    return pd.DataFrame.from_dict(
        found, orient="index", columns=["statistic", "df", "p", "log_p"]
    ).rename_axis("term")
