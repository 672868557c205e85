"""The multinomial family: one of several unordered levels."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.typing import Array, Eta, Key, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion, refuse_constant, refuse_responses
from asymptotix.families.choice_sets import ChoiceSets
from asymptotix.families.recession import Cones


class Multinomial(AbstractFamily):
    r"""$P(y = j) = e^{\eta_j} / \sum_l e^{\eta_l}$ over levels $0, \dots, J-1$; $\eta_0 = 0$.

    The vector $\eta$ holds $\eta_1, \dots, \eta_{J-1}$: log-odds against the first level, which a
    formula takes in the order of the categories, or sorted (McFadden 1974).
    """

    name: ClassVar[str] = "multinomial"
    dispersion_rule: ClassVar[Dispersion] = "fixed"
    response_kind: ClassVar = "categorical"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        r"""$\eta_y - \log\sum_l e^{\eta_l}$; $-\infty$ for a level that there is not."""
        whole = _with_first(eta)
        chosen = jnp.arange(whole.shape[0]) == y
        value = jnp.sum(jnp.where(chosen, whole, 0.0)) - jax.nn.logsumexp(whole)
        return jnp.where(jnp.any(chosen), value, -jnp.inf)

    def mean(self, eta: Eta) -> Array:
        """The probability of each level."""
        return jax.nn.softmax(_with_first(eta))

    def variance(self, eta: Eta) -> Array:
        """The variance of each level's indicator."""
        probability = self.mean(eta)
        return probability * (1 - probability)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        return jax.random.categorical(key, _with_first(eta)).astype(eta.dtype)

    def expected_information(self, eta: Eta, y: Response) -> Array:
        r"""$\mathrm{diag}(p) - p p^\top$ without the first level."""
        del y
        probability = self.mean(eta)[1:]
        return jnp.diag(probability) - probability[:, None] * probability

    def saturated(self, y: Response) -> Scalar:
        """0: the level that was seen has probability 1."""
        return jnp.zeros_like(y)

    def pearson(self, eta: Eta, y: Response) -> Scalar:
        r"""$\sum_j (1\{y = j\} - p_j)^2 / p_j$."""
        probability = self.mean(eta)
        seen = jnp.arange(probability.shape[0]) == y
        return jnp.sum((seen - probability) ** 2 / probability)

    def recession(self, y) -> Cones:
        r"""$\eta_y - \eta_j$ may not fall, for every other level $j$."""
        levels = int(np.max(y)) + 1
        whole = np.vstack([np.zeros(levels - 1), np.eye(levels - 1)])
        own = np.asarray(y, int)
        normals = whole[own][:, None, :] - whole[_others(levels)[own]]
        return Cones(normals, np.zeros(len(own), bool))

    def at_limit(self, y, gone) -> tuple[AbstractFamily, tuple]:
        """A level whose predictor falls endlessly behind the seen one's cannot be chosen."""
        own, levels = np.asarray(y, int), gone.shape[1] + 1
        allowed = np.ones((len(own), levels))
        rows, positions = np.nonzero(gone)
        allowed[rows, _others(levels)[own[rows], positions]] = 0.0
        return ChoiceSets(), (np.asarray(y, np.float64), allowed)

    def check_response(self, y, name: str) -> None:
        y = np.asarray(y)
        refuse_responses(
            ~((y >= 0) & (y == np.round(y))),
            y,
            name,
            "are not levels (whole numbers from 0)",
            "Number the levels from 0, or give labels in a data frame.",
        )
        refuse_constant(np.all(y == y.flat[0]) and y.size > 1, name, f"level {y.flat[0]:g}")


def _others(levels: int) -> np.ndarray:
    """For each level, the other ones in order."""
    return np.array([[j for j in range(levels) if j != c] for c in range(levels)])


def _with_first(eta: Eta) -> Array:
    return jnp.concatenate([jnp.zeros(1, eta.dtype), eta])
