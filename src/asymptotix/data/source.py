"""One interface to sums over rows, wherever the rows live."""

from asymptotix.core.precision import is_traced, working_dtype
from asymptotix.data.blocks import map_blocks, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS, bucket, slab_rows
from asymptotix.data.streamed import StreamedRows, slabs_of


class TracedSource:
    """Rows inside a caller's transformation, read block by block."""

    def __init__(self, rows: Rows):
        self.rows = rows.block(working_dtype((rows.x, rows.y, rows.weights, rows.offset)))

    def sum(self, function):
        """The sum of `function(block)` over all blocks."""
        return sum_blocks(function, self.rows)

    def rowwise(self, function):
        """`function(block)`, one entry a row, for all rows."""
        return map_blocks(function, self.rows)


class HostSource:
    """Concrete rows, cut into slabs; small data make one slab of a standard size."""

    def __init__(self, rows: Rows | StreamedRows, keep: bool = True, in_place: bool = False):
        if in_place and rows.n > SLAB_ROWS:
            self.slabs = slabs_of(rows, slab_rows(rows.n), keep, in_place=True)
        else:
            self.slabs = slabs_of(rows, min(SLAB_ROWS, bucket(rows.n)), keep)

    def sum(self, function):
        """The sum of `function(block)` over all slabs.

        Arguments:
            function: a compiled program, its numbers given by `functools.partial`: rows on other
                devices and in other processes then find it again, and it only.
        """
        return self.slabs.sum(function)

    def rowwise(self, function):
        """`function(block)`, one entry a row, for all rows, as NumPy arrays."""
        return self.slabs.rowwise(function)


def source(
    rows: Rows | StreamedRows, keep: bool = True, in_place: bool = False
) -> TracedSource | HostSource:
    """Where these rows live.

    Arguments:
        rows: the rows.
        keep: whether copies of them are kept for further passes.
        in_place: whether functions cut their rows into blocks, so that nothing need be copied.
    """
    if isinstance(rows, Rows) and is_traced(rows):
        return TracedSource(rows)
    return HostSource(rows, keep, in_place)


__all__ = ["Block", "HostSource", "TracedSource", "source"]
