"""`asx.fit`: estimates a model, on the host or inside a caller's transformation."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import FitError, InputError
from asymptotix.core.lazy import LazyModule
from asymptotix.core.linalg import triangular_factor
from asymptotix.core.precision import in_scope, is_traced, working_dtype
from asymptotix.core.static import split
from asymptotix.core.status import MESSAGES, succeeded
from asymptotix.data.rows import Rows, plain_rows
from asymptotix.data.streamed import StreamedRows
from asymptotix.fitting import host
from asymptotix.fitting.assemble import counts, residual_dof, traced_scalars
from asymptotix.fitting.corrected import check_reduction
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.implicit import optimum
from asymptotix.fitting.newton import Newton
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.fitting.traced import prepare
from asymptotix.likelihood import is_structured
from asymptotix.model import Regression, layout
from asymptotix.penalties import AbstractPenalty, BoundPenalty

if TYPE_CHECKING:
    from asymptotix.data import sharded
else:
    sharded = LazyModule("asymptotix.data.sharded")

DEFAULT_SOLVER = Newton()


def fit(
    model: Regression,
    x,
    y=None,
    *,
    weights=None,
    weight_kind=None,
    offset=None,
    solver: AbstractSolver | None = None,
    penalty: AbstractPenalty | None = None,
    throw: bool = False,
) -> Fit:
    r"""Maximum-likelihood estimate $\hat\theta = \arg\max_\theta \sum_i w_i \log f(y_i \mid x_i)$.

    Works on NumPy and JAX arrays in double precision whatever the user's settings, and inside
    `jit`, `vmap` and `grad`, where it follows the precision of the data. Derivatives of the
    estimates with respect to data and weights are the implicit ones.

    Arguments:
        model: the model; where its parameters are not all zero they are the starting point.
        x: covariates, shape `(n, k)`, with a column of ones for an intercept; or `asx.Rows`, or
            what `asx.shard` returns.
        y: response, shape `(n,)`, or a pytree such as `(successes, trials)`.
        weights, weight_kind, offset: as in `asx.Rows`.
        solver: `asx.Newton()` by default; `asx.Quasi()`, `asx.Stochastic(optimiser)`.
        penalty: added to the log-likelihood, such as `asx.Ridge(1.0)`.
        throw: raise `asx.FitError` when the maximum is not found; otherwise the returned
            `status` says so, one for each replicate under `vmap`.

    Returns:
        A `Fit`: the model at the estimate, its status, and no data.

    Raises:
        InputError: the arrays cannot be used (host calls only).
        FitError: with `throw=True`, the maximum was not found.
    """
    rows = as_rows(x, y, weights=weights, weight_kind=weight_kind, offset=offset)
    route = DEFAULT_SOLVER if solver is None else solver
    check_route(route, penalty, model.family)
    if is_traced((model, rows, penalty, route)):
        return _traced(model, rows, route, penalty, throw)
    found = host.fit(model, rows, route, penalty=penalty)
    if throw and not bool(found.converged):
        raise FitError(f"The fit is {found.status_name}: {MESSAGES[found.status_name]}.")
    return found


def as_rows(x, y=None, **fields) -> Any:
    """`x` itself if it is `Rows` (or those of a stream), else `Rows` made of the arguments.

    Arrays that are sharded over devices become sums over their shards.
    """
    if isinstance(x, (Rows, StreamedRows)):
        if y is not None or any(v is not None for v in fields.values()):
            raise InputError(
                "Rows already hold response, weights and offset; give them there only.",
                code="arguments",
            )
        return sharded.settled(x)
    if y is None:
        raise InputError("The response y is missing.", code="arguments", column="y")
    if type(x) is type(y) is np.ndarray and all(v is None for v in fields.values()):
        return plain_rows(x, y)
    return sharded.settled(Rows(x, y, **fields))


def check_route(solver, penalty, family=None) -> None:
    """Raise `InputError` unless these are a solver and a penalty (or none) that suit a family."""
    if not isinstance(solver, AbstractSolver):
        raise InputError(
            f"solver={solver!r} is not a solver; give an instance, such as asx.Newton() or "
            "asx.Quasi().",
            code="solver",
        )
    if family is not None and solver.newton.curvature == "expected" and layout(family).size:
        raise InputError(
            f"Family {family.name} estimates parameters of its own, whose expected information "
            "it does not know; use asx.Newton(), with the observed information.",
            code="solver",
        )
    if penalty is not None and not isinstance(penalty, AbstractPenalty):
        raise InputError(
            f"penalty={penalty!r} is not a penalty; give an instance, such as asx.Ridge(1.0).",
            code="penalty",
        )


def _traced(model: Regression, rows: Rows, solver, penalty, throw: bool) -> Fit:
    dtype = working_dtype((rows.x, rows.y, rows.weights, rows.offset))

    def run(m, r, s, p):
        return _program(m, r, s, p, dtype, throw)

    return in_scope(run, dtype, model, rows, solver, penalty)


@eqx.filter_jit
def _program(model: Regression, rows: Rows, solver, penalty, dtype, throw: bool) -> Fit:
    """One program, and one for its derivative, also where the caller compiles nothing.

    Left to itself, `jax.grad` outside `jit` would compile hundreds of single operations.
    """
    found = _traced_fit(model, rows, solver, penalty, dtype)
    return _throwing(found) if throw else found


def _traced_fit(model: Regression, rows: Rows, solver, penalty, dtype) -> Fit:
    block = rows.block(dtype)
    model = jax.tree.map(lambda leaf: _cast(leaf, dtype), model)
    active = None
    if is_structured(model, block.x):
        designs = jax.eval_shape(model.predictor.designs, block.x)
        active = tuple(jnp.ones(d.shape[1], bool) for d in designs)
    check_reduction(penalty, model, None if active is None else [a.shape[0] for a in active])
    if penalty is not None and penalty.intercept_correction:
        raise InputError(
            f"{penalty.label} takes two fits and is made outside of jit, vmap and grad; "
            "use asx.Jeffreys() inside.",
            code="penalty",
        )
    _, n, _ = counts(block, rows.weight_kind)
    size = jnp.concatenate(active) if active else jnp.ones(layout(model.predictor).size)
    constant = jax.lax.stop_gradient
    dof = residual_dof(model, constant(n), size)
    penalty = jax.tree.map(lambda leaf: _cast(leaf, dtype), penalty)
    setup = constant(prepare(constant(model), constant(block), active, dof, penalty=penalty))
    if setup.penalty is not None:  # estimates have derivatives in its strength
        setup = setup._replace(penalty=BoundPenalty(penalty, setup.penalty.given))
    arrays, static = split(model)
    route_arrays, route = split(solver)
    solved: Any = optimum(static, route, route_arrays, arrays, block, setup)
    params, information, state, history = solved
    scalars, fitted = traced_scalars(model, block, setup, params, state, rows.weight_kind)
    factor = triangular_factor(information, setup.problem.active)
    return scalars.fit(
        fitted,
        params,
        information,
        factor,
        setup.coordinates,
        setup.problem.active,
        rows.weight_kind,
        setup.penalty,
        history,
    )


def _cast(leaf, dtype):
    floating = eqx.is_array_like(leaf) and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
    return jnp.asarray(leaf, dtype) if floating else leaf


def _throwing(found: Fit) -> Fit:
    """The fit, with an error raised when it runs if it has failed.

    The check itself is of a 32-bit integer: a callback in a user's default settings cannot carry
    64-bit numbers. The estimates then depend on it, so that it is not optimised away.
    """
    message = "A fit did not find the maximum of the likelihood; see its status."
    code = eqx.error_if(found.code, ~succeeded(found.code), message)

    def tied(leaf):
        floating = jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.where(code >= 0, leaf, jnp.nan) if floating else leaf

    return eqx.tree_at(lambda f: f.code, jax.tree.map(tied, found), code)
