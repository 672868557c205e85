"""Heteroskedasticity-robust covariances."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from asymptotix.covariances.base import AbstractCovariance, Ingredients
from asymptotix.covariances.conventions import bread_or_default, chosen, convention_named

LEVERAGE_ONE = 1e-9
"""A row within this of leverage one is fitted exactly, and its correction is 0/0."""


def _room(leverage):
    """One less the leverage, NaN where nothing is left but rounding."""
    return jnp.where(leverage < 1 - LEVERAGE_ONE, 1 - leverage, jnp.nan)


def hc2(leverage, n, k, largest):
    """The factor of HC2 for rows of these leverages."""
    del n, k, largest
    return 1 / _room(leverage)


def hc3(leverage, n, k, largest):
    """The factor of HC3 for rows of these leverages."""
    del n, k, largest
    return 1 / _room(leverage) ** 2


def hc4(leverage, n, k, largest):
    """The factor of HC4 for rows of these leverages."""
    del largest
    return _room(leverage) ** -jnp.minimum(4.0, n * leverage / k)


def hc5(leverage, n, k, largest):
    """The factor of HC5 for rows of these leverages."""
    most = jnp.maximum(4.0, 0.7 * n * largest / k)
    return _room(leverage) ** (-jnp.minimum(n * leverage / k, most) / 2)


RULES = {"HC0": None, "HC1": None, "HC2": hc2, "HC3": hc3, "HC4": hc4, "HC5": hc5}


class Sandwich(AbstractCovariance):
    r"""$I^{-1} \left(\sum_i \omega_i s_i s_i^\top\right) I^{-1}$.

    Valid where the mean is right and the variance is not (Huber 1967, White 1980). With leverages
    $h_i$ (from expected weights where the family declares them) and $\delta_i = n h_i/k$, the
    corrections $\omega_i$ are 1 (HC0), $n/(n-k)$ (HC1), $(1-h_i)^{-1}$ (HC2), $(1-h_i)^{-2}$
    (HC3; MacKinnon and White 1985), $(1-h_i)^{-\min(4, \delta_i)}$ (HC4; Cribari-Neto 2004) and
    $(1-h_i)^{-\min(\delta_i, \max(4, 0.7 n h_{max}/k))/2}$ (HC5; Cribari-Neto, Souza and
    Vasconcellos 2007). A row of leverage one leaves HC2 to HC5 undefined, and they are withheld.

    Arguments:
        correction: `"HC0"` to `"HC5"`.
        bread: `"observed"`, or `"expected"` as R's sandwich package has it; by default the
            convention's.
        convention: `"asymptotix"`, `"statsmodels"`, `"stata"`, `"stata-ml"`, `"sandwich"`,
            `"fixest"`: whose HC1, bread and reference distribution.

    Raises:
        InputError: an unknown name.
    """

    label: str = eqx.field(static=True)
    bread: str = eqx.field(static=True)
    convention: str = eqx.field(static=True)
    needs_meat: ClassVar[bool] = True
    robust: ClassVar[bool] = True

    def __init__(
        self,
        correction: str = "HC1",
        bread: str | None = None,
        convention: str = "asymptotix",
    ):
        self.label = chosen(correction, "Sandwich correction", tuple(RULES))
        self.bread = bread_or_default(bread, convention_named(convention))
        self.convention = convention

    def meat(self, passes: Any):
        rule = RULES[self.label]
        if rule is None:
            return passes.outer_products()
        largest = passes.leverages().max() if rule is hc5 else 0.0
        fit = passes.fit
        return passes.inflated_outer_products(rule, (fit.n, fit.active.sum(), largest))

    def combine(self, given: Ingredients):
        matrix = given.bread @ given.meat @ given.bread
        if self.label != "HC1":
            return matrix
        lost = given.k if convention_named(self.convention).lost == "k" else 1.0
        return matrix * (given.n / (given.n - lost))

    @property
    def absent(self) -> str:
        if RULES[self.label] is None:
            return super().absent
        return (
            "a row has leverage one (it alone has a column, such as the dummy of a level that "
            f"occurs once), is fitted exactly, and leaves {self.label} undefined; use 'HC1', or "
            "leave that row and its column out"
        )

    def prefers_normal(self, moment: bool) -> bool:
        return convention_named(self.convention).single_reference == "normal"

    def describe(self) -> dict[str, str]:
        stated = {**super().describe(), "robust convention": self.convention}
        if self.label == "HC1":
            lost = convention_named(self.convention).lost
            stated["small-sample factor"] = f"n / (n - {lost})"
        return stated
