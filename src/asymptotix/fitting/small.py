"""Small data on the host: the whole fit is one call of one compiled program.

Rows and columns are padded to sizes that repeat, so that one more row, or another formula of
similar size, compiles nothing.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.quick_jit import COLUMNS, QUICK, QUICKEST, quick_jit
from asymptotix.core.static import Static, by_structure, split
from asymptotix.data.blocks import FEW_ROWS
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import bucket, column_bucket, pad_rows
from asymptotix.fitting import feature_major, traced
from asymptotix.fitting.assemble import Scalars, final_information, residual_dof, scalars
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.penalised import bind
from asymptotix.fitting.seen import checksum, remember
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.likelihood import (
    Coordinates,
    host_coordinates,
    is_structured,
    outward,
    statistics,
)
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
        is_scalar: whether one linear predictor is all that is estimated.
        keep: which wide parameters are the model's.
    """

    layout: Layout
    wide: Layout
    static: Static
    columns: tuple[int, ...] | None
    width: int
    is_scalar: bool
    keep: np.ndarray


@by_structure
def plan(model: Regression, x_shapes) -> Plan:
    """The plan of a model for covariates of given shapes (without rows)."""
    own = layout(model)
    columns = design_columns(model, x_shapes)
    static = split(model)[1]
    everything = np.arange(own.size)
    if columns is None or len(columns) != 1 or not model.predictor.is_paddable():
        return Plan(own, own, static, columns, 0, False, everything)
    (k,) = columns
    width = column_bucket(k)
    shapes = ((width,), *own.shapes[1:])
    names = (*own.names[:k], *("padding",) * (width - k), *own.names[k:])
    keep = np.r_[np.arange(k), width + np.arange(own.size - k)]
    is_scalar = own.size == k and not model.predictor.has_vector_eta()
    wide = Layout(own.estimated, shapes, names)
    return Plan(own, wide, static, columns, width, is_scalar, keep)


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
    model: Regression,
    rows: Rows,
    solver: AbstractSolver,
    active,
    *,
    qr: bool,
    penalty=None,
    given: Plan | None = None,
) -> Fit:
    """The fit of a few rows.

    Arguments:
        model, rows, solver: as in `asx.fit`.
        active: for each design, which columns are estimated; `None` for other predictors.
        qr: whether an ill-conditioned information is factored by an orthogonal pass.
        penalty: what is added to the log-likelihood.
        given: the plan, where it is known and `sound_fit` was tried.
    """
    if given is None:
        given = plan(model, x_outline(rows.x))
        quick = None if qr or penalty is not None else sound_fit(given, model, rows, solver, active)
        if quick is not None:
            return quick
    found = _solved(given, model, rows, solver, active, qr=qr, penalty=penalty, quick=False)
    if penalty is None:
        return found
    bound = bind(penalty, found.model, found.coordinates, found.active)
    return eqx.tree_at(lambda f: f.penalty, found, bound, is_leaf=lambda v: v is None)


def sound_fit(given: Plan, model, rows: Rows, solver: AbstractSolver, active) -> Fit | None:
    """The fit by the quick program, where there is one and its factor is to be trusted."""
    narrow = given.is_scalar and bucket(rows.n) * given.width <= QUICK_NUMBERS
    if not (narrow and solver.newton is solver):
        return None
    if any(np.ndim(part) != 1 for part in jax.tree.leaves(rows.y)):
        return None
    return _solved(given, model, rows, solver, active, qr=False, penalty=None, quick=True)


def _solved(
    given: Plan, model, rows: Rows, solver, active, *, qr: bool, penalty, quick: bool
) -> Any:
    """The fit by one of two programs; `None` where the quick one's factor is not to be trusted."""
    leaves, treedef = jax.tree.flatten(model)
    size, project = bucket(rows.n), None
    known: Any = None
    if given.width:
        theta = np.zeros(given.wide.size)
        theta[given.keep] = given.layout.gather(leaves)
        leaves = given.wide.scatter(leaves, theta)
        weights = None if rows.weights is None else np.asarray(rows.weights)
        known = host_coordinates((np.asarray(rows.x, np.float64),), weights, active)
        project = not known[0].intercept.any()
    response = jax.tree.structure(rows.y) if quick else None
    flags = _Flags(rows.weight_kind, qr, project, treedef, response)
    arrays = [v if isinstance(v, np.ndarray) else None for v in leaves]
    program = _compiled(given.static, flags, _options(size, quick))
    rest: Any = ()
    if quick:
        running = program(solver, arrays, *_packed(rows, given.width, active, known))
    else:
        wide = active, known
        if given.width:
            wide = jax.tree.map(lambda a: _pad(a, given.width), wide)
        running, *rest = program(solver, arrays, *_padded(rows, size, given.width), *wide, penalty)
    noted = checksum(rows)  # while XLA computes in a thread of its own
    flat = np.asarray(running)
    if quick:
        flat, sound = flat[:-1], flat[-1]
        if not sound:
            return None
    unknown, history = jax.device_get(rest) if rest else (None, None)
    found = _unpacked(given, leaves, flags, active, known or unknown, flat, history)
    remember(found, noted)
    return found


def _weights(rows: Rows, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The weights of padded rows, and what `counts` says of them."""
    if rows.weights is None:
        return _present(rows.n, size)
    weights = _pad(np.asarray(rows.weights), size)
    present, total = float(np.count_nonzero(weights)), weights.sum()
    n = total if rows.weight_kind == "frequency" else present
    return weights, np.array([present, n, total])


def _padded(rows: Rows, size: int, width: int) -> tuple[Block, np.ndarray]:
    """The rows as one block of a standard size, and what `counts` says of them."""
    weights, counted = _weights(rows, size)
    if width:
        x = _pad(np.asarray(rows.x, np.float64), size, width)
    else:
        x = jax.tree.map(lambda a: pad_rows(np.asarray(a), size), rows.x)
    y = jax.tree.map(lambda a: pad_rows(np.asarray(a), size), rows.y)
    offset = _zeros(size) if rows.offset is None else pad_rows(np.asarray(rows.offset), size)
    counting = None if size <= FEW_ROWS else (np.int32(0), np.int32(rows.n))
    return Block(x, y, weights, offset, counting), counted


def _packed(rows: Rows, width: int, active, known):
    """What the quick program reads, as two arrays: to hand one over takes as long as to fill it.

    Returns:
        Columns one after another, parts of the response, weights and offset, all padded; and for
        each column whether it is estimated and its coordinates, with what `counts` says below.
    """
    parts, (n, k) = jax.tree.leaves(rows.y), rows.x.shape
    size = bucket(n)
    weights, counted = _weights(rows, size)
    data, numbers = np.zeros((width + len(parts) + 2, size)), np.zeros((5, width))
    data[:k, :n] = np.asarray(rows.x).T
    for row, part in zip(data[width:], parts, strict=False):
        row[:n] = part
        row[n:] = row[0]
    data[-2] = weights
    if rows.offset is not None:
        data[-1, :n] = rows.offset
    numbers[0, :k], (coordinates,) = active[0], known
    for row, values in zip(numbers[1:], coordinates, strict=False):
        row[:k] = values
    numbers[4, :3] = counted
    return data, numbers


@functools.lru_cache(maxsize=64)
def _present(n: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of `n` rows without any, padded, and what `counts` says of them."""
    return (np.arange(size) < n) * 1.0, np.full(3, float(n))


@functools.lru_cache(maxsize=64)
def _zeros(size: int) -> np.ndarray:
    return np.zeros(size)


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
    """What a program is compiled for, besides the model's structure and the data's sizes.

    Attributes:
        weight_kind: of the rows.
        qr, project: as in `traced.solve` and `traced.prepare`.
        treedef: of the model.
        response: the structure of the response for the quick program, `None` for the other.
    """

    weight_kind: str | None
    qr: bool
    project: bool | None
    treedef: Any
    response: Any


def _whole_fit(
    static: Static,
    flags: _Flags,
    solver,
    arrays,
    block: Block,
    counted,
    active,
    coordinates,
    penalty,
):
    """Everything about a fit: as one vector, with coordinates where they were not known, history.

    One vector, since each array that leaves XLA costs as much as a small fit's whole pass.
    """
    weight_kind, qr, project, treedef, response = flags
    model = static.combine(jax.tree.unflatten(treedef, arrays))
    size = jnp.concatenate(active) if active else jnp.ones(layout(model.predictor).size)
    dof = residual_dof(model, counted[1], size)
    columns = None
    if response is not None:
        columns = feature_major.columns(block.x, coordinates[0], feature_major.PRODUCTS_TO)
        block = block._replace(x=block.x.T)
    setup = traced.prepare(model, block, active, dof, coordinates, project, penalty)
    if columns is None:
        state, history = traced.solve(model, solver, block, setup, qr=qr)
    else:
        state, history = feature_major.solve(model, solver, columns, block, setup), None
    information, factor = final_information(model, solver.newton, setup, state, block)
    theta = outward(setup.coordinates, state.params)
    fitted = layout(model).replace(model, theta)
    if columns is None:
        stats = statistics(fitted, block)
    else:
        stats = feature_major.statistics(model, columns, block, state.params)
    found = scalars(fitted, block, setup, stats, state, weight_kind, counted)
    numbers = jnp.stack([jnp.asarray(v, theta.dtype) for v in found])
    parts = [numbers, theta, state.params, information.reshape(-1), factor.reshape(-1)]
    if columns is not None:
        parts.append(feature_major.sound(state).astype(theta.dtype)[None])
    unknown = setup.coordinates if coordinates is None else None
    return jnp.concatenate(parts), unknown, history


def _quick_fit(static: Static, flags: _Flags, solver, arrays, data, numbers):
    """The same of what `_packed` made, one vector."""
    width = numbers.shape[1]
    estimated, *coordinates, counted = numbers
    y = jax.tree.unflatten(flags.response, list(data[width:-2]))
    block = Block(data[:width], y, data[-2], data[-1])
    known = (estimated > 0,), (Coordinates(*coordinates),)
    return _whole_fit(static, flags, solver, arrays, block, counted[:3], *known, None)[0]


OPTIONS = {"tiny": QUICKEST, "small": QUICK, "columns": COLUMNS}
TINY_ROWS = 1024
"""Rows up to which a slower loop costs less than its compilation."""
QUICK_NUMBERS = 2**17
"""Entries of a padded design up to which its columns are laid one after another."""


def _options(rows: int, quick: bool) -> str:
    """Which compiler options suit so many rows."""
    if rows <= TINY_ROWS:
        return "tiny"
    return "columns" if quick else "small"


@functools.cache
def _compiled(static: Static, flags: _Flags, options: str):
    """The program of a structure: of its own, so that a call need not look for it by structure."""
    program = _whole_fit if flags.response is None else _quick_fit
    return quick_jit(functools.partial(program, static, flags), OPTIONS[options], concrete=True)


def _unpacked(given: Plan, leaves, flags: _Flags, active, coordinates, flat, history) -> Fit:
    if history is not None and history.params is not None:
        history = history._replace(params=history.params[:, given.keep])
    p, scalars = given.wide.size, len(Scalars._fields)
    vectors = flat[scalars : scalars + 2 * p].reshape(2, p)
    matrices = flat[scalars + 2 * p :].reshape(2, p, p)
    if given.is_scalar:  # slices, which take a fifth of the time
        k = given.layout.size
        theta, params = vectors[:, :k].copy()
        information, factor = matrices[:, :k, :k].copy()
    else:
        theta, params = vectors[:, given.keep]
        information, factor = matrices[:, given.keep[:, None], given.keep]
    if given.is_scalar:
        (whole,) = active
    else:
        whole = np.ones(given.layout.size, bool)
        used = np.concatenate(active or [()])
        whole[: used.size] = used
    model = given.layout.scatter(leaves, theta)
    numbers = Scalars(*(flat[i, ...] for i in range(scalars)))
    numbers = numbers._replace(
        steps=numbers.steps.astype(np.int32), code=numbers.code.astype(np.int32)
    )
    parts = [*model, *numbers, params, information, factor, *jax.tree.leaves(coordinates), whole]
    return _assembled(flags, coordinates, history, parts)


def _assembled(flags: _Flags, coordinates, history, parts: list) -> Fit:
    """The `Fit` of its parts: by name the first time, later by where each part then stood.

    Equinox builds a module of twenty fields in 60 microseconds, JAX restores one in 5.
    """
    known = _SHAPES.get(flags) if history is None else None
    if known is not None:
        treedef, order = known
        return jax.tree.unflatten(treedef, [parts[i] for i in order])
    first = flags.treedef.num_leaves
    numbers = Scalars(*parts[first : first + len(Scalars._fields)])
    rest = parts[first + len(Scalars._fields) :]
    params, information, factor, *_, active = rest
    found = numbers.fit(
        jax.tree.unflatten(flags.treedef, parts[:first]),
        params,
        information,
        factor,
        coordinates,
        active,
        flags.weight_kind,
        history=history,
    )
    places = {id(part): i for i, part in enumerate(parts)}
    leaves, treedef = jax.tree.flatten(found)
    order = [places.get(id(leaf)) for leaf in leaves]
    if history is None and None not in order:
        _SHAPES[flags] = treedef, order
    return found


_SHAPES: dict[_Flags, Any] = {}
