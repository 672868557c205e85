r"""Profile likelihood: limits by likelihood ratio and by score, and the curve between them.

The profile of $b = a^\top\theta$ is $\ell_p(b) = \max\{\ell(\theta) : a^\top\theta = b\}$. Limits
solve $2\{\hat\ell - \ell_p(b)\}/\phi = q^2$, or $r(b)^2 = q^2$ with the score statistic $r$;
nothing is interpolated. All limits of a model are searched for at once, in passes over the rows
that serve every search (`lanes.py`).
"""

from typing import Any, NamedTuple

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.covariances.passes import outward_matrix
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit
from asymptotix.inference.lanes import run_searches
from asymptotix.inference.passes import Evaluator
from asymptotix.inference.penalised import PenalisedEvaluator
from asymptotix.inference.profile_search import (
    Hill,
    ascent,
    bracketed_limit,
    likelihood_limit,
    score_limit,
    walk,
)


class Limits(NamedTuple):
    """Lower and upper limits of every parameter; NaN where it is not estimated.

    An infinite limit says that the statistic does not reach its quantile on that side.
    """

    lower: np.ndarray
    upper: np.ndarray


def likelihood_limits(fit: Fit, rows: Rows, quantile: float, method: str = "profile") -> Limits:
    r"""Confidence limits of every parameter from the likelihood, by one batched search.

    Arguments:
        fit, rows: a fit and its rows; converged, or separated, so that some limits are infinite.
        quantile: of the signed root of the statistic, such as 1.96 or a quantile of t.
        method: `"profile"` (likelihood ratio) or `"score"` (Rao; expected information where the
            family declares it, else observed).
    """
    hills, evaluate = _hills(fit, rows, method == "score", quantile)
    search = {"profile": likelihood_limit, "score": score_limit}[method]
    if not bool(fit.converged):
        search = {"profile": bracketed_limit, "score": score_limit}[method]
    with double():
        found = run_searches(
            [search(hill, side, quantile) for hill in hills.values() for side in (-1, 1)], evaluate
        )
    limits = np.full((2, fit.params.shape[0]), np.nan)
    for i, j in enumerate(hills):
        limits[:, j] = found[2 * i : 2 * i + 2]
    return Limits(*limits)


def profile_curve(fit: Fit, rows: Rows, position: int, reach: float, points: int) -> np.ndarray:
    """The profile of one parameter on a grid of Wald distances around its estimate.

    Arguments:
        fit, rows: a converged fit and its rows.
        position: of the parameter.
        reach: how far to go on either side, in standard errors.
        points: on either side.

    Returns:
        Rows `(value, likelihood root, score root)`; NaN where the model is not defined.
    """
    hills, evaluate = _hills(fit, rows, True, reach)
    hill = hills[position]
    steps = np.linspace(0, reach, points + 1)[1:] * hill.error
    with double():
        left, right = run_searches(
            [walk(hill, hill.estimate + side * steps) for side in (-1, 1)], evaluate
        )
    return np.array([*left[::-1], (hill.estimate, 0.0, 0.0), *right])


def _hills(fit: Fit, rows: Rows, with_expected: bool, quantile: float):
    """One hill for each active parameter, and how to evaluate the likelihood on it."""
    active = np.flatnonzero(np.asarray(fit.active))
    with double():
        with_penalty = fit.penalty is not None
        evaluator: Any = (
            PenalisedEvaluator(fit, rows) if with_penalty else Evaluator(fit, rows, with_expected)
        )

        def evaluate(points) -> Any:
            whole = np.zeros((len(points), fit.params.shape[0]))
            whole[:, active] = points
            at = evaluator(whole)
            inner = np.ix_(np.arange(len(points)), active, active)
            expected = None if at.expected is None else at.expected[inner]
            return at.value, at.score[:, active], at.information[inner], expected

        top, start, information = _summit(fit, evaluate, np.asarray(fit.params)[active], quantile)
        expected = evaluate(np.stack([start, start]))[3] if with_expected else None
        if expected is not None and not np.isfinite(expected).all():
            evaluator.expected = False  # not declared by the family: the observed one serves
        outward = np.asarray(outward_matrix(fit))[:, active]
    moment = fit.model.family.dispersion_rule == "moment"
    phi = float(fit.dispersion) if moment else 1.0
    hills = {int(j): Hill(top, start, information, phi, outward[j]) for j in active}
    return hills, evaluate


def _summit(fit: Fit, evaluate, best: np.ndarray, quantile: float):
    """`(top, where to start, information there)`.

    Of a separated fit the top lies at infinity, and the start is the first point on the way
    there that the limits must enclose.
    """
    if bool(fit.converged):
        value, _, information, _ = evaluate(np.stack([best, best]))
        return float(value[0]), best, np.asarray(information[0])
    (path,) = run_searches([ascent(np.zeros_like(best))], evaluate)
    if not path:
        raise InputError(
            "The likelihood does not exist at the point where its profile would start; use "
            "another link.",
            code="not_converged",
        )
    top = path[-1][1]
    inside = next(p for p in path if 2 * (top - p[1]) <= quantile**2)
    return top, inside[0], inside[2]
