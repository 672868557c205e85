"""Covariances of estimates: bread, meat and correction."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from
from asymptotix.covariances.contributions import information, score_contributions

if TYPE_CHECKING:
    from asymptotix.covariances.base import AbstractCovariance, Covariance, Ingredients
    from asymptotix.covariances.bootstrap import Bootstrap
    from asymptotix.covariances.cluster import Cluster
    from asymptotix.covariances.estimate import covariance
    from asymptotix.covariances.hac import HAC, DriscollKraay
    from asymptotix.covariances.influence import InfinitesimalJackknife
    from asymptotix.covariances.information import InverseInformation, OuterProduct
    from asymptotix.covariances.intervals import Resampled
    from asymptotix.covariances.jackknife import Jackknife
    from asymptotix.covariances.kinds import covariance_kind
    from asymptotix.covariances.many import fit_many
    from asymptotix.covariances.reference import reference_of
    from asymptotix.covariances.sandwich import Sandwich

__getattr__ = names_from(
    __name__,
    {
        "base": (
            "AbstractCovariance",
            "Covariance",
            "Ingredients",
        ),
        "bootstrap": ("Bootstrap",),
        "cluster": ("Cluster",),
        "estimate": ("covariance",),
        "hac": (
            "HAC",
            "DriscollKraay",
        ),
        "influence": ("InfinitesimalJackknife",),
        "information": (
            "InverseInformation",
            "OuterProduct",
        ),
        "intervals": ("Resampled",),
        "jackknife": ("Jackknife",),
        "kinds": ("covariance_kind",),
        "many": ("fit_many",),
        "reference": ("reference_of",),
        "sandwich": ("Sandwich",),
    },
)

__all__ = [
    "HAC",
    "AbstractCovariance",
    "Bootstrap",
    "Cluster",
    "Covariance",
    "DriscollKraay",
    "InfinitesimalJackknife",
    "Ingredients",
    "InverseInformation",
    "Jackknife",
    "OuterProduct",
    "Resampled",
    "Sandwich",
    "covariance",
    "covariance_kind",
    "fit_many",
    "information",
    "reference_of",
    "score_contributions",
]
