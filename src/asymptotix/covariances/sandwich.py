"""Heteroskedasticity-robust covariances."""

from typing import ClassVar

import equinox as eqx

from asymptotix.core.errors import InputError, close_matches
from asymptotix.covariances.base import AbstractCovariance, Ingredients

CORRECTIONS = ("HC0", "HC1")


class Sandwich(AbstractCovariance):
    r"""$I^{-1} \left(\sum_i s_i s_i^\top\right) I^{-1}$, times $n/(n-k)$ for HC1.

    Valid where the mean is right and the variance is not (Huber 1967, White 1980); HC1 is the
    correction of MacKinnon and White (1985).

    Arguments:
        correction: `"HC0"` or `"HC1"`.
        bread: `"observed"`, or `"expected"` as R's sandwich package has it.
    """

    label: str = eqx.field(static=True)
    bread: str = eqx.field(static=True)
    needs_meat: ClassVar[bool] = True
    robust: ClassVar[bool] = True

    def __init__(self, correction: str = "HC1", bread: str = "observed"):
        if correction not in CORRECTIONS:
            raise InputError(
                f"Sandwich correction {correction!r} is not known; use one of {CORRECTIONS}."
                f"{close_matches(correction, CORRECTIONS)}",
                code="covariance",
            )
        self.label, self.bread = correction, bread

    def combine(self, given: Ingredients):
        matrix = given.bread @ given.meat @ given.bread
        return matrix * (given.n / (given.n - given.k)) if self.label == "HC1" else matrix
