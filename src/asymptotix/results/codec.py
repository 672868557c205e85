"""Python values as JSON and arrays, and back; reading runs no code that a file could choose.

A class is written as its name. On reading it must be one that Asymptotix or Equinox's layers
define, or one that the reader hands over; it is filled field by field, without its constructor.
"""

import dataclasses
import datetime
import importlib
import inspect
import math
import types
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from asymptotix.core.errors import InputError

TAG = "!"
LAYERS = "equinox.nn."
HOMES = ("asymptotix.", LAYERS)
"""Modules whose classes may be read without being handed over."""
FUNCTIONS = {"jax.nn": jax.nn, "jax.numpy": jnp, "math": math, "numpy": np}
"""Modules whose public functions may be read."""
MODULES = ("math", "numpy", "pandas", "scipy.special", "scipy.stats", "jax.numpy")
"""Modules that a formula may have taken from the caller, by name."""


def problem(why: str) -> InputError:
    """A file that cannot be read."""
    return InputError(f"The file cannot be read: {why}.", code="file")


IDENTITY = inspect.signature(eqx.nn.MLP.__init__).parameters["final_activation"].default
"""What Equinox's networks end with, a function without a name."""


class Encoder:
    """Turns values into JSON; arrays are put aside by number.

    Attributes:
        arrays: what was put aside, by name.
    """

    def __init__(self):
        self.arrays: dict[str, np.ndarray] = {}

    def __call__(self, value: Any) -> Any:
        """The JSON of a value.

        Raises:
            InputError: something that no file can hold, such as a function of the user's.
        """
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int) and not isinstance(value, np.generic):
            return int(value)
        if isinstance(value, float) and not isinstance(value, np.generic):
            return value if math.isfinite(value) else {TAG: "float", "value": repr(value)}
        if isinstance(value, np.ndarray | np.generic | jax.Array):
            return self._array(value)
        return self._container(value)

    def _array(self, value) -> Any:
        array = np.asarray(value)
        if array.dtype.kind in "OV":
            return {
                TAG: "objects",
                "shape": list(array.shape),
                "items": self(array.ravel().tolist()),
            }
        name = f"a{len(self.arrays)}"
        self.arrays[name] = array
        kind = "scalar" if isinstance(value, np.generic) else "array"
        return {TAG: kind, "name": name, "jax": isinstance(value, jax.Array)}

    def _container(self, value: Any) -> Any:
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return {TAG: "tuple", "items": [self(v) for v in value]}
        if isinstance(value, list):
            return [self(v) for v in value]
        if isinstance(value, frozenset | set):
            kind = type(value).__name__
            return {TAG: kind, "items": [self(v) for v in sorted(value, key=repr)]}
        if isinstance(value, Mapping):
            pairs = [[self(k), self(v)] for k, v in value.items()]
            return {TAG: "dict", "items": pairs}
        if isinstance(value, pd.Timestamp | datetime.date | pd.Timedelta | pd.Period):
            return _moment(value)
        return self._instance(value)

    def _instance(self, value: Any) -> Any:
        if isinstance(value, type):
            return {TAG: "class", "name": _name_of(value)}
        if hasattr(type(value), "_fields"):
            fields = dict(zip(type(value)._fields, value, strict=True))
        elif dataclasses.is_dataclass(value):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        else:
            return self._function(value)
        return {
            TAG: "object",
            "class": _name_of(type(value)),
            "fields": {k: self(v) for k, v in fields.items()},
        }

    def _function(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType) and value.__name__ in MODULES:
            return {TAG: "module", "name": value.__name__}
        if value is IDENTITY:
            return {TAG: "identity"}
        name, own = getattr(value, "__name__", ""), getattr(value, "__module__", None) or ""
        if own.startswith(LAYERS) and getattr(importlib.import_module(own), name, None) is value:
            return {TAG: "function", "module": own, "name": name}
        for home, module in FUNCTIONS.items():
            if callable(value) and getattr(module, name, None) is value:
                return {TAG: "function", "module": home, "name": name}
        raise InputError(
            f"{value!r} cannot be saved: a file holds numbers and no code. Write the formula with "
            "numpy's functions, or the model with classes of fields.",
            code="unsaveable",
        )


def _moment(value) -> dict:
    if isinstance(value, pd.Period):
        return {TAG: "period", "value": str(value), "freq": value.freqstr}
    if isinstance(value, pd.Timedelta):
        return {TAG: "timedelta", "value": value.isoformat()}
    if isinstance(value, datetime.datetime):  # a Timestamp is one
        return {TAG: "timestamp", "value": pd.Timestamp(value).isoformat()}
    return {TAG: "date", "value": value.isoformat()}


def _name_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


class Decoder:
    """Turns JSON back into values.

    Arguments:
        arrays: those put aside, by name.
        classes: classes beyond Asymptotix's own that the file may mention.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], classes: tuple[type, ...] = ()):
        self.arrays = arrays
        self.classes = {_name_of(cls): cls for cls in classes}

    def __call__(self, value: Any) -> Any:
        """The value of some JSON.

        Raises:
            InputError: what no `Encoder` writes, and classes that are not known.
        """
        if isinstance(value, list):
            return [self(v) for v in value]
        if not isinstance(value, dict):
            return value
        read = getattr(self, f"_read_{value.get(TAG)}", None)
        if read is None:
            raise problem(f"it holds a {value.get(TAG)!r}, which is not known")
        return read(value)

    def _read_float(self, value):
        return float(value["value"])

    def _read_array(self, value):
        array = self.arrays[value["name"]]
        return jnp.asarray(array) if value["jax"] else array

    def _read_scalar(self, value):
        return self.arrays[value["name"]][()]

    def _read_objects(self, value):
        found = np.empty(len(value["items"]), object)
        found[:] = self(value["items"])
        return found.reshape(value["shape"])

    def _read_tuple(self, value):
        return tuple(self(v) for v in value["items"])

    def _read_set(self, value):
        return {self(v) for v in value["items"]}

    def _read_frozenset(self, value):
        return frozenset(self(v) for v in value["items"])

    def _read_dict(self, value):
        return {self(k): self(v) for k, v in value["items"]}

    def _read_timestamp(self, value):
        return pd.Timestamp(value["value"])

    def _read_date(self, value):
        return datetime.date.fromisoformat(value["value"])

    def _read_timedelta(self, value):
        return pd.Timedelta(value["value"])

    def _read_period(self, value):
        return pd.Period(value["value"], freq=value["freq"])

    def _read_module(self, value):
        if value["name"] not in MODULES:
            raise problem(f"it asks for the module {value['name']!r}")
        return importlib.import_module(value["name"])

    def _read_function(self, value):
        home, name = value["module"], value["name"]
        if home.startswith(LAYERS):
            found = getattr(importlib.import_module(home), name, None)
            found = found if getattr(found, "__module__", None) == home else None
        else:
            found = getattr(FUNCTIONS.get(home), name, None) if name[:1] != "_" else None
        if not callable(found):
            raise problem(f"it asks for the function {value['module']}.{name}")
        return found

    def _read_identity(self, value):
        del value
        return IDENTITY

    def _read_class(self, value):
        return self._class(value["name"])

    def _read_object(self, value):
        cls = self._class(value["class"])
        fields = {name: self(v) for name, v in value["fields"].items()}
        if hasattr(cls, "_fields"):
            return cls(**fields)
        if set(fields) != {f.name for f in dataclasses.fields(cls)}:
            raise problem(f"its {cls.__name__} has other fields than this version's")
        made = object.__new__(cls)
        for name, v in fields.items():
            object.__setattr__(made, name, v)
        return made

    def _class(self, name: str) -> Any:
        if name in self.classes:
            return self.classes[name]
        module, _, path = name.partition(":")
        if not module.startswith(HOMES) or "__" in path:
            raise problem(
                f"it holds a '{path}' of the module '{module}', which is not part of Asymptotix; "
                f"pass it as asx.load(path, classes=[{path}])"
            )
        try:
            found = importlib.import_module(module)
            for part in path.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise problem(f"this version has no '{name}'") from error
        if not isinstance(found, type) or not _is_record(found):
            raise problem(f"'{name}' is not a record")
        return found


def _is_record(cls: type) -> bool:
    return dataclasses.is_dataclass(cls) or issubclass(cls, eqx.Module) or hasattr(cls, "_fields")
