"""Inference: from estimates and covariances to tests and intervals."""

from typing import TYPE_CHECKING

from asymptotix.core.lazy import names_from

if TYPE_CHECKING:
    from asymptotix.inference.delta import Delta, delta_method
    from asymptotix.inference.likelihood_ratio import Anova, anova, lr_test
    from asymptotix.inference.multiplicity import adjust_p
    from asymptotix.inference.record import HypothesisTest
    from asymptotix.inference.score import score_test
    from asymptotix.inference.specification import (
        goodness_of_fit,
        hosmer_lemeshow,
        information_matrix_test,
        link_test,
        overdispersion_test,
        reset_test,
    )
    from asymptotix.inference.wald import WaldTable, wald_table
    from asymptotix.inference.wild import BootstrapTest, wild_bootstrap_test

__getattr__ = names_from(
    __name__,
    {
        "delta": (
            "Delta",
            "delta_method",
        ),
        "likelihood_ratio": (
            "Anova",
            "anova",
            "lr_test",
        ),
        "multiplicity": ("adjust_p",),
        "record": ("HypothesisTest",),
        "score": ("score_test",),
        "specification": (
            "goodness_of_fit",
            "hosmer_lemeshow",
            "information_matrix_test",
            "link_test",
            "overdispersion_test",
            "reset_test",
        ),
        "wald": (
            "WaldTable",
            "wald_table",
        ),
        "wild": (
            "BootstrapTest",
            "wild_bootstrap_test",
        ),
    },
)

__all__ = [
    "Anova",
    "BootstrapTest",
    "Delta",
    "HypothesisTest",
    "WaldTable",
    "adjust_p",
    "anova",
    "delta_method",
    "goodness_of_fit",
    "hosmer_lemeshow",
    "information_matrix_test",
    "link_test",
    "lr_test",
    "overdispersion_test",
    "reset_test",
    "score_test",
    "wald_table",
    "wild_bootstrap_test",
]
