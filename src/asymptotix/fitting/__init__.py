"""Fitting: Newton's state machine and its drivers."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from
from asymptotix.fitting.api import as_rows, fit
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.newton import Newton
from asymptotix.fitting.solver import AbstractSolver, History

if TYPE_CHECKING:
    from asymptotix.fitting.quasi import Quasi
    from asymptotix.fitting.stochastic import Stochastic

__getattr__ = names_from(
    __name__,
    {
        "quasi": ("Quasi",),
        "stochastic": ("Stochastic",),
    },
)

__all__ = [
    "AbstractSolver",
    "Fit",
    "History",
    "Newton",
    "Quasi",
    "Stochastic",
    "as_rows",
    "fit",
]
