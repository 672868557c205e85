"""Rows: the data of a fit, and one block of them."""

import functools
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.module import Record
from asymptotix.core.precision import is_traced
from asymptotix.core.typing import Array, Float, PyTree
from asymptotix.data.groups import coded

WeightKind = Literal["frequency", "precision", "sampling"]
WEIGHT_KINDS = ("frequency", "precision", "sampling")


class Block(NamedTuple):
    """A stretch of rows in the form that per-block functions read.

    Attributes:
        x, y, weight, offset: of each row.
        counting: the first row that counts and the one after the last, where loops over blocks
            should skip the others, whose weight is zero.
    """

    x: PyTree[Array]
    y: PyTree[Array]
    weight: Float[Array, "n"]
    offset: Float[Array, "n"]
    counting: tuple[Any, Any] | None = None


class Rows(Record):
    """Observations: covariates, response, and what each row carries.

    Arguments:
        x: covariates, shape `(n, k)` (or a pytree of arrays with `n` rows each).
        y: response, shape `(n,)` (or a pytree, such as `(successes, trials)`).
        weights: one non-negative weight a row; a row of weight zero is absent.
        weight_kind: `"frequency"`, `"precision"` or `"sampling"`; required with weights.
        offset: added to the predictor, one number a row.
        groups: cluster identifiers of any type, one a row (or a dict of such, by name); held as
            int32 codes.

    Raises:
        InputError: weights without a kind, or an unknown kind.
    """

    x: PyTree[Any]
    y: PyTree[Any]
    weights: Any = None
    weight_kind: WeightKind | None = eqx.field(static=True, default=None)
    offset: Any = None
    groups: Any = eqx.field(default=None, converter=coded)

    def __check_init__(self):
        if self.weights is not None and self.weight_kind is None:
            raise InputError(
                "Weights were given without weight_kind; say weight_kind='frequency' (a row "
                "stands for that many rows), 'precision' (a row's variance is divided by its "
                "weight) or 'sampling' (a row stands for others in a population).",
                code="weight_kind",
            )
        if self.weight_kind is not None and self.weights is None:
            raise InputError(
                f"weight_kind={self.weight_kind!r} was given without weights; give both.",
                code="weight_kind",
                column="weights",
            )
        if self.weight_kind is not None and self.weight_kind not in WEIGHT_KINDS:
            raise InputError(
                f"weight_kind={self.weight_kind!r} is not known; "
                "use 'frequency', 'precision' or 'sampling'.",
                code="weight_kind",
            )

    @property
    def n(self) -> int:
        """The number of rows."""
        return jax.tree.leaves(self.x)[0].shape[0]

    @property
    def present(self):
        """Which rows have positive weight."""
        if self.weights is None:
            return np.ones(self.n, bool)
        return (self.weights if is_traced(self.weights) else np.asarray(self.weights)) > 0

    def block(self, dtype) -> Block:
        """All rows as one block, in the working precision, with ones and zeros filled in."""

        def cast(leaf):
            return jnp.asarray(leaf).astype(dtype)

        return Block(
            jax.tree.map(cast, self.x),
            jax.tree.map(cast, self.y),
            jnp.ones(self.n, dtype) if self.weights is None else cast(self.weights),
            jnp.zeros(self.n, dtype) if self.offset is None else cast(self.offset),
        )


def plain_rows(x: np.ndarray, y: np.ndarray) -> Rows:
    """`Rows(x, y)`, as JAX puts them together again: a tenth of the time of making them anew."""
    return jax.tree.unflatten(_plain(), (x, y))


@functools.cache
def _plain():
    return jax.tree.structure(Rows(0, 0))
