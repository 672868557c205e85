"""What of a response's distribution an effect is about: mean, predictor, event, quantile."""

import math
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.typing import Array, Eta
from asymptotix.effects.quantiles import Support, quantile
from asymptotix.families import AbstractFamily

Kind = Literal["response", "link", "probability", "quantile"]
KINDS: tuple[str, ...] = get_args(Kind)
_COMPARED = re.compile(r"\s*(<=|>=|<|>)\s*(\S+)\s*")


class Scale(eqx.Module):
    r"""$T(\eta)$ of one observation, as a vector: one entry for a scalar mean.

    Arguments:
        kind: `"response"` for $E(y \mid \eta)$, `"link"` for $\eta$, `"probability"` of events,
            `"quantile"` of the response.
        values: of events the values of $y$, of quantiles the probabilities; one entry each.
        sides: of each event, whether $y$ is at its value, below or above it.
        labels: how tables call each event or quantile.
        support: of the response, where quantiles are meant.
    """

    kind: Kind = eqx.field(static=True)
    values: tuple[Any, ...] = ()
    sides: tuple[str, ...] = eqx.field(static=True, default=())
    labels: tuple[str, ...] = eqx.field(static=True, default=())
    support: Support = eqx.field(static=True, default="real")

    @property
    def is_distributional(self) -> bool:
        """Whether it depends on more than the mean: on a dispersion, say."""
        return self.kind in ("probability", "quantile")

    @property
    def is_smooth(self) -> bool:
        """Whether it has derivatives; quantiles of whole numbers have none."""
        return self.kind != "quantile" or self.support not in ("counts", "binary")

    def __call__(self, family: AbstractFamily, eta: Eta) -> Array:
        if self.kind == "link":
            return jnp.ravel(eta)
        if self.kind == "response":
            return jnp.ravel(family.mean(eta))
        if self.kind == "quantile":
            q = jnp.asarray(self.values, eta.dtype)
            return jax.vmap(lambda p: quantile(family, eta, p, self.support))(q)
        events = zip(self.sides, self.values, strict=True)
        return jnp.stack([_probability(family, eta, *event) for event in events])


def _probability(family: AbstractFamily, eta: Eta, side: str, value) -> Array:
    if side == "at":
        return jnp.exp(family.log_prob(eta, value))
    tail = family.log_tails(eta, value)[0 if side == "below" else 1]
    # Where a tail underflows, its logarithm has no derivative, and the tail has the derivative 0.
    return jnp.where(tail > -700.0, jnp.exp(tail), 0.0)


def chosen_scale(
    kind: str, value: Any, family: AbstractFamily, q: Any = None, levels: Sequence = ()
) -> Scale:
    """The scale that a user's words mean.

    Arguments:
        kind: one of `KINDS`.
        value: of a probability: a value of the response, a label, an event such as `">= 3"`, or a
            list of these.
        family: the distribution.
        q: of a quantile: a probability, or a list of them.
        levels: the labels of a response of labels, in the order of their numbers.

    Raises:
        InputError: an unknown kind, keywords that do not belong to it, values outside the
            support, and what the family does not know.
    """
    if kind not in KINDS:
        raise InputError(
            f"type={kind!r} must be one of {', '.join(map(repr, KINDS))}.", code="option"
        )
    if (kind == "probability") != (value is not None):
        raise InputError(
            "type='probability' and value= go together, such as type='probability', value=0 or "
            "value='>= 3'.",
            code="option",
        )
    if (kind == "quantile") != (q is not None):
        raise InputError(
            "type='quantile' and q= go together, such as type='quantile', q=0.9.", code="option"
        )
    if kind == "quantile":
        return _quantiles(family, q)
    return _events(family, value, levels) if kind == "probability" else Scale(kind)  # pyright: ignore


# Quantiles


def _quantiles(family: AbstractFamily, q: Any) -> Scale:
    asked = [q] if np.ndim(q) == 0 else list(q)
    if not asked or not all(_is_number(p) and 0 < p < 1 for p in asked):
        raise InputError(
            f"q={q!r} must lie between 0 and 1, such as q=0.9 or q=[0.1, 0.5, 0.9].", code="option"
        )
    _require_tails(family, "quantiles")
    if family.response_kind == "grouped":
        raise InputError(
            f"Quantiles of the family {family.name} depend on the trials of a row; ask for the "
            "probability of an event, value=('>= 3', 10).",
            code="family",
        )
    labels = tuple(f"{100 * p:g}%" for p in asked)
    values = tuple(np.asarray(p, float) for p in asked)
    return Scale("quantile", values, labels=labels, support=_support(family))


def _support(family: AbstractFamily) -> Support:
    if family.response_kind == "binary":
        return "binary"
    if is_discrete(family):
        return "counts"
    if _accepts(family, -1.5):
        return "real"
    return "positive" if _accepts(family, 1.5) else "unit"


def _require_tails(family: AbstractFamily, what: str) -> None:
    if type(family).log_tails is AbstractFamily.log_tails:
        raise InputError(
            f"The family {family.name} does not declare its distribution function (log_tails), "
            f"which {what} need.",
            code="family",
        )


# Events


def _events(family: AbstractFamily, value: Any, levels: Sequence) -> Scale:
    asked = list(value) if isinstance(value, list | np.ndarray) else [value]
    if not asked:
        raise InputError("value=[] names no event.", code="option")
    found = [_event(family, one, levels) for one in asked]
    sides, values, labels = zip(*found, strict=True)
    return Scale("probability", values, sides, labels)


def _event(family: AbstractFamily, value: Any, levels: Sequence) -> tuple[str, Any, str]:
    """The side, the value and the label of one event."""
    trials = None
    if isinstance(value, tuple) and len(value) == 2:
        value, trials = value
    text = value if isinstance(value, str) else None
    compared = _COMPARED.fullmatch(text) if text and value not in levels else None
    if (trials is None) == (family.response_kind == "grouped"):
        raise InputError(
            f"value={value!r}: events of a grouped response, and of no other, name the trials, "
            "such as value=(3, 10) or value=('>= 3', 10).",
            code="option",
        )
    of = "" if trials is None else f" of {trials}"
    if compared is not None:
        side, at = _tail(family, compared[1], _number(compared[2], levels))
        label = f"y {compared[1]} {compared[2]}{of}"
    else:
        code = value in levels and family.response_kind in ("binary", "categorical")
        side, at = "at", float(list(levels).index(value)) if code else _number(value, levels)
        label = f"y = {value}{of}"
        _require_discrete(family)
    numbers = at if trials is None else (at, _number(trials, ()))
    _check_support(family, numbers, label, side)
    return side, jax.tree.map(np.asarray, numbers), label


def _number(value: Any, levels: Sequence) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        known = f" or one of {', '.join(map(repr, levels[:8]))}" if levels else ""
        raise InputError(
            f"value={value!r} must be a number{known}, an event such as '>= 3', or a list of such.",
            code="option",
        ) from None


def _tail(family: AbstractFamily, sign: str, at: float) -> tuple[str, float]:
    """`"above"` or `"below"` a value itself excluded, which counts whole numbers."""
    if family.response_kind == "categorical":
        raise InputError(
            f"The levels of the family {family.name} have no order; give value= a level.",
            code="option",
        )
    _require_tails(family, "such events")
    if is_discrete(family):
        at = {">": math.floor(at), ">=": math.ceil(at) - 1}.get(sign, at)
        at = {"<": math.ceil(at), "<=": math.floor(at) + 1}.get(sign, at)
    return ("above" if sign.startswith(">") else "below"), float(at)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _require_discrete(family: AbstractFamily) -> None:
    if not is_discrete(family):
        raise InputError(
            f"The family {family.name} is continuous: a single value has probability 0; ask for an "
            "event such as value='>= 3'.",
            code="continuous",
        )


def is_discrete(family: AbstractFamily) -> bool:
    """Whether single values have positive probability."""
    if family.response_kind != "numeric":
        return True
    if family.dispersion_rule == "moment":
        return False
    if type(family).check_response is not AbstractFamily.check_response:
        return not _accepts(family, 0.5)
    return not _tails_are_all(family)


def _tails_are_all(family: AbstractFamily) -> bool:
    """Whether $P(y < 1) + P(y > 1) = 1$, for a family that does not say what it accepts."""
    eta = np.zeros(len(family.eta_names)) if family.eta_names else np.zeros(())
    below, above = map(float, family.log_tails(jnp.asarray(eta), jnp.asarray(1.0)))
    return abs(math.exp(below) + math.exp(above) - 1) < 1e-5


def mean_is_share(family: AbstractFamily) -> bool:
    """Whether the mean lies between 0 and 1: of events, labels and shares.

    A family that does not say what it accepts is believed.
    """
    if type(family).check_response is AbstractFamily.check_response:
        return True
    return family.response_kind != "numeric" or not any(
        _accepts(family, value) for value in (-1.5, 1.5, 2.0)
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


def _check_support(family: AbstractFamily, value, label: str, side: str) -> None:
    if _accepts(family, value):
        return
    reason = "does not take such a value" if side == "at" else "has it always or never"
    raise InputError(f"{label}: the family {family.name} {reason}.", code="option")
