"""Replicates of estimates, and the four intervals that are made of them."""

import dataclasses

import numpy as np
from scipy.special import ndtr, ndtri

from asymptotix.core.errors import InputError, check_confidence, close_matches

INTERVALS = ("percentile", "basic", "bca", "studentised")


@dataclasses.dataclass(frozen=True, eq=False)
class Resampled:
    """Estimates on resampled data.

    Attributes:
        estimate: from the data themselves, with what is behind it.
        replicates: one row a refit that succeeded, one column a parameter.
        statuses: how many refits ended how.
        standard_errors: of the estimate, where replicates have theirs.
        replicate_errors: of each replicate, if asked for.
        influence: what each row (or cluster) moves the estimate by, for accelerated intervals.
        times: how often each of these counts.
    """

    estimate: np.ndarray
    replicates: np.ndarray
    statuses: tuple[tuple[str, int], ...]
    influence: np.ndarray
    times: np.ndarray
    standard_errors: np.ndarray | None = None
    replicate_errors: np.ndarray | None = None

    def covariance(self) -> np.ndarray:
        """The sample covariance of the replicates."""
        return np.atleast_2d(np.cov(self.replicates, rowvar=False))

    def conf_int(self, kind: str = "percentile", confidence: float = 0.95) -> np.ndarray:
        r"""Intervals for each parameter, shape `(p, 2)`.

        With $q$ the quantiles of the replicates at $\alpha/2$ and $1 - \alpha/2$: `"percentile"`
        is $(q_-, q_+)$, `"basic"` $(2\hat\theta - q_+, 2\hat\theta - q_-)$, `"bca"` moves the two
        levels for bias and skewness (Efron 1987; the acceleration from influence values), and
        `"studentised"` is $(\hat\theta - t_+ s, \hat\theta - t_- s)$ with quantiles of
        $t_b = (\hat\theta_b - \hat\theta)/s_b$.

        Arguments:
            kind: `"percentile"`, `"basic"`, `"bca"` or `"studentised"`.
            confidence: coverage.

        Raises:
            InputError: an unknown kind, or replicates without standard errors.
        """
        if kind not in INTERVALS:
            raise InputError(
                f"Interval kind {kind!r} is not known; use one of {', '.join(INTERVALS)}."
                f"{close_matches(kind, INTERVALS)}",
                code="option",
            )
        check_confidence(confidence)
        levels = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
        return getattr(self, f"_{kind}")(levels)

    def _percentile(self, levels) -> np.ndarray:
        return np.quantile(self.replicates, levels, axis=0).T

    def _basic(self, levels) -> np.ndarray:
        return 2 * self.estimate[:, None] - self._percentile(levels)[:, ::-1]

    def _bca(self, levels) -> np.ndarray:
        below = (self.replicates < self.estimate).mean(axis=0)
        ties = (self.replicates == self.estimate).mean(axis=0)
        bias = ndtri(below + ties / 2)
        cubes = np.einsum("n,np->p", self.times, self.influence**3)
        squares = np.einsum("n,np->p", self.times, self.influence**2)
        acceleration = cubes / (6 * squares**1.5)
        moved = bias[:, None] + ndtri(levels)
        level = ndtr(bias[:, None] + moved / (1 - acceleration[:, None] * moved))
        pairs = zip(self.replicates.T, level, strict=True)
        return np.array([np.quantile(column, at) for column, at in pairs])

    def _studentised(self, levels) -> np.ndarray:
        if self.replicate_errors is None or self.standard_errors is None:
            raise InputError(
                "Studentised intervals need standard errors of each replicate; resample with "
                "studentised=True.",
                code="option",
            )
        t = (self.replicates - self.estimate) / self.replicate_errors
        quantiles = np.quantile(t, levels, axis=0).T
        return (
            self.estimate[:, None] - quantiles[:, ::-1] * np.asarray(self.standard_errors)[:, None]
        )
