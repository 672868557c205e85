"""Firth's logistic regression with an intercept whose predictions are right on average.

Firth's penalty pulls probabilities towards one half. Both corrections are by Puhr, Heinze, Nold,
Lusa and Geroldinger (2017).
"""

from typing import ClassVar

import equinox as eqx

from asymptotix.families import AbstractFamily
from asymptotix.penalties.jeffreys import Jeffreys
from asymptotix.penalties.reduction import AbstractBiasReduction, Corrected, RowTerms, Sample


class FLIC(AbstractBiasReduction):
    """Slopes of `Jeffreys`, then the intercept of maximum likelihood given these slopes.

    The mean of the fitted probabilities is then the share of events.
    """

    label: str = eqx.field(static=True, default="Firth's penalty, intercept corrected (FLIC)")
    has_objective: ClassVar[bool] = False
    intercept_correction: ClassVar[str] = "FLIC"

    def block(self, family: AbstractFamily, rows: RowTerms):
        return Jeffreys().block(family, rows)

    def correct(self, given: Sample, sums) -> Corrected:
        return Jeffreys().correct(given, sums)


class FLAC(AbstractBiasReduction):
    r"""`Jeffreys` as data augmentation, with the added rows told apart by a covariate.

    Firth's estimate is that of maximum likelihood on the rows and two copies of each, of weight
    $h_i/2$ ($h_i$ the leverage), with the outcome as it is and the other way round. An indicator
    of the copies takes up what they would do to the intercept.
    """

    label: str = eqx.field(static=True, default="Firth's penalty by augmentation (FLAC)")
    has_objective: ClassVar[bool] = False
    intercept_correction: ClassVar[str] = "FLAC"

    def block(self, family: AbstractFamily, rows: RowTerms):
        return Jeffreys().block(family, rows)

    def correct(self, given: Sample, sums) -> Corrected:
        return Jeffreys().correct(given, sums)
