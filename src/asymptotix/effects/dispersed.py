r"""Effects that depend on a dispersion: it becomes a parameter, with the uncertainty that it has.

Means do not depend on the dispersion $\phi$ of a Gaussian or gamma family, but the probabilities
of events and quantiles do. Its estimate $\hat\phi = \sum_i w_i r_i^2 / (W - k)$, with $r_i$ the
Pearson residuals, has the influence function
$$ \psi_i = \frac{w_i r_i^2 - \overline{w r^2} + d^\top I^{-1} s_i}{W - k}, \qquad
d = \frac{\partial}{\partial\theta} \sum_i w_i r_i^2 , $$
from which its variance and its covariance with the other estimates follow. Where it is the
deviance over $W - k$, unit deviances stand for $r_i^2$, and their sum has no slope at the
estimate; where it is the maximum-likelihood estimate,
$$ \psi_i = w_i \dot\ell_i \Big/ \Big(-\sum_j w_j \ddot\ell_j\Big) $$
with the derivatives of a row's log-likelihood in $\phi$.
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
from asymptotix.data.blocks import map_blocks, row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.source import source
from asymptotix.effects.options import Options
from asymptotix.effects.problem import Problem
from asymptotix.effects.scale import Scale, chosen_scale
from asymptotix.families import AbstractFamily
from asymptotix.families.base import Dispersion
from asymptotix.fitting import Fit
from asymptotix.fitting.dispersions import dispersion_kind
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
    weights = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    counts = (weights > 0) * 1.0 if rows.weight_kind == "precision" else weights
    kind = dispersion_kind(fit)
    with double():
        where = source(rows)
        if kind == "ml":
            precise, phi = rows.weight_kind == "precision", np.asarray(fit.dispersion, float)
            first, second = where.rowwise(
                functools.partial(_derivatives, static, precise, arrays, phi)
            )
            moved = counts * first / -np.sum(counts * second)
        else:
            squares = where.rowwise(functools.partial(_squares, static, kind, arrays))
            slope = np.asarray(where.sum(functools.partial(_slope, static, kind, arrays)))
            total = weights * squares
            df = float(np.sum(total)) / float(fit.dispersion)
            moved = (total - counts * np.sum(total) / np.sum(counts) + own @ slope) / df
    return np.concatenate([own, moved[:, None]], axis=1)


@functools.partial(row_jit, static_argnums=(0, 1))
def _squares(static, kind: str, arrays, rows: Block):
    model = static.combine(arrays)
    return map_blocks(lambda b: _distances(model, kind, layout(model).flatten(model), b), rows)


@functools.partial(row_jit, static_argnums=(0, 1))
def _slope(static, kind: str, arrays, rows: Block):
    model = static.combine(arrays)
    theta = layout(model).flatten(model)

    def block(b: Block):
        return jax.grad(lambda t: jnp.sum(b.weight * _distances(model, kind, t, b)))(theta)

    return sum_blocks(block, rows)


def _distances(model: Regression, kind: str, theta, b: Block):
    """Squared Pearson residuals, or unit deviances."""
    fitted = layout(model).replace(model, theta)

    def one(x, y, offset):
        eta = with_offset(fitted.predictor(x), offset)
        return getattr(fitted.family, kind)(eta, y)

    return jax.vmap(one)(b.x, b.y, b.offset)


@functools.partial(row_jit, static_argnums=(0, 1))
def _derivatives(static, precise: bool, arrays, phi, rows: Block):
    r"""First and second derivative of each row's log-likelihood in $\phi$."""
    model = static.combine(arrays)

    def one(x, y, offset, weight):
        eta = with_offset(model.predictor(x), offset)
        divisor = jnp.where(weight > 0, weight, 1.0) if precise else 1.0

        def value(f):
            return model.family.with_dispersion(f / divisor).log_prob(eta, y)

        return jax.jvp(jax.grad(value), (phi,), (jnp.ones_like(phi),))

    return map_blocks(lambda b: jax.vmap(one)(b.x, b.y, b.offset, b.weight), rows)
