"""Programs with their numbers as bytes, for workers that run the same code."""

import functools
import importlib
import io
import pickle
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from asymptotix.core.static import split

COMPILED = type(jax.jit(len))


def packed(thing: Any) -> bytes:
    """A function, or options made of functions, as bytes.

    Compiled programs go by name, so that a worker finds again what it has compiled.
    """
    import cloudpickle

    class Pickler(cloudpickle.Pickler):
        def reducer_override(self, obj):
            if isinstance(obj, COMPILED):
                return _named, (obj.__module__, obj.__qualname__)  # pyright: ignore
            return super().reducer_override(obj)

    file = io.BytesIO()
    Pickler(file).dump(thing)
    return file.getvalue()


def _named(module: str, name: str) -> Any:
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))


@functools.lru_cache(maxsize=16)
def unpacked(data: bytes) -> Any:
    """The thing again; the same object for the same bytes."""
    return pickle.loads(data)


def packed_program(function: Callable) -> bytes:
    """A program and its numbers: `functools.partial` of a compiled function, or a function."""
    numbers, program = apart(function)
    return packed((program, numbers))


def unpacked_program(data: bytes) -> Callable:
    """The program with its numbers, a function of a block."""
    program, numbers = pickle.loads(data)
    function, args, keywords = program.combine(numbers)
    return functools.partial(function, *args, **keywords)


def apart(function: Callable):
    """`(numbers, program)`: the arrays that a partial application holds, and all else of it."""
    if not isinstance(function, functools.partial):
        function = functools.partial(function)
    numbers, program = split((function.func, function.args, function.keywords))
    return jax.tree.map(np.asarray, numbers), program
