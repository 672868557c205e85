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

    def log_sf(self, statistic) -> np.ndarray:
        r"""$\log P(Z > z)$, right at any `z`."""
        return _special().log_ndtr(-np.asarray(statistic, float))

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
        if not self.df > 0:  # as many parameters as rows
            return np.full(t.shape, np.nan)
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
        return float(_special().stdtrit(self.df, probability)) if self.df > 0 else math.nan


@dataclasses.dataclass(frozen=True)
class CoefficientT:
    """Student's t with degrees of freedom of its own for each coefficient.

    Arguments:
        df: degrees of freedom, in the order of the coefficients; infinite for those omitted.
    """

    df: tuple[float, ...]
    symbol = "t"

    @property
    def label(self) -> str:
        """How tables name it."""
        known = [df for df in self.df if math.isfinite(df)]
        low, high = min(known, default=math.nan), max(known, default=math.nan)
        return f"t({low:.3g} to {high:.3g})"

    def log_two_sided(self, statistic) -> np.ndarray:
        r"""$\log P(|T| > |t|)$ of each coefficient."""
        t = np.asarray(statistic, float)
        pairs = zip(self.df, t, strict=True)
        return np.array([float(StudentT(df).log_two_sided(one)) for df, one in pairs])

    def quantile(self, probability: float) -> np.ndarray:
        """The quantile of each coefficient at a probability."""
        return np.array([StudentT(df).quantile(probability) for df in self.df])


SMALLEST_LOG = -600.0
"""Below this logarithm an upper tail is taken from a continued fraction: it may underflow."""
FRACTION_STEPS = 5000


@dataclasses.dataclass(frozen=True)
class Chi2:
    """The chi-squared distribution.

    Arguments:
        df: degrees of freedom.
    """

    df: float
    symbol = "chi2"

    @property
    def label(self) -> str:
        """How tables name it."""
        return f"chi2({self.df:g})"

    def log_sf(self, statistic) -> np.ndarray:
        r"""$\log P(X > x) = \log Q(\nu/2, x/2)$, right at any `x`.

        Far out by Legendre's continued fraction (DLMF 8.9.2), whose value is never tiny.
        """
        x, a = np.maximum(np.asarray(statistic, float), 0.0) / 2, self.df / 2
        special = _special()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            direct = np.log(special.gammaincc(a, x))
            front = a * np.log(x) - x - special.gammaln(a)
            far = front + np.log(_continued(lambda j: (j * (a - j), x + 2 * j + 1 - a), x + 1 - a))
        return np.where(
            (direct > SMALLEST_LOG) | np.isnan(x), direct, np.where(x < np.inf, far, -np.inf)
        )


@dataclasses.dataclass(frozen=True)
class F:
    """The F distribution.

    Arguments:
        df: degrees of freedom of the numerator.
        df_resid: degrees of freedom of the denominator.
    """

    df: float
    df_resid: float
    symbol = "F"

    @property
    def label(self) -> str:
        """How tables name it."""
        return f"F({self.df:g}, {self.df_resid:g})"

    def log_sf(self, statistic) -> np.ndarray:
        r"""$\log P(X > f) = \log I_x(d_2/2, d_1/2)$ with $x = d_2/(d_2 + d_1 f)$.

        Far out by the continued fraction of the incomplete beta function (DLMF 8.17.22).
        """
        odds = np.maximum(np.asarray(statistic, float), 0.0) * (self.df / self.df_resid)
        a, b = self.df_resid / 2, self.df / 2
        special = _special()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            x, log_x = 1 / (1 + odds), -np.log1p(odds)
            near = np.log1p(-special.betainc(b, a, odds * x))
            direct = np.where(odds < 1 / a, near, np.log(special.betainc(a, b, x)))
            front = a * log_x + b * (np.log(odds) + log_x) - math.log(a) - special.betaln(a, b)
            far = front + np.log(
                _continued(lambda j: (_beta_step(a, b, j) * x, 1.0), np.ones_like(x))
            )
        return np.where(
            (direct > SMALLEST_LOG) | np.isnan(x), direct, np.where(x > 0, far, -np.inf)
        )


def _beta_step(a: float, b: float, j: int) -> float:
    """Numerator `j` of the incomplete beta function's continued fraction, over `x`."""
    m = j // 2
    if j % 2:
        return -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m))


def _continued(term, first: np.ndarray) -> np.ndarray:
    r"""$1/(b_0 + a_1/(b_1 + a_2/(b_2 + \dots)))$ by Lentz's method (Thompson and Barnett 1986).

    Arguments:
        term: from `j` to $(a_j, b_j)$.
        first: $b_0$.
    """
    tiny = 1e-300
    c = value = np.where(first == 0, tiny, first)
    d = np.zeros_like(value)
    for j in range(1, FRACTION_STEPS):
        above, beside = term(j)
        d, c = beside + above * d, beside + above / c
        d, c = 1 / np.where(d == 0, tiny, d), np.where(c == 0, tiny, c)
        value = value * (c * d)
        if not np.any(np.abs(c * d - 1) > 1e-15):
            break
    return 1 / value


Reference = Normal | StudentT | CoefficientT
JointReference = Normal | Chi2 | F
