r"""What the estimates owe to single rows: leverage, Cook's distance, and deletion of cases.

With $I$ the information of all rows and $s_i$, $H_i$ the score and information of row $i$, one
Newton step from $\hat\theta$ on all rows but $i$ moves the estimates by
$\hat\theta_{(i)} - \hat\theta \approx -(I - H_i)^{-1} s_i$ (Pregibon 1981). Where frequencies are
weights, a row is one copy of it.
"""

import functools
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.typing import Array, Float
from asymptotix.covariances.fingerprint import with_working_dispersion
from asymptotix.covariances.passes import Passes, outward_matrix
from asymptotix.data.blocks import map_blocks, row_jit
from asymptotix.data.rows import Block, Rows
from asymptotix.data.source import source
from asymptotix.diagnostics.residuals import residuals
from asymptotix.fitting import Fit, Newton
from asymptotix.fitting.batched import Replicates, solve_many
from asymptotix.likelihood import is_structured, row_informations, row_leverages, row_scores
from asymptotix.model import Regression, layout
from asymptotix.predictors import Linear

Method = Literal["one-step", "exact", "implicit"]
METHODS = ("one-step", "exact", "implicit")


def leverages(fit: Fit, rows: Rows) -> np.ndarray:
    r"""$h_i = \mathrm{tr}(I^{-1} H_i)$, from expected information where the family declares it.

    The diagonal of a generalised linear model's hat matrix; it sums to the number of parameters.
    """
    with double():
        return np.asarray(Passes(with_working_dispersion(fit), rows).leverages())


def cooks_distances(fit: Fit, rows: Rows) -> np.ndarray:
    r"""$(\hat\theta - \hat\theta_{(i)})^\top I (\hat\theta - \hat\theta_{(i)}) / (p\phi)$.

    By one Newton step; for a generalised linear model $r_i^2 h_i / \{(1 - h_i)^2 p\phi\}$ with
    Pearson's $r_i$ (Cook 1977).
    """
    found = _deletions(fit, rows, with_distance=True)
    return found / (np.sum(np.asarray(fit.active)) * float(fit.dispersion))


def deletions(fit: Fit, rows: Rows, method: Method) -> tuple[np.ndarray, np.ndarray]:
    r"""$\hat\theta - \hat\theta_{(i)}$ of each row, and the dispersion without it.

    Arguments:
        fit: the fit.
        rows: its own rows.
        method: `"one-step"`; `"exact"`, one fit a row; `"implicit"`, the derivative of the
            estimates in the row's weight, $I^{-1} s_i$ with the observed information.

    Returns:
        Shapes `(n, p)` and `(n,)`; NaN where a fit without the row does not exist.

    Raises:
        InputError: an unknown method, or a model that cannot be fitted again as it was.
    """
    if method not in METHODS:
        raise InputError(f"method={method!r} must be one of {', '.join(METHODS)}.", code="option")
    if method == "exact":
        return _exact(fit, rows)
    shift = _implicit(fit, rows) if method == "implicit" else _deletions(fit, rows)
    return shift, _dispersion_without(fit, rows)


def scaled(fit: Fit, rows: Rows, shift: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    r"""DFBETAS: shifts in standard errors, these at the dispersion without the row.

    (Belsley, Kuh and Welsch 1980.) Standard errors are those of the information that weighs rows
    in leverages.
    """
    with double():
        passes = Passes(with_working_dispersion(fit), rows)
        outward = np.asarray(outward_matrix(passes.fit))
        inverse = np.asarray(passes.inverse(passes.working_curvature))
    variances = np.einsum("ij,jk,ik->i", outward, inverse, outward)
    with np.errstate(invalid="ignore", divide="ignore"):
        return shift / np.sqrt(dispersion[:, None] * variances)


def _dispersion_without(fit: Fit, rows: Rows) -> np.ndarray:
    r"""$\phi_{(i)} = \{\phi(n - k) - r_i^2/(1 - h_i)\} / (n - k - 1)$; 1 where it is fixed."""
    if fit.model.family.dispersion_rule != "moment":
        return np.ones(rows.n)
    squares = residuals(fit, rows, "pearson") ** 2 / (1 - leverages(fit, rows))
    df = float(fit.n) - np.sum(np.asarray(fit.active))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (float(fit.dispersion) * df - squares) / (df - 1)


# --- one Newton step ------------------------------------------------------------------------


def _deletions(fit: Fit, rows: Rows, with_distance: bool = False) -> np.ndarray:
    """Shifts in the original coordinates, or their squared lengths in the information."""
    with double():
        passes = Passes(with_working_dispersion(fit), rows)
        wide, curvature = passes.wide, passes.working_curvature
        matrix = passes.on_active(passes.factor(curvature))
        root, inverse = (_at_width(passes, m) for m in (matrix, passes.inverse(curvature)))
        setting = (passes.static, curvature, wide.weight_kind, with_distance)
        found = source(passes.wide_rows).rowwise(
            lambda b: _one_step(
                setting, passes.arrays, wide.coordinates, wide.params, root, inverse, b
            )
        )
        if with_distance:
            return found
        return found[:, passes.keep] @ np.asarray(outward_matrix(passes.fit)).T


def _at_width(passes: Passes, matrix) -> np.ndarray:
    size = passes.wide.params.shape[0]
    wide = np.zeros((size, size))
    wide[passes.keep[:, None], passes.keep] = matrix
    return wide


@functools.partial(row_jit, static_argnums=0)
def _one_step(setting, arrays, coordinates, params, root, inverse, rows: Block):
    static, curvature, weight_kind, with_distance = setting
    model = static.combine(arrays)

    def each(block: Block):
        weight = jnp.ones_like(block.weight) if weight_kind == "frequency" else block.weight
        weight = jnp.where(block.weight > 0, weight, 0.0)
        step = _steps(model, coordinates, curvature, params, inverse, weight, block)
        return jnp.sum((step @ root.T) ** 2, axis=1) if with_distance else step

    return map_blocks(each, rows)


def _steps(
    model: Regression, coordinates, curvature: str, theta, inverse, weight, block: Block
) -> Float[Array, "n p"]:
    r"""$(I - w_i H_i)^{-1} w_i s_i$ of each row."""
    scores = row_scores(model, coordinates, theta, block) * weight[:, None]
    if coordinates is not None and _is_rank_one(model, block):
        leverage = row_leverages(model, coordinates, curvature, theta, inverse, block)
        return (scores @ inverse) / (1 - weight * leverage)[:, None]
    each = row_informations(model, coordinates, curvature, theta, block)
    left = jnp.eye(theta.shape[0]) - weight[:, None, None] * (inverse @ each)
    return jnp.linalg.solve(left, (scores @ inverse)[:, :, None])[:, :, 0]


def _is_rank_one(model: Regression, block: Block) -> bool:
    """Whether a row's information is a number times an outer product."""
    one_design = is_structured(model, block.x) and not model.predictor.has_vector_eta()
    return one_design and layout(model.family).size == 0


# --- derivative, and fits -------------------------------------------------------------------


def _implicit(fit: Fit, rows: Rows) -> np.ndarray:
    with double():
        passes = Passes(with_working_dispersion(fit), rows)
        scores = passes.scores()
        if rows.weight_kind == "frequency":
            weights = np.asarray(rows.weights, float)[:, None]
            scores = np.divide(scores, weights, out=np.zeros_like(scores), where=weights > 0)
        outward = np.asarray(outward_matrix(passes.fit))
        return np.asarray(scores) @ np.asarray(passes.inverse("observed")) @ outward.T


def _exact(fit: Fit, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    model, x = _refittable(fit, rows)
    active = np.asarray(fit.active)
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    left_out = np.minimum(weights, 1.0) if rows.weight_kind == "frequency" else weights
    present = np.flatnonzero(weights > 0)

    def without(indices):
        rest = np.repeat(weights[None, :], len(present[indices]), axis=0)
        rest[np.arange(len(rest)), present[indices]] -= left_out[present[indices]]
        return {"weight": rest}

    shared = {"x": x, "y": rows.y}
    if rows.offset is not None:
        shared["offset"] = np.asarray(rows.offset, float)
    replicates = Replicates(present.size, rows.n, shared, without)
    found, _ = solve_many(model, replicates, Newton(), weight_kind=rows.weight_kind)
    where, theta = layout(model), layout(fit.model).flatten(fit.model)
    leaves = jax.tree.leaves(found.model)
    flat = [np.asarray(v).reshape(present.size, -1) for v in leaves]
    estimates = np.concatenate([v for v, e in zip(flat, where.estimated, strict=True) if e], axis=1)
    solved = np.asarray(found.converged)
    shift, dispersion = np.zeros((rows.n, active.size)), np.ones(rows.n)
    moved = np.where(solved[:, None], np.asarray(theta)[active] - estimates, np.nan)
    shift[np.ix_(present, np.flatnonzero(active))] = moved
    dispersion[present] = np.asarray(found.dispersion)
    return shift, dispersion


def _refittable(fit: Fit, rows: Rows):
    """The model and covariates of fits without a row: without the columns that were omitted."""
    if fit.penalty is not None:
        raise InputError(
            "Exact deletion fits the model again without a penalty, and this fit has one; use "
            "method='one-step'.",
            code="refit",
        )
    active = np.asarray(fit.active)
    if active.all():
        return fit.model, rows.x
    if not isinstance(fit.model.predictor, Linear):
        raise InputError(
            "Exact deletion needs a model without omitted columns; use method='one-step'.",
            code="refit",
        )
    k = rows.x.shape[1]
    coefficients = np.asarray(layout(fit.model).flatten(fit.model))[:k][active[:k]]
    narrow = Regression(Linear(int(active[:k].sum())), fit.model.family)
    narrow = eqx.tree_at(lambda m: m.predictor.coef, narrow, coefficients)
    return narrow, np.asarray(rows.x)[:, active[:k]]
