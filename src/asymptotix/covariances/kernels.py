"""Kernels and bandwidths for scores that depend on each other over time."""

import numpy as np

from asymptotix.core.errors import InputError


def bartlett(x):
    r"""$1 - |x|$ up to 1 (Newey and West 1987)."""
    return np.maximum(1 - np.abs(x), 0.0)


def parzen(x):
    r"""$1 - 6x^2 + 6|x|^3$ up to 1/2, then $2(1 - |x|)^3$ up to 1 (Gallant 1987)."""
    x = np.abs(x)
    return np.where(x <= 0.5, 1 - 6 * x**2 + 6 * x**3, 2 * np.maximum(1 - x, 0.0) ** 3)


def quadratic_spectral(x):
    r"""$\frac{3}{z^2}\left(\frac{\sin z}{z} - \cos z\right)$, $z = 6\pi x/5$ (Andrews 1991)."""
    z = 6 * np.pi * np.abs(np.asarray(x, float)) / 5
    far = np.where(z > SMALL, z, 1.0)
    return np.where(z > SMALL, 3 / far**2 * (np.sin(far) / far - np.cos(far)), 1 - z**2 / 10)


SMALL = 1e-3
"""Below this the quadratic spectral kernel is its Taylor polynomial, to 1e-14."""
KERNELS = {"bartlett": bartlett, "parzen": parzen, "quadratic-spectral": quadratic_spectral}
ENDLESS = "quadratic-spectral"
"""The kernel that gives weight to every lag."""

_ANDREWS = {"bartlett": 1.1447, "parzen": 2.6614, ENDLESS: 1.3221}
_LAG_RATES = {"bartlett": 2 / 9, "parzen": 4 / 25, ENDLESS: 2 / 25}


def _order(kernel: str) -> int:
    """The kernel's characteristic exponent: 1 for Bartlett's kink at zero, else 2."""
    return 1 if kernel == "bartlett" else 2


def newey_west_bandwidth(series, kernel: str) -> float:
    r"""The plug-in bandwidth of Newey and West (1994), without prewhitening.

    From autocovariances of one combination of the scores up to lag $4(n/100)^r$. For Bartlett's
    kernel its whole part is the number of lags.

    Arguments:
        series: the sum of the scores of all coefficients but the intercept's, in order.
        kernel: its name.
    """
    n, q = series.size, _order(kernel)
    most = min(int(4 * (n / 100) ** _LAG_RATES[kernel]), n - 1)
    lags = np.arange(1, most + 1)
    covariances = np.array([series[j:] @ series[: n - j] / n for j in range(most + 1)])
    level = covariances[0] + 2 * covariances[1:].sum()
    slope = 2 * (lags**q * covariances[1:]).sum()
    rate = 1 / (2 * q + 1)
    found = float(_ANDREWS[kernel] * ((slope / level) ** 2) ** rate * n**rate)
    return float(int(found) + 1) if kernel == "bartlett" else found


def andrews_bandwidth(slopes, variances, weights, n: int, kernel: str) -> float:
    r"""The plug-in bandwidth of Andrews (1991) from an AR(1) of each coefficient's scores.

    Arguments:
        slopes, variances: $\rho$ and $\sigma^2$ of each autoregression.
        weights: of each coefficient, 0 for the intercept.
        n: periods.
        kernel: its name.
    """
    below = np.sum(weights * variances**2 / (1 - slopes) ** 4)
    if _order(kernel) == 1:
        shape = 1 / ((1 - slopes) ** 6 * (1 + slopes) ** 2)
    else:
        shape = 1 / (1 - slopes) ** 8
    alpha = np.sum(weights * 4 * slopes**2 * variances**2 * shape) / below
    return float(_ANDREWS[kernel] * (n * alpha) ** (1 / (2 * _order(kernel) + 1)))


class Autoregressions:
    """First-order autoregressions of every column, with an intercept, from chunks in order.

    Arguments:
        columns: how many.
    """

    def __init__(self, columns: int):
        self.sums = np.zeros((5, columns))
        self.pairs = 0
        self.last = None

    def add(self, chunk) -> None:
        """More rows, which follow those seen."""
        whole = chunk if self.last is None else np.vstack([self.last, chunk])
        x, y = whole[:-1], whole[1:]
        self.sums += np.stack([x.sum(0), y.sum(0), (x * x).sum(0), (x * y).sum(0), (y * y).sum(0)])
        self.pairs += len(x)
        self.last = whole[-1:]

    def fit(self):
        """Slopes and variances of the residuals."""
        if self.pairs < 3:
            raise InputError(
                "Too few periods to choose a bandwidth from; give bandwidth= as a number.",
                code="bandwidth",
            )
        x, y, xx, xy, yy = self.sums / self.pairs
        spread = np.where(xx - x * x > 0, xx - x * x, 1.0)
        slopes = np.where(xx - x * x > 0, (xy - x * y) / spread, 0.0)
        return slopes, yy - y * y - slopes**2 * spread
