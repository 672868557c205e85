"""What of a response's distribution an effect is about: its mean, a probability, the predictor."""

from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Array, Eta
from asymptotix.families import AbstractFamily

Kind = Literal["response", "link", "probability"]
KINDS = ("response", "link", "probability")


class Scale(eqx.Module):
    r"""$T(\eta)$ of one observation, as a vector: one entry for a scalar mean.

    Arguments:
        kind: `"response"` for $E(y \mid \eta)$, `"link"` for $\eta$, `"probability"` for
            $P(y = \text{value} \mid \eta)$.
        value: the value whose probability is meant.
    """

    kind: Kind = eqx.field(static=True)
    value: Any = None

    def __call__(self, family: AbstractFamily, eta: Eta) -> Array:
        if self.kind == "link":
            return jnp.ravel(eta)
        if self.kind == "response":
            return jnp.ravel(family.mean(eta))
        return jnp.ravel(jnp.exp(family.log_prob(eta, self.value)))


def chosen_scale(kind: str, value: Any, family: AbstractFamily) -> Scale:
    """The scale that a user's words mean.

    Raises:
        InputError: an unknown kind, a value without `"probability"` or outside the support, and
            probabilities of values where the distribution is continuous.
    """
    if kind not in KINDS:
        raise InputError(
            f"type={kind!r} must be one of {', '.join(map(repr, KINDS))}.", code="option"
        )
    if (kind == "probability") != (value is not None):
        raise InputError(
            "type='probability' and value= go together, such as type='probability', value=0.",
            code="option",
        )
    if kind != "probability":
        return Scale(kind)
    numbers = tuple(map(float, value)) if isinstance(value, tuple) else float(value)
    _check_discrete(family)
    _check_support(family, numbers)
    leaves = tuple(map(np.asarray, numbers)) if isinstance(numbers, tuple) else np.asarray(numbers)
    return Scale("probability", leaves)


def _check_discrete(family: AbstractFamily) -> None:
    if family.response_kind != "numeric":
        return
    if family.dispersion_rule != "moment" and not _accepts(family, 0.5):
        return
    own_check = type(family).check_response is not AbstractFamily.check_response
    if family.dispersion_rule == "fixed" and not own_check:
        return
    raise InputError(
        f"The family {family.name} is continuous: a single value has probability 0.",
        code="continuous",
    )


def _accepts(family: AbstractFamily, value) -> bool:
    """Whether a response of this value, beside others, is in the support."""
    pair = isinstance(value, tuple)
    # Two rows at least: a response that is the same everywhere is refused for another reason.
    y = tuple(np.array([v, v]) for v in value) if pair else np.array([value, value])
    try:
        family.check_response(y, "value")
    except InputError as error:
        return error.code != "response_support"
    except (TypeError, ValueError):
        return False
    return True


def _check_support(family: AbstractFamily, value) -> None:
    if not _accepts(family, value):
        raise InputError(
            f"The family {family.name} does not take the value {value}; for grouped responses "
            "give value=(successes, trials).",
            code="option",
        )
