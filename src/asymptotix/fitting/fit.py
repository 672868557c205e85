"""What a fit is: a small pytree without data."""

from typing import Any

import equinox as eqx
import numpy as np

from asymptotix.core.module import Record
from asymptotix.core.status import CODES, succeeded
from asymptotix.core.typing import Array, Bool, Float, Int
from asymptotix.likelihood import Coordinates, Statistics
from asymptotix.model import Regression
from asymptotix.penalties import BoundPenalty


class Fit(Record):
    """An estimated model and how it was reached; made by `asx.fit`.

    Attributes:
        model: the model at the estimate (dispersion included), in float64.
        log_likelihood: with every constant, at the dispersion that conventions name.
        statistics: deviance and Pearson chi2 at unit dispersion.
        dispersion: 1, or Pearson chi2 over residual degrees of freedom for `moment` families.
        decrement: distance left to the optimum, in standard errors.
        curvature_ratio: curvature along the last step, new over old; about 1 at an optimum.
        steps: Newton steps taken.
        code: the status as an integer (one a replicate under `vmap`).
        n_rows, n, sum_weights: rows present, observations (the sum of frequency weights), and
            the sum of weights: the fingerprint of the rows together with `kernel`.
        kernel: the sum that was maximised.
        params, information, factor, coordinates, active: the solution in working coordinates.
        weight_kind: how the rows were weighted.
        penalty: what was added to the log-likelihood; its curvature is part of `information`,
            its value no part of `log_likelihood`.
        history: how a training went, of solvers that keep one.
    """

    model: Regression
    log_likelihood: Float[Array, ""]
    statistics: Statistics
    dispersion: Float[Array, ""]
    decrement: Float[Array, ""]
    curvature_ratio: Float[Array, ""]
    steps: Int[Array, ""]
    code: Int[Array, ""]
    n_rows: Float[Array, ""]
    n: Float[Array, ""]
    sum_weights: Float[Array, ""]
    kernel: Float[Array, ""]
    params: Float[Array, "p"]
    information: Float[Array, "p p"]
    factor: Float[Array, "p p"]
    coordinates: tuple[Coordinates, ...] | None
    active: Bool[Array, "p"]
    weight_kind: Any = eqx.field(static=True)
    penalty: BoundPenalty | None = None
    history: Any = None

    @property
    def converged(self) -> Bool[Array, ""] | np.bool_:
        """Whether the maximum was found."""
        return succeeded(self.code)

    @property
    def status(self):
        """How the fit ended: an item of an enumeration that extends optimistix's `RESULTS`."""
        from asymptotix.core.enumeration import promote

        return promote(self.code)

    @property
    def status_name(self) -> str:
        """The status of a single, concrete fit as a word."""
        return CODES[int(np.asarray(self.code))]
