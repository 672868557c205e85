"""All designs of a model as one matrix, so that a change of a variable is a change of columns."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np

from asymptotix.data.design_spec import DesignSpec, DesignSpecs
from asymptotix.fitting import Fit
from asymptotix.fitting.rank import Omitted
from asymptotix.model import Regression
from asymptotix.predictors import AbstractPredictor

Placed = tuple[DesignSpec, int]
"""A design and the position of its first column in the whole matrix."""


class SideBySide(AbstractPredictor):
    """A predictor of named designs, which takes them as columns of one matrix.

    Arguments:
        inner: the predictor of a dict of designs.
        names, sizes: of the designs, in order.
    """

    inner: AbstractPredictor
    names: tuple[str, ...] = eqx.field(static=True)
    sizes: tuple[int, ...] = eqx.field(static=True)

    def _apart(self, x) -> dict[str, Any]:
        ends = np.cumsum(self.sizes)
        return {
            name: x[..., end - size : end]
            for name, size, end in zip(self.names, self.sizes, ends, strict=True)
        }

    def __call__(self, x):
        return self.inner(self._apart(x))

    def designs(self, x):
        return self.inner.designs(self._apart(x))

    def has_vector_eta(self) -> bool:
        return self.inner.has_vector_eta()


def placed(spec: Any) -> tuple[Placed, ...]:
    """The designs of a formula, or of several, with their places."""
    if not isinstance(spec, DesignSpecs):
        return ((spec, 0),)
    sizes = [len(part.names) for part in spec.parts.values()]
    starts = np.cumsum([0, *sizes[:-1]])
    return tuple((part, int(at)) for part, at in zip(spec.parts.values(), starts, strict=True))


def on_one_matrix(model: Regression, spec: Any) -> Regression:
    """The model as a function of the matrix of all designs."""
    if not isinstance(spec, DesignSpecs):
        return model
    sizes = tuple(len(part.names) for part in spec.parts.values())
    return Regression(SideBySide(model.predictor, tuple(spec.parts), sizes), model.family)


def one_matrix(x: Any) -> np.ndarray:
    """The matrix of all designs."""
    if isinstance(x, dict):
        return np.concatenate([np.asarray(part) for part in x.values()], axis=1)
    return np.asarray(x)


def omitted_columns(fit: Fit, n_columns: int) -> np.ndarray:
    """Which columns of the matrix have a coefficient that is not estimated."""
    active = np.asarray(fit.active)
    if fit.coordinates is None:
        return np.zeros(n_columns, bool)
    sizes = sum(c.center.shape[0] for c in fit.coordinates)
    return np.any(~active[:sizes].reshape(-1, n_columns), axis=0)


def relations(
    model: Regression, spec: Any, omitted: Sequence[Omitted], names: Sequence[str]
) -> tuple[Omitted, ...]:
    """What omitted columns equal, as columns of the whole matrix.

    Arguments:
        model: as a function of that matrix.
        spec: the design of the formula, or of several.
        omitted: the columns of each design that were left out.
        names: of the parameters.
    """
    if not omitted:
        return ()
    n_columns = sum(len(part.names) for part, _ in placed(spec))
    designs: Any = model.predictor.designs(np.arange(n_columns)[None])
    ends = np.cumsum([d.shape[1] for d in designs])
    found = {}
    for one in omitted:
        (columns,) = designs[np.searchsorted(ends, names.index(one.name), side="right")]
        weights = np.zeros(n_columns)
        weights[columns] = one.weights
        position = int(columns[one.position])
        found[position] = dataclasses.replace(one, position=position, weights=weights)
    return tuple(found.values())
