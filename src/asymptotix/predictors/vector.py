"""Several linear predictors at once, one for each component of eta."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import parameter
from asymptotix.core.typing import Array, Float
from asymptotix.predictors.base import AbstractPredictor
from asymptotix.predictors.linear import column_count


class LinearVector(AbstractPredictor):
    r"""$\eta_j = x_j^\top \beta_j$ for each named component $j$.

    The covariates are a dict of vectors, one for each component, or one vector that all share.

    Arguments:
        sizes: the number of columns of each component, in the order of the family's $\eta$.
        shared: whether all components have the same columns.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    shared: bool = eqx.field(static=True)
    coef: tuple[Float[Array, "_"], ...] = parameter()

    def __init__(self, sizes: Mapping[str, int], shared: bool = False):
        if not sizes or (shared and len(set(sizes.values())) > 1):
            raise InputError(
                f"sizes={dict(sizes)!r} must name at least one component, and give all the same "
                "number of columns where they share them.",
                code="columns",
            )
        self.coef = tuple(np.zeros(column_count(k)) for k in sizes.values())
        self.names, self.shared = tuple(sizes), shared

    def __call__(self, x: Any) -> Float[Array, "m"]:
        parts = zip(self._parts(x), self.coef, strict=True)
        return jnp.stack([part @ coef for part, coef in parts])

    def _parts(self, x) -> tuple:
        return (x,) * len(self.names) if self.shared else tuple(x[name] for name in self.names)

    def designs(self, x: Any):
        return self._parts(x)

    def has_vector_eta(self) -> bool:
        return True

    def check_input(self, x) -> None:
        if self.shared != (not isinstance(x, Mapping)):
            raise InputError(
                "x must be one matrix, whose columns all components share."
                if self.shared
                else f"x must be a dict with a matrix for each of {', '.join(self.names)}.",
                code="shape",
                column="x",
            )
        missing = [] if self.shared else [name for name in self.names if name not in x]
        if missing:
            raise InputError(
                f"x has no matrix for '{missing[0]}'; it needs one for each of "
                f"{', '.join(self.names)}.",
                code="columns",
                column="x",
            )
        for name, part, coef in zip(self.names, self._parts(x), self.coef, strict=True):
            if np.ndim(part) != 2 or np.shape(part)[1] != len(coef):
                raise InputError(
                    f"The covariates of '{name}' must be a matrix with {len(coef)} columns, "
                    f"not of shape {np.shape(part)}.",
                    code="columns",
                    column=name,
                )

    def coefficient_names(self, columns) -> tuple[str, ...]:
        if not self.shared:
            return tuple(columns)
        return tuple(f"{name}: {column}" for name in self.names for column in columns)
