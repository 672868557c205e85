"""Fitting: Newton's state machine and its drivers."""

from asymptotix.fitting.api import as_rows, fit
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.newton import Newton

__all__ = ["Fit", "Newton", "as_rows", "fit"]
