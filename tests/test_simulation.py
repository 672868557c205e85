"""Studies: their measures by hand, their keys, their interruptions, their generators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import asymptotix as asx
from asymptotix.simulation.performance import Replications, performance, statuses

KEY = jax.random.key(0)


def test_measures_by_hand():
    """Morris, White and Crowther (2019), table 6, written out for four replications of one term."""
    values = np.array([1.0, 1.4, 0.9, 1.1])
    errors = np.array([0.2, 0.1, 0.15, 0.3])
    found = performance(
        Replications(values[:, None], errors[:, None], np.zeros(4, int), np.full(4, np.inf)),
        ("b",), np.array([1.1]), np.array([0.7]), 0.95,
    ).set_index("measure")  # fmt: skip
    n, spread = 4, np.std(values, ddof=1)
    assert found["value"]["bias"] == pytest.approx(0.0)
    assert found["mcse"]["bias"] == pytest.approx(spread / 2)
    assert found["value"]["empirical SE"] == pytest.approx(spread)
    assert found["mcse"]["empirical SE"] == pytest.approx(spread / np.sqrt(6))
    square = (values - 1.1) ** 2
    assert found["value"]["RMSE"] == pytest.approx(np.sqrt(square.mean()))
    mse_error = np.sqrt(np.sum((square - square.mean()) ** 2) / (n * (n - 1)))
    assert found["mcse"]["RMSE"] == pytest.approx(mse_error / (2 * np.sqrt(square.mean())))
    model = np.sqrt(np.mean(errors**2))
    variance = np.var(errors**2, ddof=1)
    assert found["value"]["model SE"] == pytest.approx(model)
    assert found["mcse"]["model SE"] == pytest.approx(np.sqrt(variance / (4 * n * model**2)))
    assert found["value"]["relative error of SE"] == pytest.approx(model / spread - 1)
    inner = variance / (4 * n * model**4) + 1 / (2 * (n - 1))
    assert found["mcse"]["relative error of SE"] == pytest.approx(model / spread * np.sqrt(inner))
    # 1.4 +- 0.196 misses 1.1; 0.7 is outside of 1.4 +- 0.196 and of nothing else but ...
    z = stats.norm.ppf(0.975)
    covered = np.mean(np.abs(values - 1.1) <= z * errors)
    rejected = np.mean(np.abs(values - 0.7) > z * errors)
    assert found["value"]["coverage"] == covered == 0.75
    assert found["mcse"]["coverage"] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert found["value"]["rejection"] == rejected


def test_t_intervals_where_the_dispersion_is_estimated():
    replications = Replications(
        np.array([[1.0], [2.0]]), np.ones((2, 1)), np.zeros(2, int), np.array([3.0, np.inf])
    )
    _, upper = replications.limits(0.9)
    np.testing.assert_allclose(upper[:, 0], [1 + stats.t.ppf(0.95, 3), 2 + stats.norm.ppf(0.95)])


def test_degrees_of_freedom_of_each_term():
    """As those of Satterthwaite are, for host functions and traced ones alike."""
    dof = np.array([3.0, np.inf])

    def estimate(sample):
        return asx.Estimates(jnp.array([1.0, 2.0]), jnp.ones(2), 0, jnp.asarray(dof))

    expected = [1 + stats.t.ppf(0.975, 3), 2 + stats.norm.ppf(0.975)]
    for traced in (True, False):
        study = asx.monte_carlo(lambda key: key, estimate, 3, key=KEY, traced=traced)
        _, upper = study.replications[""].limits(0.95)
        np.testing.assert_allclose(upper, np.tile(expected, (3, 1)))


def test_failures_are_counted_and_left_out():
    values = np.array([[1.0], [50.0], [1.2], [np.nan]])
    codes = np.array([0, 3, 1, 7])  # converged, diverging, to rounding, not finite
    replications = Replications(values, np.ones((4, 1)), codes, np.full(4, np.inf))
    assert statuses(replications).to_dict() == {
        "converged": 1, "converged_to_rounding": 1, "diverging": 1, "not_finite": 1,
    }  # fmt: skip
    found = performance(replications, ("b",), np.array([1.0]), np.array([0.0]), 0.95)
    assert found.set_index("measure")["value"]["mean"] == pytest.approx(1.1)


@pytest.fixture(scope="module")
def generator():
    return asx.LinearBoundary(n=120, coef=[0.3, 0.8])


@pytest.fixture(scope="module")
def study(generator):
    return asx.monte_carlo(generator, asx.Estimator(asx.Logit(2), "HC1"), 600, key=KEY)


def test_the_engine_gives_the_estimates_of_single_fits(study, generator):
    for b in (0, 7, 599):
        with jax.enable_x64(True):
            sample = generator(jax.random.fold_in(jax.random.fold_in(KEY, 0), b))
        fit = asx.fit(asx.Logit(2), np.asarray(sample.x), np.asarray(sample.y))
        errors = asx.covariance(fit, np.asarray(sample.x), np.asarray(sample.y), "HC1")
        np.testing.assert_allclose(
            study.replications[""].values[b], fit.model.predictor.coef, rtol=1e-8
        )
        np.testing.assert_allclose(
            study.replications[""].standard_errors[b], errors.standard_errors, rtol=1e-7
        )


def test_a_traced_function_gives_the_same_numbers(study, generator):
    estimator = asx.Estimator(asx.Logit(2), "HC1")
    same = asx.monte_carlo(generator, lambda sample: estimator(sample), 20, key=KEY)
    np.testing.assert_allclose(
        same.replications[""].values, study.replications[""].values[:20], rtol=1e-8
    )


def test_a_function_of_the_host_gives_the_same_numbers(study, generator):
    import statsmodels.api as sm

    def estimate(sample):
        x, y = np.asarray(sample.x), np.asarray(sample.y)
        found = sm.Logit(y, x).fit(disp=0, tol=1e-12)
        return found.params, found.bse

    loop = asx.monte_carlo(generator, estimate, 5, key=KEY, traced=False)
    np.testing.assert_allclose(
        loop.replications[""].values, study.replications[""].values[:5], rtol=1e-6
    )


def test_the_estimator_is_nearly_unbiased_and_its_intervals_cover(study):
    """Maximum likelihood at n = 120 has a bias of a few per cent: within that and noise."""
    wide = study.wide().set_index("term")
    frame = study.frame.set_index(["term", "measure"])
    slope = "predictor.coef[1]"
    assert 0 < wide["bias"][slope] < 0.1
    error = frame["mcse"][slope, "coverage"]
    assert abs(wide["coverage"][slope] - 0.95) < 3 * error + 0.01
    assert (study.failures["converged"] >= 595).all()


def test_an_interrupted_study_goes_on_with_the_same_numbers(generator, study, tmp_path):
    path, estimator = tmp_path / "study.npz", asx.Estimator(asx.Logit(2), "HC1")
    asx.monte_carlo(generator, estimator, 100, key=KEY, path=path)
    calls = []

    class Counting(asx.Estimator):
        def many(self, samples):
            calls.append(len(samples[0]))
            return super().many(samples)

    again = asx.monte_carlo(generator, Counting(asx.Logit(2), "HC1"), 600, key=KEY, path=path)
    assert sum(calls) == 500
    np.testing.assert_array_equal(again.replications[""].values, study.replications[""].values)
    with pytest.raises(asx.InputError, match="another key"):
        asx.monte_carlo(generator, estimator, 100, key=jax.random.key(5), path=path)


def test_cells_have_their_own_truth(generator):
    cells = {"weak": generator, "strong": asx.LinearBoundary(n=120, coef=[0.3, 1.6])}
    study = asx.monte_carlo(cells, asx.Estimator(asx.Logit(2)), 50, key=KEY)
    truth = study.wide().set_index(["cell", "term"])["truth"]
    assert truth["strong", "predictor.coef[1]"] == 1.6
    assert set(study.failures.index) == {"weak", "strong"}
    text = repr(study)
    assert "coverage" in text
    assert "strong" in text


def test_power_rises_with_the_sample():
    found = asx.power(
        lambda n: asx.LinearBoundary(n=n, coef=[0.0, 0.5]),
        asx.Estimator(asx.Logit(2)),
        [50, 200],
        key=KEY,
        n_replications=200,
    ).set_index(["n", "term"])
    # the noncentral approximation: |N(beta/se, 1)| > 1.96 with information n E[p(1-p)x^2]
    small, large = (found["power"][n, "predictor.coef[1]"] for n in (50, 200))
    assert small + 0.2 < large
    assert found["power"][200, "predictor.coef[0]"] < 0.12


# --- generators ------------------------------------------------------------------------------


def draw(generator, seed=0):
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, generator(jax.random.key(seed)))


@pytest.mark.parametrize(
    ("covariates", "skewness", "kurtosis"),
    [
        (asx.NormalCovariates(), 0, 3),
        (asx.UniformCovariates(), 0, 1.8),
        (asx.SkewedCovariates(), 2, 9),
        (asx.HeavyTailedCovariates(dof=9.0), 0, 3 + 6 / 5),
    ],
)
def test_covariates_have_their_moments(covariates, skewness, kurtosis):
    n = 200_000
    with jax.enable_x64(True):
        x = np.asarray(covariates(jax.random.key(1), n, 1))[:, 0]
    error = np.sqrt(max(kurtosis, 3) / n)
    assert abs(x.mean()) < 4 * error
    assert abs(x.var() - 1) < 6 * error
    assert abs(stats.skew(x) - skewness) < 0.15
    assert abs(stats.kurtosis(x, fisher=False) - kurtosis) < 0.08 * kurtosis


def test_discrete_covariates_are_zero_or_one():
    with jax.enable_x64(True):
        x = np.asarray(asx.DiscreteCovariates(probability=0.3)(jax.random.key(0), 5000, 2))
    assert set(np.unique(x)) == {0.0, 1.0}
    assert abs(x.mean() - 0.3) < 4 * np.sqrt(0.21 / 10_000)


def test_the_hyperplane_and_its_rare_events():
    sample = draw(asx.LinearBoundary(n=50_000, coef=[-6.0, 0.0]))
    expected = 1 / (1 + np.exp(6))
    assert sample.y.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 50_000))
    assert (sample.x[:, 0] == 1).all()


def test_shapes_that_are_not_linear():
    radial = draw(asx.Radial(n=2000, k=100))
    assert ((np.sqrt((radial.x**2).mean(axis=1)) < 1) == (radial.y == 1)).all()
    hill = draw(asx.Hill(n=2000))
    above = hill.x[:, 1] >= 2.5 * hill.x[:, 0] * (1 - hill.x[:, 0])
    assert (above == (hill.y == 1)).all()
    circles = draw(asx.Circles(n=4000, noise=0.01))
    radius = np.hypot(circles.x[:, 0], circles.x[:, 1])
    assert radius[circles.y == 1].mean() == pytest.approx(0.5, abs=0.01)
    assert radius[circles.y == 0].mean() == pytest.approx(1.0, abs=0.01)


def test_heteroskedastic_and_clustered_errors():
    sample = draw(asx.Heteroskedastic(n=100_000, coef=[1.0, 2.0], strength=0.5))
    residual = sample.y - sample.x @ [1.0, 2.0]
    slope = np.polyfit(sample.x[:, 1], np.log(residual**2), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.05)  # log variance rises by twice the strength
    sample = draw(asx.Clustered(n_groups=4000, size=10, coef=[1.0, 2.0], correlation=0.4))
    residual = (sample.y - sample.x @ [1.0, 2.0]).reshape(4000, 10)
    between = residual.mean(axis=1).var() - residual.var(axis=1).mean() / 9
    assert between == pytest.approx(0.4, abs=0.05)
    assert (np.bincount(sample.groups) == 10).all()


def test_simulate_draws_from_the_model(mroz):
    res = asx.logit("inlf ~ educ", mroz)
    x = np.array([[1.0, 8.0], [1.0, 16.0]])
    draws = asx.simulate(res.model, x, key=KEY, n_draws=5000)
    assert draws.shape == (5000, 2)
    chance = np.asarray(res.model(x))
    assert np.all(np.abs(draws.mean(axis=0) - chance) < 4 * np.sqrt(0.25 / 5000))
    assert asx.simulate(res.model, x, key=KEY).shape == (2,)
    np.testing.assert_array_equal(
        asx.simulate(res.model, x, key=KEY), asx.simulate(res.model, x, key=KEY)
    )
    with pytest.raises(asx.InputError, match="key"):
        asx.simulate(res.model, x)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"key": None}, "key"),
        ({"n_replications": 1}, "2 or more"),
        ({"confidence": 95}, "confidence"),
        ({"names": ("a",)}, "names"),
        ({"truth": [1.0, 2.0, 3.0]}, "truth"),
    ],
)
def test_options_are_checked(generator, options, says):
    given = {"n_replications": 4, "key": KEY} | options
    with pytest.raises(asx.InputError, match=says):
        asx.monte_carlo(generator, asx.Estimator(asx.Logit(2)), **given)


def test_pictures_of_a_study(study):
    import matplotlib

    matplotlib.use("Agg")
    axes = asx.zip_plot(study, "predictor.coef[1]")
    assert "intervals of predictor.coef[1]" in axes.get_xlabel()
    axes = asx.coverage_plot(study)
    assert "coverage" in axes.get_xlabel()
    with pytest.raises(asx.InputError, match="no term"):
        asx.zip_plot(study, "slope")
    with pytest.raises(asx.InputError, match="no cell"):
        asx.zip_plot(study, "predictor.coef[1]", "other")
    matplotlib.pyplot.close("all")


def test_a_generator_of_your_own():
    class Exponential(asx.AbstractGenerator):
        n: int

        def __call__(self, key):
            y = jax.random.exponential(key, (self.n,), jnp.float64)
            return asx.Sample(jnp.ones((self.n, 1)), y)

    study = asx.monte_carlo(
        Exponential(40),
        lambda s: (jnp.mean(s.y)[None], (jnp.std(s.y, ddof=1) / jnp.sqrt(40))[None]),
        300,
        key=KEY,
        truth=1.0,
        names=("mean",),
    )
    wide = study.wide().set_index("term")
    assert wide["empirical SE"]["mean"] == pytest.approx(1 / np.sqrt(40), rel=0.15)
