"""`asx.resample`: the replicates behind a bootstrap, with all that intervals need."""

from typing import Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.covariances.bootstrap import Bootstrap
from asymptotix.covariances.estimate import covariance, with_groups, with_rows
from asymptotix.covariances.influence import influence_values
from asymptotix.covariances.intervals import Resampled
from asymptotix.covariances.refits import estimates, outcome
from asymptotix.data.groups import grouping
from asymptotix.data.rows import Rows
from asymptotix.fitting import Fit
from asymptotix.fitting.api import as_rows


def resample(fit: Fit, x, y=None, kind: Bootstrap | None = None, **row_fields) -> Resampled:
    """Bootstrap replicates of a fit's estimates, for intervals and plots.

    Written `asx.resample(fit, rows, kind)` or `asx.resample(fit, x, y, kind)`.

    Arguments:
        fit: from `asx.fit`.
        x, y: the rows of the fit, or `asx.Rows` in place of both.
        kind: an `asx.Bootstrap`.
        row_fields: as in `asx.covariance`.

    Returns:
        A `Resampled`, with `conf_int(...)`.

    Raises:
        InputError: as `asx.covariance` says.
    """
    if isinstance(x, Rows) and y is not None:
        kind, y = y, None
    if not isinstance(kind, Bootstrap):
        raise InputError(
            f"{kind!r} is no asx.Bootstrap; replicates are drawn by one.", code="covariance"
        )
    chosen: Any
    chosen, rows = with_groups(kind, as_rows(x, y, **row_fields))
    return with_rows(fit, rows, lambda f, r: _resampled(f, r, chosen))


def _resampled(fit: Fit, rows: Rows, kind: Bootstrap) -> Resampled:
    found = kind.resample(fit, rows)
    good = np.isfinite(found.params).any(axis=1)
    errors = None
    if found.errors is not None:
        own = "observed" if kind.scheme == "parametric" else "HC1"
        errors = np.asarray(covariance(fit, rows, own).standard_errors)
    influence, times = _influence(fit, rows, kind)
    return Resampled(
        estimate=estimates(fit),
        replicates=found.params[good],
        statuses=outcome(found.codes),
        influence=influence,
        times=times,
        standard_errors=errors,
        replicate_errors=None if found.errors is None else found.errors[good],
    )


def _influence(fit: Fit, rows: Rows, kind: Bootstrap):
    """Influence values of what is drawn (rows or clusters), and how often each counts."""
    with double():
        values = np.asarray(influence_values(fit, rows))
    present = rows.present
    if kind.reads_groups:
        units = grouping(np.asarray(rows.groups[kind.groups[0]]), present, apart=False)
        totals = np.zeros((units.size, values.shape[1]))
        np.add.at(totals, units.tags[present], values[present])
        return totals, np.ones(units.size)
    times = np.ones(rows.n)
    if rows.weight_kind == "frequency":
        times = np.asarray(rows.weights, float)
    return values[present] / times[present][:, None], times[present]
