"""Functions of users that JAX traces: what goes wrong in them, told in a sentence."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from asymptotix.core.errors import InputError

UNTRACEABLE = (
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.ConcretizationTypeError,
)
"""What NumPy, `math` and an `if` say of numbers that are being differentiated."""


def explained(function: Any, what: str, form: str, *, code: str) -> Callable:
    """The function, with `InputError` for what it cannot be called with or JAX cannot trace.

    Arguments:
        function: of a user.
        what: it is called in messages, such as `"comparison="`.
        form: what it must be, such as `"a function of the model"`.
        code: of the error.

    Raises:
        InputError: at once, where it cannot be called at all.
    """
    if not callable(function):
        raise InputError(f"{what} is {function!r}, and must be {form}.", code=code)

    @functools.wraps(function, updated=())
    def called(*given):
        try:
            return function(*given)
        except UNTRACEABLE as error:
            raise InputError(
                f"{what} does what JAX cannot differentiate, such as calling NumPy or math; write "
                "it with jax.numpy (jnp.log for np.log, jnp.where for if).",
                code=code,
            ) from error
        except (AttributeError, TypeError) as error:
            said = str(error).partition("\n")[0].rstrip(".")
            raise InputError(
                f"{what} cannot be evaluated ({said}); it must be {form}, written with jax.numpy.",
                code=code,
            ) from error

    return called
