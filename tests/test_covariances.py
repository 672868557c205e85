"""Robust covariances against statsmodels, direct computation and the derivative of the fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import asymptotix as asx
from asymptotix.data import slabs
from asymptotix.data.groups import coded

N, GROUPS = 240, 24
HC = ("HC0", "HC1", "HC2", "HC3", "HC4", "HC5")


def draw(seed=3, n=N):
    rng = np.random.default_rng(seed)
    firm, year = rng.integers(0, GROUPS, n), rng.integers(0, 7, n)
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 2)) + 0.3 * (firm % 3)[:, None]])
    eta = x @ [0.2, 0.6, -0.4] + rng.standard_normal(GROUPS)[firm]
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
    return x, y, eta + rng.standard_normal(n) * np.exp(x[:, 1] / 2), firm, year


X, BINARY, REAL, FIRM, YEAR = draw()
NAMES = np.array(["ash", "birch", "cedar", "elm", "fir", "oak"])


@pytest.fixture(scope="module")
def logit():
    return asx.fit(asx.Logit(3), X, BINARY)


@pytest.fixture(scope="module")
def least_squares():
    return asx.fit(asx.LinearRegression(3), X, REAL)


def frame():
    return pd.DataFrame(
        {"binary": BINARY, "real": REAL, "x1": X[:, 1], "x2": X[:, 2], "firm": FIRM, "year": YEAR}
    )


def matrix(fit, y, kind, **fields):
    return np.asarray(asx.covariance(fit, X, y, kind, **fields).matrix)


# --- statsmodels, where it is right ----------------------------------------------------------


@pytest.mark.parametrize("kind", HC[:4])
def test_least_squares_like_statsmodels(least_squares, kind):
    expected = sm.OLS(REAL, X).fit(cov_type=kind).cov_params()
    np.testing.assert_allclose(matrix(least_squares, REAL, kind), expected, rtol=1e-11)


@pytest.mark.parametrize("groups", [FIRM, np.column_stack([FIRM, YEAR])], ids=["one", "two"])
def test_clusters_like_statsmodels(least_squares, logit, groups):
    options = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    kind = asx.Cluster(*np.atleast_2d(groups.T))
    expected = sm.OLS(REAL, X).fit(**options).cov_params()
    np.testing.assert_allclose(matrix(least_squares, REAL, kind), expected, rtol=1e-10)
    expected = sm.Logit(BINARY, X).fit(disp=False, tol=1e-14, **options).cov_params()
    np.testing.assert_allclose(matrix(logit, BINARY, kind), expected, rtol=1e-8)


@pytest.mark.parametrize("lags", [0, 1, 5])
def test_newey_west_like_statsmodels(least_squares, lags):
    options = {"cov_type": "HAC", "cov_kwds": {"maxlags": lags}}
    found = matrix(least_squares, REAL, asx.HAC(bandwidth=lags))
    np.testing.assert_allclose(found, sm.OLS(REAL, X).fit(**options).cov_params(), rtol=1e-11)
    options["cov_kwds"]["use_correction"] = True
    found = matrix(least_squares, REAL, asx.HAC(bandwidth=lags, correction="n-k"))
    np.testing.assert_allclose(found, sm.OLS(REAL, X).fit(**options).cov_params(), rtol=1e-11)


def test_the_statsmodels_convention_has_its_p_values():
    res = asx.linear("real ~ x1 + x2", frame(), cov=asx.Cluster("firm", convention="statsmodels"))
    options = {"cov_type": "cluster", "cov_kwds": {"groups": FIRM}}
    np.testing.assert_allclose(res.pvalues, sm.OLS(REAL, X).fit(**options).pvalues, rtol=1e-9)
    one = asx.linear("real ~ x1 + x2", frame(), cov=asx.Sandwich("HC1", convention="statsmodels"))
    np.testing.assert_allclose(one.pvalues, sm.OLS(REAL, X).fit(cov_type="HC1").pvalues, rtol=1e-9)


# --- the derivative of the fit with respect to its weights -----------------------------------


@pytest.fixture(scope="module")
def influence():
    """d estimates / d weights at weights of one: each row's part of the estimate."""

    def estimates(weights):
        fit = asx.fit(asx.Probit(3), X, BINARY, weights=weights, weight_kind="sampling")
        return fit.model.predictor.coef

    with jax.enable_x64(True):
        return np.asarray(jax.jit(jax.jacrev(estimates))(jnp.ones(N)))


def test_sandwich_from_the_derivative_of_the_fit(influence, probit):
    fit = probit
    np.testing.assert_allclose(matrix(fit, BINARY, "HC0"), influence @ influence.T, rtol=1e-10)
    totals = np.stack([influence[:, g == FIRM].sum(axis=1) for g in range(GROUPS)], axis=1)
    found = matrix(fit, BINARY, asx.Cluster(FIRM, correction="CR0"))
    np.testing.assert_allclose(found, totals @ totals.T, rtol=1e-10)


# --- direct computation with n x n matrices --------------------------------------------------


def working(fit, y):
    """Standardised design and residuals of a logit."""
    eta = X @ np.asarray(fit.model.predictor.coef)
    mu = 1 / (1 + np.exp(-eta))
    root = np.sqrt(mu * (1 - mu))
    return X * root[:, None], (y - mu) / root


def power(matrix, exponent):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def by_blocks(design, residuals, groups, exponent):
    """Bell and McCaffrey's covariance and degrees of freedom, block by block."""
    bread = np.linalg.inv(design.T @ design)
    hat = design @ bread @ design.T
    scores, directions = [], []
    for g in np.unique(groups):
        own = groups == g
        adjust = power(np.eye(own.sum()) - hat[np.ix_(own, own)], exponent)
        scores.append(design[own].T @ adjust @ residuals[own])
        directions.append((np.eye(len(groups)) - hat)[:, own] @ adjust @ design[own] @ bread)
    scores, directions = np.array(scores), np.array(directions)
    df = []
    for j in range(design.shape[1]):
        p = directions[:, :, j] @ directions[:, :, j].T
        df.append(np.trace(p) ** 2 / np.sum(p * p))
    return bread @ scores.T @ scores @ bread, df


@pytest.mark.parametrize(("correction", "exponent"), [("CR2", -0.5), ("CR3", -1.0)])
def test_adjusted_clusters_by_blocks(logit, correction, exponent):
    expected, df = by_blocks(*working(logit, BINARY), FIRM, exponent)
    found = asx.covariance(logit, X, BINARY, asx.Cluster(FIRM, correction=correction))
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-9)
    if correction == "CR2":
        np.testing.assert_allclose(found.df, df, rtol=1e-9)


@pytest.mark.parametrize(("single", "clustered"), [("HC2", "CR2"), ("HC3", "CR3")])
def test_clusters_of_one_row_are_rows(logit, single, clustered):
    alone = asx.Cluster(np.arange(N), correction=clustered)
    np.testing.assert_allclose(
        matrix(logit, BINARY, alone), matrix(logit, BINARY, single), rtol=1e-10
    )
    zero = asx.Cluster(np.arange(N), correction="CR0")
    np.testing.assert_allclose(
        matrix(logit, BINARY, zero), matrix(logit, BINARY, "HC0"), rtol=1e-12
    )
    one = asx.Cluster(np.arange(N))
    np.testing.assert_allclose(matrix(logit, BINARY, one), matrix(logit, BINARY, "HC1"), rtol=1e-12)


def test_cr2_where_a_cluster_alone_identifies_a_coefficient():
    x = np.column_stack([X, FIRM == 5])
    fit = asx.fit(asx.LinearRegression(4), x, REAL)
    found = asx.covariance(fit, x, REAL, asx.Cluster(FIRM, correction="CR2"))
    bread = np.linalg.inv(x.T @ x)
    hat, resid, meat = x @ bread @ x.T, REAL - x @ (bread @ (x.T @ REAL)), 0
    for g in range(GROUPS):
        own = g == FIRM
        values, vectors = np.linalg.eigh(np.eye(own.sum()) - hat[np.ix_(own, own)])
        root = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        score = x[own].T @ ((vectors * root) @ vectors.T) @ resid[own]
        meat = meat + np.outer(score, score)
    np.testing.assert_allclose(found.matrix, bread @ meat @ bread, rtol=1e-7, atol=1e-12)


def kernel_sum(scores, weight):
    """All pairs, one by one."""
    n = len(scores)
    pairs = np.array([[weight(t, u) for u in range(n)] for t in range(n)])
    return scores.T @ pairs @ scores


KERNELS = {
    "bartlett": lambda v: max(1 - v, 0),
    "parzen": lambda v: 1 - 6 * v**2 + 6 * v**3 if v <= 0.5 else 2 * max(1 - v, 0) ** 3,
    "quadratic-spectral": lambda v: (
        1.0
        if v == 0
        else 25 / (12 * np.pi**2 * v**2) * (np.sin(w := 6 * np.pi * v / 5) / w - np.cos(w))
    ),
}


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_kernels_pair_by_pair(logit, kernel):
    scores = np.asarray(asx.score_contributions(logit, X, BINARY))
    bread = matrix(logit, BINARY, "observed")
    found = matrix(logit, BINARY, asx.HAC(kernel, 4))
    meat = kernel_sum(scores, lambda t, u: KERNELS[kernel](abs(t - u) / 5))
    np.testing.assert_allclose(found, bread @ meat @ bread, rtol=1e-9)
    time = np.random.default_rng(1).permutation(N)
    found = matrix(logit, BINARY, asx.HAC(kernel, 4, time=time))
    meat = kernel_sum(scores, lambda t, u: KERNELS[kernel](abs(time[t] - time[u]) / 5))
    np.testing.assert_allclose(found, bread @ meat @ bread, rtol=1e-9)
    found = matrix(logit, BINARY, asx.HAC(kernel, 4, groups=FIRM))
    place = np.array([np.sum(FIRM[:i] == FIRM[i]) for i in range(N)])
    meat = kernel_sum(
        scores,
        lambda t, u: (FIRM[t] == FIRM[u]) * KERNELS[kernel](abs(place[t] - place[u]) / 5),
    )
    np.testing.assert_allclose(found, bread @ meat @ bread, rtol=1e-9)
    found = matrix(logit, BINARY, asx.DriscollKraay(YEAR, kernel, 2))
    meat = kernel_sum(scores, lambda t, u: KERNELS[kernel](abs(YEAR[t] - YEAR[u]) / 3))
    np.testing.assert_allclose(found, bread @ meat @ bread, rtol=1e-9)


# --- any model -------------------------------------------------------------------------------


class Plain(asx.AbstractPredictor):
    """A linear predictor that does not say that it is one."""

    coef: jax.Array = asx.parameter()

    def __call__(self, x):
        return x @ self.coef


KINDS = {
    **{name: name for name in HC},
    "CR1": asx.Cluster(FIRM),
    "CR2": asx.Cluster(FIRM, correction="CR2"),
    "CR3": asx.Cluster(FIRM, correction="CR3"),
    "two-way": asx.Cluster(FIRM, YEAR),
    "HAC": asx.HAC(bandwidth=3),
    "Driscoll-Kraay": asx.DriscollKraay(YEAR, bandwidth=1),
}


@pytest.fixture(scope="module")
def probit():
    return asx.fit(asx.Probit(3), X, BINARY)


@pytest.fixture(scope="module")
def generic():
    model = asx.Regression(Plain(np.zeros(3)), asx.Bernoulli(asx.ProbitLink()))
    return asx.fit(model, X, BINARY)


@pytest.mark.parametrize("name", list(KINDS))
def test_the_generic_path_agrees(name, probit, generic):
    a = asx.covariance(probit, X, BINARY, KINDS[name])
    b = asx.covariance(generic, X, BINARY, KINDS[name])
    np.testing.assert_allclose(a.matrix, b.matrix, rtol=1e-8)
    if a.df is not None:
        np.testing.assert_allclose(a.df, b.df, rtol=1e-8)


class Scaled(asx.AbstractFamily):
    """A normal response with a predictor for its mean and one for its log scale."""

    name = "scaled"
    dispersion_rule = "fixed"

    def log_prob(self, eta, y):
        return -eta[1] - 0.5 * ((y - eta[0]) / jnp.exp(eta[1])) ** 2

    def mean(self, eta):
        return eta[0]

    def variance(self, eta):
        return jnp.exp(2 * eta[1])

    def sample(self, eta, *, key):
        return eta[0] + jnp.exp(eta[1]) * jax.random.normal(key)


class Pair(asx.AbstractPredictor):
    """Two linear predictors."""

    mean: jax.Array = asx.parameter()
    scale: jax.Array = asx.parameter()

    def __call__(self, x):
        return jnp.stack([x @ self.mean, x[:2] @ self.scale])

    def has_vector_eta(self):
        return True


@pytest.fixture(scope="module")
def two_predictors():
    """The fit, and each row's score and curvature by automatic differentiation of one row."""
    fit = asx.fit(asx.Regression(Pair(np.zeros(3), np.zeros(2)), Scaled()), X, REAL)
    assert bool(fit.converged)

    def row(theta, x, y):
        eta = jnp.stack([x @ theta[:3], x[:2] @ theta[3:]])
        return -eta[1] - 0.5 * ((y - eta[0]) / jnp.exp(eta[1])) ** 2

    theta = np.concatenate([fit.model.predictor.mean, fit.model.predictor.scale])
    with jax.enable_x64(True):
        scores = np.asarray(jax.vmap(jax.grad(row), (None, 0, 0))(theta, X, REAL))
        curves = -np.asarray(jax.vmap(jax.hessian(row), (None, 0, 0))(theta, X, REAL))
    return fit, scores, curves


@pytest.mark.parametrize("name", ["HC2", "HC3", "CR2", "CR3", "two-way"])
def test_a_family_of_two_predictors(name, two_predictors):
    fit, scores, curves = two_predictors
    bread = np.linalg.inv(curves.sum(axis=0))
    root = np.linalg.cholesky(bread)  # bread = root root'

    def adjusted(groups, exponent):
        meat = 0
        for g in np.unique(groups):
            own = groups == g
            share = power(np.eye(5) - root.T @ curves[own].sum(axis=0) @ root, exponent)
            score = np.linalg.solve(root.T, share @ root.T @ scores[own].sum(axis=0))
            meat = meat + np.outer(score, score)
        return meat

    if name in ("HC2", "HC3"):
        leverage = np.einsum("ab,nba->n", bread, curves)
        factor = (1 - leverage) ** {"HC2": -1, "HC3": -2}[name]
        meat = (scores * factor[:, None]).T @ scores
    elif name == "two-way":
        cells = FIRM * 100 + YEAR
        meat, k = 0, 5
        for groups, sign in ((FIRM, 1), (YEAR, 1), (cells, -1)):
            labels = np.unique(groups)
            totals = np.array([scores[groups == g].sum(axis=0) for g in labels])
            g = len(labels)
            meat = meat + sign * g / (g - 1) * (N - 1) / (N - k) * totals.T @ totals
    else:
        meat = adjusted(FIRM, {"CR2": -0.5, "CR3": -1.0}[name])
    found = asx.covariance(fit, X, REAL, KINDS[name])
    np.testing.assert_allclose(found.matrix, bread @ meat @ bread, rtol=1e-7)


# --- conventions -----------------------------------------------------------------------------


def test_conventions_differ_by_the_factors_they_name(logit, least_squares):
    k, g = 3, GROUPS
    hc0, cr0 = matrix(logit, BINARY, "HC0"), asx.Cluster(FIRM, correction="CR0")
    cr0, lm0 = matrix(logit, BINARY, cr0), matrix(least_squares, REAL, cr0)
    stata = asx.Sandwich("HC1", convention="stata-ml")
    np.testing.assert_allclose(matrix(logit, BINARY, stata), hc0 * N / (N - 1), rtol=1e-12)
    # sandwich and fixest take the expected information, which equals the observed one but is
    # summed once more: rounding
    plain, rows = g / (g - 1), (N - 1) / (N - k)
    expected = {
        "asymptotix": (plain * rows, plain * rows),
        "statsmodels": (plain * rows, plain * rows),
        "stata": (plain * rows, plain * rows),
        "stata-ml": (plain, plain),
        "sandwich": (plain, plain * rows),
        "fixest": (plain * rows, plain * rows),
    }
    for name, (of_logit, of_lm) in expected.items():
        kind = asx.Cluster(FIRM, convention=name)
        np.testing.assert_allclose(matrix(logit, BINARY, kind), cr0 * of_logit, rtol=1e-10)
        np.testing.assert_allclose(matrix(least_squares, REAL, kind), lm0 * of_lm, rtol=1e-10)


def test_fixest_takes_the_smallest_number_of_clusters(least_squares):
    cells = FIRM * 100 + YEAR
    parts = [asx.Cluster(g, correction="CR0") for g in (FIRM, YEAR, cells)]
    firm, year, both = (matrix(least_squares, REAL, p) for p in parts)
    factor = 7 / 6 * (N - 1) / (N - 3)
    found = asx.covariance(least_squares, X, REAL, asx.Cluster(FIRM, YEAR, convention="fixest"))
    np.testing.assert_allclose(found.matrix, (firm + year - both) * factor, rtol=1e-10)
    assert int(found.df) == 6


def test_reference_distributions():
    data = frame()
    res = asx.logit("binary ~ x1 + x2", data)
    assert res.with_cov("HC3").reference.label == "normal"
    assert res.with_cov(asx.Cluster("firm")).reference.label == f"t({GROUPS - 1})"
    assert res.with_cov(asx.Cluster("firm", "year")).reference.label == "t(6)"
    assert res.with_cov(asx.Cluster("firm", convention="stata-ml")).reference.label == "normal"
    assert res.with_cov(asx.Cluster("firm", convention="fixest")).reference.label == "normal"
    linear = asx.linear("real ~ x1 + x2", data)
    assert linear.with_cov(asx.Cluster("firm", convention="fixest")).reference.label == "t(23)"
    assert linear.with_cov(asx.Cluster("firm", convention="sandwich")).reference.label == "t(237)"
    assert linear.with_cov(asx.DriscollKraay("year", bandwidth=1)).reference.label == "t(6)"
    asked = asx.logit("binary ~ x1 + x2", data, cov=asx.Cluster("firm"), reference="normal")
    assert asked.reference.label == "normal"
    assert asked.with_cov(asx.Cluster("year")).reference.label == "normal"
    asked = asx.logit("binary ~ x1 + x2", data, cov=asx.Cluster("firm"), reference="t")
    assert asked.reference.label == "t(23)"


def test_satterthwaite_at_the_surface():
    from scipy import stats

    res = asx.linear("real ~ x1 + x2", frame(), cov=asx.Cluster("year", correction="CR2"))
    df = np.asarray(res.covariance.df)
    np.testing.assert_allclose(res.pvalues, 2 * stats.t.sf(abs(res.tvalues), df), rtol=1e-10)
    width = res.conf_int()["upper"] - res.params
    np.testing.assert_allclose(width, stats.t.ppf(0.975, df) * res.bse, rtol=1e-10)
    assert "CR2" in str(res.summary())
    joint = res.wald_test("x1 = x2 = 0")
    assert joint.df_resid == pytest.approx(df[1:].min())


def test_conventions_and_summary_say_what_was_done():
    res = asx.logit("binary ~ x1 + x2", frame(), cov=asx.Cluster("firm", "year"))
    assert res.conventions["covariance"] == "CR1 by firm, year"
    assert "24 firm, 7 year" in res.conventions["clusters"]
    assert "fewer than 20" in res.conventions["clusters"]
    assert "Few clusters" in str(res.summary())
    plain = res.with_cov("observed")
    assert "clusters" not in plain.conventions
    assert "multi-way" not in plain.conventions
    assert plain.conventions["covariance"] == "observed"
    newey = plain.with_cov(asx.HAC("parzen", 4))
    assert newey.conventions["kernel"] == "parzen"
    assert newey.conventions["bandwidth"] == "4 lags"
    pd.testing.assert_series_equal(
        res.bse, asx.logit("binary ~ x1 + x2", frame()).with_cov(asx.Cluster("firm", "year")).bse
    )


# --- groups, weights, sizes ------------------------------------------------------------------


def test_identifiers_of_any_type(logit):
    expected = matrix(logit, BINARY, asx.Cluster(FIRM))
    words = np.array([f"firm {g}" for g in FIRM])
    forms = {
        "text": words,
        "objects": words.astype(object),
        "list": list(words),
        "category": pd.Series(words).astype("category"),
        "float": FIRM / 8,
        "date": pd.Timestamp("2001-01-01") + pd.to_timedelta(FIRM, unit="D"),
        "mixed": np.array([g if g % 2 else str(g) for g in FIRM], object),
        "jax": jnp.asarray(FIRM),
    }
    for name, given in forms.items():
        found = matrix(logit, BINARY, asx.Cluster(given))
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)
        rows = asx.Rows(X, BINARY, groups=given)
        found = asx.covariance(asx.fit(asx.Logit(3), rows), rows, asx.Cluster()).matrix
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)


def test_groups_of_rows_by_name(logit):
    rows = asx.Rows(X, BINARY, groups={"firm": FIRM, "year": YEAR})
    expected = matrix(logit, BINARY, asx.Cluster(FIRM, YEAR))
    for kind in (asx.Cluster(), asx.Cluster("firm", "year")):
        np.testing.assert_allclose(asx.covariance(logit, rows, kind).matrix, expected, rtol=1e-12)
    expected = matrix(logit, BINARY, asx.Cluster(YEAR))
    found = asx.covariance(logit, rows, asx.Cluster("year"))
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-12)


def test_arrays_at_the_surface_follow_dropped_rows():
    data = frame()
    data.loc[[4, 9], "x1"] = np.nan
    with pytest.warns(asx.MissingRowsWarning):
        by_name = asx.logit("binary ~ x1 + x2", data, cov=asx.Cluster("firm"))
    by_array = by_name.with_cov(asx.Cluster(data["firm"]))
    pd.testing.assert_series_equal(by_array.bse, by_name.bse)


@pytest.mark.parametrize("name", ["HC1", "HC2", "HC3", "HC4", "HC5", "CR1", "CR2", "CR3"])
def test_frequency_weights_are_repeated_rows(name):
    counts = np.random.default_rng(0).integers(0, 4, N)
    kind = name if name in HC else asx.Cluster("firm", correction=name)
    again = frame().loc[np.repeat(np.arange(N), counts)].reset_index(drop=True)
    weighted = asx.logit(
        "binary ~ x1 + x2", frame(), weights=counts, weight_kind="frequency", cov=kind
    )
    repeated = asx.logit("binary ~ x1 + x2", again, cov=kind)
    np.testing.assert_allclose(weighted.cov_params(), repeated.cov_params(), rtol=1e-8)


@pytest.mark.parametrize("weight_kind", ["sampling", "precision"])
@pytest.mark.parametrize("name", ["HC0", "HC3", "CR1", "CR2", "HAC"])
def test_a_row_of_weight_zero_is_absent(weight_kind, name):
    weights = np.random.default_rng(0).uniform(0.5, 2, N)
    weights[::5] = 0
    firm = FIRM.astype(float)
    firm[::5] = np.nan  # what is absent needs no cluster
    kept = weights > 0

    def run(rows):
        given = {"CR1": {}, "CR2": {"correction": "CR2"}}.get(name)
        kind = asx.HAC(bandwidth=2) if name == "HAC" else name
        kind = kind if given is None else asx.Cluster(firm[rows], **given)
        fields = {"weights": weights[rows], "weight_kind": weight_kind}
        fit = asx.fit(asx.Logit(3), X[rows], BINARY[rows], **fields)
        return np.asarray(asx.covariance(fit, X[rows], BINARY[rows], kind, **fields).matrix)

    np.testing.assert_allclose(run(np.ones(N, bool)), run(kept), rtol=1e-9)


def test_leverage_follows_the_weight_kind():
    weights = np.random.default_rng(0).uniform(0.5, 2, N)
    fields = {"weights": weights, "weight_kind": "precision"}
    fit = asx.fit(asx.LinearRegression(3), X, REAL, **fields)
    expected = sm.WLS(REAL, X, weights=weights).fit(cov_type="HC3").cov_params()
    np.testing.assert_allclose(matrix(fit, REAL, "HC3", **fields), expected, rtol=1e-10)


@pytest.mark.parametrize("name", list(KINDS))
def test_slabs_agree_with_one_program(name, logit, monkeypatch):
    """Many slabs, and more clusters than a slab has rows."""
    from asymptotix.covariances import passes
    from asymptotix.data import source

    expected = asx.covariance(logit, X, BINARY, KINDS[name])
    for module in (slabs, passes, source):
        monkeypatch.setattr(module, "SLAB_ROWS", 64)
    found = asx.covariance(logit, X, BINARY, KINDS[name])
    np.testing.assert_allclose(found.matrix, expected.matrix, rtol=1e-10)
    if expected.df is not None:
        np.testing.assert_allclose(found.df, expected.df, rtol=1e-10)


def test_more_clusters_than_rows_in_a_slab(monkeypatch):
    from asymptotix.covariances import passes
    from asymptotix.data import source

    pairs = np.random.default_rng(5).permutation(N) // 2
    fit = asx.fit(asx.Logit(3), X, BINARY)
    expected = asx.covariance(fit, X, BINARY, asx.Cluster(pairs)).matrix
    for module in (slabs, passes, source):
        monkeypatch.setattr(module, "SLAB_ROWS", 64)
    found = asx.covariance(fit, X, BINARY, asx.Cluster(pairs)).matrix
    np.testing.assert_allclose(found, expected, rtol=1e-10)


# --- what does not exist ---------------------------------------------------------------------


def test_indefinite_two_way_clusters_are_reported_not_clamped(least_squares):
    fit, rng = least_squares, np.random.default_rng(2)
    for _ in range(200):
        a, b = rng.integers(0, 3, N), rng.integers(0, 3, N)
        kind = asx.Cluster(a, b)
        found = asx.covariance(fit, X, REAL, kind)
        if found.status_name == "indefinite" and (np.diag(found.matrix) < 0).any():
            break
    else:
        pytest.fail("no indefinite matrix was met")
    variances = np.diag(found.matrix)
    np.testing.assert_array_equal(np.isnan(found.standard_errors), variances < 0)
    data = frame().assign(a=a, b=b)
    res = asx.linear("real ~ x1 + x2", data, cov=asx.Cluster("a", "b"))
    assert "not positive semidefinite" in str(res.summary())
    mended = asx.covariance(fit, X, REAL, asx.Cluster(a, b, psd="eigen"))
    values, vectors = np.linalg.eigh(found.matrix)
    expected = (vectors * np.maximum(values, 0)) @ vectors.T
    np.testing.assert_allclose(mended.matrix, expected, rtol=1e-9, atol=1e-14)
    assert mended.status_name == "converged"


def test_a_row_of_leverage_one_withholds_hc2_and_hc3():
    x = np.column_stack([X, np.arange(N) == 7])
    fit = asx.fit(asx.LinearRegression(4), x, REAL)
    assert asx.covariance(fit, x, REAL, "HC1").status_name == "converged"
    for kind in ("HC2", "HC3", "HC4", "HC5"):
        found = asx.covariance(fit, x, REAL, kind)
        assert found.status_name == "indefinite"
        assert np.isnan(found.matrix).all()


def test_the_table_says_that_a_row_of_leverage_one_is_why():
    data = {"y": REAL, "x": X[:, 1], "level": np.where(np.arange(N) == 7, "b", "a")}
    shown = " ".join(str(asx.linear("y ~ x + level", data, cov="HC3").summary()).split())
    assert "a row has leverage one" in shown
    assert "leaves HC3 undefined; use 'HC1'" in shown
    assert "information matrix" not in shown


MISSING = FIRM.astype(object)
MISSING[[3, 8]] = None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: asx.Cluster(np.zeros(N)), "one cluster only"),
        (lambda: asx.Cluster(MISSING), "missing in 2 rows"),
        (lambda: asx.Cluster(FIRM[:-1]), "239 identifiers and there are 240 rows"),
        (lambda: asx.Cluster(), "need identifiers"),
        (lambda: asx.Cluster("firm"), "no groups named 'firm'"),
        (lambda: asx.Cluster(X), "one entry a row"),
        (lambda: asx.Cluster(FIRM, correction="CR4"), "not known"),
        (lambda: asx.Cluster(FIRM, convention="stat"), "not known"),
        (lambda: asx.Cluster(FIRM, YEAR, correction="CR2"), "defined for one grouping"),
        (lambda: asx.Cluster(FIRM, YEAR, convention="stata"), "one grouping only"),
        (lambda: asx.Sandwich("HC6"), "not known"),
        (lambda: asx.Sandwich("HC1", bread="both"), "'observed' or 'expected'"),
        (lambda: asx.HAC("box"), "not known"),
        (lambda: asx.HAC(bandwidth=-1), "number of lags"),
        (lambda: asx.HAC(time=YEAR, bandwidth=1), "share a period"),
        (lambda: asx.HAC(groups=FIRM), "give the number of lags"),
        (lambda: asx.DriscollKraay(np.zeros(N)), "one period only"),
    ],
)
def test_messages(logit, make, message):
    with pytest.raises(asx.InputError, match=message):
        asx.covariance(logit, X, BINARY, make())


def test_messages_at_the_surface():
    data = frame().assign(holes=MISSING, one=1)
    for kind, message in (
        (asx.Cluster("holes"), r"'holes' is missing in 2 rows \(rows 3, 8\)"),
        (asx.Cluster("firms"), "no column 'firms'.*Did you mean 'firm'"),
        (asx.Cluster("one"), "one cluster only"),
        (asx.Cluster(), "name a column"),
    ):
        with pytest.raises(asx.InputError, match=message):
            asx.logit("binary ~ x1 + x2", data, cov=kind)
    with pytest.raises(asx.InputError, match="stand for several observations"):
        asx.logit(
            "binary ~ x1", data, weights="one", weight_kind="frequency", cov=asx.HAC(bandwidth=1)
        )


# --- inside transformations ------------------------------------------------------------------


def test_inside_jit_and_vmap(logit):
    kinds = (*HC, asx.Cluster(correction="CR0"), asx.Cluster())

    def matrices(x, y, firm):
        rows = asx.Rows(x, y, groups=firm)
        fit = asx.fit(asx.Logit(3), rows)
        return [asx.covariance(fit, rows, kind).matrix for kind in kinds]

    with jax.enable_x64(True):
        found = jax.jit(jax.vmap(matrices))(X[None], BINARY[None], FIRM[None])
    rows = asx.Rows(X, BINARY, groups=FIRM)
    for kind, (one,) in zip(kinds, found, strict=True):
        expected = asx.covariance(logit, rows, kind).matrix
        np.testing.assert_allclose(one, expected, rtol=1e-8)


def test_cr2_inside_jit_is_refused():
    with pytest.raises(asx.InputError, match="Inside jit"):
        jax.jit(
            lambda y: (
                asx.covariance(
                    asx.fit(asx.Logit(3), X, y), X, y, asx.Cluster(FIRM, correction="CR2")
                ).matrix
            )
        )(jnp.asarray(BINARY, float))


def test_coverage_where_the_model_is_wrong():
    """95 % intervals: robust ones within four Monte-Carlo errors, the others outside."""
    replications, n, clusters = 1000, 400, 50
    firm = np.repeat(np.arange(clusters), n // clusters)
    truth = np.array([0.5, 1.0])

    def one(key):
        a, b, c, d = jax.random.split(key, 4)
        level = jax.random.normal(a, (clusters,), float)[firm]
        x = jnp.stack([jnp.ones(n), level + jax.random.normal(b, (n,), float)], axis=1)
        shock = jax.random.normal(c, (clusters,), float)[firm]
        spread = jnp.exp(x[:, 1] / 2)
        apart = x @ truth + spread * jax.random.normal(d, (n,), float)
        covered = []
        for y, kinds in (
            (apart, ("observed", "HC1", "HC3")),
            (x @ truth + shock + 0.5 * (apart - x @ truth), ("HC1", asx.Cluster())),
        ):
            rows = asx.Rows(x, y, groups=jnp.asarray(firm))
            fit = asx.fit(asx.LinearRegression(2), rows)
            for kind in kinds:
                error = asx.covariance(fit, rows, kind).standard_errors[1]
                miss = jnp.abs(fit.model.predictor.coef[1] - truth[1])
                covered.append(miss <= 1.96 * error)
        return jnp.stack(covered)

    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(11), replications)
        share = np.asarray(jax.jit(jax.vmap(one))(keys)).mean(axis=0)
    allowed = 4 * np.sqrt(0.95 * 0.05 / replications)
    plain, hc1, hc3, alone, clustered = share
    assert abs(hc1 - 0.95) < allowed
    assert abs(hc3 - 0.95) < allowed
    assert abs(clustered - 0.95) < allowed
    assert plain < 0.95 - allowed
    assert alone < 0.95 - allowed


# --- compilation -----------------------------------------------------------------------------


def test_other_groups_and_rows_compile_nothing():
    from test_compilation import compilations

    kinds = (
        "HC3",
        asx.Cluster("firm"),
        asx.Cluster("firm", "year"),
        asx.Cluster("firm", correction="CR2"),
        asx.HAC(bandwidth=3),
        asx.DriscollKraay("year", bandwidth=1),
    )
    res = asx.logit("binary ~ x1 + x2", frame())
    for kind in kinds:
        res.with_cov(kind)
    data = frame().iloc[:-1].assign(firm=FIRM[:-1] * 31 % 29)
    with compilations() as found:
        res = asx.logit("binary ~ x1 + I(x2**2)", data)
        for kind in kinds:
            res.with_cov(kind)
    assert found == [0]


# --- columns that nearly repeat others ----------------------------------------------------------


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize(
    "kind",
    ["HC1", "HC3", asx.Cluster("g"), asx.Cluster("g", correction="CR2"), asx.HAC(bandwidth=2)],
    ids=lambda k: getattr(k, "label", k),
)
@pytest.mark.parametrize("family", ["logit", "linear", "poisson"])
def test_robust_errors_of_near_collinear_columns(family, kind, distance):
    """The same model in columns that are far apart is the oracle: the products of an inverse with
    a middle lost as many digits as the cube of the condition has."""
    rng = np.random.default_rng(3)
    apart = np.column_stack([np.ones(150), rng.standard_normal((150, 3))])
    near = apart.copy()
    near[:, 3] = near[:, 2] + distance * apart[:, 3]
    apart[:, 3] = (near[:, 3] - near[:, 2]) / distance
    model, y = {
        "logit": (asx.Logit(4), (rng.random(150) < 0.5) * 1.0),
        "linear": (asx.LinearRegression(4), rng.standard_normal(150)),
        "poisson": (asx.PoissonRegression(4), rng.poisson(2, 150) * 1.0),
    }[family]
    found = []
    for x in (near, apart):
        rows = asx.Rows(x, y, groups={"g": np.arange(150) // 5})
        found.append(asx.covariance(asx.fit(model, rows), rows, kind))
    ours, oracle = (one.standard_errors[3] for one in found)
    assert ours * distance == pytest.approx(oracle, rel=1e-14 / distance)
    if found[0].df is not None:
        np.testing.assert_allclose(found[0].df, found[1].df, rtol=0.2)  # of other coefficients
    np.testing.assert_allclose(
        found[0].standard_errors[:2], found[1].standard_errors[:2], rtol=1e-13 / distance
    )


@pytest.mark.parametrize("kind", ["int64", "int32", "int8", "uint64", "far", "sparse"])
def test_identifiers_that_are_integers_are_coded_in_their_order(kind):
    values = np.random.default_rng(2).integers(-50, 50, 300)
    values = {
        "uint64": values.astype(np.uint64) + np.uint64(2**63),  # negative ones wrap around
        "far": values - 2**62 + 50,
        "sparse": values * 10**9,
    }.get(kind, values.astype(kind if kind.startswith("int") else None))
    _, expected = np.unique(values, return_inverse=True)
    found = coded(values)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)
