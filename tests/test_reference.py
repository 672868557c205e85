"""Reference distributions: tails in logarithms against mpmath."""

import mpmath as mp
import numpy as np
import pytest

from asymptotix.core.reference import Normal, StudentT

STATISTICS = [0.0, 1e-3, 1.0, 5.0, 38.6, 60.0, 1e4]


def normal_log_p(z):
    """log P(|Z| > z), from the complementary error function."""
    return mp.log(mp.erfc(mp.mpf(z) / mp.sqrt(2)))


def student_log_p(t, df):
    """log P(|T| > t), by quadrature of the density in u = log(x / t)."""
    t, v = mp.mpf(t), mp.mpf(df)
    if t == 0:
        return mp.mpf(0)
    constant = mp.loggamma((v + 1) / 2) - mp.loggamma(v / 2) - mp.log(v * mp.pi) / 2
    peak = -(v + 1) / 2 * mp.log1p(t**2 / v)

    def density(u):
        x = t * mp.exp(u)
        return mp.exp(-(v + 1) / 2 * mp.log1p(x**2 / v) - peak) * x

    decay = max(mp.mpf(1), v * t**2 / (v + t**2))  # how fast the tail falls in u
    cuts = [mp.mpf(j) / decay for j in (0, 1, 2, 4, 8, 16, 32, 64, 128)]
    return mp.log(2 * mp.quad(density, cuts)) + constant + peak


@pytest.mark.parametrize("z", STATISTICS)
def test_normal_tails(z):
    with mp.workdps(50):
        expected = float(normal_log_p(z))
    assert float(Normal().log_two_sided(z)) == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert float(Normal().log_two_sided(-z)) == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("df", [1, 2, 5, 30, 745, 1e6])
@pytest.mark.parametrize("t", STATISTICS)
def test_student_tails(t, df):
    with mp.workdps(40):
        expected = float(student_log_p(t, df))
    assert float(StudentT(df).log_two_sided(t)) == pytest.approx(expected, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("t", [1.0, 5.0, 60.0, 1e4])
def test_one_degree_of_freedom_is_cauchy(t):
    r"""$P(|T| > t) = (2/\pi) \arctan(1/t)$."""
    expected = np.log(2 / np.pi * np.arctan(1 / t))
    assert float(StudentT(1).log_two_sided(t)) == pytest.approx(expected, rel=1e-12)


def test_a_perfect_fit_and_a_withheld_error():
    for reference in (Normal(), StudentT(5)):
        assert reference.log_two_sided(np.inf) == -np.inf
        assert np.isnan(reference.log_two_sided(np.nan))


def test_many_at_once_and_quantiles():
    for reference in (Normal(), StudentT(5)):
        points = [-2.0, 0.0, 3.0]
        together = reference.log_two_sided(np.array(points))
        one_by_one = [float(reference.log_two_sided(v)) for v in points]
        np.testing.assert_allclose(together, one_by_one, rtol=1e-15)
        for confidence in (0.5, 0.95, 0.999):
            q = reference.quantile(0.5 + confidence / 2)
            assert np.exp(reference.log_two_sided(q)) == pytest.approx(1 - confidence, rel=1e-10)
    assert Normal().quantile(0.975) == pytest.approx(1.959963984540054, rel=1e-14)
    assert StudentT(5).quantile(0.975) == pytest.approx(2.570581835636314, rel=1e-12)  # tables
