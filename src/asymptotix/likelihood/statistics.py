"""Statistics of a fitted model that are sums over rows: log-likelihood, deviance, Pearson chi2."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block
from asymptotix.families import AbstractFamily
from asymptotix.likelihood.generic import weighted
from asymptotix.model import Regression
from asymptotix.predictors import with_offset


class Statistics(NamedTuple):
    r"""Sums over rows at the estimate, at unit dispersion where that is a moment estimate.

    Attributes:
        deviance: $2\sum w_i (\ell_i^{sat} - \ell_i)$; NaN where the family declares no
            saturated model.
        log_likelihood: $\sum w_i \ell_i$ with every constant.
        pearson: $\sum w_i (y_i - \mu_i)^2 / V(\mu_i)$.
    """

    deviance: Float[Array, ""]
    log_likelihood: Float[Array, ""]
    pearson: Float[Array, ""]


def statistics(model: Regression, rows: Block) -> Statistics:
    """Deviance, log-likelihood and Pearson chi2 of a model, by one pass."""
    return sum_blocks(lambda b: block_statistics(model, b), rows)


def block_statistics(model: Regression, rows: Block) -> Statistics:
    """The statistics of one block."""
    predicted = jax.vmap(lambda x, offset: with_offset(model.predictor(x), offset))
    return statistics_at(model.family, predicted(rows.x, rows.offset), rows)


def statistics_at(family, eta, rows: Block) -> Statistics:
    """The statistics of one block whose predictor is known."""
    unit = family.with_dispersion(jnp.ones((), rows.weight.dtype))

    def one(eta, y):
        value = unit.log_prob(eta, y)
        if type(unit).deviance is AbstractFamily.deviance:  # a third less to trace and compile
            deviance = 2 * (unit.saturated(y) - value)
        else:
            deviance = unit.deviance(eta, y)
        return deviance, value, unit.pearson(eta, y)

    # Side by side, not as one array of three columns: XLA vectorises only the former.
    sums = [jnp.sum(weighted(rows.weight, each)) for each in jax.vmap(one)(eta, rows.y)]
    return Statistics(*sums)


def dispersed_log_likelihood(
    model: Regression, rows: Block, dispersion, *, precision_weights: bool
):
    r"""$\sum_i \log f(y_i)$ at a given dispersion, for families where that is a moment estimate.

    Arguments:
        dispersion: $\phi$.
        precision_weights: whether a weight divides its row's dispersion ($\phi / w_i$, as in
            R) in place of multiplying its log-likelihood.
    """
    divides = precision_weights

    def one(x, y, offset, weight):
        safe = jnp.where(weight > 0, weight, 1.0)
        family = model.family.with_dispersion(dispersion / safe if divides else dispersion)
        return family.log_prob(with_offset(model.predictor(x), offset), y)

    def block(b: Block):
        values = jax.vmap(one)(b.x, b.y, b.offset, b.weight)
        present = (b.weight > 0).astype(b.weight.dtype)
        return jnp.sum(weighted(present if divides else b.weight, values))

    return sum_blocks(block, rows)
