"""Where tests that rest on the likelihood have no meaning, said before anything is computed."""

from typing import Any

import numpy as np

from asymptotix.core.errors import InputError

NO_MAXIMUM = ("separated", "diverging")
"""How fits end whose likelihood rises towards infinite estimates."""


def require_likelihood(
    res: Any,
    what: str,
    *,
    any_covariance: bool = False,
    maximum: bool = True,
    penalised: bool = False,
) -> None:
    """Refuse a likelihood-based method where there is no likelihood to base it on.

    Arguments:
        res: a `Results`.
        what: the method, at the start of a sentence, such as `"A likelihood-ratio test"`.
        any_covariance: whether the method looks at the model's likelihood only and says so.
        maximum: whether it needs a maximum, or can do with a likelihood that has a bound.
        penalised: whether it can do with a penalised likelihood.

    Raises:
        InputError: the fit did not converge, is penalised, has sampling weights or no
            likelihood, or its covariance says that the likelihood is not trusted.
    """
    if maximum or res.status not in NO_MAXIMUM:
        require_converged(res, what)
    penalty = res.fit.penalty
    if penalised and penalty is not None and not penalty.penalty.has_objective:
        raise InputError(
            f"{what} needs something that estimates maximise, and {penalty.penalty.label} only "
            "corrects the score; use penalty=asx.Jeffreys(), or Wald tests.",
            code="penalised",
        )
    if penalty is not None and not penalised:
        raise InputError(
            f"{what} needs a maximum of the likelihood, and '{res.spec.formula}' was fitted "
            "with a penalty; use Wald tests.",
            code="penalised",
        )
    if res.inputs.weight_kind == "sampling":
        raise InputError(
            f"{what} needs a likelihood, and sampling weights only make a pseudo-likelihood; "
            "use Wald tests with a robust covariance.",
            code="no_likelihood",
        )
    if not np.isfinite(res.llf):
        raise InputError(
            f"{what} needs a likelihood, and family {res.model.family.name} declares only a mean "
            "and a variance (a quasi-likelihood); use Wald tests.",
            code="no_likelihood",
        )
    kind = res.covariance.kind
    if kind.robust and not any_covariance:
        raise InputError(
            f"{what} holds only if the likelihood is right, and {kind.label} errors say that it "
            "may not be; use Wald or robust score tests, or with_cov('observed') first.",
            code="robust",
        )


def require_unpenalised(res: Any, what: str) -> None:
    """Refuse a fit that is not the maximum of the likelihood alone."""
    require_converged(res, what)
    if res.fit.penalty is not None:
        raise InputError(
            f"{what} fits again by maximum likelihood, and '{res.spec.formula}' was fitted with "
            f"a penalty ({res.fit.penalty.penalty.label}), so that the two would not be "
            "compared on the same footing; fit without penalty=, or use Wald tests.",
            code="penalised",
        )


def require_results(res: Any) -> None:
    """Refuse what is no result of a fit, before its attributes are asked for."""
    if not hasattr(res, "fit"):
        raise InputError(
            f"{type(res).__name__} is no result of a fit; give results, one after the other, such "
            "as asx.anova(small, large).",
            code="arguments",
        )


def require_converged(res: Any, what: str) -> None:
    """Refuse a fit that did not reach its maximum."""
    if not res.converged:
        raise InputError(
            f"{what} needs a maximum of the likelihood, and the fit of '{res.spec.formula}' is "
            f"{res.status}.",
            code="not_converged",
        )
