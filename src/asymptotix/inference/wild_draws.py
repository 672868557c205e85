"""Random signs and their relatives: what a wild bootstrap multiplies scores by."""

from collections.abc import Iterator

import numpy as np

from asymptotix.covariances.draws import TOGETHER

_GOLDEN = (1 + 5**0.5) / 2
LAWS = {
    "rademacher": ((-1.0, 1.0), (0.5, 0.5)),
    "webb": (
        (-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5),
        (1 / 6,) * 6,
    ),
    "mammen": ((1 - _GOLDEN, _GOLDEN), (_GOLDEN / 5**0.5, 1 - _GOLDEN / 5**0.5)),
}
"""Values and probabilities, mean 0 and variance 1 (Liu 1988, Webb 2014, Mammen 1993)."""


def drawn(law: str, seed: tuple[int, ...], part: int, count: int, size: int) -> Iterator:
    """Multipliers of one part of the units, `TOGETHER` replicates at a time.

    Arguments:
        law: a name in `LAWS`.
        seed: from `entropy`.
        part: which part of the units, each with its own stream.
        count: replicates.
        size: units in the part.

    Yields:
        The slice of replicates, and their multipliers, shape `(replicates, size)`.
    """
    values, shares = map(np.asarray, LAWS[law])
    limits = np.cumsum(shares)[:-1]
    for first in range(0, count, TOGETHER):
        words = np.random.SeedSequence(seed, spawn_key=(part, first // TOGETHER))
        generator = np.random.Generator(np.random.SFC64(words))
        uniform = generator.random((TOGETHER, size))[: count - first]
        where = slice(first, first + len(uniform))
        yield where, values[np.searchsorted(limits, uniform, side="right")]


def enumerated(count: int, size: int) -> Iterator:
    """The same for all `count = 2**size` combinations of signs."""
    for first in range(0, count, TOGETHER):
        number = np.arange(first, min(first + TOGETHER, count))[:, None]
        signs = 2.0 * (number >> np.arange(size) & 1) - 1.0
        yield slice(first, first + len(signs)), signs
