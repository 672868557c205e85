"""The predictor of one observation: from its covariates to `eta`."""

import abc
from typing import Any

import jax.numpy as jnp

from asymptotix.core.module import Module
from asymptotix.core.typing import Array, Eta, PyTree


class AbstractPredictor(Module):
    r"""A map from one observation's covariates $x$ to its predictor $\eta$.

    To add a predictor, subclass and write `__call__` for one observation. A predictor that is
    linear in its parameters also writes `designs`, and every sum over rows then takes the fast
    path through weighted Gram products instead of automatic differentiation in all parameters.
    """

    @abc.abstractmethod
    def __call__(self, x: PyTree[Array]) -> Eta:
        r"""$\eta(x)$ of one observation: a scalar or a vector."""

    def designs(self, x: PyTree[Array]) -> tuple[Array, ...] | None:
        r"""One matrix per component of $\eta$, with $\eta_j = D_j \theta_j$; `None` if not linear.

        Arguments:
            x: covariates of many observations, leading axis `n`.

        The flat parameter vector of the predictor must be the $\theta_j$ one after another.
        """
        del x
        return None

    def is_paddable(self) -> bool:
        """Whether `x` may get more columns of zeros, with one more parameter at the end for each.

        Small designs are padded to a few standard widths, so that another formula of similar
        size compiles nothing.
        """
        return False

    def check_input(self, x: PyTree[Array]) -> None:
        """Raise `InputError` unless `x` (all observations) has the shape that is expected."""

    def has_vector_eta(self) -> bool:
        r"""Whether $\eta$ is a vector, also where it has a single component."""
        return False

    def input_ndim(self) -> int:
        """The number of axes of one observation's `x` (1 for a vector of covariates)."""
        return 1

    def coefficient_names(self, columns) -> tuple[str, ...] | None:
        """Names of the parameters given the names of the columns; `None` for positional ones."""
        del columns
        return None


def with_offset(eta: Eta, offset: Any) -> Eta:
    r"""$\eta$ of one observation plus its offset, which belongs to the first of several $\eta$."""
    if jnp.ndim(eta) == 1 and jnp.ndim(offset) == 0:
        return jnp.asarray(eta).at[0].add(offset)
    return eta + offset
