"""The sums over rows: structured and generic path, and derivatives against outside oracles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from asymptotix import Linear, Regression
from asymptotix.core.gram import MOST_COLUMNS, weighted_gram
from asymptotix.data.rows import Rows
from asymptotix.likelihood import (
    Coordinates,
    RotatedCoordinates,
    generic,
    structured,
    traced_coordinates,
)
from asymptotix.model import layout
from registry import FAMILIES, coefficients, differences, draw, log_likelihoods

N, K = 50, 3
LABELS = list(FAMILIES)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def case(label):
    """A model, some theta inside the domain, and a block with weights (two zero) and an offset."""
    rng = np.random.default_rng(5)
    offset = 0.05 * rng.uniform(-1, 1, N)
    x, y = draw(label, N, seed=4, offset=offset)
    weights = rng.uniform(0.5, 2.0, N)
    weights[[3, 17]] = 0.0
    rows = Rows(x, y, weights=weights, weight_kind="precision", offset=offset)
    theta = coefficients(label) + np.array([0.03, -0.05, 0.04])
    return Regression(Linear(K), FAMILIES[label]()), jnp.asarray(theta), rows.block(np.float64)


def plain(k):
    """Coordinates that change nothing."""
    return (Coordinates(jnp.zeros(k), jnp.ones(k), jnp.zeros(k)),)


def both(label, curvature):
    model, theta, block = case(label)
    return (
        structured.block_sums(model, plain(K), curvature, theta, block),
        generic.block_sums(model, layout(model), curvature, theta, block),
    )


def close(a, b, rtol):
    """Relative to the largest entry: an entry may be small by cancellation."""
    a, b = np.asarray(a), np.asarray(b)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(np.abs(b)))


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("curvature", ["observed", "expected"])
def test_structured_and_generic_path_agree(label, curvature):
    for mine, other in zip(*both(label, curvature), strict=True):
        assert np.isfinite(mine).all()
        close(mine, other, 1e-10)


@pytest.mark.parametrize("label", LABELS)
def test_row_scores_agree_and_add_up(label):
    model, theta, block = case(label)
    mine = structured.row_scores(model, plain(K), theta, block)
    other = generic.row_scores(model, layout(model), theta, block)
    close(mine, other, 1e-10)
    _, score, _ = generic.block_sums(model, layout(model), "observed", theta, block)
    close(block.weight @ mine, score, 1e-10)


@pytest.mark.parametrize("label", LABELS)
def test_score_against_differences_of_scipy(label):
    _, theta, block = case(label)
    x, y, w, o, _ = jax.tree.map(np.asarray, block)

    def value(t):
        return np.sum(w * log_likelihoods(label, x @ t + o, y))

    (_, score, _), _ = both(label, "observed")
    close(score, differences(value, theta), 1e-9)


@pytest.mark.parametrize("label", LABELS)
def test_observed_information_against_differences_of_the_score(label):
    model, theta, block = case(label)

    @jax.jit
    def score(t):
        return generic.block_sums(model, layout(model), "expected", t, block)[1]

    (_, _, information), _ = both(label, "observed")
    close(information, -differences(lambda t: score(jnp.asarray(t)), theta), 1e-9)


@pytest.mark.parametrize("label", LABELS)
def test_expected_information_against_its_definition(label):
    r"""$\sum_i w_i x_i x_i^T \sum_y f(y) \{\partial_\eta \log f(y)\}^2$, slopes by differences."""
    _, theta, block = case(label)
    x, y, w, o, _ = jax.tree.map(np.asarray, block)
    eta = x @ np.asarray(theta) + o

    def average(i):
        support, p = _support(label, eta[i], y, i)

        def log_f(e):
            return log_likelihoods(label, np.broadcast_to(e, support[0].shape), _pack(support))

        slope = differences(lambda e: log_f(e[0]), [eta[i]], step=0.005)[..., 0]
        return np.sum(p * slope**2)

    middle = np.array([average(i) for i in range(N)])
    expected = (x * (w * middle)[:, None]).T @ x
    (_, _, information), _ = both(label, "expected")
    close(information, expected, 1e-8)


def _pack(support):
    return support if len(support) == 2 else support[0]


def _support(label, eta, y, i):
    """Points of the response and their probabilities: the whole support, or Gauss-Hermite's."""
    family = label.split("-")[0]
    if family == "bernoulli":
        points = (np.array([0.0, 1.0]),)
    elif family == "binomial":
        trials = y[1][i]
        values = np.arange(trials + 1)
        points = (values, np.full(values.shape, trials))
    elif family in ("poisson", "negative_binomial"):
        points = (np.arange(200.0),)
    elif family in ("gamma", "inverse_gaussian"):
        # the trapezoid rule in log(y) = sinh(t), which both tails leave fast
        t = np.linspace(-5, 5, 2001)
        y = np.exp(np.sinh(t))
        density = np.exp(log_likelihoods(label, np.full(y.shape, eta), y))
        return (y,), density * y * np.cosh(t) * (t[1] - t[0])
    else:
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        from registry import mean

        return (mean(label, eta) + nodes,), weights / np.sqrt(2 * np.pi)
    p = np.exp(log_likelihoods(label, np.full(points[0].shape, eta), _pack(points)))
    return points, p


@pytest.mark.parametrize("label", ["bernoulli-probit", "gaussian-identity", "poisson-log"])
def test_working_coordinates_are_a_change_of_variables(label):
    r"""With $\beta = T\gamma$: the same value, $T^T s$ and $T^T I T$."""
    model, theta, block = case(label)
    active = (jnp.ones(K, bool),)
    (c,) = traced_coordinates(model.predictor.designs, block, active)
    transform = np.asarray(c.outward(jnp.eye(K)))
    gamma = c.inward(theta)
    np.testing.assert_allclose(c.outward(gamma), theta, rtol=1e-13)
    inner = structured.block_sums(model, (c,), "observed", gamma, block)
    outer = generic.block_sums(model, layout(model), "observed", theta, block)
    close(inner[0], outer[0], 1e-12)
    close(inner[1], transform.T @ outer[1], 1e-10)
    close(inner[2], transform.T @ np.asarray(outer[2]) @ transform, 1e-10)
    close(c.pull_score(inner[1]), outer[1], 1e-9)


@pytest.mark.parametrize("rotated", [False, True])
def test_the_matrix_of_coordinates_takes_parameters_outward(rotated):
    """Exactly, for what reads variances off one and estimates off the other."""
    center, inverse_scale = np.array([0.0, 3.1, -0.7, 5.0]), np.array([0.5, 0.3, 1.9, 0.0])
    c = Coordinates(center, inverse_scale, np.array([0.5, 0.0, 0.0, 0.0]))
    if rotated:
        c = RotatedCoordinates(c, np.triu(np.random.default_rng(3).normal(size=(4, 4))))
    np.testing.assert_array_equal(c.matrix, c.outward(np.eye(4)))
    traced = jax.jit(lambda v: v.matrix)(c)
    np.testing.assert_allclose(traced, c.matrix, rtol=1e-15)


def test_value_of_the_kernel_differs_from_scipy_by_what_holds_no_parameter():
    for label in LABELS:
        model, theta, block = case(label)
        x, y, w, o, _ = jax.tree.map(np.asarray, block)

        def gap(t, label=label, x=x, y=y, w=w, o=o, model=model, block=block):
            ours, _, _ = generic.block_sums(model, layout(model), "observed", jnp.asarray(t), block)
            return float(ours) - np.sum(w * log_likelihoods(label, x @ t + o, y))

        moved = np.asarray(theta) + np.array([0.02, 0.01, -0.03])
        assert gap(np.asarray(theta)) == pytest.approx(gap(moved), rel=1e-10, abs=1e-10), label


def test_a_zero_weight_row_contributes_exactly_nothing():
    """Even where its own value is minus infinity, with an infinite slope."""
    model = Regression(Linear(1), FAMILIES["poisson-identity"]())
    x, y = np.array([[1.0], [0.0], [2.0]]), np.array([1.0, 3.0, 2.0])  # row 1: log(0)
    block = Rows(x, y, weights=np.array([1.0, 0.0, 1.0]), weight_kind="frequency").block(float)
    theta = jnp.array([0.7])
    value = stats.poisson.logpmf([1, 2], [0.7, 1.4]).sum() + np.log(2)  # without log y!
    for sums in (
        structured.block_sums(model, plain(1), "observed", theta, block),
        generic.block_sums(model, layout(model), "observed", theta, block),
    ):
        assert float(sums[0]) == pytest.approx(value, rel=1e-13)
        assert float(sums[1][0]) == pytest.approx((1 + 2) / 0.7 - 3, rel=1e-13)
        assert float(sums[2][0, 0]) == pytest.approx((1 + 2) / 0.49, rel=1e-13)


@pytest.mark.parametrize("k", [1, 8, 16, 17, 20, 40, 129])
@pytest.mark.parametrize("n", [100, 1000, 1024])
def test_gram_products_are_those_of_numpy(n, k):
    """Weights of any sign; blocks that are too short or too wide take the library's product."""
    rng = np.random.default_rng(k)
    x, weight = rng.standard_normal((n, k)), rng.standard_normal(n)
    found = np.asarray(jax.jit(weighted_gram)(x, weight))
    expected = np.einsum("ni,n,nj->ij", x, weight, x)
    np.testing.assert_allclose(found, expected, atol=1e-11)
    if n == 1024 and 8 <= k <= MOST_COLUMNS:
        np.testing.assert_array_equal(found, found.T)


def test_gram_products_of_weights_that_are_missing_are_missing():
    x, weight = np.ones((1024, 20)), np.ones(1024)
    weight[0] = np.nan  # the row that the program's branch looks at
    assert np.isnan(np.asarray(weighted_gram(x, weight))).all()
    weight[0], weight[77] = 1.0, np.nan
    assert np.isnan(np.asarray(weighted_gram(x, weight))).all()


def test_gram_products_map_and_differentiate():
    x = np.random.default_rng(3).standard_normal((2, 256, 9))
    weight = np.ones((2, 256))
    mapped = jax.vmap(weighted_gram)(x, weight)
    np.testing.assert_allclose(mapped, np.einsum("rni,rnj->rij", x, x), rtol=1e-12)
    slope = jax.grad(lambda w: weighted_gram(x[0], w)[0, 1])(weight[0])
    np.testing.assert_allclose(slope, x[0, :, 0] * x[0, :, 1], rtol=1e-12)
