"""How well a fit describes its rows: residuals, influence, calibration, discrimination."""

from asymptotix.diagnostics.calibration import Calibration, calibration
from asymptotix.diagnostics.discrimination import AreaUnderCurve, area_under_curve, roc_curve
from asymptotix.diagnostics.folds import out_of_fold
from asymptotix.diagnostics.influence import cooks_distances, deletions, leverages, scaled
from asymptotix.diagnostics.outcomes import Outcomes, outcomes
from asymptotix.diagnostics.residuals import residuals, usual_residual
from asymptotix.diagnostics.rowwise import row_predictors
from asymptotix.diagnostics.scores import (
    BrierScore,
    Confusion,
    brier_score,
    confusion,
    log_loss,
    tjur_coefficient,
)

__all__ = [
    "AreaUnderCurve",
    "BrierScore",
    "Calibration",
    "Confusion",
    "Outcomes",
    "area_under_curve",
    "brier_score",
    "calibration",
    "confusion",
    "cooks_distances",
    "deletions",
    "leverages",
    "log_loss",
    "out_of_fold",
    "outcomes",
    "residuals",
    "roc_curve",
    "row_predictors",
    "scaled",
    "tjur_coefficient",
    "usual_residual",
]
