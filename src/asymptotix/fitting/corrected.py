"""Bias reduction in a fit: the second pass over the rows, and what may be corrected at all."""

from typing import Any

import jax.numpy as jnp

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import inverse_from_factor, triangular_factor
from asymptotix.likelihood import Curvature, Sums
from asymptotix.likelihood.structured import block_predictor
from asymptotix.model import Regression
from asymptotix.penalties import BoundPenalty, RowTerms, Sample

MOST_COLUMNS = 200
"""Columns up to which the third derivatives of bias reductions are held, half a gigabyte then."""


def reduces_bias(penalty: Any) -> bool:
    """Whether this is a bias reduction, bound to parameters or not; neither none nor a prior."""
    given = penalty.penalty if isinstance(penalty, BoundPenalty) else penalty
    return given is not None and given.is_bias_reduction


def working_curvature(penalty: Any, asked: Any) -> Curvature:
    """The information of the first pass: expected where the correction is made of it."""
    return "expected" if reduces_bias(penalty) else asked


def correction_block(penalty: BoundPenalty, model: Regression, coordinates, params, inverse, block):
    """What the correction sums over one block."""
    reduction: Any = penalty.penalty
    (x,), eta, _ = block_predictor(model, coordinates, params, block)
    rows = RowTerms(x, eta, block.y, block.weight, inverse, _outward(coordinates, params))
    return reduction.block(model.family, rows)


def _outward(coordinates, params):
    return coordinates[0].outward(jnp.eye(params.shape[0], dtype=params.dtype))


def corrected(penalty: BoundPenalty, sums: Sums, coordinates, active, summed) -> Sums:
    """The corrected objective from the uncorrected sums.

    Arguments:
        penalty: a bias reduction.
        sums: log-likelihood, score and expected information.
        coordinates: of the design.
        active: which parameters are estimated.
        summed: from the inverse information to `correction_block` summed over all rows.
    """
    reduction: Any = penalty.penalty
    factor = triangular_factor(sums.information, active)
    given = Sample(
        sums.value,
        sums.score,
        sums.information,
        factor,
        active,
        _outward(coordinates, sums.score),
        coordinates[0].inward,
    )
    return Sums(*reduction.correct(given, summed(inverse_from_factor(factor))))


def check_reduction(penalty: Any, model: Regression, columns) -> None:
    """Raise `InputError` where a bias reduction has nothing to stand on.

    Arguments:
        penalty: any penalty, or `None`.
        model: what is to be fitted.
        columns: of each design; `None` where the predictor is not linear.
    """
    if not reduces_bias(penalty):
        return
    family, label = model.family, penalty.label
    if columns is not None and max(columns) > MOST_COLUMNS:
        raise InputError(
            f"{label} sums over the rows as many numbers as the cube of the columns, and is made "
            f"for up to {MOST_COLUMNS} columns, not {max(columns)}; use a prior, such as "
            "asx.GaussianPrior().",
            code="penalty",
        )
    if columns is None or len(columns) != 1 or model.predictor.has_vector_eta():
        raise InputError(
            f"{label} is for one linear predictor; use a prior, such as asx.GaussianPrior().",
            code="penalty",
        )
    if family.dispersion_rule != "fixed" or not family.is_exponential:
        raise InputError(
            f"{label} is known for Bernoulli, binomial and Poisson responses, not for family "
            f"{family.name}; use a prior, such as asx.GaussianPrior().",
            code="penalty",
        )
    link = getattr(family, "link", None)
    if penalty.intercept_correction and getattr(link, "name", None) != "logit":
        raise InputError(
            f"{label} is for logistic regression; use asx.MeanBR() or asx.Jeffreys().",
            code="penalty",
        )
