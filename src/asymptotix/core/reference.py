"""Reference distributions of test statistics, with tails in logarithms."""

import dataclasses
import math
import statistics

import numpy as np

LOG_2 = math.log(2.0)
UNDERFLOW = 35.0
"""Beyond this many standard deviations a p-value nears the smallest float."""


def _special():
    """`scipy.special`, which takes 0.1 s to import, when it is first needed."""
    from scipy import special

    return special


@dataclasses.dataclass(frozen=True)
class Normal:
    """The standard normal distribution."""

    symbol = "z"

    @property
    def label(self) -> str:
        """How tables name it."""
        return "normal"

    def log_two_sided(self, statistic) -> np.ndarray:
        r"""$\log P(|Z| > |z|) = \log\mathrm{erfc}(|z|/\sqrt2)$, right at any `z`."""
        z = np.abs(np.asarray(statistic, float))
        with np.errstate(divide="ignore"):
            found = np.log(np.vectorize(math.erfc, otypes=[float])(z / math.sqrt(2)))
        if np.any(z > UNDERFLOW):
            found = np.where(z > UNDERFLOW, LOG_2 + _special().log_ndtr(-z), found)
        return found

    def quantile(self, probability: float) -> float:
        """The quantile at a probability."""
        return statistics.NormalDist().inv_cdf(probability)


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

        Near 0 through the complement; where the regularised incomplete beta function underflows,
        by its power series in `x` in logarithms (DLMF 8.17.7), or, with many degrees of freedom,
        by Gauss-Laguerre quadrature of the tail.
        """
        t = np.abs(np.asarray(statistic, float))
        special = _special()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            near = np.log1p(-special.betainc(0.5, self.df / 2, t**2 / (self.df + t**2)))
            direct = np.log(special.betainc(self.df / 2, 0.5, self.df / (self.df + t**2)))
            heavy = t**2 > self.df / 9
            far = np.where(heavy, self._series(t), self._quadrature(t))
        return np.where(t < 2, near, np.where(direct < -600, far, direct))

    def _series(self, t):
        a, b = self.df / 2, 0.5
        x = self.df / (self.df + t**2)
        log_x = -np.log1p(t**2 / self.df)
        special = _special()
        log_front = a * log_x + b * np.log1p(-x) - math.log(a) - special.betaln(a, b)
        return log_front + np.log(special.hyp2f1(a + b, 1.0, a + 1.0, np.minimum(x, 0.9)))

    def _quadrature(self, t):
        r"""$\log 2f(t) + \log\int_0^\infty f(t + s)/f(t)\,ds$, with $s$ in units of the slope."""
        nu = self.df
        nodes, weights = np.polynomial.laguerre.laggauss(40)
        slope = (nu + 1) * t / (nu + t**2)
        s = nodes / np.where(slope > 0, slope, 1.0)[..., None]
        change = s * (2 * t[..., None] + s) / (nu + t[..., None] ** 2)
        ratio = np.exp(-(nu + 1) / 2 * np.log1p(change) + nodes)
        log_density = -(nu + 1) / 2 * np.log1p(t**2 / nu)
        log_density = log_density - 0.5 * math.log(nu) - _special().betaln(nu / 2, 0.5)
        return LOG_2 + log_density + np.log(ratio @ weights / slope)

    def quantile(self, probability: float) -> float:
        """The quantile at a probability."""
        return float(_special().stdtrit(self.df, probability))


Reference = Normal | StudentT
