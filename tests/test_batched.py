"""Many fits at once: the digits and statuses of `asx.fit`, whatever replicates share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import asymptotix as asx
from asymptotix.core.status import CODES
from asymptotix.fitting import batched
from registry import FAMILIES, draw
from test_compilation import compilations

LABELS = ("bernoulli-logit", "bernoulli-probit", "binomial-log", "gaussian-identity", "poisson-log")
SAME = 1e-9


def stacked(label, count, n=150):
    """`count` data sets of a family, replicates first."""
    data = [draw(label, n, seed) for seed in range(count)]
    x = np.stack([one for one, _ in data])
    return x, jax.tree.map(lambda *v: np.stack(v), *[y for _, y in data])


def model_of(label, k=3):
    return asx.Regression(asx.Linear(k), FAMILIES[label]())


def one_of(tree, index):
    return jax.tree.map(lambda a: a[index], tree)


NUMBERS = (
    "params",
    "log_likelihood",
    "statistics",
    "dispersion",
    "information",
    "factor",
    "kernel",
)
COUNTS = ("n", "n_rows", "sum_weights", "code")


def assert_same(many, index, single, tolerance=SAME):
    """Replicate `index` of a batched fit is a single fit."""
    own = one_of(many, index)
    estimates = own.model.predictor, single.model.predictor
    for a, b in zip(*(jax.tree.leaves(m) for m in estimates), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    for name in NUMBERS:
        pairs = (jax.tree.leaves(getattr(f, name)) for f in (own, single))
        for a, b in zip(*pairs, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-7, err_msg=name)
    for name in COUNTS:
        assert getattr(own, name) == getattr(single, name), name


@pytest.mark.parametrize("label", LABELS)
def test_each_replicate_is_a_fit_of_its_own(label):
    x, y = stacked(label, 5)
    fits, cov = asx.fit_many(model_of(label), x, y, cov="HC1")
    for i in range(5):
        yi = one_of(y, i)
        single = asx.fit(model_of(label), x[i], yi)
        assert_same(fits, i, single)
        expected = asx.covariance(single, x[i], yi, "HC1")
        np.testing.assert_allclose(cov.matrix[i], expected.matrix, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(
            cov.standard_errors[i], expected.standard_errors, rtol=1e-8
        )  # fmt: skip


def test_precision_is_left_as_the_user_has_it():
    x, y = stacked("bernoulli-logit", 2)
    fits = asx.fit_many(model_of("bernoulli-logit"), x, y)
    assert fits.params.dtype == np.float64
    assert not jax.config.read("jax_enable_x64")


SHARINGS = {
    "x": ("y",),
    "x and y": ("weights",),
    "weights": ("x", "y", "offset"),
    "nothing": ("x", "y", "weights", "offset"),
}


@pytest.mark.parametrize("shared", list(SHARINGS))
def test_what_is_shared_needs_no_replicate_axis(shared):
    rng = np.random.default_rng(3)
    x, y = stacked("poisson-log", 4)
    data = {
        "x": x,
        "y": y,
        "weights": rng.integers(0, 3, y.shape).astype(float),
        "offset": 0.1 * rng.standard_normal(y.shape),
    }
    given = {name: a if name in SHARINGS[shared] else a[0] for name, a in data.items()}
    model = model_of("poisson-log")
    fits = asx.fit_many(
        model, given.pop("x"), given.pop("y"), weight_kind="frequency", **given
    )  # fmt: skip
    for i in range(4):
        own = {name: a[i if name in SHARINGS[shared] else 0] for name, a in data.items()}
        single = asx.fit(model, own.pop("x"), own.pop("y"), weight_kind="frequency", **own)
        tolerance = {"rtol": SAME, "atol": SAME}
        np.testing.assert_allclose(
            fits.model.predictor.coef[i], single.model.predictor.coef, **tolerance
        )
        np.testing.assert_allclose(fits.log_likelihood[i], single.log_likelihood, rtol=SAME)
        assert fits.n[i] == single.n
        assert fits.code[i] == single.code


@pytest.mark.parametrize(
    ("kind", "cov"),
    [
        ("frequency", "HC1"),
        ("frequency", "opg"),
        ("precision", "observed"),
        ("precision", "expected"),
        ("sampling", "HC3"),
    ],
)
def test_covariances_under_weights(kind, cov):
    rng = np.random.default_rng(8)
    x, y = stacked("gaussian-identity", 2, n=60)
    weights = rng.integers(1, 4, y.shape).astype(float)
    options = {"weight_kind": kind}
    model = asx.LinearRegression(3)
    _, found = asx.fit_many(model, x, y, weights=weights, cov=cov, **options)
    for i in range(2):
        rows = asx.Rows(x[i], y[i], weights[i], **options)
        expected = asx.covariance(asx.fit(model, rows), rows, cov)
        np.testing.assert_allclose(found.matrix[i], expected.matrix, rtol=1e-8, atol=1e-14)


def test_memory_order_does_not_matter():
    x, y = stacked("bernoulli-logit", 3)
    turned = np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2)
    a, b = (asx.fit_many(model_of("bernoulli-logit"), v, y) for v in (x, turned))
    np.testing.assert_array_equal(a.params, b.params)


def test_a_replicate_that_fails_says_so_alone():
    x, y = stacked("bernoulli-logit", 6, n=80)
    y[1] = x[1, :, 1] > 0  # separated
    x[2, :, 2] = 2 * x[2, :, 1] - 1  # collinear
    x[3, 5, 1] = np.nan
    y[4] = 1.0  # nothing to explain: the intercept runs away
    fits, cov = asx.fit_many(model_of("bernoulli-logit"), x, y, cov="observed")
    names = [CODES[code] for code in fits.code]
    assert names[0] == names[5] == "converged"
    assert names[1] == names[4] == "diverging"
    assert names[2] == "rank_deficient"
    assert names[3] == "not_finite"
    failed = np.isnan(cov.standard_errors).all(axis=1)
    np.testing.assert_array_equal(failed, [False, True, True, True, True, False])


def test_ill_conditioned_columns_get_the_digits_of_a_single_fit():
    rng = np.random.default_rng(0)
    x, y = stacked("gaussian-identity", 3, n=100)
    x[1, :, 2] = x[1, :, 1] + 1e-6 * rng.standard_normal(100)
    fits = asx.fit_many(asx.LinearRegression(3), x, y)
    single = asx.fit(asx.LinearRegression(3), x[1], y[1])
    coef = single.model.predictor.coef
    np.testing.assert_allclose(fits.model.predictor.coef[1], coef, rtol=1e-7)
    assert fits.converged.all()


class Bent(asx.AbstractPredictor):
    r"""$\eta = a + e^{b} x$: no design, so that the generic sums are taken."""

    a: jax.Array = asx.parameter(default=0.0)
    b: jax.Array = asx.parameter(default=0.0)

    def __init__(self):
        self.a, self.b = np.zeros(()), np.zeros(())

    def __call__(self, x):
        return self.a + jnp.exp(self.b) * x[0]


def test_a_predictor_of_ones_own():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (3, 90, 1))
    y = rng.poisson(np.exp(0.3 + 0.8 * x[:, :, 0])).astype(float)
    model = asx.Regression(Bent(), asx.Poisson())
    fits, cov = asx.fit_many(model, x, y, cov="HC0")
    for i in range(3):
        single = asx.fit(model, x[i], y[i])
        assert_same(fits, i, single)
        expected = asx.covariance(single, x[i], y[i], "HC0").matrix
        np.testing.assert_allclose(cov.matrix[i], expected, rtol=1e-8)


def test_families_with_parameters_of_their_own_and_vector_predictors():
    rng = np.random.default_rng(2)
    x = np.concatenate([np.ones((2, 150, 1)), rng.uniform(-1, 1, (2, 150, 1))], axis=2)
    counts = rng.negative_binomial(2, 0.4, (2, 150)).astype(float)
    levels = rng.integers(0, 3, (2, 150)).astype(float)
    sizes = {"mu": 2, "log_sigma": 2}
    both = asx.Regression(asx.LinearVector(sizes, shared=True), asx.LocationScale())
    for model, y in (
        (asx.Regression(asx.Linear(2), asx.NegativeBinomial()), counts),
        (asx.MultinomialLogit(2, 3), levels),
        (both, rng.standard_normal((2, 150))),
    ):
        fits, cov = asx.fit_many(model, x, y, cov="observed")
        assert fits.converged.all()
        for i in range(2):
            single = asx.fit(model, x[i], y[i])
            expected = jax.tree.leaves(single.model)
            for a, b in zip(jax.tree.leaves(one_of(fits.model, i)), expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-7, atol=SAME)
            np.testing.assert_allclose(fits.log_likelihood[i], single.log_likelihood, rtol=SAME)
            expected = asx.covariance(single, x[i], y[i]).matrix
            np.testing.assert_allclose(cov.matrix[i], expected, rtol=1e-6, atol=1e-9)


def test_starting_points_of_ones_own():
    x, y = stacked("poisson-log", 1)
    starts = np.array([[0.0, 0.0, 0.0], [0.2, 0.7, -0.5], [1.0, -1.0, 1.0]])
    fits = asx.fit_many(model_of("poisson-log"), x[0], y[0], start=starts)
    assert fits.converged.all()
    assert fits.steps[1] < fits.steps[2]
    np.testing.assert_allclose(fits.model.predictor.coef[1:], fits.model.predictor.coef[:-1], SAME)


def test_other_sizes_of_the_same_bucket_compile_nothing():
    def run(n, k, count):
        rng = np.random.default_rng(n)
        x = rng.standard_normal((count, n, k))
        y = (rng.random((count, n)) < 0.5).astype(float)
        asx.fit_many(asx.Logit(k), x, y, cov="HC1")

    run(200, 5, 3)
    with compilations() as found:
        run(201, 5, 3)
        run(222, 6, 40)
    assert found == [0]


def test_more_replicates_than_a_chunk_holds():
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(64), rng.standard_normal(64)])
    y = rng.poisson(2.0, (1500, 64)).astype(float)
    fits = asx.fit_many(asx.PoissonRegression(2), x, y)
    assert fits.converged.all()
    for i in (0, 777, 1499):
        single = asx.fit(asx.PoissonRegression(2), x, y[i]).model.predictor.coef
        np.testing.assert_allclose(fits.model.predictor.coef[i], single, rtol=SAME)


@pytest.mark.parametrize("k", [3, 5, 9])
def test_programs_for_many_rows_have_the_same_digits(k, monkeypatch):
    # A width of their own and another compilation; 9 is no whole number of groups.
    rng = np.random.default_rng(k)
    x = rng.standard_normal((9, 150, k))
    y = (rng.random((9, 150)) < 0.4).astype(float)
    few = asx.fit_many(asx.Logit(k), x, y)
    monkeypatch.setattr(batched, "MANY_ROWS", 1)
    many = asx.fit_many(asx.Logit(k), x, y)
    np.testing.assert_array_equal(many.steps, few.steps)
    for i in range(9):
        assert_same(many, i, asx.fit(asx.Logit(k), x[i], y[i]))


def test_replicates_in_a_group_do_not_see_each_other():
    # Side by side: an easy one, one separated, one collinear, one of a single outcome, a hard one.
    rng = np.random.default_rng(8)
    x = np.stack([np.column_stack([np.ones(80), rng.standard_normal((80, 2))]) for _ in range(7)])
    y = (rng.random((7, 80)) < 0.5).astype(float)
    y[1] = x[1, :, 1] > 0
    x[2, :, 2] = 3 * x[2, :, 1]
    y[3] = 1.0
    x[4, :, 1] *= 8
    y[4] = rng.random(80) < 1 / (1 + np.exp(-x[4, :, 1]))
    fits = asx.fit_many(asx.Logit(3), x, y)
    assert [CODES[c] for c in fits.code[[0, 4, 5, 6]]] == ["converged"] * 4
    assert CODES[fits.code[1]] == "diverging"
    assert CODES[fits.code[2]] == "rank_deficient"
    for i in range(7):
        alone = asx.fit_many(asx.Logit(3), x[i : i + 1], y[i : i + 1])
        for mine, own in zip(jax.tree.leaves(one_of(fits, i)), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(mine, own[0], rtol=1e-12, atol=1e-12)


def test_input_errors():
    x, y = stacked("bernoulli-logit", 2)
    model = model_of("bernoulli-logit")
    for code, call in {
        "replicates": lambda: asx.fit_many(model, x[0], y[0]),
        "shape": lambda: asx.fit_many(model, x[None], y),
        "lengths": lambda: asx.fit_many(model, x, y[:, :-1]),
        "columns": lambda: asx.fit_many(asx.Logit(2), x, y),
        "weight_kind": lambda: asx.fit_many(model, x, y, weights=np.ones_like(y)),
        "response_support": lambda: asx.fit_many(model, x, y + 0.5),
        "missing_values": lambda: asx.fit_many(model, np.full_like(x[0], np.nan), y),
        "solver": lambda: asx.fit_many(model, x, y, solver="newton"),
        "covariance": lambda: asx.fit_many(model, x, y, cov=asx.Cluster("firm")),
        "negative_weights": lambda: asx.fit_many(
            model, x, y, weights=-np.ones_like(y), weight_kind="frequency"
        ),
    }.items():
        with pytest.raises(asx.InputError) as error:
            call()
        assert error.value.code == code
    with pytest.raises(asx.InputError) as error:
        asx.fit_many(model, x, y, start=np.zeros((2, 4)))
    assert error.value.column == "start"
