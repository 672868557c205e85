"""Distributions of one response given its predictor, one family a file."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from

if TYPE_CHECKING:
    from asymptotix.families.base import AbstractFamily
    from asymptotix.families.bernoulli import Bernoulli
    from asymptotix.families.beta import Beta
    from asymptotix.families.binomial import Binomial, Counts
    from asymptotix.families.gamma import Gamma
    from asymptotix.families.gaussian import Gaussian
    from asymptotix.families.inverse_gaussian import InverseGaussian
    from asymptotix.families.location_scale import LocationScale
    from asymptotix.families.multinomial import Multinomial
    from asymptotix.families.negative_binomial import NegativeBinomial
    from asymptotix.families.poisson import Poisson
    from asymptotix.families.quasi import QuasiBinomial, QuasiPoisson

__getattr__ = names_from(
    __name__,
    {
        "base": ("AbstractFamily",),
        "bernoulli": ("Bernoulli",),
        "beta": ("Beta",),
        "binomial": (
            "Binomial",
            "Counts",
        ),
        "gamma": ("Gamma",),
        "gaussian": ("Gaussian",),
        "inverse_gaussian": ("InverseGaussian",),
        "location_scale": ("LocationScale",),
        "multinomial": ("Multinomial",),
        "negative_binomial": ("NegativeBinomial",),
        "poisson": ("Poisson",),
        "quasi": (
            "QuasiBinomial",
            "QuasiPoisson",
        ),
    },
)

__all__ = [
    "AbstractFamily",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Counts",
    "Gamma",
    "Gaussian",
    "InverseGaussian",
    "LocationScale",
    "Multinomial",
    "NegativeBinomial",
    "Poisson",
    "QuasiBinomial",
    "QuasiPoisson",
]
