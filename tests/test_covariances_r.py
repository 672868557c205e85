"""Robust covariances against R's sandwich and clubSandwich (tests/oracles/covariances.R)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import asymptotix as asx

FIXTURE = json.loads((Path(__file__).parent / "data" / "covariances.json").read_text())
DATA = pd.DataFrame(FIXTURE["data"])
FITS = {
    "lm": lambda **o: asx.linear("y ~ x1 + x2", DATA, **o),
    "logit": lambda **o: asx.logit("binary ~ x1 + x2", DATA, **o),
    "probit": lambda **o: asx.probit("binary ~ x1 + x2", DATA, **o),
    "poisson": lambda **o: asx.poisson("count ~ x1 + x2", DATA, **o),
}
KERNELS = {
    "Bartlett": "bartlett",
    "Parzen": "parzen",
    "Quadratic Spectral": "quadratic-spectral",
}


@pytest.fixture(scope="module")
def fits():
    return {name: run() for name, run in FITS.items()}


def close(found, expected, rtol=1e-9):
    """Equal on the scale of the standard errors: covariances near zero keep fewer digits."""
    expected = np.asarray(expected)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(found.covariance.matrix / scale, expected / scale, rtol=0, atol=rtol)


@pytest.fixture(params=list(FITS))
def pair(request, fits):
    return fits[request.param], FIXTURE["fits"][request.param]


def test_the_fits_agree(pair):
    res, expected = pair
    np.testing.assert_allclose(res.params, expected["coef"], rtol=1e-10)


@pytest.mark.parametrize("correction", ["HC0", "HC1", "HC2", "HC3", "HC4", "HC5"])
def test_heteroskedasticity(pair, correction):
    res, expected = pair
    close(res.with_cov(asx.Sandwich(correction, convention="sandwich")), expected[correction])


def test_one_way_clusters(pair):
    res, expected = pair
    close(res.with_cov(asx.Cluster("firm", convention="sandwich")), expected["cluster"])
    plain = asx.Cluster("firm", correction="CR0", bread="expected")
    close(res.with_cov(plain), expected["cluster_HC0"])
    close(res.with_cov(asx.Cluster("firm", bread="expected")), expected["cluster_HC1"])


def test_two_way_clusters(pair):
    res, expected = pair
    found = res.with_cov(asx.Cluster("firm", "year", bread="expected"))
    close(found, expected["two_way"])
    plain = asx.Cluster("firm", "year", correction="CR0", bread="expected")
    close(res.with_cov(plain), expected["two_way_HC0"])


@pytest.mark.parametrize("correction", ["CR0", "CR3"])
def test_adjusted_clusters(pair, correction):
    res, expected = pair
    kind = asx.Cluster("firm", correction=correction, bread="expected")
    close(res.with_cov(kind), expected[correction])


def test_satterthwaite(fits):
    found = fits["lm"].with_cov(asx.Cluster("firm", correction="CR2"))
    close(found, FIXTURE["satterthwaite"]["CR2"])
    np.testing.assert_allclose(found.reference.df, FIXTURE["satterthwaite"]["df"], rtol=1e-9)


def test_newey_west(pair):
    res, expected = pair
    close(res.with_cov(asx.HAC(bandwidth=3, bread="expected")), expected["newey_west_3"])
    adjusted = asx.HAC(bandwidth=3, bread="expected", correction="n-k")
    close(res.with_cov(adjusted), expected["newey_west_adjusted"])
    close(res.with_cov(asx.HAC(bread="expected")), expected["newey_west"])


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_andrews(pair, kernel):
    res, expected = pair
    kind = asx.HAC(KERNELS[kernel], "andrews", bread="expected")
    close(res.with_cov(kind), expected[f"andrews {kernel}"], rtol=1e-8)


def test_driscoll_kraay(pair):
    res, expected = pair
    kind = asx.DriscollKraay("year", bandwidth=2, bread="expected")
    close(res.with_cov(kind), expected["driscoll_kraay"])


def test_panel_with_gaps():
    panel = FIXTURE["panel"]
    res = asx.linear("y ~ x", pd.DataFrame(panel["data"]))
    found = res.with_cov(asx.HAC(bandwidth=2, time="year", groups="unit"))
    close(found, panel["panel_hac"])
    close(res.with_cov(asx.DriscollKraay("year", bandwidth=2)), panel["driscoll_kraay"])


def test_weights():
    expected = FIXTURE["weighted"]
    res = asx.linear(
        "y ~ x1 + x2", DATA, weights=np.array(expected["weight"]), weight_kind="precision"
    )
    close(res.with_cov("HC3"), expected["HC3"])
    close(res.with_cov(asx.Cluster("firm")), expected["cluster_HC1"])
