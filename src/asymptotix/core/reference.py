"""Reference distributions of test statistics, with tails in logarithms."""

import dataclasses
import math

import numpy as np
from scipy import special

LOG_2 = math.log(2.0)


@dataclasses.dataclass(frozen=True)
class Normal:
    """The standard normal distribution."""

    symbol = "z"

    @property
    def label(self) -> str:
        """How tables name it."""
        return "normal"

    def log_two_sided(self, statistic) -> np.ndarray:
        r"""$\log P(|Z| > |z|)$, right at any `z`."""
        return LOG_2 + special.log_ndtr(-np.abs(statistic))

    def quantile(self, probability: float) -> float:
        """The quantile at a probability."""
        return float(special.ndtri(probability))


@dataclasses.dataclass(frozen=True)
class StudentT:
    """Student's t distribution.

    Arguments:
        df: degrees of freedom.
    """

    df: float
    symbol = "t"

    @property
    def label(self) -> str:
        """How tables name it."""
        return f"t({self.df:g})"

    def log_two_sided(self, statistic) -> np.ndarray:
        r"""$\log P(|T| > |t|) = \log I_x(\nu/2, 1/2)$ with $x = \nu/(\nu + t^2)$.

        Where the regularised incomplete beta function underflows, its power series in `x`
        (DLMF 8.17.7) is summed in logarithms.
        """
        t = np.abs(np.asarray(statistic, float))
        a, b = self.df / 2, 0.5
        x = self.df / (self.df + t**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            direct = np.log(special.betainc(a, b, x))
            log_x = -np.log1p(t**2 / self.df)
            series = special.hyp2f1(a + b, 1.0, a + 1.0, np.minimum(x, 0.9))
            tail = a * log_x + b * np.log1p(-x) - math.log(a) - special.betaln(a, b)
            tail = tail + np.log(series)
        return np.where((x < 0.9) & (direct < -600), tail, direct)

    def quantile(self, probability: float) -> float:
        """The quantile at a probability."""
        return float(special.stdtrit(self.df, probability))


Reference = Normal | StudentT
