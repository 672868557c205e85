"""How a high and a low prediction may be compared: what a comparison needs of them."""

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.user_functions import explained
from asymptotix.effects.options import Options
from asymptotix.effects.scale import Scale, mean_is_share
from asymptotix.families import AbstractFamily

FORM = "a function of the high and the low prediction that returns as many numbers as either has"


def check_comparison(
    options: Options, scale: Scale, family: AbstractFamily, eta: np.ndarray, *, is_event: bool
) -> None:
    """Refuse odds of what is no probability, and functions that do not compare.

    Arguments:
        options: how the verb is asked.
        scale, family: of the predictions.
        eta: any predictor, for its shape.
        is_event: whether the response is 0 or 1, whatever the family.

    Raises:
        InputError: the comparison has no meaning on this scale, or cannot be evaluated.
    """
    if options.comparison == "lnor":
        is_mean = scale.kind == "response" and (is_event or mean_is_share(family))
        if not is_mean and scale.kind != "probability":
            raise InputError(
                "comparison='lnor' is a log odds ratio, and only probabilities have odds; compare "
                "by 'difference', 'ratio' or 'lnratio', or ask for the probability of an event, "
                "type='probability', value=...",
                code="option",
                column="comparison",
            )
    if callable(options.comparison):
        _check_function(options.comparison, scale, family, eta)


def _check_function(function, scale: Scale, family: AbstractFamily, eta: np.ndarray) -> None:
    """Trace the function once, at the shapes that it will be given."""
    with double():
        one = jax.eval_shape(lambda e: scale(family, e), jnp.asarray(eta, float))
        traced = explained(
            lambda: jax.eval_shape(function, one, one), "comparison=", FORM, code="option"
        )
        found = traced()
    if getattr(found, "shape", None) != one.shape:
        shape = getattr(found, "shape", None)
        returned = f"{found!r}" if shape is None else f"an array of shape {shape}"
        raise InputError(
            f"comparison= returns {returned} for predictions of shape {one.shape}; it must be "
            f"{FORM}.",
            code="option",
            column="comparison",
        )
