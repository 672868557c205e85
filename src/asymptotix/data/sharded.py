"""Rows on several devices: each sums over its own, and the sums are added up between them."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double, is_traced
from asymptotix.core.static import Static
from asymptotix.core.typing import Array, PyTree
from asymptotix.data.checks import check_rows, check_shapes
from asymptotix.data.mesh import (
    AXIS,
    ROWS,
    WHOLE,
    everywhere,
    from_everywhere,
    from_here,
    is_spread,
    line_of,
    mesh_under,
    of_processes,
    shard_rows,
    spread,
)
from asymptotix.data.portable import apart
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import Slabs, pad_rows
from asymptotix.data.streamed import StreamedRows

SAMPLE_ROWS = 16_384
"""Rows at most that each process holds a copy of, to start fits from."""


@dataclasses.dataclass(frozen=True)
class Shards:
    """Rows over a mesh, in float64.

    Attributes:
        block: global arrays; rows that only fill shards up have weight 0.
        mesh: one axis of devices.
        stretches: where the rows lie among those that fill up, one process after another.
        held: how many of them this process holds; `None` for as many as its shards have rows.
    """

    block: Block
    mesh: Mesh
    stretches: tuple[range, ...]
    held: int | None = None

    @property
    def positions(self) -> np.ndarray:
        """Where each row lies."""
        return np.concatenate([np.asarray(part, np.int32) for part in self.stretches])

    def __call__(self, rows: StreamedRows) -> "ShardedSlabs":
        """The evaluator of sums over them."""
        return ShardedSlabs(rows, self)

    def host(self) -> Rows:
        """All of them in NumPy arrays, in every process."""
        x, y, weights, offset, _ = jax.tree.map(lambda a: everywhere(a)[self.positions], self.block)
        return Rows(x, y, weights=weights, weight_kind="precision", offset=offset)


class ShardedSlabs(Slabs):
    """The evaluator of sums over shards: one program on all devices, and one sum between them.

    Arguments:
        rows: the rows, with tags where a sum reads them.
        shards: where they lie.
    """

    def __init__(self, rows: StreamedRows, shards: Shards):
        self.shards, self.mesh, self.n = shards, shards.mesh, rows.n
        block = shards.block
        if rows.intercept_only:
            block = block._replace(x=_ones(self.mesh)(block.weight)[:, None])
        if rows.tags is not None:
            block = block._replace(y=(block.y, tuple(map(self._placed, rows.tags))))
        self.block = block

    def _placed(self, tags: np.ndarray) -> jax.Array:
        filled = np.zeros(self.shards.block.weight.shape[0], np.int32)
        filled[self.shards.positions] = tags
        return from_everywhere(filled, self.mesh)

    def sum(self, function: Callable[[Block], PyTree[Array]]) -> PyTree[Array]:
        """The sum over all rows of `function(block)`."""
        return jax.tree.map(np.asarray, self._run(function, "sum"))

    def each(self, function: Callable[[Block], PyTree[Array]]) -> Iterator:
        """`function` of every shard, as NumPy arrays, in order."""
        found = jax.tree.map(everywhere, self._run(function, "each"))
        for i in range(self.mesh.size):
            yield jax.tree.map(lambda a, i=i: a[i], found)

    def rowwise(self, function: Callable[[Block], PyTree[Array]]) -> PyTree[Array]:
        """`function` of all rows, one entry a row, in every process."""
        found = self._run(function, "rows")
        return jax.tree.map(lambda a: everywhere(a)[self.shards.positions], found)

    def _run(self, function, how: str):
        """The function's numbers apart from its program, which is compiled once."""
        numbers, program = apart(function)
        with double():
            return _on_shards(program, self.mesh, how, numbers, self.block)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _on_shards(program: Static, mesh: Mesh, how: str, numbers, block: Block):
    def local(numbers, block: Block):
        function, args, keywords = program.combine(numbers)
        found = function(*args, block, **keywords)
        if how == "sum":
            return lax.psum(found, AXIS)
        return found if how == "rows" else jax.tree.map(lambda a: jnp.asarray(a)[None], found)

    whole = WHOLE if how == "sum" else ROWS
    return jax.shard_map(
        local, mesh=mesh, in_specs=(WHOLE, ROWS), out_specs=whole, check_vma=False
    )(numbers, block)


# --- from the user's arrays to shards ----------------------------------------------------------


def shard(rows: Rows, mesh: Mesh | None = None, groups: Any = None) -> StreamedRows:
    """Rows spread over devices, for `asx.fit`, `asx.covariance` and all that sums over rows.

    Each device gets equally many; shards are filled up with rows of weight zero, to sizes that
    repeat, so that some more rows compile nothing anew. With several processes
    (`jax.distributed.initialize`) each gives the rows that it holds.

    Arguments:
        rows: NumPy arrays, or those of one device.
        mesh: devices; all by default.
        groups: identifiers of clusters, one a row, or a dict of such. With several processes
            integers, and given here, not in the rows.

    Returns:
        Rows that stand for those of all processes.

    Raises:
        InputError: rows that cannot be used, a process without rows or devices.
    """
    check_shapes(rows)
    line = line_of(jax.devices() if mesh is None else mesh.devices.flat)
    rows = jax.tree.map(np.asarray, rows)
    owners = [d.process_index for d in line.devices.flat]
    alone = set(owners) == {jax.process_index()}
    if not alone and rows.groups is not None:
        raise InputError(
            "With several processes, identifiers of clusters are given as asx.shard(rows, "
            "groups=...), since each process would number its own.",
            code="groups",
            column="groups",
        )
    counts = [rows.n] * line.size if alone else of_processes(rows.n, line)
    by_process = {owner: (owners.count(owner), n) for owner, n in zip(owners, counts, strict=True)}
    size = shard_rows(max(-(-n // devices) for devices, n in by_process.values()))
    starts = np.cumsum([0, *(devices * size for devices, _ in by_process.values())])
    stretches = tuple(
        range(int(start), int(start) + n)
        for start, (_, n) in zip(starts, by_process.values(), strict=False)
    )
    own = owners.count(jax.process_index()) * size

    def placed(array):
        return from_here(pad_rows(array, own), line, size)

    with double():
        present = np.zeros(own)
        present[: rows.n] = 1.0 if rows.weights is None else rows.weights
        block = Block(
            jax.tree.map(placed, rows.x),
            jax.tree.map(placed, rows.y),
            from_here(present, line, size),
            placed(np.zeros(rows.n) if rows.offset is None else rows.offset),
        )
        shards = Shards(block, line, stretches, rows.n)
        known = rows.groups if groups is None else _numbered(groups, shards, own, size)
    return _record(shards, rows.weight_kind, known)


def _numbered(groups: Any, shards: Shards, own: int, size: int) -> Any:
    """Codes of clusters in all rows, of identifiers that each process has of its own."""
    if jax.process_count() == 1:
        return Rows(np.zeros((1, 1)), np.zeros(1), groups=groups).groups
    if isinstance(groups, dict):
        return {name: _numbered(one, shards, own, size) for name, one in groups.items()}
    identifiers = np.asarray(groups)
    if identifiers.dtype.kind not in "iu" or identifiers.ndim != 1:
        raise InputError(
            "With several processes, identifiers of clusters must be integers, one a row.",
            code="groups",
            column="groups",
        )
    filled = np.zeros(own, np.int64)
    filled[: len(identifiers)] = identifiers
    found = everywhere(from_here(filled, shards.mesh, size))[shards.positions]
    return Rows(np.zeros((1, 1)), np.zeros(1), groups=found).groups


def settled(rows: Any) -> Any:
    """Rows with sharded arrays as sums over shards; all others as they are."""
    if not isinstance(rows, Rows) or is_traced(rows):
        return rows
    leaves = jax.tree.leaves((rows.x, rows.y, rows.weights, rows.offset))
    found = [leaf for leaf in leaves if is_spread(leaf)]
    if not found:
        return rows
    check_shapes(rows)
    mesh = mesh_under(found[0])
    with double():
        x, y, weights, offset = jax.tree.map(
            lambda a: _as_double(mesh)(spread(a, mesh)), (rows.x, rows.y, rows.weights, rows.offset)
        )
        first = jax.tree.leaves(x)[0]
        block = Block(
            x,
            y,
            _ones(mesh)(first) if weights is None else weights,
            _ones(mesh)(first) * 0.0 if offset is None else offset,
        )
    return _record(Shards(block, mesh, (range(rows.n),)), rows.weight_kind, rows.groups)


def _as_double(mesh: Mesh):
    convert = _converted(mesh)
    return lambda array: array if array.dtype == np.float64 else convert(array)


@functools.cache
def _converted(mesh: Mesh):
    def converted(array):
        return array.astype(np.float64)

    return jax.jit(converted, out_shardings=NamedSharding(mesh, ROWS))


@functools.cache
def _ones(mesh: Mesh):
    def ones(array):
        return jnp.ones(array.shape[0])

    return jax.jit(ones, out_shardings=NamedSharding(mesh, ROWS))


def _record(shards: Shards, weight_kind, groups) -> StreamedRows:
    """What a fit asks of them, found in one pass; wrong numbers are refused."""
    where = shards.positions
    with double():
        present, total, sound = map(float, _counted(shards.mesh)(shards.block))
        if not sound:
            _refuse(shards)
        x, y, weights, offset, _ = _sampled(shards, shards.block)
    sample = Rows(x, y, weights=weights, weight_kind=weight_kind or "precision", offset=offset)
    return StreamedRows(
        lambda: iter([shards.host()]),
        n=len(where),
        total=total,
        present_rows=int(present),
        weight_kind=weight_kind,
        sample=sample,
        groups=groups,
        evaluator=shards,
        together=True,
        judge=functools.partial(_judge, shards),
    )


@functools.cache
def _counted(mesh: Mesh):
    def counted(block: Block):
        total = jnp.sum(block.weight)
        sums = [jnp.sum(leaf) for leaf in jax.tree.leaves(tuple(block))]
        sound = jnp.isfinite(jnp.stack(sums)).all() & (block.weight >= 0).all() & (total > 0)
        return jnp.sum(block.weight > 0), total, sound

    return jax.jit(counted, out_shardings=NamedSharding(mesh, WHOLE))


def _sampled(shards: Shards, arrays):
    """Evenly spaced rows of some of the arrays, the same in every process."""
    where = shards.positions
    some = where[:: -(-len(where) // SAMPLE_ROWS)]
    filled = np.pad(some, (0, SAMPLE_ROWS - len(some)), mode="edge")  # one program for any number
    found = _taken(shards.mesh)(arrays, filled)
    return jax.tree.map(lambda a: np.asarray(a)[: len(some)], found)


@functools.cache
def _taken(mesh: Mesh):
    def taken(arrays, rows):
        return jax.tree.map(lambda a: a[rows], arrays)

    return jax.jit(taken, out_shardings=NamedSharding(mesh, WHOLE))


def _refuse(shards: Shards) -> None:
    """Raise what is wrong with the numbers; nothing is where only a total overflowed."""
    if jax.process_count() == 1:
        check_rows(shards.host())
        return
    raise InputError(
        "The rows have missing, infinite or (as weights) negative numbers, or all weights are "
        "zero; check them in each process before asx.shard(rows).",
        code="missing_values",
    )


def _judge(shards: Shards, check: Callable) -> None:
    """A family's check of the responses: all of them here, or each process those it holds."""
    if jax.process_count() == 1:
        y = jax.tree.map(lambda a: everywhere(a)[shards.positions], shards.block.y)
        return check(y)
    own = jax.tree.map(lambda a: _held_here(a)[: shards.held], shards.block.y)
    error = None
    try:
        check(own)
    except InputError as found:
        error = found
    # All processes must go on, or stop, together; what one holds may be constant.
    verdict = 0 if error is None else 1 if error.code == "constant_response" else 2
    verdicts = of_processes(verdict, shards.mesh)
    if max(verdicts) == 2:
        raise error or InputError(
            "The responses that another process holds cannot be used; it says why.", code="response"
        )
    if min(verdicts) == 1:
        check(_sampled(shards, shards.block.y))


def _held_here(array: jax.Array) -> np.ndarray:
    return np.concatenate([np.asarray(part.data) for part in array.addressable_shards])
