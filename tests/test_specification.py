"""Specification tests beside statsmodels, by hand, and their sizes by simulation."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

import asymptotix as asx
from asymptotix.inference.information_matrix import information_matrix_statistic


@pytest.fixture(scope="module")
def logit(mroz):
    return asx.logit("inlf ~ educ + age + kidslt6", mroz)


@pytest.fixture(scope="module")
def counts(mroz):
    return asx.poisson("kidsge6 ~ educ + age", mroz)


def test_link_test_by_a_second_fit(logit, mroz):
    eta = logit.predict(type="link").to_numpy()
    x = np.column_stack([np.ones_like(eta), eta, eta**2])
    theirs = sm.Logit(mroz["inlf"].to_numpy(float), x).fit(method="newton", tol=1e-14, disp=0)
    ours = logit.link_test()
    assert ours.statistic == pytest.approx(theirs.tvalues[2] ** 2, rel=1e-7)
    assert ours.df == 1
    robust = logit.with_cov("HC0").link_test()
    by_hand = sm.GLM(mroz["inlf"], x, sm.families.Binomial()).fit(tol=1e-14, cov_type="HC0")
    assert robust.statistic == pytest.approx(by_hand.tvalues.iloc[2] ** 2, rel=1e-6)


def test_offset_and_weights_are_carried_over(mroz):
    """Frequency weights and repeated rows; an offset that is in the predictor."""
    part = mroz.iloc[::6].assign(w=np.arange(126) % 3 + 1, o=0.2)
    again = part.loc[part.index.repeat(part["w"])]
    options = {"weights": "w", "weight_kind": "frequency"}
    formula = "inlf ~ educ + age"
    a = asx.logit(formula, part, offset="o", **options)
    b = asx.logit(formula, again, offset="o")
    for verb in ("link_test", "reset_test", "hosmer_lemeshow", "information_matrix_test"):
        ours, expected = getattr(a, verb)(), getattr(b, verb)()
        if verb == "hosmer_lemeshow":  # the cuts are quantiles of rows, not of observations
            assert ours.df == expected.df
            continue
        assert ours.statistic == pytest.approx(expected.statistic, rel=1e-7)


def test_reset_beside_statsmodels(mroz):
    from statsmodels.stats.diagnostic import linear_reset

    ours = asx.linear("nwifeinc ~ educ + age", mroz)
    theirs = smf.ols("nwifeinc ~ educ + age", mroz).fit()
    for powers in ((2,), (2, 3)):
        expected = linear_reset(theirs, power=max(powers), use_f=True)
        test = ours.reset_test(powers)
        assert test.statistic == pytest.approx(float(expected.fvalue), rel=1e-6)
        assert (test.df, test.df_resid) == (len(powers), 753 - 3 - len(powers))
    with pytest.raises(asx.InputError, match="whole number from 2"):
        ours.reset_test((1,))
    assert ours.reset_test(2).statistic == ours.reset_test((2,)).statistic
    with pytest.raises(asx.InputError, match="different powers"):
        ours.reset_test((2, 2))


def test_refits_of_fits_that_are_no_maximum_are_refused(mroz, quiet):
    """Penalised, stopped early, not converged, or with a predictor to which nothing is added."""
    import optax

    ridge = asx.logit("inlf ~ educ + age", mroz, penalty=asx.Ridge(1.0))
    for verb in ("link_test", "reset_test"):
        with pytest.raises(asx.InputError, match="fitted with a penalty"):
            getattr(ridge, verb)()
    solver = asx.Stochastic(optimiser=optax.adam(0.01), epochs=3, key=jax.random.key(0))
    stopped = asx.mlp(
        "inlf ~ educ + age", mroz, (2,), key=jax.random.key(0), restarts=1, solver=solver,
        validation=0.3,
    )  # fmt: skip
    assert stopped.status == "early_stopped"
    separated = asx.logit("y ~ x", {"y": [0.0, 0, 0, 1, 1, 1], "x": [1.0, 2, 3, 4, 5, 6]})
    assert not separated.converged
    for res in (stopped, separated):
        for verb in ("link_test", "reset_test"):
            with pytest.raises(asx.InputError, match="needs a maximum of the likelihood"):
                getattr(res, verb)()


def test_powers_that_other_columns_explain(mroz):
    """A predictor of two values has no powers of its own; one of three values has one."""
    for formula in ("inlf ~ 1", "inlf ~ C(kidslt6 > 0)"):
        res = asx.logit(formula, mroz)
        with pytest.raises(asx.InputError, match="explain every power"):
            res.reset_test()
        with pytest.raises(asx.InputError, match="explain every power"):
            res.link_test()
    three = asx.logit("inlf ~ kidslt6", mroz[mroz["kidslt6"] < 3])
    both, square = three.reset_test(), three.reset_test((2,))
    assert both.statistic == pytest.approx(square.statistic, rel=1e-6)
    assert both.df == 1
    assert both.note == "Other columns explain 1 of the 2 powers, left out here."


def test_hosmer_lemeshow_by_hand(logit, mroz):
    import pandas as pd

    p = logit.predict().to_numpy()
    y = mroz["inlf"].to_numpy(float)
    cut = pd.cut(p, np.quantile(p, np.linspace(0, 1, 9)), include_lowest=True)
    table = pd.DataFrame({"y": y, "p": p, "n": 1.0}).groupby(cut, observed=True).sum()
    expected = ((table["y"] - table["p"]) ** 2 / (table["p"] * (1 - table["p"] / table["n"]))).sum()
    ours = logit.hosmer_lemeshow(groups=8)
    assert ours.statistic == pytest.approx(expected, rel=1e-9)
    assert ours.reference.df == 6
    assert "choice of groups" in ours.note
    with pytest.raises(asx.InputError, match="has none; use goodness_of_fit"):
        asx.poisson("kidsge6 ~ educ", mroz).hosmer_lemeshow()
    with pytest.raises(asx.InputError, match="too few values"):
        asx.logit("inlf ~ city", mroz).hosmer_lemeshow()


def test_hosmer_lemeshow_warns_of_many_observations(fair):
    assert "however small" in asx.logit("affair ~ age + educ", fair).hosmer_lemeshow().note


def test_goodness_of_fit(counts, logit, mroz_fits):
    theirs = counts.pearson_chi2, counts.deviance
    for name, expected in zip(("pearson", "deviance"), theirs, strict=True):
        test = counts.goodness_of_fit(name)
        assert test.statistic == expected
        assert test.df == 750
        assert test.p == pytest.approx(stats.chi2.sf(expected, 750), rel=1e-9)
    assert "no good reference" in logit.goodness_of_fit().note
    with pytest.raises(asx.InputError, match="estimates its dispersion"):
        mroz_fits["lpm"].goodness_of_fit()
    with pytest.raises(asx.InputError, match="must be 'pearson' or 'deviance'"):
        counts.goodness_of_fit("chi2")


@pytest.mark.parametrize("form", ["NB1", "NB2"])
def test_overdispersion_by_an_auxiliary_regression(counts, mroz, form):
    mu, y = counts.predict().to_numpy(), mroz["kidsge6"].to_numpy(float)
    z = mu if form == "NB2" else np.ones_like(mu)
    theirs = sm.OLS(((y - mu) ** 2 - y) / mu, z).fit()
    ours = counts.overdispersion_test(form)
    assert ours.statistic == pytest.approx(theirs.tvalues[0], rel=1e-8)
    assert ours.p == pytest.approx(stats.norm.sf(theirs.tvalues[0]), rel=1e-8)
    assert f"alpha = {theirs.params[0]:.4g}" in ours.note


def test_overdispersion_is_for_counts(logit):
    with pytest.raises(asx.InputError, match="variance equal to the mean"):
        logit.overdispersion_test()


# --- White's information-matrix test -------------------------------------------------------------


def logit_statistic(x, y, beta):
    """White's statistic for a logit from derivatives on paper."""
    mu = 1 / (1 + np.exp(-x @ beta))
    w = mu * (1 - mu)
    i, j = np.tril_indices(x.shape[1])
    z = x[:, i] * x[:, j]
    c = (y - mu) ** 2 - w  # the curvature of a logit is w x x'
    change = -2 * (y - mu) * w - w * (1 - 2 * mu)
    d, s = c[:, None] * z, (y - mu)[:, None] * x
    slope = (change[:, None] * z).T @ x
    information = (w[:, None] * x).T @ x
    adjusted = d + s @ np.linalg.solve(information, slope.T)
    total = d.sum(axis=0)
    return total @ np.linalg.solve(adjusted.T @ adjusted, total)


def test_information_matrix_by_hand(mroz):
    res = asx.logit("inlf ~ educ + age", mroz)
    x = np.column_stack([np.ones(753), (mroz["educ"] - 12) / 3, (mroz["age"] - 42) / 8])
    unit = asx.logit("inlf ~ I((educ - 12) / 3) + I((age - 42) / 8)", mroz)
    expected = logit_statistic(x, mroz["inlf"].to_numpy(float), unit.params.to_numpy())
    ours = res.information_matrix_test()
    assert ours.df == 6
    assert ours.statistic == pytest.approx(expected, rel=1e-6)  # the units of x do not matter
    assert unit.information_matrix_test().statistic == pytest.approx(expected, rel=1e-8)


def test_repeated_indicators_are_left_out(mroz):
    """A dummy is its own square: five distinct products of (1, city, educ)."""
    test = asx.logit("inlf ~ city + educ", mroz).information_matrix_test()
    assert test.df == 5
    assert np.isfinite(test.statistic)


def test_information_matrix_of_a_linear_model():
    """With an intercept only: skewness and kurtosis (Hall 1987), from moments on paper.

    The elements for (mean, variance) are the variance (0 at the maximum), the third and the
    fourth moment; with their influence functions for an estimated mean and variance.
    """
    rng = np.random.default_rng(0)
    y = rng.gamma(3.0, size=80)
    res = asx.linear("y ~ 1", {"y": y})
    e = y - y.mean()
    v = np.mean(e**2)
    third = e**3 / v**3 - 3 * e / v**2
    fourth = e**4 / (4 * v**4) - 6 * e**2 / (4 * v**3) + 3 / (4 * v**2)
    fourth = fourth * 1.0
    d = np.column_stack([third / 2, fourth])
    s = np.column_stack([e / v, -0.5 / v + e**2 / (2 * v**2)])

    def indicators(theta):
        u, phi = y - theta[0], theta[1]
        a = u**3 / (2 * phi**3) - 3 * u / (2 * phi**2)
        b = u**4 / (4 * phi**4) - 6 * u**2 / (4 * phi**3) + 3 / (4 * phi**2)
        return np.array([a.sum(), b.sum()])

    h = 1e-5
    start = np.array([y.mean(), v])
    slope = np.column_stack(
        [(indicators(start + h * u) - indicators(start - h * u)) / (2 * h) for u in np.eye(2)]
    )
    information = len(y) * np.diag([1 / v, 0.5 / v**2])
    adjusted = d + s @ np.linalg.solve(information, slope.T)
    total = d.sum(axis=0)
    expected = total @ np.linalg.solve(adjusted.T @ adjusted, total)
    ours = res.information_matrix_test()
    assert ours.df == 2
    assert ours.statistic == pytest.approx(expected, rel=1e-6)


def test_information_matrix_of_a_network(mroz):
    import equinox as eqx

    class Line(eqx.Module):
        weight: jax.Array = asx.parameter()

        def __call__(self, xi):
            return xi @ self.weight

    x = np.column_stack([np.ones(753), (mroz["educ"] - 12) / 3])
    rows = asx.Rows(x, mroz["inlf"].to_numpy(float))
    network = asx.fit(asx.Regression(asx.Network(Line(jnp.zeros(2))), asx.Bernoulli()), rows)
    linear = asx.fit(asx.Logit(2), rows)
    with jax.enable_x64(True):
        ours, expected = (information_matrix_statistic(f, rows) for f in (network, linear))
    assert ours[1] == expected[1]
    assert ours[0] == pytest.approx(expected[0], rel=1e-6)


# --- sizes and power ------------------------------------------------------------------------------


def within(share, level, replications):
    return abs(share - level) < 3 * math.sqrt(level * (1 - level) / replications)


def wald_of_last(design, y, q):
    """Wald statistics of the last `q` columns of a Poisson fit to each sample's own design."""
    fits, cov = asx.fit_many(asx.PoissonRegression(design.shape[2]), design, y, cov="observed")
    b = np.asarray(fits.model.predictor.coef)[:, -q:]
    v = np.asarray(cov.matrix)[:, -q:, -q:]
    return np.einsum("ri,ri->r", b, np.linalg.solve(v, b[:, :, None])[:, :, 0])


def test_sizes_under_the_null():
    """2,000 Poisson samples of 400 rows, all refitted at once; the first as a user would test."""
    rng = np.random.default_rng(20)
    replications, n = 2000, 400
    x = rng.standard_normal(n)
    y = rng.poisson(np.exp(1.0 + 0.4 * x), (replications, n)).astype(float)
    plain = np.column_stack([np.ones(n), x])
    eta = np.asarray(asx.fit_many(asx.PoissonRegression(2), plain, y).model.predictor.coef)
    eta = eta @ plain.T
    unit = eta / np.abs(eta).max(axis=1, keepdims=True)
    one = np.ones_like(eta)
    mu = np.exp(eta)
    target = ((y - mu) ** 2 - y) / mu
    squares = np.sum(mu**2, axis=1)
    slope = np.sum(mu * target, axis=1) / squares
    rest = np.sum((target - slope[:, None] * mu) ** 2, axis=1)
    found = {
        "link_test": wald_of_last(np.stack([one, eta, eta**2], axis=2), y, 1),
        "reset_test": wald_of_last(np.stack([one, x * one, unit**2, unit**3], axis=2), y, 2),
        "overdispersion_test": slope / np.sqrt(rest / (n - 1) / squares),
    }
    limits = {
        "link_test": stats.chi2.ppf(0.95, 1),
        "reset_test": stats.chi2.ppf(0.95, 2),
        "overdispersion_test": stats.norm.ppf(0.95),
    }
    res = asx.poisson("y ~ x", {"x": x, "y": y[0]})
    for name, statistics in found.items():
        assert getattr(res, name)().statistic == pytest.approx(statistics[0], rel=1e-6)
        size = np.mean(statistics > limits[name])
        assert within(size, 0.05, replications), (name, size)


def test_size_of_hosmer_lemeshow():
    """2,000 logits of two coefficients and 2,000 rows; the first as a user would test it."""
    rng = np.random.default_rng(21)
    replications, n = 2000, 2000
    x = rng.standard_normal(n)
    design = np.column_stack([np.ones(n), x])
    y = (rng.uniform(size=(replications, n)) < 1 / (1 + np.exp(-(0.2 + 0.6 * x)))).astype(float)
    b = np.asarray(asx.fit_many(asx.Logit(2), design, y).model.predictor.coef)
    p = 1 / (1 + np.exp(-b @ design.T))
    # ten groups of 200, cut by rank: p rises or falls with x
    parts = (v[:, np.argsort(x)].reshape(replications, 10, n // 10).sum(axis=2) for v in (y, p))
    observed, expected = parts
    statistics = np.sum((observed - expected) ** 2 / (expected * (1 - expected * 10 / n)), axis=1)
    res = asx.logit("y ~ x", {"x": x, "y": y[0]})
    assert res.hosmer_lemeshow().statistic == pytest.approx(statistics[0], rel=1e-8)
    size = np.mean(statistics > stats.chi2.ppf(0.95, 8))
    assert within(size, 0.05, replications), size


def white_of_poisson(x, y):
    """White's statistic of `y ~ x` in each sample, from formulas on paper.

    d = (e^2 - mu) (1, x, x^2), with the part that the score e (1, x) explains taken out.
    """
    design = np.column_stack([np.ones_like(x), x])
    products = np.column_stack([design, x**2])
    b = np.asarray(asx.fit_many(asx.PoissonRegression(2), design, y).model.predictor.coef)
    mu = np.exp(b @ design.T)
    e = y - mu
    information = np.einsum("rn,ni,nj->rij", mu, design, design, optimize=True)
    gradient = np.einsum("rn,ni,nj->rij", -mu * (2 * e + 1), products, design, optimize=True)
    correction = gradient @ np.linalg.inv(information)
    both = (e**2 - mu)[:, :, None] * products
    both += np.einsum("rn,nj,rij->rni", e, design, correction, optimize=True)
    variance = np.einsum("rni,rnj->rij", both, both, optimize=True)
    total = (e**2 - mu) @ products
    return np.einsum("ri,ri->r", total, np.linalg.solve(variance, total[:, :, None])[:, :, 0])


def test_size_of_the_information_matrix_test():
    """1,000 Poisson samples of 8,000 rows: its reference is slow to hold (7 % at 1,000 rows)."""
    rng = np.random.default_rng(21)
    replications, n = 1000, 8000
    x = rng.uniform(-1, 1, n)
    samples = [
        rng.poisson(np.exp(1.5 + 0.4 * x), (100, n)).astype(float)
        for _ in range(replications // 100)
    ]
    statistics = np.concatenate([white_of_poisson(x, y) for y in samples])
    res = asx.poisson("y ~ x", {"x": x, "y": samples[0][0]})
    assert res.information_matrix_test().statistic == pytest.approx(statistics[0], rel=1e-7)
    size = np.mean(statistics > stats.chi2.ppf(0.95, 3))
    assert within(size, 0.05, replications), size


def test_power_where_the_model_is_wrong():
    rng = np.random.default_rng(22)
    x = rng.standard_normal(3000)
    counts = rng.negative_binomial(2, 2 / (2 + np.exp(1 + 0.4 * x))).astype(float)
    poisson = asx.poisson("y ~ x", {"x": x, "y": counts})
    assert poisson.overdispersion_test().log_p < -50
    assert poisson.information_matrix_test().log_p < -20
    curved = (rng.uniform(size=3000) < 1 / (1 + np.exp(1 - x**2))).astype(float)
    logit = asx.logit("y ~ x + I(x + x**3 / 10)", {"x": x, "y": curved})
    assert logit.reset_test().log_p < -10
    assert logit.hosmer_lemeshow().log_p < -10
