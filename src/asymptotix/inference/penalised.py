"""Penalised likelihoods at any parameter values, for profiles of fits that have a penalty."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.linalg import inverse_from_factor, triangular_factor
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import row_jit, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.fitting import Fit
from asymptotix.fitting.corrected import corrected, correction_block, reduces_bias
from asymptotix.fitting.penalised import penalised
from asymptotix.inference.passes import Evaluations, Evaluator
from asymptotix.likelihood import Sums


class PenalisedEvaluator:
    """The penalised log-likelihood, its score and curvature at any working parameters.

    Arguments:
        fit: with a penalty that is a prior, or a bias reduction that has an objective.
        rows: the rows of the fit.
    """

    def __init__(self, fit: Fit, rows: Rows):
        self.fit, self.penalty = fit, fit.penalty
        self.reduces = reduces_bias(fit.penalty)
        self.plain = Evaluator(fit, rows, expected=self.reduces)

    def __call__(self, params: Float[Array, "l p"]) -> Evaluations:
        """Passes over the rows for all parameter values: one, or two for a bias reduction."""
        at: Any = self.plain(params)
        fit = self.fit
        if not self.reduces:
            sums = _with_prior(Sums(*at[:3]), self.penalty, fit.coordinates, params)
            value, score, information = map(np.asarray, sums)
            return Evaluations(value, score, information, None)
        parts = self._corrections(params, np.asarray(at.expected))
        lanes = range(len(params))
        found = [
            _corrected(
                self.penalty,
                Sums(at.value[i], at.score[i], at.expected[i]),
                fit.coordinates,
                fit.active,
                jax.tree.map(lambda v, i=i: v[i], parts),
            )
            for i in lanes
        ]
        value, score, information = (np.stack([np.asarray(f[j]) for f in found]) for j in range(3))
        return Evaluations(value, score, information, None)

    def _corrections(self, params, information):
        """What the correction sums over rows at each value, for the fit's own parameters."""
        plain, keep = self.plain, self.plain.keep
        wide, inverses = np.zeros((len(params), plain.size)), []
        wide[:, keep] = params
        for each in information:
            inverse = np.zeros((plain.size, plain.size))
            factor = triangular_factor(each, np.asarray(self.fit.active))
            inverse[keep[:, None], keep] = inverse_from_factor(factor)
            inverses.append(inverse)
        found = plain.source.sum(
            lambda b: _many_corrections(
                plain.static, self.penalty, plain.arrays, plain.coordinates, wide,
                np.stack(inverses), b,
            )
        )  # fmt: skip

        def narrowed(leaf):
            leaf = np.asarray(leaf)
            return leaf[np.ix_(np.arange(len(params)), *[keep] * (leaf.ndim - 1))]

        return jax.tree.map(narrowed, found)


@functools.partial(row_jit, static_argnums=0)
def _many_corrections(static, penalty, arrays, coordinates, params, inverses, rows: Block):
    model = static.combine(arrays)

    def one(theta, inverse, block: Block):
        return correction_block(penalty, model, coordinates, theta, inverse, block)

    return sum_blocks(lambda b: jax.vmap(one, in_axes=(0, 0, None))(params, inverses, b), rows)


@jax.jit
def _corrected(penalty, sums: Sums, coordinates, active, part):
    return corrected(penalty, sums, coordinates, jnp.asarray(active), lambda _: part)


@jax.jit
def _with_prior(sums: Sums, penalty, coordinates, params):
    return jax.vmap(lambda s, p: penalised(s, penalty, coordinates, p))(sums, params)
