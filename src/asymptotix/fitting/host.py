"""Fits of concrete arrays: one compiled program for small data, slabs and all cores for large."""

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import CollinearWarning, InputError
from asymptotix.core.lazy import LazyModule
from asymptotix.core.linalg import share_unexplained
from asymptotix.core.precision import double
from asymptotix.core.status import CODE
from asymptotix.data.checks import check_rows
from asymptotix.data.rows import Rows
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.data.streamed import StreamedRows, exemplar, slabs_of
from asymptotix.fitting import newton, small
from asymptotix.fitting.corrected import check_reduction, reduces_bias
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.intercepts import check_intercept, with_corrected_intercept
from asymptotix.fitting.rank import Omitted, collinear_columns, combinations, written
from asymptotix.fitting.refinement import refined
from asymptotix.fitting.seen import remember_arrays
from asymptotix.fitting.solver import AbstractSolver
from asymptotix.likelihood import declares_expected
from asymptotix.model import Regression
from asymptotix.penalties import AbstractPenalty
from asymptotix.predictors import Linear

if TYPE_CHECKING:
    from asymptotix import penalties, predictors
    from asymptotix.fitting import large, separated
else:
    penalties = LazyModule("asymptotix.penalties")
    predictors = LazyModule("asymptotix.predictors")
    large = LazyModule("asymptotix.fitting.large")
    separated = LazyModule("asymptotix.fitting.separated")


def fit(
    model: Regression,
    rows: Rows,
    solver: AbstractSolver,
    names=None,
    checked: bool = False,
    collinear: str = "drop",
    collinear_tol: float | None = None,
    penalty: AbstractPenalty | None = None,
    told: list[Omitted] | None = None,
    among: int | None = None,
) -> Fit:
    """`asx.fit` on NumPy or JAX arrays.

    Arguments:
        model, rows, solver, penalty: as there.
        names: names of the columns, for messages.
        checked: whether the caller has checked the rows already.
        collinear: `"drop"` columns that repeat others, or `"raise"`.
        collinear_tol: smallest share of a column that must be its own, if not the usual one.
        told: a list that takes what each omitted column equals.
        among: how many of the first columns take part, if not all; the others are zeros, and
            their program serves any number of columns.
    """
    sums = None
    if not checked:
        if isinstance(rows, Rows):
            sums = check_rows(rows, names)
        predictor = model.predictor  # a bound method of Equinox is a module, and takes its time
        type(predictor).check_input(predictor, exemplar(rows).x)
    with double():
        model = _in_double(model)
        plan = small.plan(model, small.x_outline(exemplar(rows).x))
        columns = plan.columns
        active = None if columns is None else tuple(np.arange(k) < (among or k) for k in columns)
        check_reduction(penalty, model, columns)
        check_intercept(penalty, model, rows)
        if penalty is None:
            _check_size(rows, columns)
        if not checked:
            _judge(model, rows)
        if isinstance(rows, StreamedRows):
            _refuse_routes(solver, penalty)
        is_small = isinstance(rows, Rows) and rows.n <= SLAB_ROWS
        run = partial(small.solve, given=plan) if is_small else large.solve
        quick = None
        if is_small and penalty is None:
            quick = small.sound_fit(plan, model, rows, solver, active)
        found = quick or run(model, rows, solver, active, qr=False, penalty=penalty)
        if isinstance(rows, Rows) and not is_small:
            remember_arrays(found, rows, sums)
        if active is None or (penalty is not None and not reduces_bias(penalty)):
            return found
        tolerance = newton.RANK_TOLERANCE if collinear_tol is None else collinear_tol
        strict = tolerance > newton.ILL_CONDITIONED  # where no trouble would show by itself
        if penalty is None and not strict and _is_sound(found, quick is not None):
            return refined(found, rows) if is_small else found
        lost = penalty is not None and int(found.code) == CODE["not_finite"]
        if lost or strict or _suspicious(found):
            active, omitted = _without_collinear(rows, model, found, active, names, tolerance)
            if omitted:
                _say_collinear(omitted, collinear, tolerance)
            if told is not None:
                told[:] = omitted
            found = run(model, rows, solver, active, qr=True, penalty=penalty)
            if penalty is None and not omitted:
                found = _off_the_flat(found, model, solver, lambda s: run(
                    model, rows, s, active, qr=True
                ))  # fmt: skip
        if _is_lost(found, penalty):  # an adjusted score has no hill to climb; its neighbour does
            near = run(model, rows, solver, active, qr=True, penalty=penalties.Jeffreys())
            found = run(near.model, rows, solver, active, qr=True, penalty=penalty)
        if penalty is not None and penalty.intercept_correction:
            return with_corrected_intercept(found, rows) if bool(found.converged) else found
        if isinstance(rows, StreamedRows):
            return found
        if is_small and penalty is None:
            found = refined(found, rows)
        return separated.diagnosed(found, model, rows)


def _off_the_flat(found: Fit, model: Regression, solver: AbstractSolver, again) -> Fit:
    """A fit whose information is singular though its columns are independent, by another curvature.

    The observed information of counts of zero under an identity link is zero wherever one starts;
    the expected one leads to their mean, which is on the boundary.
    """
    if int(found.code) != CODE["rank_deficient"]:
        return found
    declared = declares_expected(model)
    if declared and isinstance(solver, newton.Newton) and solver.curvature == "observed":
        other = again(newton.Newton("expected", solver.tolerance, solver.max_steps))
        found = other if float(other.kernel) >= float(found.kernel) else found
    if int(found.code) != CODE["rank_deficient"]:
        return found
    edge = np.asarray(CODE["boundary" if declared else "indefinite"], np.int32)
    return eqx.tree_at(lambda f: f.code, found, edge)


def _is_lost(found: Fit, penalty: AbstractPenalty | None) -> bool:
    """Whether a search for the zero of an adjusted score ended on the way."""
    if penalty is None or penalty.intercept_correction or penalty.has_objective:
        return False
    return reduces_bias(penalty) and int(found.code) in (CODE["stalled"], CODE["max_steps"])


def _refuse_routes(solver: AbstractSolver, penalty: AbstractPenalty | None) -> None:
    """Raise `InputError` for what takes more than sums over rows that are not held together."""
    corrects = penalty is not None and penalty.intercept_correction
    if corrects or not isinstance(solver, newton.Newton):
        raise InputError(
            "Rows that are streamed or lie on several devices are fitted by Newton's method, one "
            "pass a step, without correction of the intercept; leave solver= out and take another "
            "penalty, or read them into memory.",
            code="stream",
        )


def _judge(model: Regression, rows: Rows | StreamedRows) -> None:
    """Raise `InputError` for responses that the family does not have."""
    if isinstance(rows, StreamedRows):
        rows.judge(lambda y: model.family.check_response(y, "y"))
    else:
        family = model.family
        y = rows.y if type(rows.y) is np.ndarray else jax.tree.map(np.asarray, rows.y)
        type(family).check_response(family, y, "y")


def _in_double(model: Regression) -> Regression:
    """The model with NumPy leaves, floats in float64."""
    leaves, treedef = jax.tree.flatten(model)
    if all(isinstance(v, np.ndarray) and v.dtype == np.float64 for v in leaves):
        return model
    return jax.tree.unflatten(treedef, [_as_double(leaf) for leaf in leaves])


def _as_double(leaf):
    if not eqx.is_array_like(leaf):
        return leaf
    array = np.asarray(leaf)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _check_size(rows: Rows, columns) -> None:
    if columns is None:
        return
    if isinstance(rows, StreamedRows):
        present = rows.present_rows
    else:
        weights = rows.weights
        present = rows.n if weights is None else int(np.count_nonzero(np.asarray(weights)))
    columns = sum(columns)
    if columns > present:
        raise InputError(
            f"There are {columns} columns for {present} rows, so the coefficients cannot be told "
            "apart; use fewer columns, more rows, or a penalty.",
            code="more_columns_than_rows",
        )


def _is_sound(found: Fit, well_conditioned: bool) -> bool:
    """Whether a fit has converged on columns so well conditioned that nothing need be looked at."""
    converged = int(found.code) == CODE["converged"]
    return converged and (well_conditioned or not _suspicious(found))


def _suspicious(found: Fit) -> bool:
    """Whether an information may be singular, or was too ill-conditioned for Cholesky."""
    if int(found.code) == CODE["not_finite"]:
        return False
    share = share_unexplained(np.asarray(found.factor))
    return not share.min() >= newton.ILL_CONDITIONED  # so too where it is NaN


def _without_collinear(rows: Rows, model: Regression, found: Fit, active, names, tolerance: float):
    """The active columns less those that repeat earlier ones, and what the latter equal."""
    remaining, omitted, first = [], [], 0
    for j, (c, a) in enumerate(zip(found.coordinates or (), active, strict=True)):
        dropped, near = collinear_columns(
            _design_slabs(rows, model, j),
            np.asarray(c.center),
            np.asarray(c.inverse_scale),
            tolerance,
        )
        if near:
            listed = ", ".join(_column(first + c, names) for c in near)
            warnings.warn(
                f"These columns are nearly combinations of earlier ones, so that their estimates "
                f"are imprecise: {listed}.",
                CollinearWarning,
                stacklevel=5,
            )
        remaining.append(a & ~np.isin(np.arange(a.size), dropped))
        if dropped:
            told = [_column(first + i, names).strip("'") for i in range(a.size)]
            equal = combinations(_design_slabs(rows, model, j), c, dropped)
            omitted.extend(
                Omitted(told[i], i, equal[i], f"'{told[i]}' = {written(equal[i], told)}")
                for i in dropped
            )
        first += a.size
    return tuple(remaining), omitted


def _design_slabs(rows: Rows | StreamedRows, model: Regression, j: int):
    if isinstance(rows, StreamedRows):
        for slab, weight in slabs_of(rows).each(
            lambda s: (model.predictor.designs(s.x)[j], s.weight)  # pyright: ignore[reportOptionalSubscript]
        ):
            yield slab[weight > 0]
        return
    for first in range(0, rows.n, SLAB_ROWS):
        part = slice(first, first + SLAB_ROWS)
        x = jax.tree.map(lambda a, s=part: jnp.asarray(a[s], np.float64), rows.x)
        design = np.asarray(model.predictor.designs(x)[j])  # pyright: ignore[reportOptionalSubscript]
        yield design if rows.weights is None else design[np.asarray(rows.weights[part]) > 0]


def _column(position: int, names) -> str:
    return f"'{names[position]}'" if names else f"x[:, {position}]"


def _say_collinear(omitted, collinear: str, tolerance: float) -> None:
    columns = ", ".join(one.text for one in omitted)
    exactly = "exactly" if tolerance <= newton.RANK_TOLERANCE else f"but for {tolerance:g}"
    if collinear == "raise":
        raise InputError(
            f"Earlier columns explain these {exactly}: {columns}; leave them out of the model.",
            code="collinear",
            column=", ".join(f"'{one.name}'" for one in omitted),
        )
    warnings.warn(
        f"Omitted because earlier columns explain them {exactly}: {columns}.",
        CollinearWarning,
        stacklevel=5,
    )


def _constant_predictor(model: Regression, rows: Rows):
    """Linear in one column of ones, for as many components as the model's eta has."""
    columns = small.design_columns(model, small.x_outline(rows.x))
    if columns is not None and len(columns) == 1 and not model.predictor.has_vector_eta():
        return Linear(1)  # without half a millisecond of tracing
    one = jax.tree.map(lambda a: np.asarray(a[0], np.float64), rows.x)
    eta = jax.eval_shape(model.predictor, one)
    if eta.ndim == 0:
        return Linear(1)
    names = getattr(model.predictor, "names", None) or map(str, range(eta.shape[0]))
    return predictors.LinearVector(dict.fromkeys(names, 1), shared=True)


def fit_constant(model: Regression, rows: Rows | StreamedRows, full: Fit) -> Fit:
    """The model with an intercept only on the same rows, for the null log-likelihood.

    Small data keep the width of the full design, all but one column switched off, and so use the
    program that is compiled already.
    """
    options = newton.Newton()
    with double():
        narrow_model = Regression(_constant_predictor(model, exemplar(rows)), model.family)
        if isinstance(rows, StreamedRows):
            if rows.distinct is None:
                constant: Any = rows.with_constant()
                return fit(narrow_model, constant, options, checked=True)
            rows = rows.distinct
        ones = np.ones((rows.n, 1))
        if (
            rows.n > SLAB_ROWS
            or full.coordinates is None
            or len(full.coordinates) != 1
            or model.predictor.has_vector_eta()
        ):
            constant = eqx.tree_at(lambda r: r.x, rows, ones)
            return fit(narrow_model, constant, options, checked=True)
        k = full.coordinates[0].center.shape[0]
        wide = np.zeros((rows.n, k))
        wide[:, 0] = 1.0
        constant = eqx.tree_at(lambda r: r.x, rows, wide)
        active = (np.arange(k) == 0,)
        return small.solve(model, constant, options, active, qr=False)
