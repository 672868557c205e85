"""What a family says at some predictors, by which `asx.check_family` judges it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.families.base import AbstractFamily
from asymptotix.model.family_support import points
from asymptotix.model.layout import layout


class Row(NamedTuple):
    """What a family says of one response; arrays with a leading axis for many.

    Derivatives are in the predictor and the family's own parameters, one vector; the kernel's
    and those named `unit` at a dispersion of 1.
    """

    log_prob: Any
    score: Any
    hessian: Any
    kernel_score: Any
    kernel_hessian: Any
    unit_score: Any
    response: Any
    information: Any


class At(NamedTuple):
    """Everything at one predictor: responses, their probabilities, and what belongs to them."""

    eta: Any
    y: Any
    probability: Any
    row: Row
    mean: Any
    variance: Any

    def average(self, values):
        """The expectation of values, one a response along the first axis."""
        p = self.probability.reshape(self.probability.shape + (1,) * (np.ndim(values) - 1))
        return np.sum(np.where(p > 0, p * np.where(p > 0, values, 0.0), 0.0), axis=0)


def row(family: AbstractFamily, eta, y) -> Row:
    """A family's word on one response."""
    where = layout(family)
    unit = family.with_dispersion(jnp.ones(()))
    z = jnp.concatenate([jnp.ravel(eta), jnp.asarray(where.flatten(family), eta.dtype)])

    def of(method, origin):
        def value(z):
            candidate = where.replace(origin, z[eta.size :])
            return getattr(candidate, method)(z[: eta.size].reshape(eta.shape), y)

        return value

    def derivatives(value):
        return jax.grad(value)(z), jax.hessian(value)(z)

    density, kernel, unit_density = of("log_prob", family), of("kernel", unit), of("log_prob", unit)
    score, hessian = derivatives(density)
    own_kernel = type(family).kernel is not AbstractFamily.kernel
    kernel_score, kernel_hessian = derivatives(kernel) if own_kernel else (score, hessian)
    moment = family.dispersion_rule == "moment"
    return Row(
        density(z),
        score,
        hessian,
        kernel_score,
        kernel_hessian,
        jax.grad(unit_density)(z) if moment else score,
        response_of(family, eta, y),
        unit.expected_information(eta, y),
    )


def response_of(family, eta, y):
    """The response as `mean` is of it: indicators of levels where that is a vector."""
    mean = jax.eval_shape(family.mean, eta)
    return family.response_mean(y) if mean.shape == () else jnp.arange(mean.shape[0]) == y


def evaluated(family, density, rows, eta, support, sample) -> At:
    """Everything at one predictor.

    Arguments:
        density, rows: `log_prob` and `row` of the family, compiled for many responses.
        support: as in `points`.
        sample: draws at the predictor, or `None`.

    Raises:
        InputError: the density is NaN everywhere.
    """
    y, weight = points(support, sample, lambda y: density(eta, y))
    if np.isnan(density(eta, y)).all():
        raise InputError(
            f"Family {family.name} has no density (its log_prob is NaN), so there is nothing "
            "that its methods could be checked against.",
            code="no_distribution",
        )
    found = Row(*map(np.asarray, rows(eta, y)))
    one = jax.tree.map(lambda v: v[0], y)
    return At(
        eta,
        y,
        weight * np.exp(found.log_prob),
        found,
        np.asarray(family.mean(eta)),
        np.asarray(variance_of(family, eta, one)),
    )


def variance_of(family, eta, y):
    """The variance of what `mean` is the mean of; `y` lends its trials."""
    vector = jnp.ndim(family.mean(eta)) > 0
    return family.variance(eta) if vector else family.response_variance(eta, y)
