"""Upper tails of chi2 and F in logarithms, against mpmath and against each other."""

import mpmath as mp
import numpy as np
import pytest

from asymptotix.core.reference import Chi2, F, Normal, StudentT


def chi2_log_sf(x, df):
    return mp.log(mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, regularized=True))


def f_log_sf(f, d1, d2):
    """By quadrature of the beta density in logarithms: no hypergeometric function involved."""
    a, b = mp.mpf(d2) / 2, mp.mpf(d1) / 2
    x = a / (a + b * mp.mpf(f))
    log_front = a * mp.log(x) + b * mp.log1p(-x) - mp.log(mp.beta(a, b))
    # I_x = x^a (1-x)^b / B * int_0^inf exp(-a s) ((1 - x e^-s)/(1 - x))^(b - 1) / (1 - x) ds

    def inner(s):
        return mp.exp(-a * s) * ((1 - x * mp.exp(-s)) / (1 - x)) ** (b - 1) / (1 - x)

    scale = 1 / (a + 1)
    cuts = [0] + [scale * mp.mpf(2) ** j for j in range(-6, 9)]
    return log_front + mp.log(mp.quad(inner, cuts))


@pytest.mark.parametrize("df", [1, 2, 7, 40, 300])
@pytest.mark.parametrize("x", [0.0, 1e-6, 0.5, 10.0, 1190.0, 1500.0, 5000.0, 1e6])
def test_chi2(x, df):
    with mp.workdps(60):
        expected = float(chi2_log_sf(x, df))
    assert float(Chi2(df).log_sf(x)) == pytest.approx(expected, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("d1", [1, 2, 5, 30])
@pytest.mark.parametrize("d2", [1, 3, 40, 700, 20_000])
@pytest.mark.parametrize("f", [1e-3, 0.8, 4.0, 60.0, 3600.0, 1e8])
def test_f(f, d1, d2):
    with mp.workdps(40):
        expected = float(f_log_sf(f, d1, d2))
    assert float(F(d1, d2).log_sf(f)) == pytest.approx(expected, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("z", [0.3, 4.0, 38.0, 60.0, 70.7])
def test_squares_of_normal_and_t(z):
    assert Chi2(1).log_sf(z**2) == pytest.approx(Normal().log_two_sided(z), rel=1e-12)
    for df in (2, 9, 400):
        same = StudentT(df).log_two_sided(z)
        assert F(1, df).log_sf(z**2) == pytest.approx(same, rel=1e-11)
    assert np.exp(Normal().log_sf(-z)) + np.exp(Normal().log_sf(z)) == pytest.approx(1)


def test_many_residual_degrees_of_freedom_are_chi2():
    assert F(3, 1e12).log_sf(5000 / 3) == pytest.approx(Chi2(3).log_sf(5000), rel=1e-7)


def test_edges():
    for law in (Chi2(2), F(2, 9)):
        assert law.log_sf(0.0) == 0
        assert law.log_sf(np.inf) == -np.inf
        assert np.isnan(law.log_sf(np.nan))
    assert (Chi2(2).label, F(2, 9).label) == ("chi2(2)", "F(2, 9)")
