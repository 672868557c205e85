"""Outer products of per-row scores."""

from asymptotix.core.typing import Array, Float
from asymptotix.data.rows import Block
from asymptotix.likelihood import generic, structured
from asymptotix.likelihood.generic import weighted
from asymptotix.model import Regression, layout


def row_scores(model: Regression, coordinates, theta, block: Block) -> Float[Array, "n p"]:
    r"""$s_i$ of each row of a block, without its weight, in working coordinates."""
    if coordinates is None:
        return generic.row_scores(model, layout(model), theta, block)
    return structured.row_scores(model, coordinates, theta, block)


def outer_products(model: Regression, coordinates, weight_kind, theta, block: Block):
    r"""$\sum_i w_i s_i s_i^\top$ for frequency weights, $\sum_i w_i^2 s_i s_i^\top$ for others."""
    scores = row_scores(model, coordinates, theta, block)
    factor = block.weight if weight_kind == "frequency" else block.weight**2
    scores = weighted(block.weight > 0, scores)
    return (scores * factor[:, None]).T @ scores
