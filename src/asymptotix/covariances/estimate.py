"""`asx.covariance`: from a fit and its rows to the covariance of its estimates."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import (
    diagonal,
    inverse_from_factor,
    namespace,
    triangular_factor,
)
from asymptotix.core.precision import in_scope, is_traced
from asymptotix.core.static import split
from asymptotix.core.status import CODE, succeeded
from asymptotix.core.typing import Array, Float
from asymptotix.covariances.base import AbstractCovariance, Covariance, Ingredients
from asymptotix.covariances.kinds import covariance_kind
from asymptotix.data.blocks import map_blocks, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS, bucket, pad_rows
from asymptotix.data.source import source
from asymptotix.fitting.api import as_rows
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.small import widened
from asymptotix.likelihood import (
    Sums,
    block_sums,
    exact,
    outer_products,
    row_log_likelihoods,
    row_scores,
    weighted,
)
from asymptotix.model import layout

FINGERPRINT_TOLERANCE = 1e-9


def covariance(fit: Fit, x, y=None, kind="observed", **row_fields) -> Covariance:
    r"""The covariance matrix of a fit's estimates.

    Written `asx.covariance(fit, rows, kind)` or `asx.covariance(fit, x, y, kind)`.

    Arguments:
        fit: from `asx.fit`.
        x, y: the rows of the fit, or `asx.Rows` in place of both.
        kind: `"observed"`, `"expected"`, `"opg"`, `"HC0"`, `"HC1"`, or a covariance object.
        row_fields: `weights`, `weight_kind`, `offset`, where `x` and `y` are arrays.

    Returns:
        A `Covariance`; its matrix is NaN, with the reason as its status, where it does not exist.

    Raises:
        InputError: other rows than those of the fit, forgotten weights, an unknown kind, a fit in
            single precision.
    """
    if isinstance(x, Rows) and y is not None:
        kind, y = y, None
    rows = as_rows(x, y, **row_fields)
    chosen = covariance_kind(kind)
    return _with_rows(fit, rows, lambda f, r: estimate(f, r, chosen))


def _with_rows(fit: Fit, rows: Rows, function):
    """`function(fit, rows)` in double precision, on rows that were checked to be the fit's own."""

    def checked(f, r):
        check_fingerprint(f, r)
        return function(f, r)

    return in_scope(checked, _refuse_single(fit), fit, rows)


def _refuse_single(fit: Fit):
    if fit.params.dtype != np.float64:
        raise InputError(
            "The fit is in single precision, in which standard errors have few correct digits; "
            "pass float64 data, with jax_enable_x64 on inside your own jit.",
            code="single_precision",
        )
    return fit.params.dtype


def estimate(fit: Fit, rows: Rows, kind: AbstractCovariance) -> Covariance:
    """The covariance of a fit on rows known to be its own, inside double precision."""
    fit = _with_working_dispersion(fit)
    factor = fit.factor
    if kind.bread == "expected":
        factor = triangular_factor(information_sums(fit, rows, "expected"), fit.active)
        known = is_traced(factor) or np.isfinite(np.asarray(factor)).all()
        if not known and bool(fit.converged):
            raise InputError(
                f"The family {fit.model.family.name} does not declare its expected information, "
                "or it is singular here; use the observed information.",
                code="covariance",
            )
    given = Ingredients(
        bread=_on_active(inverse_from_factor(factor), fit.active),
        meat=meat(fit, rows) if kind.needs_meat else None,
        dispersion=fit.dispersion,
        n=fit.n,
        k=fit.active.sum().astype(fit.params.dtype),
    )
    return finish(fit, kind.combine(given), kind)


def finish(fit: Fit, working, kind: AbstractCovariance) -> Covariance:
    """To the original coordinates; withheld unless the fit converged and variances exist."""
    xp = namespace(working, fit.active)
    both = fit.active[:, None] & fit.active[None, :]
    inner = xp.where(both, working, 0.0)
    exists = xp.isfinite(inner).all() & (diagonal(inner) >= 0).all()
    code = xp.where(succeeded(fit.code) & ~exists, CODE["indefinite"], fit.code)
    transform = outward_matrix(fit)
    matrix = transform @ inner @ transform.T
    matrix = xp.where(both & succeeded(code), matrix, xp.nan)
    return Covariance(matrix, code.astype(np.int32), kind)


def _on_active(matrix, active):
    return namespace(matrix, active).where(active[:, None] & active[None, :], matrix, 0.0)


def _with_working_dispersion(fit: Fit) -> Fit:
    """The fit with its family at unit dispersion, at which sums over rows are taken."""
    if fit.model.family.dispersion_rule != "moment":
        return fit
    unit = fit.model.family.with_dispersion(np.ones((), fit.params.dtype))
    return eqx.tree_at(lambda f: f.model.family, fit, unit)


def outward_matrix(fit: Fit) -> Float[Array, "p p"]:
    """The matrix from working to original coordinates."""
    xp = namespace(fit.params)
    blocks = [c.outward(xp.eye(c.center.shape[0])) for c in fit.coordinates or ()]
    rest = fit.params.shape[0] - sum(b.shape[0] for b in blocks)
    blocks.append(xp.eye(rest))
    rows, start = [], 0
    for block in blocks:
        size = block.shape[0]
        rows.append(xp.pad(block, ((0, 0), (start, fit.params.shape[0] - start - size))))
        start += size
    return xp.concatenate(rows)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _block_sums(static, curvature, arrays, coordinates, params, rows: Block) -> Sums:
    model = static.combine(arrays)
    return sum_blocks(lambda b: block_sums(model, coordinates, curvature, params, b), rows)


@functools.partial(jax.jit, static_argnums=0)
def _block_kernel(static, arrays, rows: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: jnp.sum(row_log_likelihoods(model, b)), rows)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _meat(static, weight_kind, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: outer_products(model, coordinates, weight_kind, params, b), rows)


@functools.partial(jax.jit, static_argnums=0)
def _row_scores(static, arrays, coordinates, params, rows: Block):
    model = static.combine(arrays)
    return map_blocks(lambda b: row_scores(model, coordinates, params, b), rows)


def information_sums(fit: Fit, rows: Rows, curvature: str) -> Float[Array, "p p"]:
    """The information in working coordinates, by one pass."""
    return _sums(fit, rows, curvature).information


def _sums(fit: Fit, rows: Rows, curvature: str) -> Sums:
    wide, rows, keep = _at_standard_width(fit, rows)
    arrays, static = split(wide.model)
    value, score, matrix = source(rows).sum(
        lambda b: _block_sums(static, curvature, arrays, wide.coordinates, wide.params, b)
    )
    return Sums(value, score[keep], matrix[keep[:, None], keep])


def _kernel(fit: Fit, rows: Rows):
    """The sum that was maximised, without scores or information."""
    if rows.n <= SLAB_ROWS and fit.coordinates is not None and len(fit.coordinates) == 1:
        return _kernel_of_predictor(fit, rows)
    arrays, static = split(fit.model)
    return source(rows).sum(lambda b: _block_kernel(static, arrays, b))


def _kernel_of_predictor(fit: Fit, rows: Rows):
    """The same for small data, by a program that does not depend on the number of columns."""
    model = fit.model
    design = np.asarray(model.predictor.designs(rows.x)[0])  # pyright: ignore[reportOptionalSubscript]
    theta = np.asarray(layout(model).flatten(model))[: design.shape[1]]
    eta = np.einsum("nk,k->n", design, theta)  # BLAS would wake its threads for this
    if rows.offset is not None:
        eta = eta + np.asarray(rows.offset)
    size = bucket(rows.n)
    weight = np.zeros(size)
    weight[: rows.n] = 1.0 if rows.weights is None else np.asarray(rows.weights)
    eta, y = jax.tree.map(lambda a: pad_rows(np.asarray(a), size), (eta, rows.y))
    arrays, static = split(model.family)
    return _family_kernel(static, arrays, eta, y, weight)


@functools.partial(jax.jit, static_argnums=0)
def _family_kernel(static, arrays, eta, y, weight):
    values = jax.vmap(static.combine(arrays).kernel)(eta, y)
    return jnp.sum(weighted(weight, values))


def meat(fit: Fit, rows: Rows) -> Float[Array, "p p"]:
    """Outer products of scores in working coordinates, by one pass."""
    wide, rows, keep = _at_standard_width(fit, rows)
    arrays, static = split(wide.model)
    matrix = source(rows).sum(
        lambda b: _meat(static, wide.weight_kind, arrays, wide.coordinates, wide.params, b)
    )
    return matrix[keep[:, None], keep]


def _at_standard_width(fit: Fit, rows: Rows):
    """Small data on the host at a standard width; others as they are.

    Inside a transformation, coordinates take the form that has derivatives in an intercept.
    """
    if is_traced((fit, rows)):
        traced = eqx.tree_at(
            lambda f: f.coordinates, fit, exact(fit.coordinates), is_leaf=lambda v: v is None
        )
        return traced, rows, np.arange(fit.params.shape[0], dtype=np.int32)
    if rows.n > SLAB_ROWS:
        return fit, rows, np.arange(fit.params.shape[0])
    return widened(fit, rows)


def information(fit: Fit, rows, y=None, curvature: str = "observed", **row_fields):
    r"""The information matrix at the estimate, in the original coordinates.

    Arguments:
        fit: from `asx.fit`.
        rows, y: the rows of the fit (`asx.Rows`, or arrays).
        curvature: `"observed"` or `"expected"`.
        row_fields: as in `covariance`.

    Returns:
        $\sum_i w_i I_i / \phi$, shape `(p, p)`.
    """
    rows = as_rows(rows, y, **row_fields)

    def pulled(f, r):
        working = information_sums(_with_working_dispersion(f), r, curvature)
        return _pull(f, _pull(f, working).T) / f.dispersion

    return _with_rows(fit, rows, pulled)


def score_contributions(fit: Fit, rows, y=None, **row_fields) -> Float[Array, "n p"]:
    r"""The score of each row, $w_i\,\partial\log f(y_i \mid x_i)/\partial\theta$ at the estimate.

    Arguments:
        fit: from `asx.fit`.
        rows, y: the rows of the fit (`asx.Rows`, or arrays).
        row_fields: as in `covariance`.

    Returns:
        Shape `(n, p)`, in the original coordinates; columns sum to zero at an optimum.
    """
    rows = as_rows(rows, y, **row_fields)

    def contributions(f, r):
        unit = _with_working_dispersion(f)
        arrays, static = split(unit.model)
        scores = source(r).rowwise(
            lambda b: _row_scores(static, arrays, unit.coordinates, unit.params, b)
        )
        weights = 1.0 if r.weights is None else jnp.asarray(r.weights)[:, None]
        return _pull(f, scores.T).T * weights / f.dispersion

    return _with_rows(fit, rows, contributions)


def _pull(fit: Fit, score):
    """Scores (a vector, or columns of a matrix) from working to original coordinates."""
    parts, start = [], 0
    for c in fit.coordinates or ():
        k = c.center.shape[0]
        parts.append(c.pull_score(score[start : start + k]))
        start += k
    return namespace(score).concatenate([*parts, score[start:]])


def check_fingerprint(fit: Fit, rows: Rows) -> None:
    """Raise unless these are the rows of the fit: their number, weights, and log-likelihood."""
    if is_traced((fit, rows)):
        return
    weights = None if rows.weights is None else np.asarray(rows.weights, float)
    present = rows.n if weights is None else int(np.count_nonzero(weights))
    total = float(rows.n) if weights is None else float(weights.sum())
    if rows.weight_kind != fit.weight_kind:
        raise InputError(
            f"The fit used weight_kind={fit.weight_kind!r} but these rows have "
            f"weight_kind={rows.weight_kind!r}; pass the weights of the fit.",
            code="other_rows",
            column="weights",
        )
    same = present == int(fit.n_rows) and np.isclose(total, float(fit.sum_weights), rtol=1e-12)
    if same:
        value = float(_kernel(_with_working_dispersion(fit), rows))
        same = np.isclose(value, float(fit.kernel), rtol=FINGERPRINT_TOLERANCE, atol=1e-9)
    if not same:
        raise InputError(
            f"These are not the rows of the fit: it saw {int(fit.n_rows)} rows with total weight "
            f"{float(fit.sum_weights):g} and another log-likelihood at the estimate than these "
            f"{present} rows give; pass the same rows, weights and offset.",
            code="other_rows",
        )
