r"""The maximum of a likelihood, or a penalised one, under linear restrictions $R\theta = r$."""

from typing import Any

import numpy as np

from asymptotix.core.linalg import solve_with_factor
from asymptotix.core.precision import double
from asymptotix.covariances.passes import outward_matrix
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit
from asymptotix.inference.hypotheses import LinearHypothesis
from asymptotix.inference.lanes import Search, run_searches
from asymptotix.inference.passes import Evaluator
from asymptotix.inference.penalised import PenalisedEvaluator
from asymptotix.inference.profile_search import DECREMENT, INNER_STEPS, triangular_of

STAGES = (1, 4, 16)
"""Into how many steps the way from the estimate to the hypothesis is cut, one after the other."""


def working_restrictions(fit: Fit, hypothesis: LinearHypothesis) -> np.ndarray:
    """$R$ in working coordinates, zero for columns that are not estimated."""
    matrix = hypothesis.matrix @ np.asarray(outward_matrix(fit))
    return np.where(np.asarray(fit.active), matrix, 0.0)


def restricted_maximum(fit: Fit, rows: Rows, hypothesis: LinearHypothesis) -> np.ndarray | None:
    r"""$\arg\max \{\ell(\theta) : R\theta = r\}$ in working coordinates; `None` if not found.

    Newton's method in the directions that the restrictions leave free, from the point where the
    quadratic model of the likelihood at the estimate has its restricted maximum; where that fails,
    on the way there in several steps.

    Arguments:
        fit: the unrestricted maximum, with its family at unit dispersion.
        rows: its rows.
        hypothesis: the restrictions, on estimated parameters.
    """
    active = np.flatnonzero(np.asarray(fit.active))
    matrix = working_restrictions(fit, hypothesis)[:, active]
    evaluator = _evaluator(fit, rows)
    inner = np.ix_(active, active)

    def evaluate(points) -> Any:
        whole = np.zeros((len(points), fit.params.shape[0]))
        whole[:, active] = points
        at = evaluator(whole)
        return at.value, at.score[:, active], np.stack([i[inner] for i in at.information]), None

    start = np.asarray(fit.params, float)[active]
    factor = np.asarray(fit.factor)[inner]
    for stages in STAGES:
        (found,) = run_searches(
            [_climb(start, matrix, hypothesis.value, factor, stages)], evaluate
        )  # fmt: skip
        if found is not None:
            params = np.zeros(fit.params.shape[0])
            params[active] = found
            return params
    return None


def penalised_drop(fit: Fit, rows: Rows, hypothesis: LinearHypothesis) -> float:
    r"""$2\{\ell^*(\hat\theta) - \max_{R\theta = r} \ell^*(\theta)\}$ of a penalised likelihood.

    Both maxima are of the same $\ell^*$, that of the whole model (Heinze and Schemper 2002), so
    that one restriction $\theta_j = b$ has the statistic of the profile at $b$. NaN if the
    second is not found.
    """
    with double():
        found = restricted_maximum(fit, rows, hypothesis)
        if found is None:
            return np.nan
        both = np.stack([np.asarray(fit.params, float), found])
        top, below = np.asarray(_evaluator(fit, rows)(both).value)
    return max(2 * float(top - below), 0.0)


def _evaluator(fit: Fit, rows: Rows) -> Any:
    return (
        Evaluator(fit, rows, expected=False)
        if fit.penalty is None
        else PenalisedEvaluator(fit, rows)
    )


def _climb(params, matrix, value, factor, stages: int) -> Search:
    """The restricted maximum, by way of those of values between the estimate's own and `value`."""
    along = solve_with_factor(factor, matrix.T)
    basis = np.linalg.qr(matrix.T, mode="complete")[0][:, len(matrix) :]
    begin = matrix @ params
    for share in np.linspace(0, 1, stages + 1)[1:]:
        target = begin + share * (value - begin)
        gap = target - matrix @ params
        params = params + along @ np.linalg.solve(matrix @ along, gap)
        params = yield from _maximum(params, basis)
        if params is None:
            return None
    return params


def _maximum(params, basis) -> Search:
    """The maximum among `params + basis @ g`, by Newton's method with halving."""
    at = yield params
    for _ in range(INNER_STEPS):
        if not (np.isfinite(at.value) and np.isfinite(at.information).all()):
            return None
        if basis.shape[1] == 0:
            return params
        factor = triangular_of(basis.T @ at.information @ basis)
        if not np.isfinite(factor).all():
            return None
        score = basis.T @ at.score
        move = solve_with_factor(factor, score)
        step = basis @ move
        if float(score @ move) < DECREMENT**2:
            return params + step
        fraction, slack = 1.0, 1e-13 * (1 + abs(at.value))
        while True:
            there = yield params + fraction * step
            if np.isfinite(there.value) and there.value >= at.value - slack:
                break
            fraction /= 2
            if fraction < 1e-10:
                return params  # nothing higher in floating point
        params, at = params + fraction * step, there
    return None
