"""Events, quantiles and bootstrapped effects, against SciPy, derivations by hand and refits."""

import inspect

import jax
import mpmath
import numpy as np
import pytest
from scipy import stats

import asymptotix as asx
from asymptotix.core.beta import betainc


@pytest.fixture(scope="module")
def data(mroz):
    rng = np.random.default_rng(0)
    small = mroz.iloc[::2].head(300).reset_index(drop=True)
    return small.assign(
        pay=rng.gamma(2.0, 1.0, 300) * np.exp(0.05 * small["educ"]),
        share=rng.beta(2, 3, 300),
        visits=rng.negative_binomial(1.5, 1.5 / (1.5 + np.exp(0.1 * small["educ"]))),
    )


@pytest.fixture(scope="module")
def fits(data):
    log = asx.LogLink()
    return {
        "gaussian": asx.linear("hours ~ educ", data),
        "gamma": asx.glm("pay ~ educ", data, family=asx.Gamma(link=log)),
        "inverse gaussian": asx.glm("pay ~ educ", data, family=asx.InverseGaussian(link=log)),
        "beta": asx.glm("share ~ educ", data, family=asx.Beta()),
        "location-scale": asx.glm(
            {"mu": "hours ~ educ", "log_sigma": "~ exper"}, data, family=asx.LocationScale()
        ),
        "poisson": asx.poisson("kidsge6 ~ educ", data),
        "negative binomial": asx.glm("visits ~ educ", data, family=asx.NegativeBinomial()),
    }


def gamma(mean, phi):
    return stats.gamma(1 / phi, scale=phi * mean)


def distribution(name, theta, x):
    """SciPy's distribution of one row; theta with the dispersion last where there is one."""
    eta = theta[0] + theta[1] * x["educ"]
    if name == "gaussian":
        return stats.norm(eta, np.sqrt(theta[2]))
    if name == "gamma":
        return gamma(np.exp(eta), theta[2])
    if name == "inverse gaussian":
        return stats.invgauss(theta[2] * np.exp(eta), scale=1 / theta[2])
    if name == "beta":
        mean = 1 / (1 + np.exp(-eta))
        return stats.beta(theta[2] * mean, theta[2] * (1 - mean))
    if name == "location-scale":
        return stats.norm(eta, np.exp(theta[2] + theta[3] * x["exper"]))
    if name == "poisson":
        return stats.poisson(np.exp(eta))
    mean = np.exp(eta)
    return stats.nbinom(1 / theta[2], 1 / (1 + theta[2] * mean))


def joint(res, data, name):
    """Estimates and covariance; the dispersion and its influence function by hand."""
    theta, matrix = res.params.to_numpy(), res.cov_params().to_numpy()
    if name not in ("gaussian", "gamma", "inverse gaussian"):
        return theta, matrix
    x = np.column_stack([np.ones(len(data)), data["educ"]])
    y = data["hours" if name == "gaussian" else "pay"].to_numpy(float)
    phi, n, eta = res.scale, len(x), x @ theta
    mean = eta if name == "gaussian" else np.exp(eta)
    variance = {"gaussian": 1 + 0 * mean, "gamma": mean**2, "inverse gaussian": mean**3}[name]
    power = {"gaussian": 0, "gamma": 2, "inverse gaussian": 3}[name]
    square = (y - mean) ** 2 / variance
    slope = 1.0 if name == "gaussian" else mean  # d mean / d eta
    score = ((y - mean) / variance * slope / phi)[:, None] * x
    own = score @ matrix
    d_square = -2 * (y - mean) / variance * slope - power * square * (0 if power == 0 else 1.0)
    moved = square - square.mean() + own @ (d_square @ x)
    moved = moved / (n - 2)
    whole = np.zeros((3, 3))
    whole[:2, :2] = matrix
    whole[:2, 2] = whole[2, :2] = own.T @ moved
    whole[2, 2] = moved @ moved
    return np.append(theta, phi), whole


def numeric_error(function, theta, matrix):
    slopes = []
    for j in range(len(theta)):
        h = 1e-4 * max(abs(theta[j]), 1e-2)
        e = np.eye(len(theta))[j] * h
        slopes.append(
            (8 * (function(theta + e) - function(theta - e))
             - function(theta + 2 * e) + function(theta - 2 * e)) / (12 * h)
        )  # fmt: skip
    return np.sqrt(np.array(slopes) @ matrix @ np.array(slopes))


CONTINUOUS = ["gaussian", "gamma", "inverse gaussian", "beta", "location-scale"]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_quantiles_are_scipys_with_delta_errors(fits, data, name):
    res, row = fits[name], data.iloc[3]
    theta, matrix = joint(res, data, name)
    frame = res.predictions(data.iloc[[3]], type="quantile", q=[0.05, 0.9]).frame
    for q, found in zip([0.05, 0.9], frame.itertuples(), strict=True):
        assert found.component == f"{100 * q:g}%"
        quantile = distribution(name, theta, row).ppf(q)
        error = numeric_error(lambda t, q=q: distribution(name, t, row).ppf(q), theta, matrix)
        assert np.isclose(found.estimate, quantile, rtol=1e-8)
        assert np.isclose(frame["std.error"][found.Index], error, rtol=1e-6)


@pytest.mark.parametrize("name", ["gamma", "negative binomial", "poisson"])
@pytest.mark.parametrize("event", [">= 2", "> 2", "<= 2", "< 2"])
def test_probabilities_of_events(fits, data, name, event):
    res, row = fits[name], data.iloc[3]
    theta, matrix = joint(res, data, name)

    def probability(t):
        given = distribution(name, t, row)
        at = {">=": given.sf(1), ">": given.sf(2), "<=": given.cdf(2), "<": given.cdf(1)}
        if name == "gamma":
            at = {">=": given.sf(2), ">": given.sf(2), "<=": given.cdf(2), "<": given.cdf(2)}
        return at[event.split()[0]]

    found = res.predictions(data.iloc[[3]], type="probability", value=event)
    assert np.isclose(found.frame["estimate"][0], probability(theta), rtol=1e-10)
    error = numeric_error(probability, theta, matrix)
    assert np.isclose(found.frame["std.error"][0], error, rtol=1e-6)
    assert f"P(y {event})" in str(found)


def test_several_values_add_up(fits):
    frame = fits["poisson"].avg_predictions(type="probability", value=[0, 1, 2, ">= 3"]).frame
    assert list(frame["component"]) == ["y = 0", "y = 1", "y = 2", "y >= 3"]
    assert np.isclose(frame["estimate"].sum(), 1, atol=1e-12)


def test_slopes_of_quantiles_and_events(fits, data):
    """A Gaussian's quantile moves with its mean; of a gamma with log link by beta times itself."""
    res = fits["gaussian"]
    found = res.avg_slopes(type="quantile", q=0.8).frame
    assert np.isclose(found["estimate"][0], res.params["educ"], rtol=1e-10)
    assert np.isclose(found["std.error"][0], res.bse["educ"], rtol=1e-8)
    res = fits["gamma"]
    theta, matrix = joint(res, data, "gamma")

    def slope(t):
        mean = np.exp(t[0] + t[1] * data["educ"].to_numpy())
        return t[1] * gamma(mean, t[2]).ppf(0.8).mean()

    found = res.avg_slopes(type="quantile", q=0.8).frame
    assert np.isclose(found["estimate"][0], slope(theta), rtol=1e-8)
    assert np.isclose(found["std.error"][0], numeric_error(slope, theta, matrix), rtol=1e-6)


def test_quantiles_of_counts_are_whole_and_have_no_error(fits, data):
    for name in ("poisson", "negative binomial"):
        found = fits[name].predictions(type="quantile", q=0.75)
        given = [distribution(name, fits[name].params.to_numpy(), data.iloc[i]) for i in (0, 9, 80)]
        assert [d.ppf(0.75) for d in given] == found.frame["estimate"][[0, 9, 80]].tolist()
        assert found.frame["std.error"].isna().all()
        assert "a whole number has no standard error" in " ".join(str(found).split())
    with pytest.raises(asx.InputError, match="no derivative"):
        fits["poisson"].avg_slopes(type="quantile", q=0.5)


def test_labels_name_their_probability(data):
    told = data.assign(works=np.where(data["inlf"] == 1, "yes", "no"))
    res = asx.logit("works ~ educ", told)
    yes, no = (res.avg_predictions(type="probability", value=v).frame for v in ("yes", "no"))
    assert np.isclose(yes["estimate"][0], res.predict().mean(), rtol=1e-12)
    assert np.isclose(yes["estimate"][0] + no["estimate"][0], 1, atol=1e-14)
    assert np.isclose(yes["std.error"][0], no["std.error"][0], rtol=1e-10)
    with pytest.raises(asx.InputError, match="one of 'no', 'yes'"):
        res.avg_predictions(type="probability", value="perhaps")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("poisson", {"type": "quantile"}, "go together"),
        ("poisson", {"q": 0.5}, "go together"),
        ("poisson", {"type": "quantile", "q": 90}, "between 0 and 1"),
        ("poisson", {"type": "probability", "value": ">= 0"}, "always or never"),
        ("poisson", {"type": "probability", "value": ">> 1"}, "must be a number"),
        ("gamma", {"type": "probability", "value": 1}, "is continuous"),
        ("beta", {"type": "probability", "value": "> 2"}, "always or never"),
        ("poisson", {"type": "probability", "value": (">= 2", 5)}, "name the trials"),
    ],
)
def test_what_has_no_such_distribution_is_said(fits, name, options, message):
    with pytest.raises(asx.InputError, match=message):
        fits[name].avg_predictions(**options)


def test_families_without_a_distribution_function_have_no_quantiles(data):
    res = asx.glm("kidsge6 ~ educ", data, family=asx.QuasiPoisson())
    with pytest.raises(asx.InputError, match="does not declare its distribution function"):
        res.avg_predictions(type="quantile", q=0.5)


def test_errors_of_a_dispersion_need_rows_or_one_grouping(data):
    res = asx.linear("hours ~ educ", data, cov=asx.Cluster("age", "educ"))
    with pytest.raises(asx.InputError, match="error of a dispersion"):
        res.avg_predictions(type="quantile", q=0.9)
    x = np.column_stack([np.ones(len(data)), data["educ"]])
    fit = asx.fit(asx.LinearRegression(2), x, data["hours"].to_numpy(float))
    with pytest.raises(asx.InputError, match="depend on its dispersion"):
        asx.average_slopes(fit, asx.Rows(x, data["hours"]), np.eye(2), type="quantile", q=0.5)


def test_a_dispersion_without_data_has_no_error(data):
    res = asx.linear("hours ~ educ", data, keep_data=False)
    frame = res.predictions(data.head(1), type="quantile", q=[0.5, 0.9]).frame
    assert np.isclose(frame["estimate"][0], res.predict(data.head(1))[0])
    upper = frame["estimate"][0] + stats.norm.ppf(0.9) * np.sqrt(res.scale)
    assert np.isclose(frame["estimate"][1], upper)
    assert np.isfinite(frame["std.error"][0])  # the median does not depend on it
    assert np.isnan(frame["std.error"][1])


@pytest.mark.parametrize(
    ("a", "b", "x"),
    [(2.0, 3.0, 0.3), (0.05, 4.0, 0.01), (50.0, 0.5, 0.98), (3.0, 1e5, 2e-5), (2.0, 3.0, 0.999)],
)
def test_the_incomplete_beta_function_has_all_derivatives(a, b, x):
    with jax.enable_x64(True):
        found = [float(g) for g in jax.grad(betainc, argnums=(0, 1, 2))(a, b, x)]
    with mpmath.workdps(40):

        def whole(a, b, x):
            return mpmath.betainc(a, b, 0, x, regularized=True)

        expected = [
            mpmath.diff(lambda v: whole(v, b, x), a),
            mpmath.diff(lambda v: whole(a, v, x), b),
            mpmath.diff(lambda v: whole(a, b, v), x),
        ]
    assert np.allclose(found, [float(v) for v in expected], rtol=1e-9)


# The bootstrap


@pytest.fixture(scope="module")
def logit(data):
    return asx.logit("inlf ~ educ + exper + I(exper**2)", data)


KEY = jax.random.key(5)


def average_slopes(theta, data, weights=None):
    """Of educ and exper, by hand."""
    x = data[["educ", "exper"]].to_numpy(float)
    eta = theta[0] + x @ theta[1:3] + theta[3] * x[:, 1] ** 2
    density = np.exp(-eta) / (1 + np.exp(-eta)) ** 2
    each = density[:, None] * np.column_stack(
        [np.full(len(x), theta[1]), theta[2] + 2 * theta[3] * x[:, 1]]
    )
    return np.average(each, axis=0, weights=weights)


def test_bootstrapped_effects_are_those_of_the_refits(logit, data):
    refits = logit.bootstrap(400, key=KEY)
    names = ["Intercept", "educ", "exper", "I(exper ** 2)"]
    by_hand = np.array([average_slopes(t, data) for t in refits.replicates[names].to_numpy()])
    found = logit.avg_slopes(method="bootstrap", n_draws=400, key=KEY)
    limits = np.quantile(by_hand, [0.025, 0.975], axis=0)
    assert np.allclose(found.frame[["conf.low", "conf.high"]].to_numpy().T, limits, rtol=1e-8)
    assert np.allclose(found.frame["std.error"], by_hand.std(axis=0, ddof=1), rtol=1e-8)
    delta = logit.avg_slopes(vcov="HC0").frame
    assert np.allclose(found.frame["estimate"], delta["estimate"], rtol=1e-13)
    # The standard deviation of 400 draws has a relative error of 1/sqrt(800).
    assert np.allclose(found.frame["std.error"], delta["std.error"], rtol=4 / np.sqrt(800))
    assert "400 refits" in str(found)
    difference = found.hypotheses("b1 = b2").frame
    expected = (by_hand[:, 0] - by_hand[:, 1]).std(ddof=1)
    assert np.isclose(difference["std.error"][0], expected, rtol=1e-8)


def test_unconditional_bootstrap_averages_the_rows_that_were_drawn(logit, data):
    kind = asx.Bootstrap(400, key=KEY)
    found = logit.avg_slopes(method=kind, unconditional=True).frame
    delta = logit.avg_slopes(unconditional=True).frame
    assert np.allclose(found["estimate"], delta["estimate"], rtol=1e-13)
    assert np.allclose(found["std.error"], delta["std.error"], rtol=4 / np.sqrt(800))
    draw, _ = kind.drawing(logit.fit, logit.rows())
    refits = logit.bootstrap(400, key=KEY).replicates
    names = ["Intercept", "educ", "exper", "I(exper ** 2)"]
    by_hand = [
        average_slopes(theta, data, copies)
        for theta, copies in zip(
            refits[names].to_numpy(), draw(slice(0, 400))["weight"], strict=True
        )
    ]
    assert np.allclose(found["std.error"], np.std(by_hand, axis=0, ddof=1), rtol=1e-8)


def test_bootstrapped_clusters_groups_rows_and_dispersions(logit, fits, data):
    kind = asx.Bootstrap(200, "cluster", groups="age", key=KEY)
    found = logit.avg_slopes(variables="educ", by="kidslt6", method=kind).frame
    delta = logit.avg_slopes(variables="educ", by="kidslt6", vcov=asx.Cluster("age")).frame
    assert np.allclose(found["std.error"][:2], delta["std.error"][:2], rtol=4 / np.sqrt(400))
    rows = logit.predictions(data.head(2), method="bootstrap", n_draws=200, key=KEY).frame
    assert ((rows["conf.low"] < rows["estimate"]) & (rows["estimate"] < rows["conf.high"])).all()
    res, where = fits["gaussian"], data.head(1)
    drawn = res.predictions(where, type="quantile", q=0.9, method="bootstrap", key=KEY).frame
    delta = res.predictions(where, type="quantile", q=0.9, vcov="HC1").frame
    assert np.isclose(drawn["std.error"][0], delta["std.error"][0], rtol=4 / np.sqrt(2000))


def test_what_a_bootstrap_cannot_do_is_said(logit):
    parametric = asx.Bootstrap(20, "parametric", key=KEY)
    with pytest.raises(asx.InputError, match="keeps the covariates"):
        logit.avg_slopes(method=parametric, unconditional=True)
    with pytest.raises(asx.InputError, match="name it there"):
        logit.avg_slopes(method="bootstrap", key=KEY, unconditional="age")


# Keywords


def test_newdata_comes_first_and_keywords_are_known(logit, data):
    same = logit.predictions(newdata=data.head(3)).frame
    assert logit.predictions(data.head(3)).frame.equals(same)
    assert len(logit.avg_slopes("mean")) == 2
    with pytest.raises(asx.InputError, match="Did you mean variables='educ'"):
        logit.avg_slopes("educ")
    with pytest.raises(TypeError, match="Did you mean 'variables'"):
        logit.avg_slopes(variabels="educ")
    known = inspect.signature(logit.avg_slopes).parameters
    assert list(known)[:2] == ["newdata", "variables"]
    assert known["slope"].default == "dydx"


def test_without_errors(logit):
    found = logit.avg_slopes(vcov=False)
    assert np.array_equal(found.frame["estimate"], logit.avg_slopes().frame["estimate"])
    assert found.frame["std.error"].isna().all()
    assert "errors were not asked for" in str(found)


def test_tables_name_what_tells_rows_apart_and_say_the_rest_once(logit):
    grid = str(logit.predictions(asx.datagrid(educ=[8, 16])))
    assert "educ Estimate" in " ".join(grid.split())
    by = str(logit.avg_slopes(by=["kidslt6", "city"]))
    assert by.count("dY/dX") == 1
    assert max(map(len, by.splitlines())) <= 80
    assert "high" in by.split("95% low")[1].splitlines()[0]


# Separated data


def test_effects_that_involve_only_finite_estimates_keep_their_errors(data):
    """A group without events has probability 0: it adds nothing to sums over the other rows."""
    apart = data.assign(quit=((data["kidslt6"] > 0) & (data["inlf"] == 0)) * 1.0)
    rest = apart[apart["quit"] == 0]
    with pytest.warns(asx.FitWarning, match="Infinite: quit"):
        res = asx.logit("inlf ~ educ + exper + quit", apart)
    own = asx.logit("inlf ~ educ + exper", rest)
    share, numbers = len(rest) / len(apart), ["estimate", "std.error"]
    found, expected = res.avg_slopes().frame, own.avg_slopes().frame
    assert np.allclose(found[numbers][:2], share * expected[numbers], rtol=1e-8)
    both = [*numbers, "conf.low", "conf.high"]
    rows = rest.head(4)
    assert np.allclose(
        res.predictions(rows).frame[both], own.predictions(rows).frame[both], rtol=1e-7
    )
    assert res.predictions(apart[apart["quit"] == 1]).frame["std.error"].isna().all()
    link = res.avg_slopes(type="link")
    assert np.allclose(link.frame["std.error"][:2], own.bse[["educ", "exper"]], rtol=1e-7)
    assert np.isnan(link.frame["estimate"].to_numpy()[2])
    assert "depends on estimates that are infinite" in str(link)
    difference = res.hypotheses("educ = exper").frame["std.error"][0]
    assert np.isclose(difference, own.hypotheses("educ = exper").frame["std.error"][0], rtol=1e-7)
    shift = res.delta(lambda model: model.predictor.coef[1:])
    assert np.allclose(shift.standard_error[:2], own.bse[["educ", "exper"]], rtol=1e-7)
    assert np.isnan(shift.standard_error[2])
    with pytest.raises(asx.InputError, match="data are separated"):
        res.avg_slopes(method="simulation", key=KEY)
