"""Plots of results; they need matplotlib (`pip install "asymptotix[plots]"`)."""

from asymptotix.plots.coefficients import coefficient_plot
from asymptotix.plots.hidden import hidden_unit_plot
from asymptotix.plots.history import history_plot
from asymptotix.plots.judgement import calibration_plot, roc_plot
from asymptotix.plots.prediction import prediction_plot
from asymptotix.plots.profile import profile_plot
from asymptotix.plots.residuals import influence_plot, residual_plot
from asymptotix.plots.simulation import coverage_plot, zip_plot
from asymptotix.plots.slopes import slope_plot
from asymptotix.plots.surface import surface_plot

__all__ = [
    "calibration_plot",
    "coefficient_plot",
    "coverage_plot",
    "hidden_unit_plot",
    "history_plot",
    "influence_plot",
    "prediction_plot",
    "profile_plot",
    "residual_plot",
    "roc_plot",
    "slope_plot",
    "surface_plot",
    "zip_plot",
]
