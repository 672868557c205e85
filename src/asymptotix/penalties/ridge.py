"""Ridge: the squared length of the parameters."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import constant
from asymptotix.core.typing import Array, Float, Scalar
from asymptotix.penalties.base import AbstractPenalty, Penalised


def _positive(value: Any):
    if isinstance(value, float | int) and not value >= 0:
        raise InputError(
            f"The strength of a penalty must be 0 or positive, not {value!r}.", code="option"
        )
    return np.asarray(value, np.float64) if isinstance(value, float | int) else value


class Ridge(AbstractPenalty):
    r"""$-\tfrac{\lambda}{2}\sum_j \theta_j^2$ over slopes and weights, not intercepts and biases.

    The scale is that of the log-likelihood's sum over rows: $\lambda$ is scikit-learn's `alpha`
    of `MLPClassifier` and `Ridge`, and `1/C` of `LogisticRegression` (Hoerl and Kennard 1970).

    Arguments:
        strength: $\lambda$.
        standardise: whether each coefficient counts per standard deviation of its column.
        biases: whether intercepts and biases are shrunk too. A network with more units than the
            data can tell apart then has a proper mode all the same, and standard errors.
    """

    strength: Float[Array, ""] = constant(converter=_positive, default=1.0)
    standardise: bool = eqx.field(static=True, default=False)
    biases: bool = eqx.field(static=True, default=False)

    @property
    def label(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The name and the strength."""
        return f"ridge, strength {float(self.strength):g}"

    def log_density(self, theta: Float[Array, "p"], given: Penalised) -> Scalar:
        scaled = theta * given.scale if self.standardise else theta
        mask = given.everywhere if self.biases else given.mask
        return -0.5 * self.strength * jnp.sum(jnp.where(mask, scaled, 0.0) ** 2)
