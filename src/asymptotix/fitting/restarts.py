"""Fits from several starting points, of models whose likelihood has several maxima."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import row_jit
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import bucket, cores, in_threads, pad_rows
from asymptotix.fitting import host, traced
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.newton import Newton
from asymptotix.fitting.objective import value_and_score
from asymptotix.fitting.penalised import bind
from asymptotix.fitting.quasi import Quasi
from asymptotix.fitting.solver import AbstractSolver, History
from asymptotix.model import Regression, layout
from asymptotix.penalties import BoundPenalty

SAMPLE_ROWS = 2048
"""Rows of the sample on which starting points are tried first."""


class Restarts(NamedTuple):
    """How fits from several starting points ended.

    Attributes:
        values: the penalised log-likelihood at which each arrived; minus the loss of the rows
            kept apart where training was stopped early.
        best: which one was kept.
    """

    values: Float[np.ndarray, "r"]
    best: int

    @property
    def spread(self) -> float:
        """From the best value to the median: large where starting points decide."""
        return float(self.values[self.best] - np.median(self.values))


class Arrived(AbstractSolver):
    """A route that is at its end: what remains is Newton's method, or its judgement."""

    history: Any
    polish: bool = eqx.field(static=True)
    early: bool = eqx.field(static=True)
    last: Newton = Newton()

    @property
    def stops_early(self) -> bool:
        """As the route was."""
        return self.early

    @property
    def newton(self) -> Newton:
        """The `Newton` that polishes and judges."""
        return self.last

    def approach(self, model, rows, setup):
        del model, rows
        return setup.start, self.history


def fit_restarts(
    model: Regression,
    rows: Rows,
    starts: Float[Array, "r p"],
    solver: AbstractSolver,
    penalty=None,
) -> tuple[Fit, Restarts]:
    """The best of several fits, chosen before its last steps by Newton's method.

    Arguments:
        model: gives the structure; a predictor that is not linear.
        rows: NumPy arrays.
        starts: the flat parameters that each fit starts from.
        solver: the route from each.
        penalty: added to the log-likelihood.
    """
    with double():
        block, starts = padded(rows), np.asarray(starts, float)
        if rows.n > 2 * SAMPLE_ROWS and isinstance(solver, Quasi):
            sample = padded(_sample(rows))
            part = float(np.sum(sample.weight) / np.sum(block.weight))
            rough, _, _ = _arrivals(model, solver, sample, penalty, part, starts)
            values = _values(model, block, penalty, rough)
            leading = np.argsort(-_finite(values))[: max(2, len(starts) // 4)]
            params, values[leading], history = _arrivals(
                model, solver, block, penalty, 1.0, rough[leading]
            )
        else:
            leading = np.arange(len(starts))
            params, values, history = _arrivals(model, solver, block, penalty, 1.0, starts)
    best = int(np.argmax(_finite(values[leading])))
    chosen = layout(model).replace(model, params[best])
    one: History | None = jax.tree.map(lambda a: a[best], history)
    end = Arrived(history=one, polish=solver.polish, early=solver.stops_early, last=solver.newton)
    return host.fit(chosen, rows, end, penalty=penalty), Restarts(values, int(leading[best]))


def _finite(values):
    return np.where(np.isfinite(values), values, -np.inf)


def _sample(rows: Rows) -> Rows:
    """Evenly spaced rows, enough to tell good starting points from bad ones."""
    step = -(-rows.n // SAMPLE_ROWS)
    return jax.tree.map(lambda a: np.asarray(a)[::step], rows)


def _arrivals(model: Regression, solver, block: Block, penalty, part: float, starts):
    """Where the route arrives from each start, the value there, and its history."""
    arrays, static = split(model)

    def run(chunk):
        return jax.device_get(_arrive(static, solver, arrays, block, penalty, part, chunk))

    parts = in_threads(run, np.array_split(starts, min(len(starts), cores())))
    return jax.tree.map(lambda *p: np.concatenate(p), *parts)


def _values(model: Regression, block: Block, penalty, points) -> np.ndarray:
    arrays, static = split(model)
    return np.array(_values_at(static, arrays, block, penalty, points))


@functools.partial(row_jit, static_argnums=0)
def _values_at(static, arrays, block: Block, penalty, points):
    model = static.combine(arrays)
    bound = bind(penalty, model, None, None)
    return lax.map(lambda p: value_and_score(model, None, bound, block, p)[0], points)


def padded(rows: Rows) -> Block:
    """All rows as one block of a standard size, those added with weight zero."""
    size = bucket(rows.n)
    weight = np.ones(rows.n) if rows.weights is None else np.asarray(rows.weights, float)
    offset = np.zeros(rows.n) if rows.offset is None else np.asarray(rows.offset, float)
    x, y, offset = jax.tree.map(lambda a: pad_rows(np.asarray(a), size), (rows.x, rows.y, offset))
    return Block(x, y, np.pad(weight, (0, size - rows.n)), offset)


class PartOfPenalty(eqx.Module):
    """A penalty scaled to the share of the rows that a sample holds."""

    whole: BoundPenalty
    part: Any

    def __call__(self, theta):
        """That share of the log-density."""
        return self.part * self.whole(theta)


@functools.partial(jax.jit, static_argnums=0)
def _arrive(static, solver: AbstractSolver, arrays, block: Block, penalty, part, starts):
    """Where the route arrives from each start, and how good that is."""
    model = static.combine(arrays)
    where = layout(model)

    def one(start):
        begin = where.replace(model, start)
        setup = traced.prepare(begin, block, None, jnp.zeros(()), penalty=penalty)
        if setup.penalty is not None:
            setup = setup._replace(penalty=PartOfPenalty(setup.penalty, part))
        params, history = solver.approach(begin, block, setup)
        value, _ = value_and_score(model, None, setup.penalty, block, params)
        if solver.stops_early and history is not None:
            value = -history.validation[history.kept]
        return params, value, history

    return lax.map(one, starts)
