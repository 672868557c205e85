"""What is estimated and what is not: every float array of a model says which it is."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

ROLE = "asymptotix_role"


def parameter(**kwargs) -> Any:
    """Declare an array field of a module as estimated: `coef: Array = asx.parameter()`.

    Arguments:
        kwargs: passed on to `equinox.field`, such as `default` or `converter`.
    """
    return _field("parameter", kwargs)


def constant(**kwargs) -> Any:
    """Declare an array field as known: data and settings that travel with a model."""
    return _field("constant", kwargs)


def _field(role: str, kwargs: dict) -> Any:
    metadata = {**kwargs.pop("metadata", {}), ROLE: role}
    return eqx.field(metadata=metadata, **kwargs)


class Frozen(eqx.Module):
    """A value held fixed; read it as `.value`. Made by `asx.freeze`."""

    value: Any


def freeze(value: Any) -> Frozen:
    """Wrap a value (knots, means, a trained sub-network) so that it is not estimated."""
    return Frozen(value)


def thawed(value: Any) -> Any:
    """What a field holds that may be frozen: the value itself."""
    return value.value if isinstance(value, Frozen) else value


def as_number(value: Any) -> Any:
    """A field's converter: a float64 NumPy leaf under any setting, starting no backend.

    JAX arrays stay what they are, and frozen numbers stay frozen.
    """
    if isinstance(value, Frozen):
        return Frozen(as_number(value.value))
    return value if isinstance(value, jax.Array) else np.asarray(value, np.float64)
