"""`asymptotix validate`: what it covers, what it says, and that a wrong model fails it."""

import json
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import statsmodels.api as sm

import asymptotix as asx
from asymptotix import families, validation
from asymptotix.cli import main
from asymptotix.validation import oracles, rivals, samples
from asymptotix.validation.comparison import TOLERANCES, relative_difference
from registry import FAMILIES


class Skewed(asx.AbstractFamily):
    """A logit whose predictor is a ten-thousandth too large."""

    name = "bernoulli"
    dispersion_rule = "fixed"
    response_kind = "binary"
    right: asx.AbstractFamily = families.Bernoulli()

    def log_prob(self, eta, y):
        return self.right.log_prob(1.0001 * eta, y)

    def mean(self, eta):
        return self.right.mean(1.0001 * eta)

    def variance(self, eta):
        return self.right.variance(1.0001 * eta)

    def sample(self, eta, *, key):
        return self.right.sample(1.0001 * eta, key=key)

    def expected_information(self, eta, y):
        return 1.0001**2 * self.right.expected_information(1.0001 * eta, y)

    def saturated(self, y):
        return self.right.saturated(y)


WRONG = (validation.generalised_case("bernoulli", "logit", Skewed()),)


@pytest.fixture(scope="module")
def some():
    """Comparisons of a model without statsmodels' help, one with several equations, and a GLM."""
    cases = [c for c in validation.all_cases() if c.name.startswith(("drawn", "Spector"))]
    wanted = ("location-scale Gaussian", "multinomial logit", "bernoulli, probit", "logit")
    return validation.validate([c for c in cases if c.model in wanted])


# --- what is covered --------------------------------------------------------------------


def test_every_family_and_link_has_a_case():
    names = {case.name for case in validation.all_cases()}
    assert len(names) == len(validation.all_cases())
    for label in FAMILIES:
        family, link = label.rsplit("-", 1)
        assert f"drawn: {family.replace('_', ' ')}, {link}" in names
    shipped = [getattr(families, name) for name in families.__all__]
    for family in shipped:
        if isinstance(getattr(family, "name", None), str):
            assert any(family.name in name for name in names), family


def test_models_agree_with_their_oracles(some):
    assert {c.model for c in some} == {
        "location-scale Gaussian", "multinomial logit", "bernoulli, probit", "logit",
    }  # fmt: skip
    assert [c for c in some if not c.passed] == []
    probit = {c.quantity for c in some if c.model == "bernoulli, probit"}
    assert probit >= {
        "estimates", "log-likelihood", "null log-likelihood", "AIC", "BIC", "deviance",
        "Pearson chi2", "standard errors, observed", "standard errors, expected",
        "standard errors, opg", "standard errors, HC0", "standard errors, HC1",
        "standard errors, CR1 by g",
    }  # fmt: skip
    logit = {c.quantity for c in some if c.data == "Spector"}
    assert logit >= {"standard errors, HC2", "standard errors, HC3", "standard errors, expected"}


# --- the oracles ------------------------------------------------------------------------


def test_what_statsmodels_misnames_is_still_misnamed():
    """The notes say that it returns HC0 under other names; when that changes, so must they."""
    sample = samples.drawn("bernoulli", "probit")
    y, x = rivals.matrices(sample)
    model = sm.GLM(y, x, sm.families.Binomial(sm.families.links.Probit()))
    hc0, hc1, hc3 = (model.fit(cov_type=kind).bse for kind in ("HC0", "HC1", "HC3"))
    np.testing.assert_array_equal(hc1, hc0)
    np.testing.assert_array_equal(hc3, hc0)


def test_the_leveraged_covariances_are_those_of_least_squares():
    """For a Gaussian GLM the pieces must give what statsmodels' OLS has right."""
    sample = samples.drawn("gaussian", "identity")
    both = rivals.ols(sample), rivals.glm("gaussian", "identity", sample)
    least, general = ({e.label: e.value for e in found} for found in both)
    for quantity in ("HC0", "HC1", "HC2", "HC3", "CR1 by g"):
        label = f"standard errors, {quantity}"
        np.testing.assert_allclose(general[label], least[label], rtol=1e-12)
    for quantity in ("log-likelihood", "null log-likelihood", "AIC", "BIC", "deviance"):
        np.testing.assert_allclose(general[quantity], least[quantity], rtol=1e-12)


def test_our_own_maximum_is_that_of_a_model_solved_by_hand():
    """A normal sample: mean, log of the standard deviation, and errors s/sqrt(n), 1/sqrt(2n)."""
    y = np.array([1.0, 2.0, 4.0, 7.0, 11.0])

    def rows(theta):
        return -0.5 * ((y - theta[0]) * np.exp(-theta[1])) ** 2 - theta[1]

    found = {e.label: e.value for e in oracles.maximum_likelihood(rows, [4.0, 1.0])}
    s = y.std()
    np.testing.assert_allclose(found["estimates"], [5.0, np.log(s)], rtol=1e-12)
    errors = [s / np.sqrt(5), 1 / np.sqrt(10)]
    np.testing.assert_allclose(found["standard errors, observed"], errors, rtol=1e-10)


def test_differences_are_relative_and_never_lost():
    assert relative_difference([1.0, 2.0], [1.0, 4.0]) == 0.5
    assert relative_difference([1.0], [1.0, 4.0]) == np.inf
    row = validation.Comparison("d", "m", "estimates", "o", float("nan"), 1.0)
    assert np.isnan(relative_difference([np.nan], [1.0]))
    assert not row.passed
    assert not validation.passed([row])
    assert not validation.passed([])


# --- the command ------------------------------------------------------------------------


class Text(HTMLParser):
    """The words of a page, and whatever it would load."""

    def __init__(self):
        super().__init__()
        self.words, self.loads = [], []

    def handle_data(self, data):
        self.words.append(data)

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href")]


def test_the_command_prints_a_table_and_writes_files(tmp_path, capsys):
    page, out = tmp_path / "v.html", tmp_path / "v.json"
    wanted = ["--only", "Drawn: gaussian, id", "--html", str(page), "--json", str(out)]
    assert main(["validate", *wanted]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "agree within their tolerances" in printed
    assert "FAIL" not in printed
    found = json.loads(out.read_text())
    assert found["passed"] is True
    assert {c["model"] for c in found["comparisons"]} == {"gaussian, identity"}
    assert all(0 <= c["difference"] <= c["tolerance"] for c in found["comparisons"])
    text = Text()
    text.feed(page.read_text())
    assert text.loads == []
    assert text.words.count("pass") == len(found["comparisons"])


def test_a_wrong_model_fails(capsys):
    assert main(["validate"], cases=WRONG) == 1
    printed = capsys.readouterr().out
    assert "FAIL: drawn: bernoulli, logit" in printed
    (estimates,) = [c for c in validation.validate(WRONG) if c.quantity == "estimates"]
    assert estimates.difference == pytest.approx(1e-4, rel=1e-3)
    assert estimates.tolerance == TOLERANCES["estimates"]


def test_a_model_that_raises_fails_and_leaves_the_others(capsys, tmp_path):
    broken = validation.Case(
        "none", "raises", samples.spread, lambda sample: 1 / 0, lambda sample: []
    )
    good = validation.generalised_case("gaussian", "identity", families.Gaussian())
    out = tmp_path / "v.json"
    assert main(["validate", "--json", str(out)], cases=(broken, good)) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    rows = json.loads(out.read_text())["comparisons"]
    assert rows[0]["difference"] is None
    assert [c["passed"] for c in rows] == [False] + [True] * (len(rows) - 1)
    assert len(rows) > 10


def test_a_pattern_that_matches_nothing_is_refused(capsys):
    assert main(["validate", "--only", "drawn: bernouli, logit"]) == 2
    assert "Did you mean 'drawn: bernoulli, logit'" in capsys.readouterr().err


def test_without_statsmodels_one_sentence_says_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    assert main(["validate", "--only", "spector"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert 'pip install "asymptotix[validate]"' in said.err
    assert len(said.err.splitlines()) == 1


def test_the_program_runs_by_itself():
    words = [sys.executable, "-m", "asymptotix.cli", "validate", "--only", "drawn: gaussian, id"]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "agree within their tolerances" in run.stdout
    assert run.stderr == ""
