"""What a formula takes from the caller's environment, so that it predicts without that."""

import dataclasses
import importlib
import pickle
import types
from typing import Any

from asymptotix.core.errors import InputError


@dataclasses.dataclass(frozen=True)
class Captured:
    """Values of the caller's environment by name; pickles, or says what does not."""

    values: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __getstate__(self) -> dict[str, tuple[str, Any]]:
        return {name: _packed(name, value) for name, value in self.values.items()}

    def __setstate__(self, state: dict[str, tuple[str, Any]]) -> None:
        values = {name: _unpacked(name, *packed) for name, packed in state.items()}
        object.__setattr__(self, "values", values)


def _packed(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, types.ModuleType):
        return "module", value.__name__
    try:
        return "pickle", pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"The formula uses '{name}', which cannot be saved ({error}); define it with def at "
            "the top level of a module that can be imported.",
            code="unpicklable",
            column=name,
        ) from error


def _unpacked(name: str, how: str, packed: Any) -> Any:
    try:
        return importlib.import_module(packed) if how == "module" else pickle.loads(packed)
    except (AttributeError, ImportError) as error:
        raise InputError(
            f"The formula uses '{name}', which cannot be found here ({error}); define or import "
            "it as in the program that fitted the model.",
            code="unpicklable",
            column=name,
        ) from error
