"""What every route to an estimate has in common."""

import abc
from typing import Any, NamedTuple

import equinox as eqx

from asymptotix.core.module import Record
from asymptotix.core.typing import Array, Float, Int
from asymptotix.data.rows import Block


class History(NamedTuple):
    """How a route approached the maximum; the last axis of its arrays runs over epochs.

    Attributes:
        steps: how many steps were taken.
        loss: minus the mean log-likelihood of the rows trained on, before each epoch and at the
            end; `None` for routes that keep no record, as all below.
        accuracy: share of right classes, for responses of 0 and 1.
        validation: the loss of rows kept apart.
        params: parameters in the original coordinates, epochs first.
        kept: the epoch whose parameters were kept.
        restarts: where there were several starting points, the penalised log-likelihood at which
            each arrived (minus the loss of rows kept apart where training stopped early).
    """

    steps: Int[Array, ""]
    loss: Any = None
    accuracy: Any = None
    validation: Any = None
    params: Any = None
    kept: Any = None
    restarts: Any = None


class AbstractSolver(Record):
    """A route to the maximum of a likelihood.

    A route approaches the maximum in its own way. Newton's method then judges where it arrived,
    by the decrement, and goes the rest of the way unless `polish` is off. So every route ends at
    the same estimates, and "converged" means the same on each.
    """

    polish: eqx.AbstractVar[bool]

    @property
    @abc.abstractmethod
    def stops_early(self) -> bool:
        """Whether the point of arrival is no maximum by intention, and is kept."""

    @property
    @abc.abstractmethod
    def newton(self) -> Any:
        """The `Newton` of the last stretch."""

    @abc.abstractmethod
    def approach(self, model: Any, rows: Block, setup: Any) -> tuple[Float[Array, "p"], Any]:
        """Where the route arrives, in working coordinates, and its `History` or `None`.

        Arguments:
            model: gives the structure.
            rows: all rows.
            setup: coordinates, starting point and penalty.
        """
