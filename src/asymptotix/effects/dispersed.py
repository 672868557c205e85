r"""Effects that depend on a dispersion: it becomes a parameter, with the uncertainty that it has.

Means do not depend on the dispersion $\phi$ of a Gaussian or gamma family, but the probabilities
of events and quantiles do. Its estimate $\hat\phi = \sum_i w_i r_i^2 / (W - k)$, with $r_i$ the
Pearson residuals, has the influence function
$$ \psi_i = \frac{w_i r_i^2 - \overline{w r^2} + d^\top I^{-1} s_i}{W - k}, \qquad
d = \frac{\partial}{\partial\theta} \sum_i w_i r_i^2 , $$
from which its variance and its covariance with the other estimates follow.
"""

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import as_number, parameter
from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.core.typing import Eta, Key, Response, Scalar
from asymptotix.covariances.fingerprint import with_working_dispersion
from asymptotix.covariances.influence import influence_values
from asymptotix.data.blocks import map_blocks, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.source import source
from asymptotix.effects.options import Options
from asymptotix.effects.problem import Problem
from asymptotix.effects.scale import Scale, chosen_scale
from asymptotix.families import AbstractFamily
from asymptotix.families.base import Dispersion
from asymptotix.fitting import Fit
from asymptotix.model import Regression, layout
from asymptotix.predictors import with_offset


class Dispersed(AbstractFamily):
    r"""A family whose dispersion $\phi$ is one of its parameters.

    Arguments:
        inner: the family, of which `with_dispersion` is asked.
        phi: the dispersion.
    """

    inner: AbstractFamily
    phi: Any = parameter(converter=as_number)

    name: ClassVar[str] = "family with its dispersion"
    dispersion_rule: ClassVar[Dispersion] = "estimated"

    @property
    def _whole(self) -> AbstractFamily:
        return self.inner.with_dispersion(self.phi)

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        return self._whole.log_prob(eta, y)

    def mean(self, eta: Eta) -> Scalar:
        return self._whole.mean(eta)

    def variance(self, eta: Eta) -> Scalar:
        return self._whole.variance(eta)

    def log_tails(self, eta: Eta, y: Response) -> tuple[Scalar, Scalar]:
        return self._whole.log_tails(eta, y)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        return self._whole.sample(eta, key=key)


def on_scale(problem: Problem, options: Options) -> tuple[Problem, Scale]:
    """The scale that is asked for, and the problem with all that matters on it."""
    family = problem.model.family
    scale = chosen_scale(options.type, options.value, family, options.q, problem.levels)
    if scale.labels:
        problem = dataclasses.replace(problem, components=lambda _: list(scale.labels))
    if scale.is_distributional and family.dispersion_rule == "moment":
        problem = _with_dispersion(problem)
    return problem, scale


def has_dispersion(model: Regression) -> bool:
    """Whether a model has its dispersion as its last parameter."""
    return isinstance(model.family, Dispersed)


def _with_dispersion(problem: Problem) -> Problem:
    model, fit = problem.model, problem.fit
    family = Dispersed(model.family, np.asarray(fit.dispersion, float))
    p = len(problem.matrix)
    matrix = np.full((p + 1, p + 1), np.nan)
    matrix[:p, :p] = problem.matrix
    if problem.read_stretches is None:  # a stream is not read again for it
        shared, own = _covariance(problem)
        matrix[:p, p] = matrix[p, :p] = shared
        matrix[p, p] = own
    return dataclasses.replace(problem, model=Regression(model.predictor, family), matrix=matrix)


def _covariance(problem: Problem) -> tuple[np.ndarray, float]:
    """Of the dispersion with the parameters, and with itself; NaN where there are no rows."""
    if problem.source is None:
        return np.full(len(problem.matrix), np.nan), np.nan
    rows, _ = problem.evaluate()
    both = joint_influence(problem.fit, rows)
    clusters = _clusters(problem, rows)
    if clusters is not None:
        sums = np.zeros((int(clusters.max()) + 1, both.shape[1]))
        np.add.at(sums, clusters, both)
        both = sums
    elif rows.weight_kind == "frequency":  # w rows, each with the w-th part of its influence
        both = both / np.sqrt(np.where(rows.present, np.asarray(rows.weights, float), 1.0))[:, None]
    products = both.T @ both[:, -1]
    return products[:-1], float(products[-1])


def _clusters(problem: Problem, rows: Rows) -> np.ndarray | None:
    try:
        return problem.clusters(rows)
    except InputError as error:
        raise InputError(
            "The error of a dispersion, which events and quantiles of this family depend on, is "
            "known for independent rows and for one grouping; pass vcov='HC1' or another such.",
            code="option",
        ) from error


def joint_influence(fit: Fit, rows: Rows) -> np.ndarray:
    """What each row moves the parameters and, in the last column, the dispersion by."""
    own = influence_values(fit, rows)
    arrays, static = split(with_working_dispersion(fit).model)
    with double():
        where = source(rows)
        squares = where.rowwise(functools.partial(_squares, static, arrays))
        slope = np.asarray(where.sum(functools.partial(_slope, static, arrays)))
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    counts = (weights > 0) * 1.0 if rows.weight_kind == "precision" else weights
    total = weights * squares
    df = float(np.sum(total)) / float(fit.dispersion)
    moved = total - counts * np.sum(total) / np.sum(counts) + own @ slope
    return np.concatenate([own, (moved / df)[:, None]], axis=1)


@functools.partial(jax.jit, static_argnums=0)
def _squares(static, arrays, rows: Block):
    model = static.combine(arrays)
    return map_blocks(lambda b: _pearson(model, layout(model).flatten(model), b), rows)


@functools.partial(jax.jit, static_argnums=0)
def _slope(static, arrays, rows: Block):
    model = static.combine(arrays)
    theta = layout(model).flatten(model)

    def block(b: Block):
        return jax.grad(lambda t: jnp.sum(b.weight * _pearson(model, t, b)))(theta)

    return sum_blocks(block, rows)


def _pearson(model: Regression, theta, b: Block):
    fitted = layout(model).replace(model, theta)

    def one(x, y, offset):
        return fitted.family.pearson(with_offset(fitted.predictor(x), offset), y)

    return jax.vmap(one)(b.x, b.y, b.offset)
