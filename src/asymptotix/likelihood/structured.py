r"""Sums over one block where the predictor is linear in its parameters.

Per row, the log-likelihood is differentiated in $z = (\eta, \psi)$ only: the predictor's few
components and the family's own parameters $\psi$. With designs $D_j$ (a column of ones for each
$\psi$), gradient $g_i$ and curvature $H_i$ in $z$,
$$ s_j = D_j^\top g_{\cdot j}, \qquad I_{jl} = D_j^\top \mathrm{diag}(H_{\cdot jl}) D_l . $$
"""

import jax
import jax.numpy as jnp

from asymptotix.core.gram import plain_gram, weighted_gram
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import fold_blocks
from asymptotix.data.rows import Block
from asymptotix.likelihood.coordinates import Coordinates
from asymptotix.likelihood.generic import weighted
from asymptotix.likelihood.statistics import statistics_at
from asymptotix.model import Regression, layout


def is_structured(model: Regression, x) -> bool:
    """Whether the model's predictor is linear in its parameters."""
    return jax.eval_shape(model.predictor.designs, x) is not None


def split_theta(designs, theta):
    """The coefficients of each design, and the family's parameters after them."""
    parts, start = [], 0
    for design in designs:
        parts.append(theta[start : start + design.shape[1]])
        start += design.shape[1]
    return parts, theta[start:]


def predictor_values(model: Regression, designs, parts, offset):
    r"""$\eta$ of each row: shape `(n,)`, or `(n, m)` for a vector predictor."""
    columns = [design @ part for design, part in zip(designs, parts, strict=True)]
    if _is_scalar(model, designs):
        return columns[0] + offset
    columns[0] = columns[0] + offset
    return jnp.stack(columns, axis=-1)


def _is_scalar(model: Regression, designs) -> bool:
    return len(designs) == 1 and not model.predictor.has_vector_eta()


def block_sums(
    model: Regression,
    coordinates: tuple[Coordinates, ...],
    curvature: str,
    theta: Float[Array, "p"],
    block: Block,
):
    """`(value, score, information)` of one block in working coordinates."""
    designs, eta, psi = block_predictor(model, coordinates, theta, block)
    return sums_at(model, curvature, designs, eta, psi, block)


def block_sums_and_statistics(
    model: Regression,
    coordinates: tuple[Coordinates, ...],
    curvature: str,
    theta: Float[Array, "p"],
    block: Block,
):
    """The sums of one block, and the statistics of a model with these parameters."""
    designs, eta, psi = block_predictor(model, coordinates, theta, block)
    family = layout(model.family).replace(model.family, psi)
    sums = sums_at(model, curvature, designs, eta, psi, block, weighted_gram)
    return sums, statistics_at(family, eta, block)


def block_predictor(model: Regression, coordinates, theta, block: Block):
    r"""A block's standardised designs, its $\eta$, and the family's own parameters."""
    designs = standardised_designs(model, coordinates, block.x)
    parts, psi = split_theta(designs, theta)
    return designs, predictor_values(model, designs, parts, block.offset), psi


def sums_at(model: Regression, curvature: str, designs, eta, psi, block: Block, gram=plain_gram):
    """`(value, score, information)` of one block whose predictor is known; by which product."""
    if eta.ndim == 1 and psi.shape == (0,):
        return _scalar_sums(model.family, curvature, designs[0], eta, block, gram)
    return _vector_sums(model.family, curvature, designs, eta, psi, block)


def block_gradient(model: Regression, coordinates, theta, block: Block):
    """`(value, score)` of one block in working coordinates, without second derivatives."""
    designs, eta, psi = block_predictor(model, coordinates, theta, block)
    where = layout(model.family)

    def total(e, p):
        family = where.replace(model.family, p)
        return jnp.sum(weighted(block.weight, jax.vmap(family.kernel)(e, block.y)))

    value, (slope, psi_score) = jax.value_and_grad(total, argnums=(0, 1))(eta, psi)
    slope = slope.reshape(eta.shape[0], -1)
    return value, jnp.concatenate([*(slope[:, j] @ d for j, d in enumerate(designs)), psi_score])


def standardised_designs(model, coordinates, x):
    """The predictor's designs as the solver sees them."""
    designs = model.predictor.designs(x)
    return tuple(c.standardise(d) for c, d in zip(coordinates, designs, strict=True))


def scalar_derivatives(family, curvature: str, eta, y):
    r"""$(\ell_i, \partial\ell_i/\partial\eta, h_i)$ of each row, $h$ the chosen curvature."""

    def one(e, yi):
        def slope(v):
            return jax.value_and_grad(family.kernel)(v, yi)

        if curvature == "observed":
            (value, first), (_, second) = jax.jvp(slope, (e,), (jnp.ones_like(e),))
            return value, first, -second
        return *slope(e), family.expected_information(e, yi)

    return jax.vmap(one)(eta, y)


def _scalar_sums(family, curvature, design, eta, block: Block, gram):
    value, first, second = (
        weighted(block.weight, v) for v in scalar_derivatives(family, curvature, eta, block.y)
    )
    return jnp.sum(value), first @ design, gram(design, second)


def vector_derivatives(family, curvature: str, eta, psi, y):
    r"""Value, gradient and curvature of each row in $z = (\eta, \psi)$."""
    family_layout = layout(family)
    shape, size = eta.shape[1:], eta[0].size

    def one(e, yi):
        def kernel(z):
            candidate = family_layout.replace(family, z[size:])
            return candidate.kernel(z[:size].reshape(shape), yi)

        def slope(z):
            value, first = jax.value_and_grad(kernel)(z)
            return first, (value, first)

        z = jnp.concatenate([jnp.ravel(e), psi])
        if curvature == "observed":  # all in one, which compiles in three quarters of the time
            second, (value, first) = jax.jacfwd(slope, has_aux=True)(z)
            return value, first, -second
        _, (value, first) = slope(z)
        candidate = family_layout.replace(family, psi)
        second = jnp.full((z.size, z.size), jnp.nan if psi.size else 0.0)
        inner = candidate.expected_information(e, yi).reshape(size, size)
        return value, first, second.at[:size, :size].set(inner)

    return jax.vmap(one)(eta, y)


def _vector_sums(family, curvature, designs, eta, psi, block: Block):
    value, first, second = (
        weighted(block.weight, v) for v in vector_derivatives(family, curvature, eta, psi, block.y)
    )
    ones = jnp.ones((eta.shape[0], 1), eta.dtype)
    wide = (*designs, *([ones] * psi.size))
    score = jnp.concatenate([first[:, j] @ d for j, d in enumerate(wide)])
    information = jnp.block(
        [
            [(left * second[:, j, m][:, None]).T @ right for m, right in enumerate(wide)]
            for j, left in enumerate(wide)
        ]
    )
    return jnp.sum(value), score, information


def row_scores(model, coordinates, theta, block: Block) -> Float[Array, "n p"]:
    r"""$s_i$ of each row in working coordinates, without its weight."""
    designs, first = row_slopes(model, coordinates, theta, block)
    return jnp.concatenate([first[:, j : j + 1] * d for j, d in enumerate(designs)], axis=1)


def row_slopes(model, coordinates, theta, block: Block):
    r"""Designs, with a column of ones for each $\psi$, and $g_i$ of each row without its weight."""
    designs, eta, psi = block_predictor(model, coordinates, theta, block)
    if eta.ndim == 1 and psi.shape == (0,):
        _, first, _ = scalar_derivatives(model.family, "observed", eta, block.y)
        return designs, first[:, None]
    _, first, _ = vector_derivatives(model.family, "observed", eta, psi, block.y)
    ones = jnp.ones((eta.shape[0], 1), eta.dtype)
    return (*designs, *([ones] * psi.size)), first


def information_factor(model, coordinates, curvature: str, theta, rows: Block):
    r"""$R$ with $R^\top R = \sum_i h_i \tilde x_i \tilde x_i^\top$ by blockwise QR.

    Squares no condition number. Only where one scalar predictor is all there is; NaN where a
    curvature is negative, since then no real factor of the rows exists.
    """

    def fold(factor, block: Block):
        designs, eta, _ = block_predictor(model, coordinates, theta, block)
        _, _, second = scalar_derivatives(model.family, curvature, eta, block.y)
        second = weighted(block.weight, second)
        root = jnp.sqrt(jnp.where(second >= 0, second, jnp.nan))
        stacked = jnp.concatenate([factor, designs[0] * root[:, None]])
        return jnp.linalg.qr(stacked, mode="r")

    k = coordinates[0].center.shape[0]
    return fold_blocks(fold, jnp.zeros((k, k), theta.dtype), rows)
