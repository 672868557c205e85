"""What is estimated and what is not: every float array of a model says which it is."""

from typing import Any

import equinox as eqx

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
