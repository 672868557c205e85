"""Fitting: Newton's state machine and its drivers."""

from asymptotix.fitting.api import as_rows, fit
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.newton import Newton
from asymptotix.fitting.quasi import Quasi
from asymptotix.fitting.solver import AbstractSolver, History
from asymptotix.fitting.stochastic import Stochastic

__all__ = ["Fit", "Newton", "as_rows", "fit"]
