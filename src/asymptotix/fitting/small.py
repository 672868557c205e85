"""Small data on the host: the whole fit is one call of one compiled program.

Rows and columns are padded to sizes that repeat, so that one more row, or another formula of
similar size, compiles nothing.
"""

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.quick_jit import QUICKEST, quick_jit
from asymptotix.core.static import Static, by_structure, split
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import bucket, column_bucket, pad_rows
from asymptotix.fitting import traced
from asymptotix.fitting.assemble import (
    Scalars,
    counts,
    final_information,
    residual_dof,
    scalars,
)
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.penalised import bind
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.likelihood import Coordinates, host_coordinates, is_structured, outward
from asymptotix.model import Layout, Regression, layout


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the structure of a model says about its program.

    Attributes:
        layout: of the model.
        wide: of the model at a standard width; the same where it is not padded.
        static: everything of the model that is not an array.
        columns: columns of each design, `None` for predictors that are not linear.
        width: columns of the padded design.
        keep: which wide parameters are the model's.
    """

    layout: Layout
    wide: Layout
    static: Static
    columns: tuple[int, ...] | None
    width: int
    keep: np.ndarray


@by_structure
def plan(model: Regression, x_shapes) -> Plan:
    """The plan of a model for covariates of given shapes (without rows)."""
    own = layout(model)
    columns = design_columns(model, x_shapes)
    static = split(model)[1]
    everything = np.arange(own.size)
    if columns is None or len(columns) != 1 or not model.predictor.is_paddable():
        return Plan(own, own, static, columns, 0, everything)
    (k,) = columns
    width = column_bucket(k)
    shapes = ((width,), *own.shapes[1:])
    names = (*own.names[:k], *("padding",) * (width - k), *own.names[k:])
    keep = np.r_[np.arange(k), width + np.arange(own.size - k)]
    return Plan(own, Layout(own.estimated, shapes, names), static, columns, width, keep)


@by_structure
def design_columns(model: Regression, x_shapes) -> tuple[int, ...] | None:
    """The number of columns of each design, `None` for predictors that are not linear."""
    shapes, treedef = x_shapes
    one = jax.tree.unflatten(treedef, [np.zeros((1, *shape)) for shape in shapes])
    if not is_structured(model, one):
        return None
    return tuple(d.shape[1] for d in jax.eval_shape(model.predictor.designs, one))


def x_outline(x):
    """The shapes of covariates without their rows, in a form that can be hashed."""
    leaves, treedef = jax.tree.flatten(x)
    return tuple(np.shape(leaf)[1:] for leaf in leaves), treedef


def solve(
    model: Regression, rows: Rows, solver: AbstractSolver, active, *, qr: bool, penalty=None
) -> Fit:
    """The fit of a few rows.

    Arguments:
        active: for each design, which columns are estimated; `None` for other predictors.
        qr: whether an ill-conditioned information is factored by an orthogonal pass.
        penalty: what is added to the log-likelihood.
    """
    given = plan(model, x_outline(rows.x))
    leaves, treedef = jax.tree.flatten(model)
    size = bucket(rows.n)
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights)
    offset = np.zeros(rows.n) if rows.offset is None else np.asarray(rows.offset)
    y, offset = jax.tree.map(lambda a: pad_rows(np.asarray(a), size), (rows.y, offset))
    weights = _pad(weights, size)
    known, project = None, None
    if given.width:
        x = _pad(np.asarray(rows.x, np.float64), size, given.width)
        theta = np.zeros(given.wide.size)
        theta[given.keep] = given.layout.gather(leaves)
        leaves = given.wide.scatter(leaves, theta)
        active = (_pad(active[0], given.width),)
        known = host_coordinates((x,), weights, active)
        project = not known[0].intercept.any()
    else:
        x = jax.tree.map(lambda a: pad_rows(np.asarray(a), size), rows.x)
    flags = _Flags(rows.weight_kind, qr, project, treedef)
    arrays = [v if isinstance(v, np.ndarray) else None for v in leaves]
    program = _tiny_program if size <= TINY_ROWS else _program
    block = Block(x, y, weights, offset)
    out = program(given.static, flags, solver, arrays, block, active, known, penalty)
    found = _unpacked(given, leaves, flags, known, jax.device_get(out))
    if penalty is None:
        return found
    bound = bind(penalty, found.model, found.coordinates, found.active)
    return eqx.tree_at(lambda f: f.penalty, found, bound, is_leaf=lambda v: v is None)


def widened(fit: Fit, rows: Rows) -> tuple[Fit, Rows, np.ndarray]:
    """A fit and its few rows at a standard width, and which wide parameters are the fit's own.

    What is compiled for the wide fit serves every design of similar size.
    """
    given = plan(fit.model, x_outline(rows.x))
    if not given.width or not fit.coordinates:
        return fit, rows, given.keep
    p = given.wide.size

    def vector(v, size=p):
        wide = np.zeros(size, v.dtype)
        wide[given.keep if size == p else slice(len(v))] = v
        return wide

    matrices = np.zeros((2, p, p))
    matrices[:, given.keep[:, None], given.keep] = fit.information, fit.factor
    theta = vector(given.layout.flatten(fit.model))
    wide = eqx.tree_at(
        lambda f: (f.model, f.params, f.information, f.factor, f.coordinates, f.active),
        fit,
        (
            given.wide.replace(fit.model, theta),
            vector(fit.params),
            *matrices,
            tuple(type(c)(*(vector(a, given.width) for a in c)) for c in fit.coordinates),
            vector(fit.active),
        ),
    )
    x = _pad(np.asarray(rows.x), rows.n, given.width)
    return wide, eqx.tree_at(lambda r: r.x, rows, x), given.keep


def _pad(array: np.ndarray, size: int, width: int = 0) -> np.ndarray:
    if array.shape[0] == size and not width:
        return array
    shape = (size, width) if width else (size, *array.shape[1:])
    padded = np.zeros(shape, bool if array.dtype == bool and array.ndim == 1 else np.float64)
    if width:
        padded[: array.shape[0], : array.shape[1]] = array
    else:
        padded[: array.shape[0]] = array
    return padded


class _Flags(NamedTuple):
    """What a program is compiled for, besides the model's structure and the data's sizes."""

    weight_kind: str | None
    qr: bool
    project: bool | None
    treedef: Any


def _whole_fit(
    static: Static, flags: _Flags, solver, arrays, block: Block, active, coordinates, penalty
):
    weight_kind, qr, project, treedef = flags
    model = static.combine(jax.tree.unflatten(treedef, arrays))
    _, n, _ = counts(block, weight_kind)
    size = jnp.concatenate(active) if active else jnp.ones(layout(model.predictor).size)
    dof = residual_dof(model, n, size)
    setup = traced.prepare(model, block, active, dof, coordinates, project, penalty)
    state, history = traced.solve(model, solver, block, setup, qr=qr, with_statistics=True)
    information, factor = final_information(model, solver.newton, setup, state, block)
    theta = outward(setup.coordinates, state.params)
    fitted = layout(model).replace(model, theta)
    found = scalars(fitted, block, setup, state.here.statistics, state, weight_kind)
    numbers = jnp.stack([jnp.asarray(v, theta.dtype) for v in found])
    vectors = jnp.stack([theta, state.params, setup.problem.active.astype(theta.dtype)])
    unknown = setup.coordinates if coordinates is None else None
    return numbers, vectors, jnp.stack([information, factor]), unknown, history


TINY_ROWS = 2048
_program = quick_jit(_whole_fit, static_argnums=(0, 1))
_tiny_program = quick_jit(_whole_fit, QUICKEST, static_argnums=(0, 1))


def _unpacked(given: Plan, leaves, flags: _Flags, coordinates, out) -> Fit:
    numbers, vectors, matrices, found, history = out
    if history is not None and history.params is not None:
        history = history._replace(params=history.params[:, given.keep])
    theta, params, active = vectors[:, given.keep]
    information, factor = matrices[:, given.keep[:, None], given.keep]
    if given.width:
        k = given.layout.shapes[0][0]
        found = tuple(Coordinates(*(a[:k] for a in c)) for c in coordinates)
    fitted = jax.tree.unflatten(flags.treedef, given.layout.scatter(leaves, theta))
    return Scalars(*map(np.asarray, numbers)).fit(
        fitted, params, information, factor, found, active > 0, flags.weight_kind, None, history
    )  # fmt: skip
