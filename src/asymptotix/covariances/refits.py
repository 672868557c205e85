"""A fit again and again on other weights or responses of its own rows."""

from collections import Counter
from typing import Any, NamedTuple

import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import is_traced
from asymptotix.core.status import CODES, succeeded
from asymptotix.covariances.many import run
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit, Newton
from asymptotix.fitting.batched import Replicates
from asymptotix.model import Regression, layout
from asymptotix.predictors import Linear


class Refits(NamedTuple):
    """What refits found.

    Attributes:
        params: estimates, one row a replicate; NaN where a replicate failed, and for columns
            that the fit omitted.
        errors: their standard errors, where they were asked for.
        codes: how each ended.
        dispersions: 1, or the estimate of each.
    """

    params: np.ndarray
    errors: np.ndarray | None
    codes: np.ndarray
    dispersions: np.ndarray


def estimates(fit: Fit) -> np.ndarray:
    """The estimates of a fit, NaN for omitted columns."""
    values = np.asarray(layout(fit.model).flatten(fit.model), float)
    return np.where(np.asarray(fit.active), values, np.nan)


def refit(fit: Fit, rows: Rows, count: int, draw, *, weight_kind, kind=None, label: str) -> Refits:
    """The fit's model on each replicate, begun at its estimates.

    Arguments:
        fit, rows: the fit and its own rows.
        count: the number of replicates.
        draw: from indices of replicates to their own `weight` or `y`.
        weight_kind: how weights count in the replicates.
        kind: covariance kind of the replicates' standard errors, if any.
        label: what a progress bar says that they are.

    Raises:
        InputError: inside a transformation, or a fit that cannot be made again.
    """
    model, x = _refittable(fit, rows)
    data: dict[str, Any] = {"x": x, "y": jax.tree.map(np.asarray, rows.y)}
    if rows.weights is not None:
        data["weight"] = np.asarray(rows.weights, float)
    if rows.offset is not None:
        data["offset"] = np.asarray(rows.offset, float)
    own = draw(slice(0, 1))
    shared = {name: value for name, value in data.items() if name not in own}
    given = Replicates(count, rows.n, shared, draw)
    found = run(model, given, Newton(), weight_kind, kind, label)
    fits, cov = found if isinstance(found, tuple) else (found, None)
    codes = np.asarray(fits.code)
    theta = np.concatenate(
        [np.reshape(v, (count, -1)) for v in _parameter_leaves(fits.model, model)], axis=1
    )
    active = np.asarray(fit.active)
    params = np.full((count, active.size), np.nan)
    params[:, active] = np.where(succeeded(codes)[:, None], theta, np.nan)
    errors = None
    if cov is not None:
        errors = np.full(params.shape, np.nan)
        errors[:, active] = cov.standard_errors
    return Refits(params, errors, codes, np.asarray(fits.dispersion, float))


def _parameter_leaves(many: Regression, one: Regression):
    return [
        leaf
        for leaf, estimated in zip(jax.tree.leaves(many), layout(one).estimated, strict=True)
        if estimated
    ]


def _refittable(fit: Fit, rows: Rows) -> tuple[Regression, Any]:
    """The model to fit again and its covariates, without columns that the fit omitted."""
    if is_traced((fit, rows)):
        raise InputError(
            "Resampling runs many fits from the host; call it outside jit, vmap and grad.",
            code="traced",
        )
    if fit.penalty is not None or not bool(fit.converged):
        problem = "is penalised" if fit.penalty is not None else f"is {fit.status_name}"
        raise InputError(
            f"The fit {problem}, so that its refits would not estimate the same quantity; "
            "resample a fit by maximum likelihood that has converged.",
            code="resampling",
        )
    x = jax.tree.map(lambda a: np.asarray(a, float), rows.x)
    active = np.asarray(fit.active)
    if active.all():
        return fit.model, x
    if not isinstance(fit.model.predictor, Linear) or active.size != np.shape(x)[1]:
        raise InputError(
            "Columns were omitted as collinear; leave them out of the model before resampling.",
            code="collinear",
        )
    model = layout(Regression(Linear(int(active.sum())), fit.model.family))
    empty = Regression(Linear(int(active.sum())), fit.model.family)
    return model.replace(empty, estimates(fit)[active]), x[:, active]


def outcome(codes: np.ndarray) -> tuple[tuple[str, int], ...]:
    """How many replicates ended how."""
    return tuple((CODES[code], number) for code, number in sorted(Counter(codes.tolist()).items()))


def described(counted: tuple[tuple[str, int], ...]) -> str:
    """`"1998 converged, 2 diverging (left out)"`."""
    good = {name for name in CODES if succeeded(CODES.index(name))}
    return ", ".join(
        f"{number} {name.replace('_', ' ')}" + " (left out)" * (name not in good)
        for name, number in counted
    )
