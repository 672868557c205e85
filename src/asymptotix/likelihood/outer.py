"""Outer products of per-row scores."""

from asymptotix.core.gram import plain_gram
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


def outer_products(
    model: Regression, coordinates, weight_kind, theta, block: Block, gram=plain_gram
):
    r"""$\sum_i w_i s_i s_i^\top$ for frequency weights, $\sum_i w_i^2 s_i s_i^\top$ for others."""
    factor = block.weight if weight_kind == "frequency" else block.weight**2
    if coordinates is not None:
        designs, first = structured.row_slopes(model, coordinates, theta, block)
        if len(designs) == first.shape[1] == 1:  # no score need be written out
            return gram(designs[0], weighted(factor, first[:, 0] ** 2))
    scores = weighted(block.weight > 0, row_scores(model, coordinates, theta, block))
    return gram(scores, factor)
