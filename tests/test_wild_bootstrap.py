"""The wild bootstrap: the package wildboottest, plain loops, and its size with few clusters."""

import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import statsmodels.api as sm

import asymptotix as asx
from asymptotix.core.precision import double
from asymptotix.covariances.fingerprint import with_working_dispersion
from asymptotix.covariances.passes import outward_matrix
from asymptotix.inference.hypotheses import linear_hypothesis
from asymptotix.inference.restricted import restricted_maximum
from asymptotix.inference.wild_draws import LAWS, drawn
from asymptotix.model import layout

KEY = jax.random.key(3)
THEIRS = json.loads((Path(__file__).parent / "data" / "wild.json").read_text())


@pytest.fixture(scope="module")
def women(mroz):
    return mroz.assign(decade=(mroz["age"] - 30) // 4, year=mroz["age"])


@pytest.fixture(scope="module")
def line(women):
    return asx.linear("nwifeinc ~ educ + age + kidslt6 + kidsge6", women, cov=asx.Cluster("decade"))


def logistic(eta):
    return 1 / (1 + np.exp(-eta))


def clustered(seed, groups=7, size=20):
    """Clusters of unequal size with effects of their own, and a covariate that varies with them."""
    rng = np.random.default_rng(seed)
    firm = np.repeat(np.arange(groups), rng.integers(size // 2, 2 * size, groups))
    x = rng.standard_normal((len(firm), 2)) + rng.standard_normal((groups, 2))[firm]
    eta = 0.3 + 0.5 * x[:, 0] + 0.7 * rng.standard_normal(groups)[firm]
    y = eta + rng.standard_normal(len(firm))
    return {
        "firm": firm, "x1": x[:, 0], "x2": x[:, 1], "y": y,
        "z": (y > 0.3) * 1.0, "n": rng.poisson(np.exp(eta / 2)) * 1.0,
    }  # fmt: skip


def all_signs(count):
    return 2.0 * (np.arange(2**count)[:, None] >> np.arange(count) & 1) - 1.0


# --- linear regressions -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["educ", "age", "kidslt6", "kidsge6"])
def test_all_draws_beside_wildboottest(line, name):
    theirs = THEIRS["rademacher"][name]
    ours = line.wild_bootstrap_test([name], key=KEY)
    assert ours.statistic == pytest.approx(theirs["t"] ** 2, rel=1e-9)
    assert ours.statistic == pytest.approx(line.wald_test([name]).statistic, rel=1e-9)
    np.testing.assert_allclose(np.sort(ours.replicates), theirs["replicates"], rtol=1e-7)
    # The draws of all +1 and all -1 equal the data's own: they count here, in strict comparison not
    # (theirs, where rounding does not decide otherwise, is smaller by 2/256).
    assert 0 <= ours.p - theirs["p"] <= 2 / 256
    assert ours.p == np.mean(np.array(theirs["replicates"]) >= theirs["t"] ** 2 * (1 - 1e-9))
    assert ours.p_error == 0


@pytest.mark.parametrize("name", ["educ", "age", "kidslt6", "kidsge6"])
def test_random_draws_beside_wildboottest(line, name):
    theirs = THEIRS["webb"][name]
    ours = line.wild_bootstrap_test([name], 3999, key=KEY, cluster="year", weights="webb")
    assert ours.statistic == pytest.approx(theirs["t"] ** 2, rel=1e-9)
    spread = math.hypot(ours.p_error, math.sqrt(theirs["p"] * (1 - theirs["p"]) / 9999))
    assert abs(ours.p - theirs["p"]) < 3 * spread + 1 / 4000


def test_joint_hypothesis_by_refits():
    """Cameron, Gelbach and Miller's bootstrap, with a fit of each draw; F instead of t."""
    d = clustered(1)
    n, firm = len(d["y"]), d["firm"]
    x = np.column_stack([np.ones(n), d["x1"], d["x2"]])
    inverse = np.linalg.inv(x.T @ x)

    def wald(y):
        b = inverse @ x.T @ y
        residual = y - x @ b
        totals = np.array([x[firm == g].T @ residual[firm == g] for g in range(7)])
        v = inverse @ totals.T @ totals @ inverse * (7 / 6) * (n - 1) / (n - 3)
        gap = b[1:] - [0.4, 0.1]
        return gap @ np.linalg.solve(v[1:, 1:], gap)

    fitted = d["x1"] * 0.4 + d["x2"] * 0.1
    fitted = fitted + (d["y"] - fitted).mean()
    expected = [wald(fitted + (d["y"] - fitted) * w[firm]) for w in all_signs(7)]
    res = asx.linear("y ~ x1 + x2", d, cov=asx.Cluster("firm"))
    ours = res.wild_bootstrap_test("x1 = 0.4, x2 = 0.1", key=KEY)
    np.testing.assert_allclose(ours.replicates, expected, rtol=1e-8)
    assert ours.statistic == pytest.approx(wald(d["y"]), rel=1e-9)
    assert ours.statistic == pytest.approx(2 * res.wald_test("x1 = 0.4, x2 = 0.1").statistic)
    assert ours.df == 2


def test_single_rows_by_refits():
    """Without clusters each row has its own sign; the statistic is that of HC1."""
    d = {name: v[:9] for name, v in clustered(2).items()}
    x = np.column_stack([np.ones(9), d["x1"]])
    inverse = np.linalg.inv(x.T @ x)

    def wald(y):
        b = inverse @ x.T @ y
        scores = x * (y - x @ b)[:, None]
        return b[1] ** 2 / (inverse @ scores.T @ scores @ inverse * 9 / 7)[1, 1]

    res = asx.linear("y ~ x1", d, cov="HC1")
    mean, seed = d["y"].mean(), asx.Bootstrap(9, key=KEY).seed
    # one slab of 64 rows, of which 9 are in use
    width = 64
    signs = np.concatenate([w for _, w in drawn("rademacher", seed, 0, 200, width)])[:, :9]
    expected = [wald(mean + (d["y"] - mean) * w) for w in signs]
    ours = res.wild_bootstrap_test("x1", 200, key=KEY)
    assert ours.statistic == pytest.approx(res.wald_test("x1").statistic, rel=1e-9)
    np.testing.assert_allclose(ours.replicates, expected, rtol=1e-7)


# --- other models -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["logit", "poisson", "probit"])
def test_scores_by_a_plain_loop(kind):
    d = clustered(4)
    n, firm = len(d["y"]), d["firm"]
    x = np.column_stack([np.ones(n), d["x1"], d["x2"]])
    y, family = {
        "logit": (d["z"], sm.families.Binomial()),
        "probit": (d["z"], sm.families.Binomial(sm.families.links.Probit())),
        "poisson": (d["n"], sm.families.Poisson()),
    }[kind]
    null = sm.GLM(y, x[:, [0, 2]], family=family, offset=0.2 * d["x1"])
    fit = null.fit(tol=1e-14, maxiter=200)
    mean = fit.fittedvalues
    slope = family.link.inverse_deriv(fit.predict(which="linear"))
    weight = slope**2 / family.variance(mean)
    scores = x * ((y - mean) * slope / family.variance(mean))[:, None]
    own = np.array([scores[firm == g].sum(axis=0) for g in range(7)])
    informations = np.array([(x[firm == g].T * weight[firm == g]) @ x[firm == g] for g in range(7)])
    inverse = np.linalg.inv(informations.sum(axis=0))

    def wald(w):
        step = inverse @ (w @ own)
        after = w[:, None] * own - informations @ step
        v = inverse @ after.T @ after @ inverse * (7 / 6) * (n - 1) / (n - 3)
        return step[1] ** 2 / v[1, 1]

    formula = {"poisson": "n ~ x1 + x2"}.get(kind, "z ~ x1 + x2")
    res = getattr(asx, kind)(formula, d, cov=asx.Cluster("firm"))
    ours = res.wild_bootstrap_test("x1 = 0.2", key=KEY)
    assert ours.statistic == pytest.approx(wald(np.ones(7)), rel=1e-8)
    np.testing.assert_allclose(ours.replicates, [wald(w) for w in all_signs(7)], rtol=1e-6)


def test_any_predictor_has_the_numbers_of_the_linear_one():
    import equinox as eqx

    class Line(eqx.Module):
        weight: jax.Array = asx.parameter()

        def __call__(self, xi):
            return xi @ self.weight

    d = clustered(5)
    x = np.column_stack([np.ones(len(d["y"])), d["x1"], d["x2"]])
    rows = asx.Rows(x, d["z"])
    network = asx.fit(asx.Regression(asx.Network(Line(jnp.zeros(3))), asx.Bernoulli()), rows)
    linear = asx.fit(asx.Logit(3), rows)
    matrix = np.array([[0.0, 1, 0], [0, 1, 2]])
    a, b = (
        asx.wild_bootstrap_test(fit, rows, (matrix, [0.2, 0.3]), key=KEY, cluster=d["firm"])
        for fit in (network, linear)
    )
    assert a.statistic == pytest.approx(b.statistic, rel=1e-7)
    np.testing.assert_allclose(a.replicates, b.replicates, rtol=1e-5)


def test_frequency_weights_in_clusters_are_repeated_rows():
    d = clustered(6)
    times = np.arange(len(d["y"])) % 3
    again = {name: np.repeat(v, times) for name, v in d.items()}
    options = {"weights": times * 1.0, "weight_kind": "frequency", "cov": asx.Cluster("firm")}
    a = asx.logit("z ~ x1 + x2", d, **options)
    b = asx.logit("z ~ x1 + x2", again, cov=asx.Cluster("firm"))
    ours, expected = (r.wild_bootstrap_test("x1", key=KEY) for r in (a, b))
    assert ours.statistic == pytest.approx(expected.statistic, rel=1e-8)
    np.testing.assert_allclose(ours.replicates, expected.replicates, rtol=1e-6)
    with pytest.raises(asx.InputError, match="repeat the rows"):
        a.with_cov("HC1").wild_bootstrap_test("x1", key=KEY)


# --- the restricted maximum ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "response", "family"),
    [
        (asx.Logit(3), "z", sm.families.Binomial()),
        (asx.PoissonRegression(3), "n", sm.families.Poisson()),
        (asx.LinearRegression(3), "y", sm.families.Gaussian()),
    ],
)
@pytest.mark.parametrize("far", [0.1, 30.0])
def test_restricted_maximum_beside_a_fit_with_an_offset(model, response, family, far):
    """`x1 + 2 x2 = far`: with x1 = far - 2 x2, a fit on x2 - 2 x1 with the offset far x1."""
    d = clustered(8)
    if far > 1 and response == "n":
        far = 5.0  # exp(30 x) leaves the range of statsmodels
    x = np.column_stack([np.ones(len(d["y"])), d["x1"], d["x2"]])
    rows = asx.Rows(x, d[response])
    fit = asx.fit(model, rows)
    held = linear_hypothesis((np.array([[0.0, 1, 2]]), far), layout(fit.model).names)
    with double():
        working = restricted_maximum(with_working_dispersion(fit), rows, held)
        found = np.asarray(outward_matrix(fit)) @ working
    assert found[1] + 2 * found[2] == pytest.approx(far, rel=1e-12)
    design = np.column_stack([np.ones(len(x)), d["x2"] - 2 * d["x1"]])
    theirs = sm.GLM(d[response], design, family=family, offset=far * d["x1"])
    expected = theirs.fit(tol=1e-14, maxiter=300).params
    np.testing.assert_allclose(found[[0, 2]], expected, rtol=1e-6, atol=1e-8)


# --- draws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
def test_laws_have_mean_zero_and_variance_one(law):
    values, shares = map(np.array, LAWS[law])
    assert shares.sum() == pytest.approx(1)
    assert values @ shares == pytest.approx(0, abs=1e-15)
    assert values**2 @ shares == pytest.approx(1)
    if law == "mammen":
        assert values**3 @ shares == pytest.approx(1)
    sample = np.concatenate([w for _, w in drawn(law, (1, 2), 0, 640, 50)]).ravel()
    for value, share in zip(values, shares, strict=True):
        error = math.sqrt(share * (1 - share) / sample.size)
        assert abs(np.mean(sample == value) - share) < 4 * error


def test_same_key_same_numbers(line):
    def replicates(key, count=150):
        found = line.wild_bootstrap_test("age", count, key=key, cluster="year", weights="mammen")
        return found.replicates

    first = replicates(KEY)
    np.testing.assert_array_equal(first, replicates(jax.random.key(3)))
    np.testing.assert_allclose(first[:100], replicates(KEY, 100), rtol=1e-12)
    assert (first != replicates(jax.random.key(4))).all()


def test_size_with_six_clusters():
    """A covariate that is constant in clusters: the t test rejects too often, this one does not.

    Under symmetric errors the 64 sign changes are equally likely, so that p <= 4/64 has a
    probability of about 4/64 = 0.0625.
    """
    rng = np.random.default_rng(9)
    replications, groups = 600, 6
    firm = np.repeat(np.arange(groups), 10)
    hits = {"wild": 0, "normal": 0}
    for _ in range(replications):
        x, effect = rng.standard_normal((2, groups))
        y = effect[firm] + rng.standard_normal(len(firm))
        rows = asx.Rows(np.column_stack([np.ones(60), x[firm]]), y, groups=firm)
        fit = asx.fit(asx.LinearRegression(2), rows)
        restriction = np.array([[0.0, 1.0]])
        found = asx.wild_bootstrap_test(fit, rows, restriction, 99, key=KEY, cluster="groups")
        hits["wild"] += found.p <= 4 / 64 + 1e-9
        hits["normal"] += found.statistic > 1.862731867**2  # two-sided 0.0625
    level = 4 / 64
    error = math.sqrt(level * (1 - level) / replications)
    assert abs(hits["wild"] / replications - level) < 3 * error, hits
    assert hits["normal"] / replications > level + 6 * error, hits


# --- at the user's surface -----------------------------------------------------------------------


def test_the_record(line):
    found = line.wild_bootstrap_test("educ = age", 499, key=KEY, cluster="year")
    assert found.replicates.shape == (499,)
    assert found.p == (1 + np.sum(found.replicates >= found.statistic)) / 500
    assert found.p_error == pytest.approx(math.sqrt(found.p * (1 - found.p) / 499))
    assert found.log_p == pytest.approx(math.log(found.p))
    shown = str(found)
    assert "Wild bootstrap test of educ = age" in shown
    assert "Monte-Carlo error" in shown
    assert "499 draws of Rademacher weights over 31 clusters of year" in shown
    few = line.wild_bootstrap_test("educ", key=KEY, cluster=np.arange(753) % 4)
    assert few.p >= 2 / 16
    assert "All 16 draws" in few.note
    assert "p is no smaller than 0.125; weights='webb' have more" in few.note
    rows = line.with_cov("HC3").wild_bootstrap_test("educ", 99, key=KEY)
    assert "over 753 rows" in rows.note


def test_input_errors(line, women):
    def refused(match, call):
        with pytest.raises(asx.InputError, match=match):
            call()

    test = line.wild_bootstrap_test
    refused("Resampling needs a key", lambda: test("educ"))
    refused("Did you mean 'educ'", lambda: test("edu", key=KEY))
    refused("Did you mean 'webb'", lambda: test("educ", key=KEY, weights="web"))
    refused("whole number from 1", lambda: test("educ", 0, key=KEY))
    refused("linear hypotheses", lambda: test(lambda m: m.predictor.coef[0], key=KEY))
    refused("cannot show the variance", lambda: test("educ = age = 0", key=KEY, cluster="inlf"))
    refused("no form that matches", lambda: line.with_cov(
        asx.Cluster("decade", "year")).wild_bootstrap_test("educ", key=KEY))  # fmt: skip
    part = women.assign(g=women["decade"].where(women["decade"] > 0))
    res = asx.linear("nwifeinc ~ educ + age", part)
    refused("'g' is missing", lambda: res.wild_bootstrap_test("educ", key=KEY, cluster="g"))
    ridge = asx.logit("inlf ~ educ", women, penalty=asx.Ridge(1.0))
    refused("a penalty", lambda: ridge.wild_bootstrap_test("educ", key=KEY))
    with pytest.warns(asx.CollinearWarning):
        twice = asx.linear("nwifeinc ~ educ + I(2 * educ)", women)
    refused("was omitted", lambda: twice.wild_bootstrap_test("I(2 * educ)", key=KEY))
    assert np.isfinite(twice.wild_bootstrap_test("educ", 99, key=KEY).p)
