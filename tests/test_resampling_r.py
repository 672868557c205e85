"""Bootstrap intervals and jackknives beside R's boot (fixtures of tests/oracles/resampling.R)."""

import json
from pathlib import Path

import numpy as np
import pytest

import asymptotix as asx
from asymptotix.covariances.intervals import Resampled

R = json.loads((Path(__file__).parent / "data" / "resampling.json").read_text())
LEVELS = {0.9: 0, 0.95: 1}


@pytest.fixture(scope="module")
def rows(mroz):
    part = mroz.iloc[::11]
    children = part["kidslt6"] + part["kidsge6"]
    x = np.column_stack([np.ones(len(part)), part["educ"], children]).astype(float)
    return asx.Rows(x, part["inlf"].to_numpy(float))


@pytest.fixture(scope="module")
def fit(rows):
    return asx.fit(asx.Logit(3), rows)


@pytest.fixture(scope="module")
def found(fit, rows):
    """Our estimates from R's draws, with our own influence values."""
    weights = np.array([list(map(int, digits)) for digits in R["frequencies"]], float)
    assert (weights.sum(axis=1) == rows.n).all()
    fits = asx.fit_many(
        asx.Logit(3), rows.x, rows.y, weights=weights, weight_kind="frequency"
    )  # fmt: skip
    own = asx.resample(fit, rows, asx.Bootstrap(2, key=np.array([0, 1], np.uint32)))
    assert own.times.tolist() == [1.0] * rows.n
    return Resampled(
        own.estimate,
        np.asarray(fits.model.predictor.coef),
        (("converged", len(weights)),),
        own.influence,
        own.times,
    )


def test_the_same_draws_have_the_same_estimates(found):
    np.testing.assert_allclose(found.estimate, R["estimate"], rtol=1e-9)
    np.testing.assert_allclose(found.replicates, R["replicates"], rtol=1e-7)


def between(replicates, order):
    """R's limit at a fractional place among the ordered replicates, and the gap around it.

    Ours is the quantile of order 7 of `numpy.quantile`; boot's interpolates on the scale of the
    normal distribution: the two lie in the same or in neighbouring gaps.
    """
    ordered = np.sort(replicates)
    below = int(np.floor(order)) - 2
    return ordered[below], ordered[below + 3]


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("confidence", LEVELS)
def test_intervals(found, position, confidence):
    theirs = R["intervals"][position]
    column = np.asarray(found.replicates)[:, position]
    for kind, name in (("percentile", "percent"), ("bca", "bca")):
        ours = found.conf_int(kind, confidence)[position]
        limits = theirs[name][LEVELS[confidence]]
        orders = {
            "percent": [400 * (1 - confidence) / 2, 400 * (1 + confidence) / 2],
            "bca": theirs["bca_order"][LEVELS[confidence]],
        }[name]
        for mine, limit, order in zip(ours, limits, orders, strict=True):
            low, high = between(column, order)
            assert low <= mine <= high
            assert low <= limit <= high
            # At R's own place in the order, which it hands out to two decimals, ours is the
            # quantile: half a unit of the second decimal of one gap.
            expected = np.quantile(column, order / 400)
            assert mine == pytest.approx(expected, abs=0.005 * (high - low))
    low, high = 2 * found.estimate[position] - found.conf_int("basic", confidence)[position]
    np.testing.assert_allclose([high, low], found.conf_int("percentile", confidence)[position])


@pytest.mark.parametrize("position", [0, 1, 2])
def test_acceleration(found, position):
    """From derivatives in the weights; boot's are numerical."""
    influence = found.influence[:, position]
    ours = np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5)
    assert ours == pytest.approx(R["intervals"][position]["acceleration"], rel=1e-3)


def test_jackknife(fit, rows):
    for center in ("mean", "estimate"):
        ours = asx.covariance(fit, rows, asx.Jackknife(center=center)).matrix
        np.testing.assert_allclose(ours, R["jackknife"][center], rtol=1e-7)
    clusters = asx.covariance(fit, rows, asx.Jackknife(np.arange(rows.n) % 9)).matrix
    np.testing.assert_allclose(clusters, R["jackknife"]["clusters"], rtol=1e-7)
