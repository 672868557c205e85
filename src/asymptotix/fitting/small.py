"""Small data on the host: the whole fit is one call of one compiled program.

Rows and columns are padded to sizes that repeat, so that one more row, or another formula of
similar size, compiles nothing.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.static import Static, by_structure, split
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import bucket, column_bucket
from asymptotix.fitting import newton, traced
from asymptotix.fitting.assemble import (
    Scalars,
    counts,
    final_information,
    residual_dof,
    scalars_and_model,
)
from asymptotix.fitting.fit import Fit
from asymptotix.likelihood import Coordinates, is_structured
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


def solve(model: Regression, rows: Rows, options: newton.Newton, active, *, qr: bool) -> Fit:
    """The fit of a few rows.

    Arguments:
        active: for each design, which columns are estimated; `None` for other predictors.
        qr: whether an ill-conditioned information is factored by an orthogonal pass.
    """
    given = plan(model, x_outline(rows.x))
    size = bucket(rows.n)
    x, wide = rows.x, model
    if given.width:
        x = _pad(np.asarray(rows.x), size, given.width)
        theta = np.zeros(given.wide.size)
        theta[given.keep] = given.layout.flatten(model)
        wide = given.wide.replace(model, theta)
        active = (_pad(active[0], given.width),)
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights)
    offset = np.zeros(rows.n) if rows.offset is None else np.asarray(rows.offset)
    block = jax.tree.map(lambda a: _pad(np.asarray(a), size), Block(x, rows.y, weights, offset))
    arrays = jax.tree.map(lambda v: v if isinstance(v, np.ndarray) else None, wide)
    out = _program(given.static, options, rows.weight_kind, qr, arrays, block, active)
    return _unpacked(given, model, rows.weight_kind, jax.device_get(out))


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


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _program(static: Static, options, weight_kind, qr: bool, arrays, block: Block, active):
    model = static.combine(arrays)
    _, n, _ = counts(block, weight_kind)
    dof = residual_dof(model, n, jnp.concatenate(active) if active else jnp.zeros(0))
    setup = traced.prepare(model, block, active, dof)
    state = traced.solve(model, options, block, setup, qr=qr)
    information, factor = final_information(model, options, setup, state, block)
    scalars, fitted = scalars_and_model(model, block, setup, state.params, state, weight_kind)
    theta = layout(fitted).flatten(fitted)
    numbers = jnp.stack([jnp.asarray(v, theta.dtype) for v in scalars])
    vectors = jnp.stack([theta, state.params, setup.problem.active.astype(theta.dtype)])
    return numbers, vectors, jnp.stack([information, factor]), setup.coordinates


def _unpacked(given: Plan, model: Regression, weight_kind, out) -> Fit:
    numbers, vectors, matrices, coordinates = out
    scalars = Scalars(*numbers)
    theta, params, active = vectors[:, given.keep]
    information, factor = matrices[:, given.keep[:, None], given.keep]
    if given.width and given.columns:
        k = given.columns[0]
        coordinates = tuple(Coordinates(*(a[:k] for a in c)) for c in coordinates)
    fitted = given.layout.replace(model, theta)
    return scalars.fit(fitted, params, information, factor, coordinates, active > 0, weight_kind)
