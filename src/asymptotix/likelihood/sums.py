r"""What one pass over the rows yields: log-likelihood, score and information."""

from typing import Literal, NamedTuple

from asymptotix.core.typing import Array, Float
from asymptotix.data.rows import Block
from asymptotix.likelihood import generic, structured
from asymptotix.likelihood.coordinates import Coordinates
from asymptotix.likelihood.statistics import Statistics, block_statistics
from asymptotix.likelihood.structured import is_structured
from asymptotix.model import Regression, layout

Curvature = Literal["observed", "expected"]


class Sums(NamedTuple):
    r"""Sums over rows at one parameter value.

    Attributes:
        value: $\sum_i w_i \ell_i$, the kernel of the log-likelihood.
        score: its gradient.
        information: minus its Hessian (`observed`), or the expectation of that (`expected`).
    """

    value: Float[Array, ""]
    score: Float[Array, "p"]
    information: Float[Array, "p p"]


def block_sums(
    model: Regression,
    coordinates: tuple[Coordinates, ...] | None,
    curvature: Curvature,
    theta: Float[Array, "p"],
    block: Block,
) -> Sums:
    """The sums of one block; `theta` in working coordinates where the predictor has them.

    Arguments:
        model: gives the structure; its own parameters are not read.
        coordinates: one for each design of a linear predictor, `None` for any other.
        curvature: which information.
        theta: the flat parameters.
        block: some rows.
    """
    if coordinates is None:
        return Sums(*generic.block_sums(model, layout(model), curvature, theta, block))
    return Sums(*structured.block_sums(model, coordinates, curvature, theta, block))


def block_sums_and_statistics(
    model: Regression,
    coordinates: tuple[Coordinates, ...] | None,
    curvature: Curvature,
    theta: Float[Array, "p"],
    block: Block,
) -> tuple[Sums, Statistics]:
    """The same with the statistics of a model with these parameters, for little more."""
    if coordinates is None:
        sums = block_sums(model, coordinates, curvature, theta, block)
        return sums, block_statistics(layout(model).replace(model, theta), block)
    sums, stats = structured.block_sums_and_statistics(model, coordinates, curvature, theta, block)
    return Sums(*sums), stats


def block_gradient(
    model: Regression,
    coordinates: tuple[Coordinates, ...] | None,
    theta: Float[Array, "p"],
    block: Block,
):
    """`(value, score)` of one block, for methods that do without the information."""
    if coordinates is None:
        return generic.block_gradient(model, layout(model), theta, block)
    return structured.block_gradient(model, coordinates, theta, block)


__all__ = [
    "Curvature",
    "Sums",
    "block_gradient",
    "block_sums",
    "block_sums_and_statistics",
    "is_structured",
]
