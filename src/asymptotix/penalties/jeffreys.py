"""Jeffreys' prior: half the log-determinant of the expected information."""

import equinox as eqx
import jax
import jax.numpy as jnp

from asymptotix.core.linalg import diagonal
from asymptotix.families import AbstractFamily
from asymptotix.penalties.reduction import (
    AbstractBiasReduction,
    Corrected,
    RowTerms,
    Sample,
    observed_weight,
    outer,
    triple,
    with_slopes,
)


class Jeffreys(AbstractBiasReduction):
    r"""$\tfrac12 \log\det I(\beta)$ with the expected information.

    Estimates are finite also for separated data. For canonical links (logit, Poisson's log) this
    is Firth's reduction of the bias (Firth 1993); for others `MeanBR` is. R's brglm2 calls it
    `MPL_Jeffreys`.
    """

    label: str = eqx.field(static=True, default="Jeffreys' prior")

    def block(self, family: AbstractFamily, rows: RowTerms):
        r"""$\sum w h' q x$, $\sum w(-\ddot\ell - h'' q/2)\, x x^\top$, $\sum w h' x\,x\,x$."""
        first, second = with_slopes(lambda e, y: _slope(family, e, y), rows.eta, rows.y)
        bent = rows.weighted(observed_weight(family, rows) - second * rows.spread / 2)
        first = rows.weighted(first)
        return (first * rows.spread) @ rows.x, outer(rows.x, bent), triple(rows.x, first)

    def correct(self, given: Sample, sums) -> Corrected:
        gradient, bent, third = sums
        turned = jnp.einsum("ab,bcj->acj", given.inverse, third)
        crossed = jnp.einsum("acj,cal->jl", turned, turned)
        value = given.value + jnp.sum(jnp.log(jnp.abs(diagonal(given.factor))))
        return Corrected(value, given.score + gradient / 2, bent + crossed / 2)


def _slope(family: AbstractFamily, eta, y):
    return jax.jvp(lambda e: family.expected_information(e, y), (eta,), (jnp.ones_like(eta),))[1]
