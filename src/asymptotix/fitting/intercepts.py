"""The second step of FLIC and FLAC: from Firth's estimates to ones that predict well on average."""

import functools
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.lazy import LazyModule
from asymptotix.core.linalg import inverse_from_factor, triangular_factor
from asymptotix.core.static import split
from asymptotix.data.blocks import row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.source import source
from asymptotix.data.streamed import StreamedRows
from asymptotix.fitting import newton, small
from asymptotix.fitting.fit import Fit
from asymptotix.likelihood import Sums, block_sums, host_coordinates, inward, row_leverages
from asymptotix.model import Regression, layout

if TYPE_CHECKING:
    from asymptotix.fitting import large
else:
    large = LazyModule("asymptotix.fitting.large")


def check_intercept(penalty: Any, model: Regression, rows: Rows | StreamedRows) -> None:
    """Raise `InputError` where a correction of the intercept cannot be made."""
    if penalty is None or not penalty.intercept_correction:
        return
    if isinstance(rows, StreamedRows):
        raise InputError(
            f"{penalty.label} takes a second fit, of rows in memory; read the columns into "
            "memory, or use asx.Jeffreys() on the stream.",
            code="penalty",
        )
    x = _design(model, rows)
    _intercept(penalty, x, rows, np.ones(x.shape[1], bool))


def with_corrected_intercept(fit: Fit, rows: Rows) -> Fit:
    """Firth's fit after the correction that its penalty names, inside double precision.

    Standard errors are then those of the likelihood's information at the corrected estimate.
    """
    assert fit.penalty is not None
    flic = fit.penalty.penalty.intercept_correction == "FLIC"
    return _moved(fit, rows, (_flic if flic else _flac)(fit, rows))


def _flic(fit: Fit, rows: Rows) -> np.ndarray:
    """The intercept given the slopes, which are an offset."""
    x, theta = _design(fit.model, rows), _theta(fit)
    at = _intercept(fit.penalty, x, rows, np.asarray(fit.active))
    slopes = np.where(at, 0.0, theta)
    found = _solve(fit.model, x, rows.y, rows, rows.weights, _offset(rows) + x @ slopes, (at,))
    return np.where(at, _theta(found), theta)


def _flac(fit: Fit, rows: Rows) -> np.ndarray:
    """Maximum likelihood on augmented rows, whose own intercept is thrown away."""
    x = _design(fit.model, rows)
    weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    copies = weight * _leverages(fit, rows)
    added = np.r_[np.zeros(rows.n), np.ones(2 * rows.n)]
    wide = np.column_stack([np.vstack([x, x, x]), added])
    y = jax.tree.map(lambda a, b: np.r_[a, a, b], rows.y, _reversed(rows.y))
    trials = np.ones(rows.n) if not isinstance(rows.y, tuple) else np.asarray(rows.y[1], float)
    share = copies / trials / 2  # a copy is one trial, however many its row has
    weights = np.r_[weight, share, share]
    active = np.r_[np.asarray(fit.active), True]
    model = layout(fit.model).replace(fit.model, np.zeros(x.shape[1]))
    predictor = eqx.tree_at(lambda p: p.coef, model.predictor, np.zeros(wide.shape[1]))
    offset = np.tile(_offset(rows), 3)
    wider = Regression(predictor, model.family)
    return _theta(_solve(wider, wide, y, rows, weights, offset, (active,)))[: x.shape[1]]


def _reversed(y):
    return (np.asarray(y[1]) - y[0], y[1]) if isinstance(y, tuple) else 1.0 - np.asarray(y)


def _solve(model, x, y, rows: Rows, weights, offset, active) -> Fit:
    kind = None if weights is None else (rows.weight_kind or "precision")
    given = Rows(x, y, weights=weights, weight_kind=kind, offset=offset)
    start = layout(model).replace(model, np.zeros(x.shape[1]))
    run = small.solve if given.n <= SLAB_ROWS else large.solve
    return run(start, given, newton.Newton(), active, qr=False)


def _design(model: Regression, rows: Rows) -> np.ndarray:
    return np.asarray(model.predictor.designs(rows.x)[0], float)  # pyright: ignore[reportOptionalSubscript]


def _theta(fit: Fit) -> np.ndarray:
    return np.asarray(layout(fit.model).flatten(fit.model), float)


def _offset(rows: Rows) -> np.ndarray:
    return np.zeros(rows.n) if rows.offset is None else np.asarray(rows.offset, float)


def _intercept(penalty: Any, x, rows: Rows, active) -> np.ndarray:
    """Which column is the intercept: a large fit's coordinates do not say."""
    weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    (coordinates,) = host_coordinates((x,), weight, (active,))
    found = np.asarray(coordinates.intercept) != 0
    if not found.any():
        raise InputError(
            f"{penalty.label} needs an intercept; put one into the model.", code="penalty"
        )
    return found


def _leverages(fit: Fit, rows: Rows) -> np.ndarray:
    """Of each row at weight 1, with the expected information, which a logit's observed one is."""
    arrays, static = split(fit.model)
    inverse = np.where(np.asarray(fit.active), inverse_from_factor(np.asarray(fit.factor)), 0.0)
    given = (fit.coordinates, np.asarray(fit.params), inverse)
    return source(rows).rowwise(lambda b: _leverage(static, arrays, *given, b))


@functools.partial(row_jit, static_argnums=0)
def _leverage(static, arrays, coordinates, params, inverse, block: Block):
    model = static.combine(arrays)
    return row_leverages(model, coordinates, "expected", params, inverse, block)


@functools.partial(row_jit, static_argnums=0)
def _sums(static, arrays, coordinates, params, block: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: block_sums(model, coordinates, "observed", params, b), block)


def _moved(fit: Fit, rows: Rows, theta) -> Fit:
    """The fit at other parameters."""
    params = np.asarray(inward(fit.coordinates, theta))
    model = layout(fit.model).replace(fit.model, theta)
    arrays, static = split(model)
    sums = Sums(*source(rows).sum(lambda b: _sums(static, arrays, fit.coordinates, params, b)))
    information = np.asarray(sums.information)
    factor = np.asarray(triangular_factor(information, np.asarray(fit.active)))
    stats = source(rows).sum(lambda b: large.slab_statistics(static, arrays, b))
    return eqx.tree_at(
        lambda f: (
            f.model, f.params, f.information, f.factor, f.kernel, f.log_likelihood, f.statistics
        ),
        fit,
        (
            model, params, information, factor, np.asarray(sums.value),
            np.asarray(stats.log_likelihood), jax.tree.map(np.asarray, stats),
        ),
    )  # fmt: skip
