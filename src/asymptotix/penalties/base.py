"""A penalty: a log-density of the parameters, added to the log-likelihood."""

import abc
from typing import ClassVar, NamedTuple

import equinox as eqx

from asymptotix.core.module import Module
from asymptotix.core.typing import Array, Bool, Float, Scalar


class Penalised(NamedTuple):
    """What a penalty may know of the parameters besides their values.

    Attributes:
        mask: which of them are penalised: no intercept, no bias of a layer, no parameter of the
            family, no column that is left out.
        scale: the standard deviation of each coefficient's column; 1 where there is none.
        everywhere: `mask` with intercepts and biases.
    """

    mask: Bool[Array, "p"]
    scale: Float[Array, "p"]
    everywhere: Bool[Array, "p"]


class AbstractPenalty(Module):
    r"""$\log p(\theta)$ up to a constant: estimates maximise $\ell(\theta) + \log p(\theta)$.

    To add a penalty, subclass and write `log_density`; its gradient and curvature are derived.
    Numbers are fields declared by `asx.constant()`, so that other numbers compile nothing.
    """

    label: eqx.AbstractVar[str]
    """What tables call it."""
    has_objective: ClassVar[bool] = True
    """Whether estimates maximise something, whose profile then makes sense."""
    intercept_correction: ClassVar[str | None] = None
    """How the intercept is changed after the fit, where it is."""
    is_bias_reduction: ClassVar[bool] = False
    """Whether it corrects the score by what the rows say, and is no function of theta alone."""

    @abc.abstractmethod
    def log_density(self, theta: Float[Array, "p"], given: Penalised) -> Scalar:
        r"""$\log p(\theta)$, in the original coordinates of the parameters."""


class BoundPenalty(Module):
    """A penalty on the parameters of one model.

    Arguments:
        penalty: which.
        given: what it knows of the parameters.
    """

    penalty: AbstractPenalty
    given: Penalised

    def __call__(self, theta: Float[Array, "p"]) -> Scalar:
        """The log-density at the flat parameters."""
        return self.penalty.log_density(theta, self.given)
