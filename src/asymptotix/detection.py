"""`asx.detect_separation`: the question of separation asked before any fit."""

import sys
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from asymptotix.api import linear_predictor
from asymptotix.core.errors import InputError, MissingRowsWarning
from asymptotix.core.precision import double
from asymptotix.families import AbstractFamily, Bernoulli
from asymptotix.fitting.rank import collinear_columns
from asymptotix.fitting.separation import find_separation
from asymptotix.likelihood import host_coordinates
from asymptotix.model import Regression
from asymptotix.results.inputs import Inputs
from asymptotix.results.separation import SeparationReport


def detect_separation(
    formula: str | Mapping[str, str],
    data: Any,
    family: AbstractFamily | None = None,
    *,
    trials: Any = None,
    weights: Any = None,
    weight_kind: str | None = None,
) -> SeparationReport:
    """Whether the maximum-likelihood estimate has infinite coefficients, without fitting.

    Exact for each coefficient, by linear programming (Konis 2007).

    Arguments:
        formula, data: as in `asx.logit`.
        family: `asx.Bernoulli()` by default; any that declares `recession`.
        trials: for grouped binomial responses.
        weights, weight_kind: as in `asx.glm`; rows of weight zero do not count.

    Returns:
        A report: `coefficients`, `rows`, `kind`; it is true where there is separation.

    Raises:
        InputError: the formula or data cannot be used, or the family does not say where its
            likelihood has no maximum.
    """
    family = Bernoulli() if family is None else family
    inputs = Inputs(
        formula,
        data,
        context=sys._getframe(1),
        trials=trials,
        weights=weights,
        weight_kind=weight_kind,
        response_kind=family.response_kind,
        components=family.eta_names,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        rows, design, response = inputs.evaluate()
    family.check_response(rows.y, design.response_name or "response")
    model = Regression(linear_predictor(design, response, family), family)
    found = find_separation(model, rows, _independent(model, rows))
    if found is None:
        raise InputError(
            f"Family {family.name} does not say where its likelihood has no maximum; separation "
            "is known for binary, binomial, multinomial and count responses.",
            code="separation",
        )
    names = model.predictor.coefficient_names(design.names) or tuple(design.names)
    return SeparationReport(tuple(names), found, np.flatnonzero(design.kept)[found.touched])


def _independent(model, rows) -> tuple[np.ndarray, ...]:
    """For each design, its columns without those that earlier ones explain."""
    with double():
        designs = [
            np.asarray(d, float) for d in model.predictor.designs(jax.tree.map(np.asarray, rows.x))
        ]
    weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    whole = tuple(np.ones(d.shape[1], bool) for d in designs)
    kept = []
    for c, d, a in zip(host_coordinates(designs, weight, whole), designs, whole, strict=True):
        dropped, _ = collinear_columns([d[weight > 0]], c.center, c.inverse_scale)
        kept.append(a & ~np.isin(np.arange(a.size), dropped))
    return tuple(kept)
