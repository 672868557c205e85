"""The keywords that the verbs share, checked before anything is computed."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from asymptotix.core.errors import InputError
from asymptotix.effects.contrasts import LABELS, SLOPES

COMPARISONS: Mapping[str, Callable] = {
    "difference": lambda high, low: high - low,
    "ratio": lambda high, low: high / low,
    "lnratio": lambda high, low: jnp.log(high / low),
    "lnor": lambda high, low: jnp.log(high / (1 - high)) - jnp.log(low / (1 - low)),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """How a verb is asked; see `Effects` in `results/effects.py` for the meaning of each field."""

    variables: Any = None
    newdata: Any = None
    by: Any = None
    type: str = "response"
    value: Any = None
    comparison: Any = "difference"
    slope: str | None = None
    hypothesis: Any = None
    transform: Callable | None = None
    weights: Any = "fit"
    confidence: float = 0.95
    unconditional: Any = False
    method: str = "delta"
    n_draws: int = 1000
    key: Any = None
    average: bool = False

    def __post_init__(self):
        _check(0 < self.confidence < 1, f"confidence={self.confidence!r} must lie between 0 and 1")
        _one_of("method", self.method, ("delta", "simulation"))
        if self.slope is not None:
            _one_of("slope", self.slope, tuple(SLOPES))
        if not callable(self.comparison):
            _one_of("comparison", self.comparison, tuple(LABELS))
        simulated = self.method == "simulation"
        _check(
            simulated == (self.key is not None),
            "method='simulation' needs a key, such as key=jax.random.key(0), and no other method "
            "takes one",
        )
        _check(self.n_draws >= 2, "n_draws must be at least 2")
        _check(
            self.transform is None or callable(self.transform),
            "transform must be a function, such as numpy.exp",
        )
        if self.unconditional is not False:
            _check(
                self.newdata is None and self.averages and not simulated,
                "unconditional=True is for averages over the rows of the fit, by method='delta'",
            )

    @property
    def averages(self) -> bool:
        """Whether rows are averaged."""
        return self.average or self.by not in (None, False)

    @property
    def by_columns(self) -> tuple[str, ...]:
        """The columns by whose levels averages are taken."""
        if self.by is None or isinstance(self.by, bool):
            return ()
        return (self.by,) if isinstance(self.by, str) else tuple(self.by)

    @property
    def compare(self) -> Callable:
        """The function of the high and the low value."""
        return self.comparison if callable(self.comparison) else COMPARISONS[self.comparison]


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    _check(
        isinstance(value, str) and value in known,
        f"{name}={value!r} must be one of {', '.join(map(repr, known))}",
    )


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(f"{message}.", code="option")
