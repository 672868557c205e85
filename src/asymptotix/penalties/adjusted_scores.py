r"""Bias reduction by adjusted scores, which need not be the gradient of anything.

Of a row count $h$, the expected information in $\eta$; $d = \partial\mu/\partial\eta$ and
$d' = \partial d/\partial\eta$; the variance $v$ and $\dot v = \partial v/\partial\eta$. The
adjusted scores are solved by Newton's method with their exact slopes.
"""

from typing import ClassVar

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


class MeanBR(AbstractBiasReduction):
    r"""$s + \tfrac12\sum_i w_i h_i q_i \frac{d_i'}{d_i} x_i = 0$: mean bias of order $n^{-2}$.

    Firth (1993), in the form of Kosmidis and Firth (2009); R's brglm2 calls it `AS_mean`. With
    canonical links it is `Jeffreys`.
    """

    label: str = eqx.field(static=True, default="mean bias reduction")
    has_objective: ClassVar[bool] = False

    def block(self, family: AbstractFamily, rows: RowTerms):
        return _mean_sums(family, rows)

    def correct(self, given: Sample, sums) -> Corrected:
        return Corrected.of_score(*_mean_score(given, sums), given)


class MixedBR(AbstractBiasReduction):
    """Mean bias reduction of coefficients, median bias reduction of a dispersion.

    R's brglm2 calls it `AS_mixed`. Families of fixed dispersion, the only ones here, have no
    second part (Kosmidis, Kenne Pagui and Sartori 2020).
    """

    label: str = eqx.field(static=True, default="mixed bias reduction")
    has_objective: ClassVar[bool] = False

    def block(self, family: AbstractFamily, rows: RowTerms):
        return _mean_sums(family, rows)

    def correct(self, given: Sample, sums) -> Corrected:
        return Corrected.of_score(*_mean_score(given, sums), given)


class MedianBR(AbstractBiasReduction):
    r"""Estimates that are too large as often as too small, each coefficient by itself.

    To the score of `MeanBR` comes $I u$ with
    $u_j = \sum_i w_i k_i (x_i^\top m_j)^3 / m_{jj}$ and
    $k = h\left(\frac{\dot v}{6 v} - \frac{d'}{2 d}\right)$, where $m_j$ is a column of $I^{-1}$ in
    the original coefficients (Kenne Pagui, Salvan and Sartori 2017); R's brglm2 calls it
    `AS_median`.
    """

    label: str = eqx.field(static=True, default="median bias reduction")
    has_objective: ClassVar[bool] = False

    def block(self, family: AbstractFamily, rows: RowTerms):
        k, k_slope = with_slopes(lambda e, y: _skewness(family, e, y), rows.eta, rows.y)
        along = rows.x @ rows.inverse @ rows.outward.T
        squares = rows.x.T @ (along**2 * rows.weighted(k)[:, None])
        moved = rows.x.T @ (along**3 * rows.weighted(k_slope)[:, None])
        return _mean_sums(family, rows), squares, moved

    def correct(self, given: Sample, sums) -> Corrected:
        mean, squares, moved = sums
        score, slope = _mean_score(given, mean)
        columns = given.inverse @ given.outward.T
        own = diagonal(given.outward @ columns)
        size = jnp.where(own > 0, own, 1.0)
        shift = jnp.sum(columns * squares, axis=0) / size
        third = mean[3]

        def shifted(direction):
            """How the shift moves with the coefficients along a direction."""
            bent = -given.inverse @ jnp.einsum("abl,l->ab", third, direction) @ columns
            inner = 3 * jnp.sum(bent * squares, axis=0) - shift * diagonal(given.outward @ bent)
            return (inner + direction @ moved) / size

        moves = jax.vmap(shifted, out_axes=1)(jnp.eye(len(size), dtype=size.dtype))
        inside = given.inward(shift)
        slope = slope - jnp.einsum("abl,b->al", third, inside)
        slope = slope - given.information @ jax.vmap(given.inward, 1, 1)(moves)
        return Corrected.of_score(score + given.information @ inside, slope, given)


def _mean_sums(family: AbstractFamily, rows: RowTerms):
    r"""Four sums, with $c = h d'/d$.

    $\sum w c q x$; minus the score's slope at fixed $I^{-1}$; $\sum w c\,xxx$; $\sum w h' xxx$.
    """
    c, c_slope = with_slopes(lambda e, y: _curvature(family, e, y), rows.eta, rows.y)
    _, h_slope = with_slopes(family.expected_information, rows.eta, rows.y)
    c, q, x = rows.weighted(c), rows.spread, rows.x
    bent = rows.weighted(observed_weight(family, rows) - c_slope * q / 2)
    return (c * q) @ x, outer(x, bent), triple(x, c), triple(x, rows.weighted(h_slope))


def _mean_score(given: Sample, sums):
    """The adjusted score and minus its slope."""
    bias, bent, bends, third = sums
    turned = jnp.einsum("ab,bcl,cd->adl", given.inverse, third, given.inverse)
    return given.score + bias / 2, bent + jnp.einsum("abc,bcl->al", bends, turned) / 2


def _curvature(family: AbstractFamily, eta, y):
    r"""$h d'/d$; 0 where a row carries no information."""

    def d(e):
        return jax.jvp(family.mean, (e,), (jnp.ones_like(e),))[1]

    first, second = jax.jvp(d, (eta,), (jnp.ones_like(eta),))
    return _ratio(family.expected_information(eta, y), second, first)


def _skewness(family: AbstractFamily, eta, y):
    r"""$h(\dot v/6v - d'/2d)$."""
    v, v_slope = jax.jvp(family.variance, (eta,), (jnp.ones_like(eta),))
    h = family.expected_information(eta, y)
    return _ratio(h, v_slope, v) / 6 - _curvature(family, eta, y) / 2


def _ratio(h, top, bottom):
    alive = (h > 0) & (bottom != 0)
    return jnp.where(alive, h * top / jnp.where(alive, bottom, 1.0), 0.0)
