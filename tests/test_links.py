"""Links: inverse of each other, right in the tails, -inf outside the domain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special as sp
from scipy import stats

from asymptotix import links as lk
from asymptotix.core.errors import InputError

PROBABILITY = {
    lk.LogitLink(): sp.expit,
    lk.ProbitLink(): stats.norm.cdf,
    lk.CauchitLink(): stats.cauchy.cdf,
    lk.CloglogLink(): stats.gumbel_l.cdf,
    lk.LoglogLink(): stats.gumbel_r.cdf,
}
MEAN = {
    lk.LogLink(): np.exp,
    lk.IdentityLink(): lambda eta: eta,
    lk.SqrtLink(): lambda eta: eta**2,
    lk.InverseLink(): lambda eta: 1 / eta,
    lk.InverseSquareLink(): lambda eta: eta**-0.5,
    lk.PowerLink(3): lambda eta: eta ** (1 / 3),
    lk.PowerLink(-0.7): lambda eta: eta ** (-1 / 0.7),
}
ALL = PROBABILITY | MEAN


def _label(link):
    return f"{link.name}{getattr(link, 'p', '')}"


def _evaluate(link, eta):
    """Columns: mean, its derivative, log mean, its derivative, log complement, its derivative."""

    def row(e):
        pairs = [
            jax.value_and_grad(f)(e) for f in (link.inverse, link.log_inverse, link.log_complement)
        ]
        return jnp.stack([part for pair in pairs for part in pair])

    return np.asarray(jax.jit(jax.vmap(row))(jnp.asarray(eta)))


@pytest.mark.parametrize("link", ALL, ids=_label)
def test_inverse_and_logarithms_against_scipy(link):
    eta = np.array([0.05, 0.3, 0.9]) if link in MEAN else np.array([-3.0, -0.4, 0.3, 2.0])
    with jax.enable_x64(True):
        mu, slope, log_mu, log_slope, log_rest, rest_slope = _evaluate(link, eta).T
        back = np.asarray(jax.vmap(link.link)(jnp.asarray(mu)))
    expected = ALL[link](eta)
    step = 1e-5
    numerical = (ALL[link](eta + step) - ALL[link](eta - step)) / (2 * step)
    np.testing.assert_allclose(mu, expected, rtol=1e-13)
    np.testing.assert_allclose(back, eta, rtol=1e-12)
    np.testing.assert_allclose(slope, numerical, rtol=1e-6)
    np.testing.assert_allclose(log_mu, np.log(expected), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(log_slope, slope / mu, rtol=1e-13)
    below = expected < 1
    np.testing.assert_allclose(log_rest[below], np.log1p(-expected[below]), rtol=1e-12)
    np.testing.assert_allclose(rest_slope[below], (-slope / (1 - mu))[below], rtol=1e-12)
    np.testing.assert_array_equal(log_rest[~below], -np.inf)


@pytest.mark.parametrize("link", PROBABILITY, ids=_label)
def test_no_nan_anywhere_on_the_line(link):
    with jax.enable_x64(True):
        got = _evaluate(link, np.array([-800.0, -40.0, 0.0, 40.0, 800.0]))
    assert not np.isnan(got).any()
    assert ((got[:, 0] >= 0) & (got[:, 0] <= 1)).all()


@pytest.mark.parametrize("link", PROBABILITY, ids=_label)
def test_symmetric_means_symmetric(link):
    with jax.enable_x64(True):
        left, right = _evaluate(link, np.array([-0.7, 0.7]))
    assert link.symmetric == np.isclose(left[2], right[4], rtol=1e-14)


@pytest.mark.parametrize(
    ("link", "eta", "log_mu", "log_rest"),
    [
        (lk.LogLink(), 0.5, 0.5, -np.inf),  # a rate may exceed 1, a probability may not
        (lk.LogLink(), 0.0, 0.0, -np.inf),
        (lk.IdentityLink(), -0.5, -np.inf, np.log(1.5)),
        (lk.IdentityLink(), 0.0, -np.inf, 0.0),
        (lk.IdentityLink(), 1.5, np.log(1.5), -np.inf),
        (lk.SqrtLink(), -2.0, -np.inf, -np.inf),
        (lk.InverseLink(), -2.0, -np.inf, -np.inf),
        (lk.InverseSquareLink(), -2.0, -np.inf, -np.inf),
        (lk.PowerLink(3.0), -2.0, -np.inf, -np.inf),
    ],
    ids=lambda v: _label(v) if isinstance(v, lk.AbstractLink) else str(v),
)
def test_outside_the_domain(link, eta, log_mu, log_rest):
    with jax.enable_x64(True):
        got = _evaluate(link, np.array([eta]))[0]
    np.testing.assert_allclose(got[[2, 4]], [log_mu, log_rest], rtol=1e-15)


@pytest.mark.parametrize("link", ALL, ids=_label)
def test_float32_stays_float32(link):
    got = _evaluate(link, np.array([0.3], np.float32))
    assert got.dtype == np.float32
    assert float(got[0, 0]) == pytest.approx(float(ALL[link](0.3)), rel=1e-5)


def test_links_are_constants():
    assert jax.tree.leaves(list(ALL)) == []
    assert lk.PowerLink(2) == lk.PowerLink(2.0)


def test_power_zero_is_refused():
    with pytest.raises(InputError, match=r"use LogLink\(\)") as caught:
        lk.PowerLink(0)
    assert caught.value.code == "link_power"
