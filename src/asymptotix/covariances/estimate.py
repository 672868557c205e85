"""`asx.covariance`: from a fit and its rows to the covariance of its estimates."""

from typing import Any

import equinox as eqx
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.linalg import diagonal, namespace
from asymptotix.core.precision import double, in_scope, is_traced
from asymptotix.core.status import CODE, succeeded
from asymptotix.core.typing import Array, Float
from asymptotix.covariances.base import AbstractCovariance, Covariance, Ingredients, made
from asymptotix.covariances.fingerprint import (
    check_concrete_fingerprint,
    check_fingerprint,
    with_working_dispersion,
)
from asymptotix.covariances.kinds import covariance_kind
from asymptotix.covariances.passes import Passes, outward_matrix, well_conditioned
from asymptotix.data.groups import select_groups
from asymptotix.data.rows import Rows
from asymptotix.data.streamed import StreamedRows
from asymptotix.fitting.api import as_rows
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.seen import are_remembered, is_noted


def covariance(
    fit: Fit, x, y=None, kind: "str | AbstractCovariance" = "observed", **row_fields
) -> Covariance:
    r"""The covariance matrix of a fit's estimates.

    Written `asx.covariance(fit, rows, kind)` or `asx.covariance(fit, x, y, kind)`.

    Arguments:
        fit: from `asx.fit`.
        x, y: the rows of the fit, or `asx.Rows` in place of both.
        kind: `"observed"`, `"expected"`, `"opg"`, `"HC0"` to `"HC5"`, or a covariance object, such
            as `asx.Cluster(firm)` and `asx.HAC()`.
        row_fields: `weights`, `weight_kind`, `offset`, `groups`, where `x` and `y` are arrays.

    Returns:
        A `Covariance`; its matrix is NaN, with the reason as its status, where it does not exist.

    Raises:
        InputError: other rows than those of the fit, forgotten weights, an unknown kind, a fit in
            single precision.
    """
    if isinstance(x, (Rows, StreamedRows)) and y is not None:
        kind, y = y, None
    rows = as_rows(x, y, **row_fields)
    chosen, rows = with_groups(covariance_kind(kind), rows)
    if not is_traced(rows if is_noted(fit) else (fit, rows)):
        _refuse_single(fit)
        with double():
            if chosen.reads_rows or not are_remembered(fit, rows):
                check_concrete_fingerprint(fit, rows)
            return estimate(fit, rows, chosen)
    found = estimate if chosen.reads_groups or chosen.refits else _program
    return in_scope(lambda f, r: found(f, r, chosen), _refuse_single(fit), fit, rows)


def with_rows(fit: Fit, rows: Rows, function):
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


def with_groups(kind: AbstractCovariance, rows: Any) -> tuple[AbstractCovariance, Any]:
    """The kind with its columns by label, and rows that carry exactly those as codes.

    Raises:
        InputError: the rows lack what the kind reads, or cannot serve it.
    """
    _refuse_stream(kind, rows)
    if kind.reads_groups:
        chosen = select_groups(rows.groups, kind.group_columns, rows.n)
        rows = _carrying(rows, chosen)
        kind = kind.with_columns(tuple(chosen))
    if not is_traced(rows):
        kind.check(rows)
    return kind, rows


def _refuse_stream(kind: AbstractCovariance, rows) -> None:
    if isinstance(rows, StreamedRows) and (kind.refits or not kind.streams):
        raise InputError(
            f"{kind.label} needs all rows at once, and a stream does not hold them; use 'HC1' or "
            "asx.Cluster(column), or read the columns into memory.",
            code="stream",
        )


def _carrying(rows, groups) -> Any:
    if isinstance(rows, StreamedRows):
        return rows.with_groups(groups)
    return eqx.tree_at(lambda r: r.groups, rows, groups, is_leaf=lambda v: v is None)


@eqx.filter_jit
def _program(fit: Fit, rows: Rows, kind: AbstractCovariance) -> Covariance:
    """One program, and one for its derivative, also where the caller compiles nothing."""
    return estimate(fit, rows, kind)


def estimate(fit: Fit, rows: Rows, kind: AbstractCovariance) -> Covariance:
    """The covariance of a fit on rows known to be its own, inside double precision."""
    if kind.refits:
        return kind.by_refits(fit, rows)
    fit = with_working_dispersion(fit)
    if kind.needs_meat and not is_traced((fit, rows)):
        fit = well_conditioned(fit, rows)
    passes = Passes(fit, rows)
    given = Ingredients(
        bread=_bread(passes, kind.bread),
        meat=kind.meat(passes) if kind.needs_meat else None,
        dispersion=fit.dispersion,
        n=fit.n,
        k=fit.active.sum().astype(fit.params.dtype),
        least_squares=is_least_squares(fit),
    )
    return finish(fit, kind.combine(given), kind, given)


def _bread(passes: Passes, bread: str):
    fit = passes.fit
    inverse = passes.inverse("observed" if bread == "none" else bread)
    known = bread != "expected" or passes.traced or np.isfinite(np.asarray(inverse)).all()
    if not known and bool(fit.converged):
        raise InputError(
            f"The family {fit.model.family.name} does not declare its expected information, "
            "or it is singular here; use the observed information.",
            code="covariance",
        )
    return inverse


def is_least_squares(fit: Fit) -> bool:
    """Whether the estimates are those of a linear regression."""
    return fit.model.family.is_least_squares


def finish(fit: Fit, working, kind: AbstractCovariance, given: Ingredients) -> Covariance:
    """To the original coordinates; withheld unless the fit converged and variances exist.

    A kind that may be indefinite keeps its numbers, with the status that says so.
    """
    xp = namespace(working, fit.active)
    whole = xp is np and fit.active.all()  # the usual case, in which masks change nothing
    both = True if whole else fit.active[:, None] & fit.active[None, :]
    inner = working if whole else xp.where(both, working, 0.0)
    transform = outward_matrix(fit)
    matrix = kind.repaired(transform @ inner @ transform.T)
    exists = xp.isfinite(inner).all()
    if kind.may_be_indefinite:
        sound = is_semidefinite(matrix)
    else:
        sound = exists = exists & (diagonal(inner) >= 0).all()
    converged = succeeded(fit.code)
    df, clusters = kind.small_sample(given)
    if whole and converged and exists and sound:
        return made(matrix, fit.code, kind, df, clusters)
    code = xp.where(converged & ~(exists & sound), CODE["indefinite"], fit.code)
    matrix = xp.where(both & converged & exists, matrix, xp.nan)
    return made(matrix, code.astype(np.int32), kind, df, clusters)


def is_semidefinite(matrix: Float[Array, "p p"]):
    """Whether no eigenvalue is negative beyond rounding, on the scale of the variances."""
    xp = namespace(matrix)
    variances = diagonal(matrix)
    scale = xp.sqrt(xp.where(variances > 0, variances, 1.0))
    unit = xp.where(xp.isfinite(matrix), matrix, 0.0) / scale[:, None] / scale[None, :]
    return (xp.linalg.eigvalsh(unit) > -ROUNDING).all()


ROUNDING = 1e-10
