"""`asx.fit` on arrays: every family and link, weights, scales, and hard least-squares problems."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import asymptotix as asx
from asymptotix.fitting.host import fit_constant
from registry import (
    FAMILIES,
    coefficients,
    differences,
    draw,
    is_moment,
    log_likelihoods,
    statsmodels_glm,
)

DATA = Path(__file__).parent / "data"
N = 400
LABELS = list(FAMILIES)
# Drawn so that the maximum is inside the domain also where the link leaves it.
SEEDS = {"bernoulli-log": 2, "bernoulli-identity": 3}


def data(label, n=N):
    return draw(label, n, seed=SEEDS.get(label, 1))


def model(label, k=3):
    return asx.Regression(asx.Linear(k), FAMILIES[label]())


def coef(fit):
    return np.asarray(fit.model.predictor.coef)


def se(fit, x, y, kind="observed", **fields):
    return np.asarray(asx.covariance(fit, x, y, kind, **fields).standard_errors)


def same(a, b, rtol):
    b = np.asarray(b)
    np.testing.assert_allclose(np.asarray(a), b, rtol=rtol, atol=rtol * 1e-3 * np.max(np.abs(b)))


# --- every family and link ---------------------------------------------------------------------


@pytest.fixture(scope="module", params=LABELS)
def fitted(request):
    label = request.param
    x, y = data(label)
    return label, x, y, asx.fit(model(label), x, y)


def test_the_maximum_is_found(fitted):
    label, x, y, fit = fitted
    assert fit.status_name == "converged"
    assert bool(fit.converged)
    assert float(fit.decrement) < 1e-8

    def value(t):
        return np.sum(log_likelihoods(label, x @ t, y))

    score = differences(value, coef(fit))
    errors = se(fit, x, y) / np.sqrt(float(fit.dispersion))
    assert np.max(np.abs(score * errors)) < 1e-8  # in standard errors, by SciPy alone


def test_estimates_and_expected_errors_are_those_of_statsmodels(fitted):
    label, x, y, fit = fitted
    theirs = statsmodels_glm(label, x, y)
    same(coef(fit), theirs.params, 1e-9)
    same(se(fit, x, y, "expected"), theirs.bse, 1e-8)
    assert float(fit.statistics.deviance) == pytest.approx(theirs.deviance, rel=1e-11)
    assert float(fit.statistics.pearson) == pytest.approx(theirs.pearson_chi2, rel=1e-9)
    assert float(fit.dispersion) == pytest.approx(theirs.scale, rel=1e-9)


def test_log_likelihood_is_scipys(fitted):
    label, x, y, fit = fitted
    phi = float(fit.statistics.deviance) / N if is_moment(label) else 1.0
    ours = np.sum(log_likelihoods(label, x @ coef(fit), y, phi))
    assert float(fit.log_likelihood) == pytest.approx(ours, rel=1e-12)


def test_observed_errors_against_a_numerical_hessian(fitted):
    label, x, y, fit = fitted

    def value(t):
        return np.sum(log_likelihoods(label, x @ t, y))

    def gradient(t):
        return differences(value, t, step=0.01)

    hessian = differences(gradient, coef(fit), step=0.01)
    covariance = float(fit.dispersion) * np.linalg.inv(-hessian)
    same(se(fit, x, y, "observed"), np.sqrt(np.diag(covariance)), 1e-7)
    information = np.asarray(asx.information(fit, x, y))
    np.testing.assert_allclose(
        information, -hessian / float(fit.dispersion), rtol=1e-6, atol=1e-7 * np.max(-hessian)
    )


def test_score_contributions_sum_to_zero_and_make_the_sandwich(fitted):
    label, x, y, fit = fitted
    scores = np.asarray(asx.score_contributions(fit, x, y))
    assert scores.shape == (N, 3)
    eta, phi = x @ coef(fit), float(fit.dispersion)
    slope = differences(lambda h: log_likelihoods(label, eta + h[0], y), [0.0], 1e-3)[:, 0] / phi
    np.testing.assert_allclose(scores, x * slope[:, None], rtol=1e-6, atol=1e-8)
    size = np.sqrt(np.sum(scores**2, axis=0))
    assert np.max(np.abs(scores.sum(axis=0)) / size) < 1e-8
    bread = np.linalg.inv(np.asarray(asx.information(fit, x, y)))
    hc0 = bread @ scores.T @ scores @ bread
    found = np.asarray(asx.covariance(fit, x, y, "HC0").matrix)
    np.testing.assert_allclose(found, hc0, rtol=1e-8, atol=1e-10 * np.max(hc0))
    hc1 = np.asarray(asx.covariance(fit, x, y, asx.Sandwich("HC1")).matrix)
    np.testing.assert_allclose(hc1, found * N / (N - 3), rtol=1e-12)
    opg = np.asarray(asx.covariance(fit, x, y, "opg").matrix)
    np.testing.assert_allclose(opg, np.linalg.inv(scores.T @ scores), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("label", LABELS)
def test_fisher_scoring_ends_at_the_same_place(label):
    x, y = data(label)
    newton = asx.fit(model(label), x, y)
    scoring = asx.fit(model(label), x, y, solver=asx.Newton(curvature="expected", max_steps=300))
    assert scoring.status_name == "converged"
    same(coef(scoring), coef(newton), 1e-8)
    same(se(scoring, x, y), se(newton, x, y), 1e-8)  # observed information all the same


# --- weights and offset --------------------------------------------------------------------------

WEIGHTED = ["bernoulli-logit", "bernoulli-probit", "binomial-logit", "gaussian-identity",
            "gaussian-log", "poisson-log"]  # fmt: skip


def take(y, rows):
    return jax.tree.map(lambda a: a[rows], y)


def everything(fit, x, y, **fields):
    return {
        "coef": coef(fit),
        "llf": float(fit.log_likelihood),
        "n": float(fit.n),
        "dispersion": float(fit.dispersion),
        "deviance": float(fit.statistics.deviance),
        "pearson": float(fit.statistics.pearson),
        **{kind: se(fit, x, y, kind, **fields) for kind in ("observed", "expected", "HC0", "HC1")},
    }


def equal(a, b, rtol=1e-9, but=()):
    for name, value in a.items():
        if name not in but:
            np.testing.assert_allclose(value, b[name], rtol=rtol, err_msg=name)


@pytest.mark.parametrize("label", WEIGHTED)
def test_a_frequency_weight_repeats_its_row(label):
    x, y = data(label)
    counts = np.random.default_rng(8).integers(0, 4, N)
    rows = np.repeat(np.arange(N), counts)
    fields = {"weights": counts, "weight_kind": "frequency"}
    weighted = asx.fit(model(label), x, y, **fields)
    repeated = asx.fit(model(label), x[rows], take(y, rows))
    equal(everything(weighted, x, y, **fields), everything(repeated, x[rows], take(y, rows)))


@pytest.mark.parametrize("kind", ["frequency", "precision", "sampling"])
@pytest.mark.parametrize("label", WEIGHTED)
def test_a_row_of_weight_zero_is_absent(label, kind):
    x, y = data(label)
    w = np.random.default_rng(9).integers(0, 3, N).astype(float)
    present = np.flatnonzero(w)
    all_rows = {"weights": w, "weight_kind": kind}
    few = {"weights": w[present], "weight_kind": kind}
    a = asx.fit(model(label), x, y, **all_rows)
    b = asx.fit(model(label), x[present], take(y, present), **few)
    equal(
        everything(a, x, y, **all_rows),
        everything(b, x[present], take(y, present), **few),
        rtol=1e-10,
    )
    assert float(a.n_rows) == present.size


@pytest.mark.parametrize("label", WEIGHTED)
def test_precision_weights_are_statsmodels_var_weights(label):
    x, y = data(label)
    w = np.random.default_rng(10).uniform(0.3, 2.5, N)
    fields = {"weights": w, "weight_kind": "precision"}
    fit = asx.fit(model(label), x, y, **fields)
    theirs = statsmodels_glm(label, x, y, var_weights=w)
    same(coef(fit), theirs.params, 1e-9)
    same(se(fit, x, y, "expected", **fields), theirs.bse, 1e-8)
    assert float(fit.n) == N
    assert float(fit.dispersion) == pytest.approx(theirs.scale, rel=1e-9)


@pytest.mark.parametrize("label", WEIGHTED)
def test_the_scale_of_precision_weights_does_not_matter_to_a_moment_dispersion(label):
    x, y = data(label)
    w = np.random.default_rng(10).uniform(0.3, 2.5, N)

    def errors(factor):
        fields = {"weights": factor * w, "weight_kind": "precision"}
        fit = asx.fit(model(label), x, y, **fields)
        return coef(fit), se(fit, x, y, "observed", **fields)

    (b1, s1), (b9, s9) = errors(1.0), errors(9.0)
    same(b9, b1, 1e-9)
    same(s9, s1 / (1 if label.startswith("gaussian") else 3), 1e-8)


def test_precision_weights_in_a_gaussian_are_weighted_least_squares():
    """R's `lm(weights=)`: sigma² = Σ w r²/(n - k), log-likelihood with φ/w_i at RSS/n."""
    x, y = data("gaussian-identity")
    w = np.random.default_rng(10).uniform(0.3, 2.5, N)
    fit = asx.fit(asx.LinearRegression(3), x, y, weights=w, weight_kind="precision")
    root = np.sqrt(w)
    beta, rss, *_ = np.linalg.lstsq(x * root[:, None], y * root)
    same(coef(fit), beta, 1e-11)
    phi = rss[0] / N
    llf = -0.5 * np.sum(np.log(2 * np.pi * phi / w)) - N / 2
    assert float(fit.log_likelihood) == pytest.approx(llf, rel=1e-12)


def test_sampling_weights_square_in_the_meat():
    """Σ w² s sᵀ, HC0, against the formula written out; the scale of the weights does not matter."""
    x, y = data("bernoulli-logit")
    w = np.random.default_rng(11).uniform(1, 50, N)
    fields = {"weights": w, "weight_kind": "sampling"}
    fit = asx.fit(asx.Logit(3), x, y, **fields)
    p = 1 / (1 + np.exp(-x @ coef(fit)))
    bread = np.linalg.inv((x * (w * p * (1 - p))[:, None]).T @ x)
    s = x * (w * (y - p))[:, None]
    np.testing.assert_allclose(
        np.asarray(asx.covariance(fit, x, y, "HC0", **fields).matrix),
        bread @ s.T @ s @ bread,
        rtol=1e-8,
        atol=1e-10,
    )
    assert float(fit.n) == N
    scaled = {**fields, "weights": 7 * w}
    again = asx.fit(asx.Logit(3), x, y, **scaled)
    same(se(again, x, y, "HC1", **scaled), se(fit, x, y, "HC1", **fields), 1e-9)


@pytest.mark.parametrize("label", ["bernoulli-logit", "bernoulli-probit", "poisson-log",
                                   "gaussian-identity", "poisson-identity"])  # fmt: skip
def test_offset(label):
    offset = np.random.default_rng(12).uniform(-0.3, 0.3, N)
    x, y = draw(label, N, seed=1, offset=offset)
    fit = asx.fit(model(label), x, y, offset=offset)
    theirs = statsmodels_glm(label, x, y, offset=offset)
    same(coef(fit), theirs.params, 1e-9)
    same(se(fit, x, y, "expected", offset=offset), theirs.bse, 1e-8)


def test_a_constant_offset_moves_the_intercept_only():
    x, y = data("poisson-log")
    plain = asx.fit(asx.PoissonRegression(3), x, y)
    shifted = asx.fit(asx.PoissonRegression(3), x, y, offset=np.full(N, 2.5))
    same(coef(shifted), coef(plain) - [2.5, 0, 0], 1e-9)
    assert float(shifted.log_likelihood) == pytest.approx(float(plain.log_likelihood), rel=1e-12)


# --- starts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["bernoulli-logit", "bernoulli-probit", "poisson-log"])
def test_a_warm_start_needs_no_steps(label):
    x, y = data(label)
    cold = asx.fit(model(label), x, y)
    warm = asx.fit(cold.model, x, y)
    assert warm.status_name in ("converged", "converged_to_rounding")
    assert int(warm.steps) <= 1 < int(cold.steps)
    same(coef(warm), coef(cold), 1e-10)


@pytest.mark.parametrize(
    "label",
    ["bernoulli-logit", "bernoulli-probit", "bernoulli-cloglog", "poisson-log", "poisson-sqrt",
     "gaussian-identity", "gaussian-log", "binomial-logit", "poisson-identity"],
)  # fmt: skip
def test_without_an_intercept(label):
    """A positive column in its place keeps the domain where there is one to keep."""
    rng = np.random.default_rng(14)
    x, _ = data(label)
    x = np.column_stack([rng.uniform(0.8, 1.2, N), x[:, 1:]])
    from registry import mean

    mu = mean(label, x @ coefficients(label))
    y = {
        "bernoulli": lambda: rng.binomial(1, mu).astype(float),
        "poisson": lambda: rng.poisson(mu).astype(float),
        "gaussian": lambda: mu + 0.4 * rng.standard_normal(N),
        "binomial": lambda: (rng.binomial(7, mu).astype(float), np.full(N, 7.0)),
    }[label.split("-")[0]]()
    fit = asx.fit(model(label), x, y)
    assert fit.status_name == "converged"
    theirs = statsmodels_glm(label, x, y)
    same(coef(fit), theirs.params, 1e-9)
    same(se(fit, x, y, "expected"), theirs.bse, 1e-8)


def test_an_intercept_of_another_value_and_place():
    x, y = data("bernoulli-logit")
    fit = asx.fit(asx.Logit(3), x, y)
    moved = asx.fit(asx.Logit(3), np.column_stack([x[:, 1], -4.0 * x[:, 0], x[:, 2]]), y)
    same(coef(moved), coef(fit)[[1, 0, 2]] / [1, -4, 1], 1e-10)


def test_an_intercept_alone():
    y = np.r_[np.ones(30), np.zeros(70)]
    x = np.ones((100, 1))
    fit = asx.fit(asx.Logit(1), x, y)
    assert coef(fit)[0] == pytest.approx(np.log(0.3 / 0.7), rel=1e-13)
    assert se(fit, x, y)[0] == pytest.approx((100 * 0.3 * 0.7) ** -0.5, rel=1e-9)
    assert float(fit.log_likelihood) == pytest.approx(
        30 * np.log(0.3) + 70 * np.log(0.7), rel=1e-13
    )


@pytest.mark.parametrize("label", ["poisson-log", "binomial-logit"])
def test_saturated(label):
    """As many parameters as rows: fitted means are the responses, deviance is zero."""
    x = np.column_stack([np.ones(4), np.eye(4)[:, 1:]])
    if label.startswith("poisson"):
        y, link = np.array([3.0, 7.0, 1.0, 12.0]), np.log
        eta = link(y)
    else:
        y = (np.array([3.0, 7.0, 1.0, 2.0]), np.array([9.0, 8.0, 5.0, 6.0]))
        eta = np.log(y[0] / (y[1] - y[0]))
    fit = asx.fit(model(label, 4), x, y)
    assert bool(fit.converged)
    np.testing.assert_allclose(coef(fit), np.linalg.solve(x, eta), rtol=1e-9, atol=1e-12)
    assert float(fit.statistics.deviance) == pytest.approx(0, abs=1e-9)


def test_saturated_gaussian_has_no_dispersion_and_no_errors():
    x, y = np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([3.0, 5.0])
    fit = asx.fit(asx.LinearRegression(2), x, y)
    np.testing.assert_allclose(coef(fit), [3, 1], rtol=1e-12)
    assert np.isnan(se(fit, x, y)).all()


# --- hard scales --------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["bernoulli-logit", "bernoulli-probit", "poisson-log",
                                   "gaussian-identity"])  # fmt: skip
def test_badly_scaled_columns(label):
    z, y = data(label)
    scale, center = np.array([1.0, 1e8, 1e-8]), np.array([0.0, 3e8, -2e-8])
    x = z * scale + center * (np.arange(3) > 0)
    fit, reference = asx.fit(model(label), x, y), asx.fit(model(label), z, y)
    beta = coef(reference) / scale
    beta[0] -= beta[1:] @ center[1:]
    assert fit.status_name in ("converged", "converged_to_rounding")
    np.testing.assert_allclose(coef(fit), beta, rtol=1e-8)
    np.testing.assert_allclose(se(fit, x, y)[1:], se(reference, z, y)[1:] / scale[1:], rtol=1e-8)
    assert float(fit.log_likelihood) == pytest.approx(float(reference.log_likelihood), rel=1e-12)


@pytest.mark.parametrize("label", ["bernoulli-logit", "poisson-log", "gaussian-identity"])
def test_a_year_and_its_square(label):
    """Correlation of year and year² is 1 - 3e-11; the oracle uses centred years."""
    from registry import mean

    rng = np.random.default_rng(21)
    t = rng.integers(-5, 6, N).astype(float)
    z = np.column_stack([np.ones(N), t, t**2])
    mu = mean(label, z @ [0.3, 0.05, -0.02])
    y = {
        "bernoulli": lambda: rng.binomial(1, mu).astype(float),
        "poisson": lambda: rng.poisson(mu).astype(float),
        "gaussian": lambda: mu + rng.standard_normal(N),
    }[label.split("-")[0]]()
    x = np.column_stack([np.ones(N), 2000 + t, (2000 + t) ** 2])
    fit, reference = asx.fit(model(label), x, y), asx.fit(model(label), z, y)
    # a + b t + c t² with t = year - 2000
    back = np.array([[1, -2000, 4e6], [0, 1, -4000], [0, 0, 1]], float)
    expected = back @ coef(reference)
    assert bool(fit.converged)
    np.testing.assert_allclose(coef(fit), expected, rtol=1e-8)
    variance = back @ np.asarray(asx.covariance(reference, z, y).matrix) @ back.T
    np.testing.assert_allclose(se(fit, x, y), np.sqrt(np.diag(variance)), rtol=1e-7)
    assert float(fit.log_likelihood) == pytest.approx(float(reference.log_likelihood), rel=1e-11)


@pytest.mark.parametrize("constructor", [asx.Logit, asx.Probit])
def test_rare_events(constructor):
    rng = np.random.default_rng(22)
    n = 20_000
    x = np.column_stack([np.ones(n), rng.standard_normal(n)])
    y = np.zeros(n)
    y[np.argsort(-x[:, 1] - rng.logistic(size=n))[:12]] = 1.0
    fit = asx.fit(constructor(2), x, y)
    assert fit.status_name == "converged"
    assert float(fit.curvature_ratio) == pytest.approx(1, abs=0.1)
    label = "bernoulli-logit" if constructor is asx.Logit else "bernoulli-probit"
    theirs = statsmodels_glm(label, x, y)
    same(coef(fit), theirs.params, 1e-8)
    same(se(fit, x, y, "expected"), theirs.bse, 1e-7)


# --- least squares in exact arithmetic (NIST StRD) -----------------------------------------------


def nist(name):
    certified = json.loads((DATA / "certified.json").read_text())[name]
    table = np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1)
    y, raw = table[:, 0], table[:, 1:]
    if certified["kind"] == "poly":
        x = raw ** np.arange(certified["degree"] + 1)
    else:
        x = np.column_stack([np.ones(len(y)), raw])
    return x, y, np.array(certified["coef"], float), np.array(certified["std_error"], float)


def digits(found, certified):
    """Correct significant digits of the worst coefficient (the log relative error)."""
    return -np.log10(np.max(np.abs(np.asarray(found) / certified - 1)) + 1e-16)


@pytest.mark.parametrize("name", ["norris", "longley", "pontius"])
def test_nist_to_nine_digits(name):
    x, y, beta, errors = nist(name)
    fit = asx.fit(asx.LinearRegression(x.shape[1]), x, y)
    assert bool(fit.converged)
    assert digits(coef(fit), beta) >= 9
    assert digits(se(fit, x, y), errors) >= 9


def test_filip_is_kept_whole():
    """Degree 10: a condition of 1e10 even when centred and scaled. No column may be dropped."""
    x, y, beta, errors = nist("filip")
    with pytest.warns(asx.CollinearWarning, match="nearly"):
        fit = asx.fit(asx.LinearRegression(11), x, y)
    assert bool(np.all(fit.active))
    assert digits(coef(fit), beta) >= 7
    assert digits(se(fit, x, y), errors) >= 7


def exact_least_squares(x, y):
    """Normal equations in fractions: no rounding at all."""
    from fractions import Fraction

    a = [[Fraction(v) for v in row] for row in x.tolist()]
    b = [Fraction(v) for v in y.tolist()]
    k = len(a[0])
    m = [
        [sum(r[i] * r[j] for r in a) for j in range(k)]
        + [sum(r[i] * v for r, v in zip(a, b, strict=True))]
        for i in range(k)
    ]
    for i in range(k):
        pivot = m[i][i]
        m[i] = [v / pivot for v in m[i]]
        for j in range(k):
            if j != i:
                m[j] = [u - m[j][i] * v for u, v in zip(m[j], m[i], strict=True)]
    return np.array([float(row[-1]) for row in m])


def test_an_ill_conditioned_polynomial_goes_through_qr():
    rng = np.random.default_rng(30)
    t = np.linspace(0, 1, 60)
    x = t[:, None] ** np.arange(7)  # condition of the scaled Gram: 1e9 and more
    y = np.exp(t) + 0.1 * rng.standard_normal(60)
    fit = asx.fit(asx.LinearRegression(7), x, y)
    assert bool(fit.converged)
    assert bool(np.all(fit.active))
    exact = exact_least_squares(x, y)
    assert digits(coef(fit), exact) >= 9
    r = np.linalg.qr(x, mode="r")
    sigma = np.sqrt(np.sum((y - x @ exact) ** 2) / 53)
    inverse = np.linalg.inv(r)
    np.testing.assert_allclose(se(fit, x, y), sigma * np.linalg.norm(inverse, axis=1), rtol=1e-8)


def test_an_ill_conditioned_logit_is_that_of_orthogonal_columns():
    rng = np.random.default_rng(31)
    t = rng.uniform(0, 1, 2000)
    x = t[:, None] ** np.arange(6)
    y = (rng.uniform(size=2000) < 1 / (1 + np.exp(-np.sin(6 * t)))).astype(float)
    q, r = np.linalg.qr(x)
    fit, reference = asx.fit(asx.Logit(6), x, y), asx.fit(asx.Logit(6), q * 40, y)
    assert bool(fit.converged)
    np.testing.assert_allclose(coef(fit), np.linalg.solve(r, coef(reference) * 40), rtol=1e-8)


# --- null model, large designs, caller's arrays --------------------------------------------------


def test_null_log_likelihood():
    x, y = data("bernoulli-probit")
    rows = asx.Rows(x, y)
    fit = asx.fit(model("bernoulli-probit"), rows)
    null = fit_constant(fit.model, rows, fit)
    p = y.mean()
    expected = N * (p * np.log(p) + (1 - p) * np.log(1 - p))
    assert float(null.log_likelihood) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.int64, bool])
def test_dtypes_of_the_caller(kind):
    rng = np.random.default_rng(40)
    x = np.column_stack([np.ones(N), rng.integers(0, 2, N), rng.integers(0, 2, N)]).astype(kind)
    y = rng.integers(0, 2, N)
    fit = asx.fit(asx.Logit(3), x, y.astype(kind))
    reference = asx.fit(asx.Logit(3), x.astype(float), y.astype(float))
    np.testing.assert_array_equal(coef(fit), coef(reference))
    assert coef(fit).dtype == np.float64


def test_fortran_order_strides_and_jax_arrays():
    x, y = data("bernoulli-logit")
    reference = coef(asx.fit(asx.Logit(3), x, y))
    wide = np.zeros((N, 6))
    wide[:, ::2] = x
    for other in (np.asfortranarray(x), wide[:, ::2]):
        np.testing.assert_array_equal(coef(asx.fit(asx.Logit(3), other, y)), reference)
    with jax.enable_x64(True):
        both = jnp.asarray(x), jnp.asarray(y)
    np.testing.assert_array_equal(coef(asx.fit(asx.Logit(3), *both)), reference)


def test_the_caller_keeps_its_arrays():
    x, y = data("bernoulli-logit")
    copies = x.copy(), y.copy()
    asx.fit(asx.Logit(3), x, y)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(y, copies[1])


def test_a_fit_holds_no_rows():
    n = 4321
    x, y = draw("bernoulli-logit", n, seed=1)
    fit = asx.fit(asx.Logit(3), x, y)
    assert all(n not in np.shape(leaf) for leaf in jax.tree.leaves(fit))
    assert sum(np.size(leaf) for leaf in jax.tree.leaves(fit)) < 100


def test_a_network_is_fitted_by_the_same_call():
    """`equinox.nn.Linear` has no declared structure: the generic path, and the same estimates."""
    import equinox as eqx

    x, y = data("bernoulli-logit")
    linear = asx.fit(asx.Logit(3), x, y)
    with jax.enable_x64(True):
        layer = eqx.nn.Linear(2, 1, key=jax.random.key(0), dtype=np.float64)
    network = asx.fit(asx.Regression(layer, asx.Bernoulli()), x[:, 1:], y)
    assert network.status_name == "converged"
    found = network.model.predictor.module
    np.testing.assert_allclose(np.ravel(found.bias), coef(linear)[:1], rtol=1e-8)
    np.testing.assert_allclose(np.ravel(found.weight), coef(linear)[1:], rtol=1e-8)
    errors = se(network, x[:, 1:], y)
    np.testing.assert_allclose(sorted(errors), sorted(se(linear, x, y)), rtol=1e-8)


@pytest.mark.parametrize("k", ["a", 2.5, [2], -1, None])
@pytest.mark.parametrize("make", [asx.Logit, asx.Linear])
def test_a_number_of_columns_is_a_whole_number(make, k):
    with pytest.raises(asx.InputError, match="must be a whole number of columns"):
        make(k)


def test_models_made_alike_share_nothing():
    one, other = asx.Logit(np.int64(2)), asx.Logit(2)
    assert one == other
    one.predictor.coef[0] = 1.0
    assert other.predictor.coef[0] == asx.Logit(2).predictor.coef[0] == 0.0


def test_vmap_over_numpy_arrays_in_single_precision():
    """JAX's defaults say float32 of them, and only then look at their numbers."""
    x, y = data("bernoulli-logit")
    several = np.stack([y, 1 - y])
    found = jax.vmap(lambda v: asx.fit(asx.Logit(3), x, v).model.predictor.coef)(several)
    np.testing.assert_allclose(found[0], coef(asx.fit(asx.Logit(3), x, y)), rtol=1e-6)
    np.testing.assert_allclose(found[1], -found[0], rtol=1e-6)
    weights = np.stack([np.ones(N), np.arange(N) % 3 + 0.5])
    kind = {"weight_kind": "precision"}
    found = jax.vmap(lambda w: asx.fit(asx.Logit(3), x, y, weights=w, **kind).model.predictor.coef)(
        weights
    )
    np.testing.assert_allclose(found[0], coef(asx.fit(asx.Logit(3), x, y)), rtol=1e-6)


def test_counts_of_zero_under_an_identity_link_end_on_the_boundary():
    """Their observed information is zero, which is no repeated column."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(4), 50)
    y = rng.poisson(2, 200) * (g != 1.0)
    x = np.column_stack([np.ones(200), *(g == j for j in (1, 2, 3))]).astype(float)
    means = np.array([y[g == j].mean() for j in range(4)])
    for family in (asx.Poisson(asx.IdentityLink()), asx.QuasiPoisson(asx.IdentityLink())):
        for curvature in ("observed", "expected"):
            fit = asx.fit(asx.Regression(asx.Linear(4), family), x, y, solver=asx.Newton(curvature))
            assert fit.status_name == "boundary"
            np.testing.assert_allclose(coef(fit)[0] + np.r_[0, coef(fit)[1:]], means, atol=1e-9)


def test_no_columns():
    with pytest.raises(asx.InputError, match="x has no columns"):
        asx.fit(asx.Logit(0), np.ones((5, 0)), np.array([0, 1, 0, 1, 1.0]))
