"""The linear predictor."""

import operator
from typing import Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import parameter
from asymptotix.core.typing import Array, Float
from asymptotix.predictors.base import AbstractPredictor


class Linear(AbstractPredictor):
    r"""$\eta = x^\top \beta$. The columns of `x` are what you give: include a column of ones.

    Arguments:
        k: number of columns.
    """

    coef: Float[Array, "k"] = parameter()

    def __init__(self, k: int):
        self.coef = np.zeros(column_count(k))

    def __call__(self, x: Float[Array, "k"]) -> Float[Array, ""]:
        return x @ self.coef

    def designs(self, x: Float[Array, "n k"]):
        return (x,)

    def check_input(self, x) -> None:
        if np.ndim(x) != 2:
            raise InputError(
                f"x must be a matrix with one row an observation, not of shape {np.shape(x)}; "
                "for one column use x[:, None].",
                code="shape",
                column="x",
            )
        if np.shape(x)[1] == 0:
            raise InputError(
                "x has no columns, so there is nothing to estimate; give a column of ones for an "
                "intercept.",
                code="columns",
                column="x",
            )
        if np.shape(x)[1] != len(self.coef):
            raise InputError(
                f"x has {np.shape(x)[1]} columns but the model has {len(self.coef)} coefficients; "
                "make the model with as many columns as x has, the column of ones included.",
                code="columns",
                column="x",
            )

    def is_paddable(self) -> bool:
        return True

    def coefficient_names(self, columns) -> tuple[str, ...]:
        return tuple(columns)


def column_count(k: Any) -> int:
    """A number of columns as an integer.

    Raises:
        InputError: it is none.
    """
    try:
        count = operator.index(k)
    except TypeError:
        count = -1
    if count < 0:
        raise InputError(
            f"k={k!r} must be a whole number of columns, such as x.shape[1].", code="columns"
        )
    return count
