"""Random keys, refused with a sentence where they are none."""

from typing import Any

import jax
import jax.numpy as jnp

from asymptotix.core.errors import InputError


def check_key(key: Any) -> None:
    """Raise `InputError` for what is no single key of `jax.random`, such as a seed."""
    if not _is_key(key):
        raise InputError(
            f"key={key!r} is no JAX random key; pass key=jax.random.key(0), with any number as "
            "its seed.",
            code="key",
            column="key",
        )


def _is_key(key: Any) -> bool:
    dtype = getattr(key, "dtype", None)
    if dtype is None:
        return False
    if jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return key.ndim == 0
    return dtype == jnp.uint32 and key.shape == jax.random.key_data(jax.random.key(0)).shape
