"""Many small fits: a few replicates at a time inside one compiled program, one thread a core.

As many go side by side as a core's cache holds with their columns, from their first step to their
last: they share what a step costs besides its rows. A `vmap` over all of them would wait at each
step for the slowest, and stream all rows through memory.
"""

import dataclasses
import functools
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.precision import double
from asymptotix.core.quick_jit import QUICK, quick_jit
from asymptotix.core.static import Static, by_structure, split
from asymptotix.core.typing import PyTree
from asymptotix.data.rows import Block
from asymptotix.data.slabs import over_slabs
from asymptotix.fitting import feature_major, traced
from asymptotix.fitting.assemble import Scalars, counts, final_information, residual_dof, scalars
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.small import design_columns, x_outline
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.fitting.staging import NARROW, Stage, column_steps, row_steps
from asymptotix.likelihood import Coordinates, outward, statistics
from asymptotix.model import Layout, Regression, layout

WIDE_VECTORS = {"xla_cpu_prefer_vector_width": 512}
MANY_ROWS = 2**20
"""Rows of all replicates from which a program is compiled for speed: with XLA's newer emitters (a
tenth of the time, for a second more to compile), and for narrow designs' own width in place of a
padded one (a sixth of the time at an odd width)."""
GROUP_BYTES = 3 * 2**18
"""Bytes of columns and rows that replicates side by side may take: they are to stay in a cache."""
LARGEST_GROUP = 8
ROW_ARRAYS = 4
"""Arrays of one number a row that a step of a replicate takes besides its columns."""


@dataclasses.dataclass(frozen=True)
class Replicates:
    """The data of many fits of one model: what they share, and what each has of its own.

    Attributes:
        count: the number of replicates.
        n: rows of each.
        shared: by name (`x`, `y`, `weight`, `offset`, `start`), what all replicates share; left
            out, weights are 1, offsets 0, and the start is the model's own.
        draw: from indices of replicates (a slice or an array) to the rest by name, each array
            with the replicates as its first axis. It is called from several threads, and must
            give a replicate the same data whenever it is asked.
    """

    count: int
    n: int
    shared: dict[str, PyTree]
    draw: Callable[[Any], dict[str, PyTree]]


def solve_many(
    model: Regression,
    replicates: Replicates,
    solver: AbstractSolver,
    *,
    weight_kind: str | None,
    after: Callable | None = None,
    tick: Callable[[int], Any] | None = None,
) -> tuple[Fit, Any]:
    """All fits, as one `Fit` whose arrays have the replicates as their first axis.

    Replicates whose information is near singular are fitted once more by the driver that takes
    factors from rows, so that statuses and digits are those of `asx.fit` under `vmap`.

    Arguments:
        model: with NumPy leaves in float64.
        replicates: what to fit it to.
        solver: the route.
        weight_kind: as in `asx.fit`.
        after: from a traced `Fit` and its `Block` to a matrix of parameters by parameters and a
            code, for each replicate; hashable.
        tick: told the number of replicates in each chunk that is done.

    Returns:
        The fits, and what `after` found.
    """
    with double():
        shapes = x_outline(_one_x(replicates))
        is_many = replicates.count * replicates.n >= MANY_ROWS
        plan = _plan(model, shapes, solver.newton is solver, is_many)
        job = _Job(model, replicates, solver, plan, weight_kind, after, tick)
        found = _run(job, np.arange(replicates.count), plan.quick)
        again = np.flatnonzero(found.sound < 1)
        if again.size:
            _put(found, again, _run(job._replace(tick=None), again, False))
        return _fit(job, found), _narrowed(found.extra, plan.keep)


def _narrowed(extra, keep: np.ndarray):
    """What `after` found, of the model's own parameters only."""
    if not extra:
        return None
    matrices, codes = extra
    return matrices[:, keep[:, None], keep], codes


class _Plan(NamedTuple):
    """What the structure of a model says about its programs.

    Attributes:
        own, wide: the layout of the model, and that at a standard width.
        keep: which wide parameters are the model's.
        columns: columns of each design, padded; `None` for predictors that are not linear.
        quick: whether the feature-major driver serves.
        pads: whether the one design is padded.
        is_many: whether there are so many replicates that programs are compiled for speed.
    """

    own: Layout
    wide: Layout
    keep: np.ndarray
    columns: tuple[int, ...] | None
    quick: bool
    pads: bool
    is_many: bool


@by_structure
def _plan(model: Regression, x_shapes, newton_only: bool, is_many: bool) -> _Plan:
    own, columns = layout(model), design_columns(model, x_shapes)
    everything = np.arange(own.size)
    if columns is None or len(columns) != 1 or not model.predictor.is_paddable():
        return _Plan(own, own, everything, columns, False, False, is_many)
    (k,) = columns
    width = k if is_many and k <= NARROW else column_steps(k)
    keep = np.r_[np.arange(k), width + np.arange(own.size - k)]
    shapes = ((width,), *own.shapes[1:])
    wide = Layout(own.estimated, shapes, ("",) * (width + own.size - k))  # programs know no names
    quick = newton_only and own.size == k and not model.predictor.has_vector_eta()
    return _Plan(own, wide, keep, (width,), quick, True, is_many)


class _Job(NamedTuple):
    """Everything that does not change from chunk to chunk."""

    model: Regression
    replicates: Replicates
    solver: AbstractSolver
    plan: _Plan
    weight_kind: str | None
    after: Callable | None
    tick: Callable[[int], Any] | None


class _Flags(NamedTuple):
    """What a program is compiled for, besides the shapes of its arguments."""

    static: Static
    treedef: Any
    where: Layout
    weight_kind: str | None
    quick: bool
    after: Callable | None
    size: int
    group: int
    is_many: bool


class _Found(NamedTuple):
    """What a program yields of each replicate."""

    numbers: Any
    vectors: Any
    matrices: Any
    coordinates: Any
    sound: Any
    extra: Any


# --- on the host ------------------------------------------------------------------------------


def _one_x(replicates: Replicates):
    """The `x` of one replicate."""
    if "x" in replicates.shared:
        return replicates.shared["x"]
    return jax.tree.map(lambda a: a[0], replicates.draw(slice(0, 1))["x"])


def _run(job: _Job, indices: np.ndarray, quick: bool) -> _Found:
    """Some of the replicates by one of the two drivers, chunk by chunk on all cores."""
    stage = Stage(
        row_steps(job.replicates.n),
        job.plan.columns[0] if job.plan.columns and job.plan.pads else 0,
        job.plan.wide.size,
        job.plan.keep,
        quick,
    )
    sample = job.replicates.draw(slice(0, 1))
    group = _group(stage, "x" in sample) if quick else 1
    size = -(-stage.chunk(sample) // group) * group
    leaves, treedef = jax.tree.flatten(job.model)
    theta = stage.one("start", job.replicates.shared.get("start", job.plan.own.gather(leaves)))
    where, static = job.plan.wide, split(job.model)[1]
    arrays = [v if isinstance(v, np.ndarray) else None for v in where.scatter(leaves, theta)]
    shared = {name: stage.one(name, v) for name, v in job.replicates.shared.items()}
    shared["start"] = theta
    active = _active(job.plan)
    flags = _Flags(
        static, treedef, where, job.weight_kind, quick, job.after, size, group, job.plan.is_many
    )
    program, buffers = _program(flags), threading.local()

    def chunk(part: slice) -> _Found:
        count = part.stop - part.start
        mapped = job.replicates.draw(_contiguous(indices[part]))
        with double():  # the precision scope belongs to a thread
            mapped = stage.many(buffers, mapped, count, size, group)
            out = program(
                job.solver, arrays, active, shared, mapped, np.int32(job.replicates.n),
                np.int32(count),
            )  # fmt: skip
            found = jax.tree.map(lambda a: np.asarray(a)[:count], out)
        if job.tick is not None:
            job.tick(count)
        return found

    parts = over_slabs(chunk, indices.size, _even(indices.size, size, group))
    return jax.tree.map(lambda *a: np.concatenate(a), *parts)


def _active(plan: _Plan):
    if plan.columns is None:
        return None
    if not plan.pads:
        return tuple(np.ones(k, bool) for k in plan.columns)
    return (np.isin(np.arange(plan.columns[0]), plan.keep),)


def _contiguous(indices: np.ndarray):
    """A slice where it serves: of arrays it copies nothing."""
    first, last = int(indices[0]), int(indices[-1]) + 1
    return slice(first, last) if last - first == indices.size else indices


def _group(stage: Stage, owns_x: bool) -> int:
    """How many replicates a program takes side by side."""
    columns = feature_major.held(stage.width) if owns_x else 0
    each = (columns + ROW_ARRAYS) * stage.rows * 8
    fits = max(GROUP_BYTES // each, 1)
    return min(2 ** (fits.bit_length() - 1), LARGEST_GROUP)


def _even(count: int, size: int, group: int) -> int:
    """At most `size` replicates a chunk, whole groups, the same number of chunks for each core."""
    cores = len(os.sched_getaffinity(0))
    chunks = -(-count // size)
    chunks = -(-chunks // cores) * cores
    return min(-(-count // (chunks * group)) * group, size)


def _put(found: _Found, positions: np.ndarray, better: _Found) -> None:
    def put(into, values):
        into[positions] = values

    jax.tree.map(put, found, better)


def _fit(job: _Job, found: _Found) -> Fit:
    plan, keep = job.plan, job.plan.keep
    theta, params, active = (found.vectors[:, j, keep] for j in range(3))
    information, factor = (found.matrices[:, j][:, keep[:, None], keep] for j in range(2))
    coordinates = None
    if plan.columns is not None:
        k = keep.size if not plan.pads else plan.own.shapes[0][0]
        coordinates = tuple(
            Coordinates(*(c[:, j, :k] if plan.pads else c[:, j] for j in range(3)))
            for c in found.coordinates
        )
    numbers = Scalars(*found.numbers.T)
    return numbers.fit(
        _stacked(job, theta), params, information, factor, coordinates, active > 0, job.weight_kind
    )


def _stacked(job: _Job, theta: np.ndarray) -> Regression:
    """The model at all estimates, each of its arrays with the replicates first."""
    leaves, treedef = jax.tree.flatten(job.model)
    count, own = theta.shape[0], job.plan.own
    filled, shapes, start = [], iter(own.shapes), 0
    for leaf, estimated in zip(leaves, own.estimated, strict=True):
        if estimated:
            shape = next(shapes)
            size = int(np.prod(shape))
            leaf = theta[:, start : start + size].reshape(count, *shape)
            start += size
        elif isinstance(leaf, np.ndarray):
            leaf = np.broadcast_to(leaf, (count, *leaf.shape))
        filled.append(leaf)
    return jax.tree.unflatten(treedef, filled)


# --- inside the program -----------------------------------------------------------------------


def _fits(flags: _Flags, solver, arrays, active, shared, mapped, n, count):
    """The first `count` replicates of a chunk, a group at a time."""
    given = flags.static.combine(jax.tree.unflatten(flags.treedef, arrays))
    present = (np.arange(_rows(shared, mapped)) < n).astype(np.float64)
    shared = {"weight": present, "offset": jnp.zeros_like(present), **shared}
    known, kept = None, None
    if flags.quick and "x" not in mapped:
        weight = present if "weight" in mapped else shared["weight"]
        limit = feature_major.SHARED_PRODUCTS_TO
        known, kept = _columns(shared["x"], weight, active, limit)

    def given_to(own):
        data = {**shared, **own}
        x = data["x"].T if flags.quick else data["x"]
        block = Block(x, data["y"], data["weight"], data["offset"])
        return flags.where.replace(given, data["start"]), block, data["x"]

    def slow(index):
        model, block, _ = given_to(_taken(mapped, index))
        return _general(flags, model, solver, block, active)

    if not flags.quick:
        return _fill(slow, count, _room(slow, flags.size))

    def prepared(index):
        model, block, x = given_to(_taken(mapped, index))
        c, columns = known, None
        if c is None:
            c, columns = _columns(x, block.weight, active, feature_major.PRODUCTS_TO)
        return _prepare(flags, model, block, active, (c,)), columns

    def solved(own, setup, columns):
        model, block, _ = given_to(own)
        return _quick(flags, model, solver, block, setup, kept if columns is None else columns)

    return _in_groups(flags, mapped, count, prepared, solved)


def _in_groups(flags: _Flags, mapped, count, prepared: Callable, solved: Callable):
    """A group of replicates at a time: made ready one after another, then solved side by side."""
    size = flags.group
    grouped = jax.tree.map(lambda a: a.reshape(-1, size, *a.shape[1:]), mapped)

    def group(index, work):
        work = _fill(lambda j: prepared(index * size + j), size, work)
        return jax.vmap(solved)(_taken(grouped, index), *work), work

    def body(index, carry):
        out, work = carry
        found, work = group(index, work)
        return _put_in(out, found, index), work

    work = _room(prepared, size)  # the same memory for all groups
    out = _room(lambda index: group(index, work)[0], flags.size // size)
    groups = (count + (size - 1)) // size
    found, _ = lax.fori_loop(np.int32(0), groups, body, (out, work))
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), found)


def _taken(mapped, index):
    """What one replicate, or group, has of its own."""
    return jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, index, keepdims=False), mapped)


def _rows(shared, mapped) -> int:
    y = mapped["y"] if "y" in mapped else shared["y"]
    return jax.tree.leaves(y)[0].shape["y" in mapped]


def _columns(design, weight, active, limit: int):
    c = feature_major.coordinates(design, weight, active[0])
    return c, feature_major.columns(design, c, limit)


def _quick(flags: _Flags, model, solver, block: Block, setup, columns):
    state = feature_major.solve(model, solver, columns, block, setup)
    stats = feature_major.statistics(model, columns, block, state.params)
    sound = feature_major.sound(state)
    return _outcome(flags, model, solver, block, setup, state, stats, sound)


def _general(flags: _Flags, model, solver, block: Block, active):
    setup = _prepare(flags, model, block, active, None)
    state, _ = traced.solve(model, solver, block, setup, qr=True)
    fitted = layout(model).replace(model, outward(setup.coordinates, state.params))
    stats = statistics(fitted, block)
    return _outcome(flags, model, solver, block, setup, state, stats, jnp.asarray(True))


def _prepare(flags: _Flags, model, block: Block, active, coordinates) -> traced.Setup:
    _, n, _ = counts(block, flags.weight_kind)
    dof = residual_dof(model, n, jnp.concatenate(active) if active else jnp.zeros(0))
    return traced.prepare(model, block, active, dof, coordinates)


def _outcome(flags: _Flags, model, solver, block, setup, state, stats, sound) -> _Found:
    information, factor = final_information(model, solver.newton, setup, state, block)
    theta = outward(setup.coordinates, state.params)
    fitted = flags.where.replace(model, theta)
    found = scalars(fitted, block, setup, stats, state, flags.weight_kind)
    active, coordinates, extra = setup.problem.active, setup.coordinates, ()
    if flags.after is not None:
        fit = found.fit(
            fitted, state.params, information, factor, coordinates, active, flags.weight_kind
        )
        extra = flags.after(fit, block)
    return _Found(
        jnp.stack([jnp.asarray(v, theta.dtype) for v in found]),
        jnp.stack([theta, state.params, active.astype(theta.dtype)]),
        jnp.stack([information, factor]),
        () if coordinates is None else tuple(jnp.stack(c) for c in coordinates),
        sound.astype(jnp.int32),
        extra,
    )


def _room(function, size: int):
    """Zeros for the values of `function` at `size` indices."""
    shapes = jax.eval_shape(function, jax.ShapeDtypeStruct((), np.int32))
    return jax.tree.map(lambda s: jnp.zeros((size, *s.shape), s.dtype), shapes)


def _fill(function, count, into):
    """`function` of the indices below `count`, in the place of each."""
    return lax.fori_loop(np.int32(0), count, lambda i, out: _put_in(out, function(i), i), into)


def _put_in(out, values, index):
    return jax.tree.map(lambda o, v: lax.dynamic_update_index_in_dim(o, v, index, 0), out, values)


@functools.lru_cache(maxsize=64)
def _program(flags: _Flags):
    """The program for some flags: of its own, so that no chunk need look for it by structure."""
    options = WIDE_VECTORS if flags.is_many else {**QUICK, **WIDE_VECTORS}
    return quick_jit(functools.partial(_fits, flags), options)
