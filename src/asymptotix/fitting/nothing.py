"""What a linear regression without an intercept is compared with."""

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np

from asymptotix.core.errors import CollinearWarning
from asymptotix.core.lazy import LazyModule
from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.data.rows import Rows
from asymptotix.data.source import source
from asymptotix.data.streamed import StreamedRows
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.host import fit
from asymptotix.fitting.newton import Newton
from asymptotix.model import Regression, layout

if TYPE_CHECKING:
    from asymptotix.fitting import large
else:
    large = LazyModule("asymptotix.fitting.large")

EXPLAINED = 1e-12
"""Share of a constant's sum of squares that may be left by columns that span it."""


def has_constant(model: Regression, rows: Rows | StreamedRows, names) -> bool:
    """Whether a combination of columns is constant: an intercept, or all levels of a factor.

    Of a stream only an intercept is looked for.
    """
    if any(name.split(": ")[-1] == "Intercept" for name in names):
        return True
    if isinstance(rows, StreamedRows):
        return False
    ones: Any = eqx.tree_at(
        lambda r: (r.y, r.offset), rows, (np.ones(rows.n), None), is_leaf=lambda v: v is None
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollinearWarning)
        found = fit(model, ones, Newton(), checked=True)
    return float(found.statistics.deviance) < EXPLAINED * float(found.sum_weights)


def deviance_of_nothing(fit: Fit, rows: Rows | StreamedRows) -> float:
    """The deviance with all coefficients zero."""
    where = layout(fit.model.predictor)
    zero = where.replace(fit.model.predictor, np.zeros(where.size))
    arrays, static = split(Regression(zero, fit.model.family))
    with double():
        stats = source(rows, keep=False).sum(partial(large.slab_statistics, static, arrays))
    return float(jax.device_get(stats.deviance))
