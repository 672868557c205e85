"""Arrays whose rows lie on several devices, of this process and of others."""

import functools
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from asymptotix.core.errors import InputError

AXIS = "rows"
ROWS, WHOLE = PartitionSpec(AXIS), PartitionSpec()


def is_spread(array: Any) -> bool:
    """Whether an array's rows lie on several devices, or on those of other processes."""
    if not isinstance(array, jax.Array) or isinstance(array, Tracer):
        return False
    return len(array.sharding.device_set) > 1 and not array.is_fully_replicated


def line_of(devices) -> Mesh:
    """A mesh of one axis over devices, those of a process side by side."""
    ordered = sorted(devices, key=lambda d: (d.process_index, d.id))
    return Mesh(np.asarray(ordered, object), (AXIS,))


def mesh_under(array: jax.Array) -> Mesh:
    """A mesh of one axis over an array's devices, in the order of the rows that they hold."""
    starts = _row_starts(array)
    if starts is None:
        return line_of(array.sharding.device_set)
    return Mesh(np.asarray(sorted(starts, key=lambda d: starts[d]), object), (AXIS,))


def _row_starts(array: jax.Array) -> dict[Any, int] | None:
    """The first row that each device holds; `None` unless each has its own, and all columns."""
    places = array.sharding.devices_indices_map(array.shape)
    shapes = [range(n) for n in array.shape]
    starts = {device: shapes[0][where[0]].start for device, where in places.items()}
    own = len(set(starts.values())) == len(starts)
    full = all(
        len(axis[part]) == len(axis)
        for where in places.values()
        for axis, part in zip(shapes[1:], where[1:], strict=True)
    )
    return starts if own and full else None


def spread(array: Any, mesh: Mesh) -> jax.Array:
    """An array with its rows over the mesh; nothing is moved where they lie there already.

    Raises:
        InputError: the devices cannot have equally many rows each.
    """
    target = NamedSharding(mesh, ROWS)
    if not is_spread(array):
        if not _is_local(mesh):
            raise InputError(
                "With several processes all arrays of the rows must be sharded over their "
                "devices; asx.shard(rows) does so.",
                code="sharding",
            )
        return jax.device_put(np.asarray(array), target)
    starts = _row_starts(array)
    if starts is not None and sorted(starts, key=lambda d: starts[d]) == list(mesh.devices):
        pieces = [shard.data for shard in array.addressable_shards]
        return jax.make_array_from_single_device_arrays(array.shape, target, pieces)
    if array.shape[0] % mesh.size:
        raise InputError(
            f"{array.shape[0]} rows cannot be shared equally by {mesh.size} devices; "
            "asx.shard(rows) fills them up.",
            code="sharding",
        )
    return _moved(mesh, ROWS)(array)


def _is_local(mesh: Mesh) -> bool:
    return all(d.process_index == jax.process_index() for d in mesh.devices.flat)


@functools.cache
def _moved(mesh: Mesh, layout: PartitionSpec):
    def unchanged(array):
        return array

    return jax.jit(unchanged, out_shardings=NamedSharding(mesh, layout))


def everywhere(array: Any) -> np.ndarray:
    """A whole array in NumPy, in each process, wherever its rows lie."""
    if is_spread(array) and not array.is_fully_addressable:
        array = _moved(mesh_under(array), WHOLE)(array)
    return np.asarray(array)


def of_processes(number: int, mesh: Mesh) -> list[int]:
    """A number that each process has its own of, of all processes on the mesh, by device."""
    own = np.full(_devices_here(mesh), number, np.int32)
    shares = from_here(own, mesh, 1)
    return [int(n) for n in everywhere(shares)]


def from_here(array: np.ndarray, mesh: Mesh, rows: int) -> jax.Array:
    """One array over the mesh of what each process holds: `rows` rows a device."""
    shape = (rows * mesh.size, *array.shape[1:])
    return jax.make_array_from_process_local_data(NamedSharding(mesh, ROWS), array, shape)


def from_everywhere(array: np.ndarray, mesh: Mesh) -> jax.Array:
    """The same of an array that each process holds as a whole."""
    place = NamedSharding(mesh, ROWS)
    return jax.make_array_from_callback(array.shape, place, lambda index: array[index])


def _devices_here(mesh: Mesh) -> int:
    return sum(d.process_index == jax.process_index() for d in mesh.devices.flat)


def shard_rows(n: int) -> int:
    """Rows of a shard that has `n`, filled up by at most a sixteenth, so that sizes repeat."""
    step = 1 << max(n.bit_length() - 5, 0)
    return -(-n // step) * step
