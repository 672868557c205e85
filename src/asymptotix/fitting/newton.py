r"""Newton's method as a small state machine: (value, score, information) in, next trial point out.

It holds no data and evaluates nothing. A driver evaluates the sums at `trial(state)` and feeds
them to `advance`, until `state.status` is no longer `running`; the traced and the host driver
share every line of this file and so give the same digits.

The decrement $\sqrt{g^\top I^{-1} g / \phi}$ is the distance left to the optimum in the
estimates' own standard errors. A fit has converged when it is below the tolerance **and** the
curvature along the last step has settled, $d^\top I_{new} d \,/\, d^\top I_{old} d \approx 1$:
under separation the former goes to zero while the latter stays near $e^{-1}$.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import (
    diagonal,
    fill_inactive,
    namespace,
    share_unexplained,
    solve_with_factor,
    triangular_factor,
)
from asymptotix.core.status import CODE, succeeded
from asymptotix.core.typing import Array, Bool, Float, Int
from asymptotix.fitting.solver import AbstractSolver

SETTLED = 0.1
"""How far the ratio of curvatures along the last step may be from 1."""
ROUNDING = 1e-6
"""Below this decrement, a decrement that stops falling is put down to rounding; or, on badly
conditioned columns, below what rounding makes of a score of zero."""
PERFECT = 10.0
"""The same where residuals are rounding error: the decrement then counts in units of that."""
MAX_HALVINGS = 40
RANK_TOLERANCE = 1e-11
"""A column of which earlier ones leave less than this share unexplained is collinear."""
ILL_CONDITIONED = 1e-4
"""Smallest share unexplained from which Cholesky gives way to QR: Gram condition 1e8."""
FLAT = 1e-3
"""Smallest curvature, as a share of the largest, that an indefinite information's step sees."""
LOST = 1e-7
"""Smallest share unexplained at which a Cholesky factor still means anything."""


class Newton(AbstractSolver):
    """Newton's method, the default solver.

    Arguments:
        curvature: `"observed"` (Newton-Raphson) or `"expected"` (Fisher scoring).
        tolerance: on the decrement, in standard errors.
        max_steps: accepted steps at most.
    """

    curvature: str = eqx.field(static=True, default="observed")
    tolerance: float = eqx.field(static=True, default=1e-8)
    max_steps: int = eqx.field(static=True, default=100)
    polish: ClassVar[bool] = True

    @property
    def stops_early(self) -> bool:
        """Never."""
        return False

    @property
    def newton(self) -> "Newton":
        """Itself."""
        return self

    def approach(self, model, rows, setup):
        """Nothing to do before the first step."""
        del model, rows
        return setup.start, None

    def __check_init__(self):
        if self.curvature not in ("observed", "expected"):
            raise InputError(
                f"curvature={self.curvature!r} must be 'observed' or 'expected'.", code="option"
            )
        if not (self.tolerance > 0 and self.max_steps >= 1):
            raise InputError(
                f"tolerance={self.tolerance!r} must be positive and "
                f"max_steps={self.max_steps!r} at least 1.",
                code="option",
            )


class Evaluation(NamedTuple):
    """The sums at one point, with a triangular factor of the information (NaN if indefinite)."""

    value: Float[Array, ""]
    score: Float[Array, "p"]
    information: Float[Array, "p p"]
    factor: Float[Array, "p p"]


class NewtonState(NamedTuple):
    """Where the method stands: the accepted point, and the step being tried from it."""

    params: Float[Array, "p"]
    here: Evaluation
    step: Float[Array, "p"]
    fraction: Float[Array, ""]
    decrement: Float[Array, ""]
    ratio: Float[Array, ""]
    unsettled: Int[Array, ""]
    steps: Int[Array, ""]
    halvings: Int[Array, ""]
    status: Int[Array, ""]


class Problem(NamedTuple):
    """What the state machine must know besides the sums.

    Attributes:
        active: which parameters are estimated.
        moment_dof: residual degrees of freedom where the dispersion is outside the likelihood
            (`moment`), `None` where it is 1 or in theta.
        dispersion_floor: below this a dispersion is rounding error (a perfect fit).
        lower: bounds that parameters must not fall below, `None` for none; a fit whose maximum
            lies on one ends as `boundary`.
        linear: whether predictors are linear, so that a curvature that keeps falling means that
            estimates run away; that of a network may be flat, and then falls and rises by noise.
    """

    active: Bool[Array, "p"]
    moment_dof: Float[Array, ""] | None
    dispersion_floor: Float[Array, ""] | None
    lower: Float[Array, "p"] | None = None
    linear: Any = True


def trusted(factor: Float[Array, "p p"]) -> Float[Array, "p p"]:
    """A Cholesky factor, or NaN where rounding in the information has decided its last pivots."""
    return namespace(factor).where(share_unexplained(factor).min() > LOST, factor, np.nan)


def start(params) -> NewtonState:
    """The state before anything is known: its trial point is the starting point."""
    p, dtype = params.shape[0], params.dtype
    unknown = Evaluation(
        jnp.full((), -jnp.inf, dtype),
        jnp.zeros(p, dtype),
        jnp.zeros((p, p), dtype),
        jnp.full((p, p), jnp.nan, dtype),
    )
    zero = jnp.zeros((), jnp.int32)
    return NewtonState(
        params=params,
        here=unknown,
        step=jnp.zeros(p, dtype),
        fraction=jnp.ones((), dtype),
        decrement=jnp.full((), jnp.inf, dtype),
        ratio=jnp.full((), jnp.nan, dtype),
        unsettled=zero,
        steps=zero - 1,
        halvings=zero,
        status=zero + CODE["running"],
    )


def trial(state: NewtonState) -> Float[Array, "p"]:
    """The point to evaluate next."""
    return state.params + state.fraction * state.step


def advance(
    options: Newton,
    problem: Problem,
    state: NewtonState,
    there: Evaluation,
    *,
    solve: Callable | None = None,
) -> NewtonState:
    """The state after the sums at `trial(state)` are known: the step is taken, or halved.

    Arguments:
        options, problem, state: of the method.
        there: the sums.
        solve: from a score to the step, NaN where the information is indefinite, of a driver that
            ends there; by default the step then ascends.
    """
    epsilon = jnp.finfo(state.params.dtype).eps
    slack = 64 * epsilon * (1 + jnp.abs(there.value))
    accept = _finite(there) & (there.value >= state.here.value - slack)
    return lax.cond(
        accept,
        lambda: _take(options, problem, state, there, solve),
        lambda: _halve(state, there),
    )


def _take(options, problem, state, there, solve) -> NewtonState:
    moved = state.fraction * state.step
    held = _held(problem, state.params + moved, there.score)
    if held is not None:
        there = _without(problem, held, there)
        problem = problem._replace(active=problem.active & ~held)
    step, decrement = _direction(problem, there, solve)
    if problem.lower is not None:  # as far as the bounds allow
        step = jnp.maximum(step, problem.lower - (state.params + moved))
    before, after = _curvature(state.here, moved), _curvature(there, moved)
    first = state.steps < 0
    # Of the change along a shortened step, that along a whole one is made.
    whole = jnp.exp(jnp.log(after / before) / state.fraction)
    ratio = jnp.where(first, jnp.nan, jnp.where(before == after, 1.0, whole))
    settled = jnp.abs(ratio - 1) <= SETTLED  # not so at the first point, which has no last step
    definite = jnp.all(jnp.isfinite(there.factor))
    # Twice in a row at the tolerance without settling: running away, where curvature falls.
    falling = ratio < 1 - SETTLED
    unsettled = jnp.where((decrement < options.tolerance) & ~settled, state.unsettled + 1, 0)
    bound = jnp.where(_is_perfect(problem, there), PERFECT, _rounding(there))
    at_rounding = (decrement < bound) & (decrement >= 0.5 * state.decrement)
    steps = state.steps + 1
    running_away = CODE["diverging"]
    converged = definite & settled & (decrement < options.tolerance)
    outcomes = (
        (converged, CODE["converged"]),
        (definite & settled & at_rounding, CODE["converged_to_rounding"]),
        ((unsettled >= 2) & falling & (definite | problem.linear), running_away),
        ((unsettled >= 2) & ~definite, CODE["indefinite"]),  # flat: the curvature is noise
        (_singular(problem, there) & (state.ratio < 1 - SETTLED), running_away),
        (_singular(problem, there), CODE["rank_deficient"]),
        ((steps >= options.max_steps) & ~definite, CODE["indefinite"]),
        ((steps >= options.max_steps) & falling & (decrement < 0.01), running_away),
        (steps >= options.max_steps, CODE["max_steps"]),
    )
    status = jnp.asarray(CODE["running"], jnp.int32)
    for happened, code in reversed(outcomes):  # the first that happened counts
        status = jnp.where(happened, code, status)
    if held is not None:
        status = jnp.where(succeeded(status) & jnp.any(held), CODE["boundary"], status)
    return NewtonState(
        # At the end one more step is free, and squares the distance that is left.
        params=state.params + moved + jnp.where(converged, step, 0.0),
        here=there,
        step=step,
        fraction=jnp.ones_like(state.fraction),
        decrement=decrement,
        ratio=ratio,
        unsettled=unsettled.astype(jnp.int32),
        steps=steps,
        halvings=jnp.zeros_like(state.halvings),
        status=status.astype(jnp.int32),
    )


def _held(problem: Problem, params, score):
    """Which parameters lie on their bound with the likelihood rising beyond it."""
    if problem.lower is None:
        return None
    return problem.active & (params <= problem.lower) & (score <= 0)


def _without(problem: Problem, held, at: Evaluation) -> Evaluation:
    """The evaluation with a factor in which parameters that are held take no part."""
    factor = trusted(triangular_factor(at.information, problem.active & ~held))
    return at._replace(factor=jnp.where(jnp.any(held), factor, at.factor))


def judged(options: Newton, before: NewtonState, after: NewtonState) -> NewtonState:
    """A point of arrival that is kept, judged by the step that Newton's method would take from it.

    Arguments:
        options: whose tolerance counts.
        before: the state at the point, its sums known.
        after: the state after the sums at its trial point are known too.
    """
    definite = jnp.all(jnp.isfinite(before.here.factor))
    settled = jnp.abs(after.ratio - 1) <= SETTLED
    status = jnp.where(definite, CODE["max_steps"], CODE["indefinite"])
    status = jnp.where(
        definite & settled & (before.decrement < options.tolerance), CODE["converged"], status
    )
    failed = before.status == CODE["not_finite"]
    status = jnp.where(failed, before.status, status).astype(jnp.int32)
    return before._replace(ratio=after.ratio, status=status)


def stopped_early(state: NewtonState) -> NewtonState:
    """A judged state whose point was chosen for prediction, not for the likelihood."""
    missed = state.status != CODE["converged"]
    status = jnp.where(missed, CODE["early_stopped"], state.status)
    return state._replace(status=status.astype(jnp.int32))


def _is_perfect(problem: Problem, at: Evaluation) -> Bool[Array, ""]:
    """Whether the dispersion is rounding error of the response, and the decrement counts in it."""
    if problem.dispersion_floor is None:
        return jnp.zeros((), bool)
    return dispersion(problem, at.value) <= problem.dispersion_floor


def _rounding(at: Evaluation) -> Float[Array, ""]:
    r"""The decrement below which no step can be told from none.

    About $\epsilon$ times the condition of the columns, at most a thousandth of a standard error.
    """
    share = jnp.min(share_unexplained(at.factor))
    noise = 64 * jnp.finfo(at.value.dtype).eps / share
    return jnp.where(jnp.isfinite(noise), jnp.clip(noise, ROUNDING, 1e-3), ROUNDING)


def _curvature(at: Evaluation, step):
    r"""$d^\top I d = \|R d\|^2$, by the factor where there is one.

    Along a direction in which the likelihood has gone flat, the information's own entries cancel
    to rounding error, and would look settled.
    """
    # Sums of products, not `@`: XLA makes a module of its own of each product, 10 ms to compile.
    image, pull = jnp.sum(at.factor * step, axis=1), jnp.sum(at.information * step, axis=1)
    definite = jnp.all(jnp.isfinite(image))
    return jnp.where(definite, jnp.sum(image * image), jnp.sum(pull * step))


def _halve(state: NewtonState, there: Evaluation) -> NewtonState:
    halvings = state.halvings + 1
    stuck = jnp.where(
        (state.decrement < _rounding(state.here)) & (jnp.abs(state.ratio - 1) <= SETTLED),
        CODE["converged_to_rounding"],
        jnp.where(jnp.isfinite(there.value), CODE["stalled"], CODE["boundary"]),
    )
    return state._replace(
        fraction=state.fraction / 2,
        halvings=halvings,
        status=jnp.where(
            state.steps < 0,
            CODE["not_finite"],
            jnp.where(halvings >= MAX_HALVINGS, stuck, CODE["running"]),
        ).astype(jnp.int32),
    )


def _finite(at: Evaluation) -> Bool[Array, ""]:
    return (
        jnp.isfinite(at.value)
        & jnp.all(jnp.isfinite(at.score))
        & jnp.all(jnp.isfinite(at.information))
    )


def _singular(problem: Problem, at: Evaluation) -> Bool[Array, ""]:
    """Whether the information is positive semidefinite but of lower rank, to rounding."""
    dead = problem.active & (diagonal(at.information) == 0)
    tiny = share_unexplained(at.factor) < RANK_TOLERANCE
    return jnp.any(dead) | jnp.any(tiny & problem.active)


def dispersion(problem: Problem, value) -> Float[Array, ""]:
    r"""$\phi$: 1, or the deviance over its degrees of freedom for `moment` families."""
    if problem.moment_dof is None or problem.dispersion_floor is None:
        return jnp.ones_like(value)
    # With no degree of freedom left there is no dispersion; that of one serves for stopping.
    return jnp.maximum(-2 * value / jnp.maximum(problem.moment_dof, 1), problem.dispersion_floor)


def _direction(problem: Problem, at: Evaluation, solve):
    """Newton's step and the decrement; where the information is indefinite, one that ascends."""
    score = jnp.where(problem.active, at.score, 0.0)
    if solve is None:
        step = lax.cond(
            jnp.all(jnp.isfinite(at.factor)),
            lambda: solve_with_factor(at.factor, score),
            lambda: _saddle_free(fill_inactive(at.information, problem.active), score),
        )
    else:
        step = solve(score)
    decrement = jnp.sqrt(jnp.maximum(jnp.sum(score * step), 0.0) / dispersion(problem, at.value))
    return step, decrement


def _saddle_free(information, score):
    r"""$V |\Lambda|^{-1} V^\top g$ on unit diagonal: ascends along every axis of the curvature.

    Newton's step with the signs of negative curvatures turned (Dauphin et al. 2014); nearly flat
    axes count as if they had a thousandth of the largest curvature.
    """
    size = jnp.abs(diagonal(information))
    scale = jnp.sqrt(jnp.where(size > 0, size, 1.0))
    values, axes = jnp.linalg.eigh(information / scale[:, None] / scale[None, :])
    values = jnp.abs(values)
    values = jnp.maximum(values, FLAT * jnp.max(values))
    return axes @ ((axes.T @ (score / scale)) / values) / scale
