"""The distribution of an estimate over its standard error."""

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.reference import CoefficientT, Normal, Reference, StudentT
from asymptotix.covariances.base import Covariance
from asymptotix.fitting.fit import Fit


def reference_of(fit: Fit, covariance: Covariance, given: str | None = None) -> Reference:
    """Normal or t, as asked for, as the covariance has it, or as the family declares.

    Arguments:
        fit: the fit.
        covariance: with its degrees of freedom, where it has its own.
        given: `"normal"`, `"t"` (with the covariance's degrees of freedom, else n - k) or `None`.

    Raises:
        InputError: another name.
    """
    if given not in (None, "normal", "t"):
        raise InputError(f"reference={given!r} must be 'normal' or 't'.", code="option")
    moment = fit.model.family.dispersion_rule == "moment"
    own = covariance.df is not None
    if given is None and covariance.kind.prefers_normal(moment):
        given = "normal"
    if given == "normal" or (given is None and not own and not moment):
        return Normal()
    if not own:
        return StudentT(float(fit.n) - int(np.sum(np.asarray(fit.active))))
    df = np.asarray(covariance.df, float)
    return StudentT(float(df)) if df.ndim == 0 else CoefficientT(tuple(df.tolist()))
