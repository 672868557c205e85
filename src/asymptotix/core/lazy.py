"""Modules that load when they are first used, so that a process starts with what it needs.

Each use stands beside an ordinary import under `TYPE_CHECKING`, for readers, type checkers and the
test of the floors.
"""

import contextlib
import gc
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar


@contextlib.contextmanager
def without_collection():
    """A stretch in which Python does not search for garbage.

    Modules and programs being built are a million objects that stay; to look through them again
    and again takes a twentieth of a first fit's time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            _count_as_old()
            gc.enable()


def _count_as_old() -> None:
    """Put all objects beside those that searches have found in use, as these would be.

    The first search after a stretch without any would look through all that was built meanwhile,
    which takes as long again. Objects that somebody has frozen stay so.
    """
    if gc.get_freeze_count() == 0:
        gc.freeze()
        gc.unfreeze()


def names_from(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose names load when they are first asked for.

    Arguments:
        package: its name.
        modules: the names that each of its modules gives; none of them that of a module.
    """
    where = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with without_collection():
            value = getattr(importlib.import_module(f"{package}.{where[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load


class LazyModule(ModuleType):
    """Stands for a module, and loads it when one of its names is first asked for."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, value)
        return value


class _Completing(type):
    """Classes that `Deferred` completes, also where a method is asked of the class."""

    def __getattr__(cls, name: str) -> Any:
        return _completed(cls, name)

    def __dir__(cls) -> list[str]:
        _completed(cls, None)
        return list(super().__dir__())


class Deferred(metaclass=_Completing):
    """A class some of whose methods stand in classes that load when one of them is asked for.

    Attributes:
        places: those classes by module and name, in the order in which they are searched.
    """

    places: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __getattr__(self, name: str) -> Any:
        _completed(type(self), name)
        return getattr(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *self.__dict__})


def _completed(cls: type, name: str | None) -> Any:
    """A method of a class, which takes over its `places` up to the one that has it; or all.

    Raises:
        AttributeError: none has it.
    """
    owner: Any = next(c for c in cls.__mro__ if "places" in vars(c))
    for place in () if _is_special(cls, name) else owner.places:
        methods = vars(getattr(importlib.import_module(place[0]), place[1]))
        for key, value in methods.items():
            if not key.startswith("__") and key not in vars(owner):
                setattr(owner, key, value)
        owner.places = tuple(p for p in owner.places if p != place)
        if name is not None and name in methods:
            return getattr(cls, name)
    if name is not None:
        raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")


def _is_special(cls: type, name: str | None) -> bool:
    """Whether Python asks: for its protocols, or for a field's default while a class is made."""
    fields = (vars(c).get("__annotations__", ()) for c in cls.__mro__)
    return name is not None and (name.startswith("__") or any(name in f for f in fields))
