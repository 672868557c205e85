"""Plots of results; they need matplotlib (`pip install "asymptotix[plots]"`)."""

from asymptotix.plots.coefficients import coefficient_plot

__all__ = ["coefficient_plot"]
