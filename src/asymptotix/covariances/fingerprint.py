"""Whether rows are those of a fit: their number, weights and log-likelihood tell."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double, is_traced
from asymptotix.core.static import split
from asymptotix.data.blocks import row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS, bucket, over_slabs, pad_rows
from asymptotix.data.source import source
from asymptotix.data.streamed import StreamedRows
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.seen import are_unchanged, is_remembered
from asymptotix.likelihood import row_log_likelihoods, weighted
from asymptotix.model import layout

FINGERPRINT_TOLERANCE = 1e-9


def check_fingerprint(fit: Fit, rows: Rows) -> None:
    """Raise unless these are the rows of the fit: their number, weights, and log-likelihood."""
    if not is_traced((fit, rows)):
        check_concrete_fingerprint(fit, rows)


def check_concrete_fingerprint(fit: Fit, rows: Rows) -> None:
    """The same of a fit and rows that belong to no transformation."""
    if isinstance(rows, Rows) and (is_remembered(fit, rows) or are_unchanged(fit, rows)):
        return
    present, total = _counted(rows)
    if rows.weight_kind != fit.weight_kind:
        raise InputError(
            f"The fit used weight_kind={fit.weight_kind!r} but these rows have "
            f"weight_kind={rows.weight_kind!r}; pass the weights of the fit.",
            code="other_rows",
            column="weights",
        )
    same = present == int(fit.n_rows) and np.isclose(total, float(fit.sum_weights), rtol=1e-12)
    if same:
        value = float(_kernel(with_working_dispersion(fit), rows))
        same = np.isclose(value, float(fit.kernel), rtol=FINGERPRINT_TOLERANCE, atol=1e-9)
    if not same:
        raise InputError(
            f"These are not the rows of the fit: it saw {int(fit.n_rows)} rows with total weight "
            f"{float(fit.sum_weights):g} and another log-likelihood at the estimate than these "
            f"{present} rows give; pass the same rows, weights and offset.",
            code="other_rows",
        )


def _counted(rows) -> tuple[int, float]:
    """Rows present, and the sum of weights."""
    if isinstance(rows, StreamedRows):
        return rows.present_rows, rows.total
    if rows.weights is None:
        return rows.n, float(rows.n)
    weights = np.asarray(rows.weights, float)
    return int(np.count_nonzero(weights)), float(weights.sum())


def with_working_dispersion(fit: Fit) -> Fit:
    """The fit with its family at unit dispersion, at which sums over rows are taken."""
    if fit.model.family.dispersion_rule != "moment":
        return fit
    unit = fit.model.family.with_dispersion(np.ones((), fit.params.dtype))
    return eqx.tree_at(lambda f: f.model.family, fit, unit)


@functools.partial(row_jit, static_argnums=0)
def _block_kernel(static, arrays, rows: Block):
    model = static.combine(arrays)
    return sum_blocks(lambda b: jnp.sum(row_log_likelihoods(model, b)), rows)


def _kernel(fit: Fit, rows: Rows):
    """The sum that was maximised, without scores or information."""
    single = fit.coordinates is not None and len(fit.coordinates) == 1
    if single and isinstance(rows, Rows) and not fit.model.predictor.has_vector_eta():
        return _kernel_of_predictor(fit, rows)
    arrays, static = split(fit.model)
    return source(rows, keep=False).sum(functools.partial(_block_kernel, static, arrays))


def _kernel_of_predictor(fit: Fit, rows: Rows):
    """The same for one linear predictor, by a program that does not depend on its columns.

    The columns are read where they lie, on all cores; nothing of their size is copied.
    """
    model = fit.model
    design = np.asarray(model.predictor.designs(rows.x)[0])  # pyright: ignore[reportOptionalSubscript]
    theta = np.asarray(layout(model).flatten(model))[: design.shape[1]]
    arrays, static = split(model.family)
    size = min(bucket(rows.n), SLAB_ROWS)

    def part(index: slice):
        x = design[index]
        eta = np.einsum("nk,k->n", x, theta)  # BLAS would wake its threads, which hinder ours
        if rows.offset is not None:
            eta = eta + np.asarray(rows.offset)[index]
        weight = np.zeros(size)
        weight[: len(x)] = 1.0 if rows.weights is None else np.asarray(rows.weights)[index]
        y = jax.tree.map(lambda a: pad_rows(np.asarray(a)[index], size), rows.y)
        with double():
            return float(_family_kernel(static, arrays, pad_rows(eta, size), y, weight))

    return sum(over_slabs(part, rows.n))


@functools.partial(jax.jit, static_argnums=0)
def _family_kernel(static, arrays, eta, y, weight):
    values = jax.vmap(static.combine(arrays).kernel)(eta, y)
    return jnp.sum(weighted(weight, values))
