"""Memory that is free again, given back to the system while a stream is read.

Buffers of a slab's size come and go in several threads, and allocators keep what they were: after
some hundred slabs as much as was ever needed at once, several times over.
"""

import ctypes
import functools
from collections.abc import Callable

EVERY = 8
"""Slabs after which memory is given back; it takes some milliseconds."""


def give_back() -> None:
    """Let the allocators of C and Arrow return what they hold and do not need."""
    import pyarrow as pa

    _trim()(0)
    pa.default_memory_pool().release_unused()


@functools.cache
def _trim() -> Callable[[int], int]:
    """Of the GNU C library; others have nothing like it."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return lambda _: 0
