"""Equinox modules whose attributes are read fast: a small fit reads hundreds of them."""

from types import MethodType

import equinox as eqx


class Module(eqx.Module):
    """An Equinox module: bound methods are pytrees too, all else is read without a second look."""

    def __getattribute__(self, name: str):
        found = object.__getattribute__(self, name)
        return eqx.Module.__getattribute__(self, name) if type(found) is MethodType else found


class Record(eqx.Module):
    """An Equinox module that is data: its bound methods are plain ones, which nobody compiles."""

    __getattribute__ = object.__getattribute__
