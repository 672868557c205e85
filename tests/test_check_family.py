"""`asx.check_family`: right families pass, and each kind of mistake is found by its own check."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import gammaln

import asymptotix as asx
from asymptotix.core.errors import InputError
from registry import FAMILIES

OTHERS = {
    "negative_binomial": lambda: asx.NegativeBinomial(alpha=0.7),
    "gamma, dispersed": lambda: asx.Gamma(asx.LogLink(), 0.4),
    "inverse gaussian, dispersed": lambda: asx.InverseGaussian(dispersion=0.3),
    "beta": lambda: asx.Beta(phi=6.0),
    "location-scale": asx.LocationScale,
}


@pytest.mark.parametrize("label", [*FAMILIES, *OTHERS])
def test_every_family_passes(label):
    report = asx.check_family({**FAMILIES, **OTHERS}[label]())
    assert report.ok, report


def test_a_vector_family_is_checked_where_it_is_told():
    with pytest.raises(InputError, match="vector"):
        asx.check_family(asx.Multinomial())
    report = asx.check_family(asx.Multinomial(), eta=[[0.3, -0.5], [1.0, 0.2]])
    assert report.ok, report


class Geometric(asx.AbstractFamily):
    """A right family, whose methods the tests below replace by wrong ones."""

    name = "geometric"
    dispersion_rule = "fixed"

    def log_prob(self, eta, y):
        return y * eta - (y + 1) * jax.nn.softplus(eta)

    def mean(self, eta):
        return jnp.exp(eta)

    def variance(self, eta):
        return jnp.exp(eta) * (1 + jnp.exp(eta))

    def sample(self, eta, *, key):
        uniform = jax.random.uniform(key, eta.shape, eta.dtype)
        return jnp.floor(-jnp.log(uniform) / jax.nn.softplus(-eta))

    def saturated(self, y):
        at = jnp.where(y > 0, y, 1.0)
        return jnp.where(y > 0, y * jnp.log(at) - (y + 1) * jnp.log1p(y), 0.0)

    def expected_information(self, eta, y):
        return jax.nn.sigmoid(eta)


def wrong(**methods):
    """The geometric family with some methods exchanged."""
    return type("Wrong", (Geometric,), {"__module__": __name__, **methods})()


def base(name):
    return getattr(Geometric, name)


def softplus(eta):
    """Right in value; its slope at 800 is 0 times infinity."""
    return jnp.where(eta > 0, eta + jnp.log1p(jnp.exp(-eta)), jnp.log1p(jnp.exp(eta)))


MISTAKES = {
    "a constant forgotten": (
        {"log_prob": lambda self, eta, y: base("log_prob")(self, eta, y) + 0.01},
        {"normalises"},
    ),
    "a mean off": ({"mean": lambda self, eta: 1.1 * jnp.exp(eta)}, {"mean", "mean of draws"}),
    "poisson's variance": (
        {"variance": lambda self, eta: jnp.exp(eta)},
        {"variance", "variance of draws"},
    ),
    "draws of another mean": (
        {"sample": lambda self, eta, *, key: base("sample")(self, eta + 0.1, key=key)},
        {"mean of draws", "variance of draws"},
    ),
    "draws of another variance": (
        {"sample": lambda self, eta, *, key: jax.random.poisson(key, jnp.exp(eta)).astype(float)},
        {"variance of draws"},
    ),
    "expected information of the logit": (
        {"expected_information": lambda self, eta, y: jax.nn.sigmoid(eta) * jax.nn.sigmoid(-eta)},
        {"expected_information"},
    ),
    "saturated too low": (
        {"saturated": lambda self, y: base("saturated")(self, y) - 0.01},
        {"saturated"},
    ),
    "saturated too high": (
        {"saturated": lambda self, y: base("saturated")(self, y) + 0.01},
        {"saturated"},
    ),
    "a kernel of another family": (
        {"kernel": lambda self, eta, y: y * eta - jnp.exp(eta)},
        {"kernel has the slope of log_prob", "expected_information"},
    ),
    "a branch not taken that overflows": (
        {"log_prob": lambda self, eta, y: y * eta - (y + 1) * softplus(eta)},
        {"finite at extremes of eta"},
    ),
    "a clipped predictor": (
        {"log_prob": lambda self, eta, y: base("log_prob")(self, jnp.clip(eta, -1, 1), y)},
        {"mean"},
    ),
}


def test_the_right_family_passes():
    report = asx.check_family(Geometric())
    assert report.ok, report
    assert {check.verdict for check in report.checks} == {"ok"}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_mistakes_are_found(mistake):
    methods, expected = MISTAKES[mistake]
    report = asx.check_family(wrong(**methods))
    assert not report.ok
    assert expected <= set(report.failed), report


def test_a_slope_that_is_none_is_found():
    """A stopped gradient leaves the density right and its score wrong."""

    def log_prob(self, eta, y):
        return jax.lax.stop_gradient(y * eta) - (y + 1) * jax.nn.softplus(eta)

    report = asx.check_family(wrong(log_prob=log_prob))
    assert "normalises" not in report.failed
    assert {"score has mean zero", "information equality"} <= set(report.failed)


class WrongScale(asx.AbstractFamily):
    """A gamma whose own parameter is not the one in its density."""

    shape: jax.Array = asx.parameter()

    name = "gamma of a wrong shape"
    dispersion_rule = "estimated"

    def log_prob(self, eta, y):
        k = self.shape
        return k * (jnp.log(k) - eta) + (k - 1) * jnp.log(y) - k * y * jnp.exp(-eta) - gammaln(k)

    def mean(self, eta):
        return jnp.exp(eta)

    def variance(self, eta):
        return jnp.exp(2 * eta) * self.shape  # it is over the shape

    def sample(self, eta, *, key):
        return jnp.exp(eta) * jax.random.gamma(key, self.shape) / self.shape


def test_own_parameters_take_part():
    report = asx.check_family(WrongScale(np.array(2.5)))
    assert set(report.failed) == {"variance", "variance of draws"}
    assert "score has mean zero" in {c.name for c in report.checks if c.ok}
    undeclared = {c.name for c in report.checks if c.ok is None}
    assert undeclared == {"expected_information", "saturated"}


def test_the_report_prints_as_a_table():
    report = asx.check_family(wrong(**MISTAKES["a mean off"][0]))
    lines = str(report).splitlines()
    assert lines[0] == "Family geometric: FAILED"
    assert len(lines) == 1 + len(report.checks)
    assert sum("FAILED" in line for line in lines[1:]) == len(report.failed) >= 2
    assert repr(report) == str(report)
    assert dataclasses.is_dataclass(report.checks[0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: asx.check_family(Geometric(), support="whole"), "'whole' must be one of counts"),
        (lambda: asx.check_family(asx.QuasiPoisson()), "support="),
        (lambda: asx.check_family(asx.QuasiPoisson(), support="counts"), "no density"),
        (lambda: asx.check_family(wrong(mean=lambda self, eta: eta * jnp.nan)), "finite mean"),
    ],
)
def test_what_cannot_be_checked_is_said(call, words):
    with pytest.raises(InputError, match=words):
        call()
