"""Score (Rao) tests of added terms: the larger model is never fitted."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import solve_with_factor, triangular_factor
from asymptotix.core.parameters import parameter
from asymptotix.core.precision import double
from asymptotix.core.reference import Chi2
from asymptotix.core.typing import Array, Float
from asymptotix.covariances.fingerprint import check_fingerprint
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS, column_bucket
from asymptotix.fitting import Fit
from asymptotix.fitting.rank import collinear_columns
from asymptotix.inference.joint import quadratic_form
from asymptotix.inference.passes import meat_at, sums_at
from asymptotix.inference.record import HypothesisTest, upper_tail
from asymptotix.likelihood import Coordinates
from asymptotix.likelihood.coordinates import Moments, coordinates_from, moment_sums
from asymptotix.model import Regression, layout
from asymptotix.predictors import AbstractPredictor, Linear


class WithAdded(AbstractPredictor):
    r"""$\eta(x) + z^\top\delta$ for covariates `(x, z)`: any predictor with terms added."""

    inner: AbstractPredictor
    coef: Float[Array, "q"] = parameter()

    def __call__(self, x):
        own, added = x
        return self.inner(own) + added @ self.coef

    def input_ndim(self) -> int:
        return self.inner.input_ndim()


def score_test(
    fit: Fit,
    rows: Rows,
    added: Float[Array, "n q"],
    *,
    information: str = "expected",
    robust: bool = False,
    text: str = "no effect of the added terms",
) -> HypothesisTest:
    r"""$s^\top I^{-1} s / \phi$ of a larger model at the fit of the smaller one (Rao 1948).

    The dispersion is that of the fit. The robust form replaces the variance of the added scores,
    $s_2$, by $(-A_{21}A_{11}^{-1}, 1)\,B\,(-A_{21}A_{11}^{-1}, 1)^\top$ with $B$ the sum of outer
    products of scores (White 1982, Boos 1992).

    Arguments:
        fit: of the smaller model.
        rows: its rows.
        added: the columns whose coefficients are 0 in the smaller model; those that the model
            spans already are left out.
        information: `"expected"` (as R) or `"observed"`, at the smaller fit.
        robust: whether the test stays valid where only the mean is right.
        text: what is tested, for the record.

    Raises:
        InputError: other rows, nothing added, an unknown option, or a family that does not
            declare its expected information.
    """
    if information not in ("expected", "observed"):
        raise InputError(
            f"information={information!r} must be 'expected' or 'observed'.", code="option"
        )
    with double():
        check_fingerprint(fit, rows)
        model, coordinates, params, wide, new = _larger(fit, rows, np.asarray(added, float))
        sums = sums_at(model, coordinates, params, wide, information)
        outer = meat_at(model, coordinates, params, wide) if robust else None
    score, matrix = np.asarray(sums.score), np.asarray(sums.information)
    used = np.diag(matrix) != 0
    _refuse_unknown(fit, matrix)
    if outer is None:
        form = quadratic_form(score[used], matrix[np.ix_(used, used)]) / float(fit.dispersion)
    else:
        form = _robust_form(score, matrix, np.asarray(outer), used, new)
    q = int(new.sum())
    name = "Robust score test" if robust else "Score test"
    lost = "The information is not positive definite." if np.isnan(form) else ""
    return upper_tail(name, text, form, Chi2(q), note=lost)


def _robust_form(score, matrix, outer, used, new) -> float:
    old = used & ~new
    factor = triangular_factor(matrix[np.ix_(old, old)], np.ones(old.sum(), bool))
    if not np.isfinite(factor).all():
        return np.nan
    cross = solve_with_factor(factor, matrix[np.ix_(old, new)])
    variance = (
        outer[np.ix_(new, new)]
        - cross.T @ outer[np.ix_(old, new)]
        - outer[np.ix_(new, old)] @ cross
        + cross.T @ outer[np.ix_(old, old)] @ cross
    )
    return quadratic_form(score[new] - cross.T @ score[old], (variance + variance.T) / 2)


def _refuse_unknown(fit: Fit, matrix) -> None:
    if np.isnan(matrix).any():
        raise InputError(
            f"The family {fit.model.family.name} does not declare its expected information; "
            "use information='observed'.",
            code="covariance",
        )


def _larger(fit: Fit, rows: Rows, added):
    """The larger model at the smaller fit: `(model, coordinates, params, rows, which are new)`."""
    if added.ndim != 2 or len(added) != rows.n:
        raise InputError(
            f"The added columns have shape {added.shape} but there are {rows.n} rows; give one "
            "line a row.",
            code="shape",
        )
    if fit.model.predictor.has_vector_eta():
        raise InputError(
            "The predictor has several components, and it is not said to which of them the terms "
            "are added; fit the larger model and use lr_test or wald_test.",
            code="vector_predictor",
        )
    if not fit.model.predictor.is_paddable():
        return _larger_generic(fit, rows, added)
    k, beta = np.shape(rows.x)[1], np.asarray(layout(fit.model).flatten(fit.model))
    psi = beta[k:]
    x = np.hstack([np.asarray(rows.x, float), added])
    if rows.n <= SLAB_ROWS:  # a standard width, so that similar designs share a program
        x = np.pad(x, ((0, 0), (0, column_bucket(x.shape[1]) - x.shape[1])))
    width, last = x.shape[1], k + added.shape[1]
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights)
    active = np.zeros(width, bool)
    active[:k], active[k:last] = np.asarray(fit.active)[:k], True
    active &= ~_repeated(x, weights, slab_coordinates(x, weights, active))
    new = active & (np.arange(width) >= k)
    if not new.any():
        raise InputError(
            "The added terms hold nothing that the model has not.", code="nothing_added"
        )
    coordinates = slab_coordinates(x, weights, active)
    theta = np.zeros(width)
    theta[:k] = np.where(active[:k], beta[:k], 0)
    params = np.r_[coordinates.inward(theta), psi]
    model = Regression(Linear(width), fit.model.family)
    wide = eqx.tree_at(lambda r: r.x, rows, x)
    return model, (coordinates,), params, wide, np.pad(new, (0, len(psi)))


def _larger_generic(fit: Fit, rows: Rows, added):
    q = added.shape[1]
    model = Regression(WithAdded(fit.model.predictor, np.zeros(q)), fit.model.family)
    where, own = layout(model), layout(fit.model)
    new = np.array([name.startswith("predictor.coef") for name in where.names])
    params = np.zeros(where.size)
    params[~new] = own.flatten(fit.model)
    wide = eqx.tree_at(lambda r: r.x, rows, (rows.x, added))
    return model, None, params, wide, new


def slab_coordinates(x, weights, active) -> Coordinates:
    """Coordinates of a design, slab by slab."""
    reference = x[int(np.argmax(weights > 0))]
    parts = [
        moment_sums(x[first : first + SLAB_ROWS], weights[first : first + SLAB_ROWS], reference)
        for first in range(0, len(x), SLAB_ROWS)
    ]
    moments: Any = jax.tree.map(lambda *leaves: np.sum(np.stack(leaves), axis=0), *parts)
    return coordinates_from(Moments(*moments), reference, active)


def _repeated(x, weights, c: Coordinates) -> np.ndarray:
    """Which columns earlier ones explain."""
    present = weights > 0
    slabs = (
        x[first : first + SLAB_ROWS][present[first : first + SLAB_ROWS]]
        for first in range(0, len(x), SLAB_ROWS)
    )
    dropped, _ = collinear_columns(slabs, np.asarray(c.center), np.asarray(c.inverse_scale))
    return np.isin(np.arange(x.shape[1]), dropped)
