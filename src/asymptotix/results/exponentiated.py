r"""Exponentiated coefficients: odds ratios, rate ratios and their like."""

import dataclasses
from typing import Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.inference import WaldTable

RATIOS = {"logit": "odds ratio", "log": "ratio of means", "cloglog": "hazard ratio"}
"""What $e^\\beta$ is, by link."""
MULTINOMIAL = "relative-risk ratio"


def exponentiated(res: Any, table: WaldTable) -> WaldTable:
    r"""$e^{\hat\beta}$ with limits carried over and errors $e^{\hat\beta}\,\mathrm{se}$ (delta).

    Tests stay those of $\beta = 0$, which is a ratio of 1. The family's own parameters, which are
    no coefficients, stay as they are.

    Arguments:
        res: a `Results`.
        table: its estimates and limits.

    Raises:
        InputError: $e^\beta$ is no ratio of anything under this link.
    """
    ratio_name(res)
    mean = np.arange(len(res.names)) < res.n_coefficients

    def carried(values):
        return np.where(mean, np.exp(np.where(mean, values, 0.0)), values)

    estimates = carried(table.estimates)
    errors = table.standard_errors * np.where(mean, estimates, 1.0)
    lower, upper = carried(table.lower), carried(table.upper)
    return dataclasses.replace(
        table, estimates=estimates, standard_errors=errors, lower=lower, upper=upper
    )


def ratio_name(res: Any) -> str:
    r"""What $e^\beta$ is called."""
    family = res.model.family
    link = getattr(getattr(family, "link", None), "name", None)
    if link is None and family.response_kind == "categorical":
        return MULTINOMIAL
    if link not in RATIOS:
        raise InputError(
            f"exp(coefficient) is a ratio under the links {', '.join(RATIOS)}, and the model "
            f"'{res.title}' has {'the link ' + link if link else 'none of them'}; leave "
            "exponentiate out, or use avg_comparisons(comparison='ratio').",
            code="link",
        )
    return RATIOS[link]
