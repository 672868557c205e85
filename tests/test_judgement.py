"""How good predictions are: by hand, against R's DeLong, scikit-learn, and fits fold by fold."""

import json
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

import asymptotix as asx
from asymptotix.diagnostics.discrimination import area_under_curve
from asymptotix.diagnostics.folds import fold_numbers
from asymptotix.diagnostics.outcomes import Outcomes
from conftest import MROZ

R = json.loads((Path(__file__).parent / "data" / "diagnostics.json").read_text())
KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def logit(mroz):
    return asx.logit(MROZ, mroz)


@pytest.fixture(scope="module")
def truth(mroz, logit):
    return mroz["inlf"].to_numpy(float), np.asarray(logit.predict())


def test_area_and_delong_error_are_those_of_r(logit):
    found = logit.auc()
    assert float(found) == pytest.approx(R["discrimination"]["auc"], rel=1e-13)
    assert float(found) == pytest.approx(R["discrimination"]["ranks"], rel=1e-13)
    assert found.std_error == pytest.approx(R["discrimination"]["error"], rel=1e-12)
    assert (found.events, found.others) == (428, 325)
    centre, z = np.log(found.area / (1 - found.area)), stats.norm.ppf(0.975)
    reach = z * found.std_error / (found.area * (1 - found.area))
    assert found.lower == pytest.approx(1 / (1 + np.exp(reach - centre)), rel=1e-10)
    assert found.lower < found.area < found.upper < 1


@pytest.mark.parametrize("name", ["educ", "exper", "age", "nwifeinc"])
def test_area_and_delong_error_are_those_of_a_published_package(mroz, name):
    published = json.loads((Path(__file__).parent / "data" / "delong.json").read_text())[name]
    found = asx.logit(f"inlf ~ {name}", mroz).auc()
    # That package computes in single precision; ours is a ratio of whole numbers.
    assert float(found) == pytest.approx(published["area"], rel=2e-7)
    assert found.std_error == pytest.approx(published["error"], rel=1e-6)
    pairs = 2 * 428 * 325 * float(found)
    assert pairs == pytest.approx(round(pairs), abs=1e-6)


def test_ties_and_weights_count_as_rows_repeated():
    p = np.array([0.1, 0.4, 0.4, 0.7, 0.7, 0.9])
    y = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    w = np.array([2.0, 1.0, 3.0, 2.0, 1.0, 2.0])
    once = area_under_curve(Outcomes(y, p, w, True), 0.95)
    many = np.repeat(np.arange(6), w.astype(int))
    again = area_under_curve(Outcomes(y[many], p[many], np.ones(many.size), True), 0.95)
    events, others = p[many][y[many] > 0], p[many][y[many] < 1]
    win = (events[:, None] > others) + 0.5 * (events[:, None] == others)
    error = np.sqrt(win.mean(1).var(ddof=1) / events.size + win.mean(0).var(ddof=1) / others.size)
    for found in (once, again):
        assert found.area == pytest.approx(win.mean(), rel=1e-14)
        assert found.std_error == pytest.approx(error, rel=1e-13)
    assert np.isnan(area_under_curve(Outcomes(y, p, w, False), 0.95).std_error)


def test_roc_and_scores_are_those_of_scikit_learn(logit, truth):
    y, p = truth
    curve = logit.roc()
    false, true, threshold = metrics.roc_curve(y, p, drop_intermediate=False)
    np.testing.assert_allclose(curve["false_positive_rate"], false, atol=1e-14)
    np.testing.assert_allclose(curve["sensitivity"], true, atol=1e-14)
    np.testing.assert_allclose(curve["threshold"][1:], threshold[1:], rtol=1e-14)
    assert float(logit.brier()) == pytest.approx(metrics.brier_score_loss(y, p), rel=1e-12)
    assert logit.log_loss() == pytest.approx(metrics.log_loss(y, p), rel=1e-12)
    assert logit.log_loss() == pytest.approx(-logit.llf / logit.nobs, rel=1e-13)
    for threshold in (0.3, 0.5):
        found = logit.confusion(threshold)
        np.testing.assert_array_equal(found.table, metrics.confusion_matrix(y, p >= threshold))
        assert found.accuracy == pytest.approx(metrics.accuracy_score(y, p >= threshold))
        assert found.sensitivity == pytest.approx(metrics.recall_score(y, p >= threshold))
        assert found.precision == pytest.approx(metrics.precision_score(y, p >= threshold))
        assert found.specificity == pytest.approx(
            metrics.recall_score(y, p >= threshold, pos_label=0)
        )


@pytest.mark.parametrize("groups", [5, 10, None])
def test_brier_score_is_the_sum_of_its_parts(logit, truth, groups):
    y, p = truth
    found = logit.brier(groups)
    parts = found.reliability - found.resolution + found.within + found.uncertainty
    assert found.score == pytest.approx(parts, rel=1e-13)
    assert found.uncertainty == pytest.approx(y.mean() * (1 - y.mean()), rel=1e-13)
    assert found.skill == pytest.approx(1 - np.mean((y - p) ** 2) / y.var(), rel=1e-12)
    if groups is None:  # single predictions: nothing is hidden within groups
        assert found.groups == np.unique(p).size


def test_brier_parts_by_hand():
    """Murphy's decomposition of two forecasts, each given many times."""
    p, y = np.repeat([0.2, 0.6], [5, 5]), np.array([0, 0, 0, 1, 0, 1, 1, 0, 1, 1.0])
    from asymptotix.diagnostics.scores import brier_score

    found = brier_score(Outcomes(y, p, np.ones(10), True), None)
    assert found.reliability == pytest.approx(0.5 * 0.0 + 0.5 * 0.2**2)
    assert found.resolution == pytest.approx(0.5 * 0.3**2 + 0.5 * 0.3**2)
    assert found.within == pytest.approx(0, abs=1e-15)
    assert found.score == pytest.approx(np.mean((p - y) ** 2))


def test_calibration_curve_by_hand(logit, truth):
    y, p = truth
    found = logit.calibration(groups=10)
    order = np.argsort(p)
    sizes = found.curve["n"].to_numpy().astype(int)
    assert sizes.sum() == p.size
    assert sizes.max() - sizes.min() <= 1
    parts = np.split(order, np.cumsum(sizes)[:-1])
    np.testing.assert_allclose(found.curve["predicted"], [p[i].mean() for i in parts])
    np.testing.assert_allclose(found.curve["observed"], [y[i].mean() for i in parts])
    wilson = [
        stats.binomtest(int(y[i].sum()), i.size).proportion_ci(0.95, method="wilson") for i in parts
    ]
    np.testing.assert_allclose(found.curve[["lower", "upper"]], wilson, rtol=1e-10)
    # a logit's own rows are calibrated on the whole, by its score equations
    assert found.intercept == pytest.approx(0, abs=1e-10)
    assert found.slope == pytest.approx(1, rel=1e-10)


def test_belt_is_the_scheffe_band_of_the_recalibration(logit, truth):
    y, p = truth
    found = logit.calibration()
    z = np.log(p / (1 - p))
    x = np.stack([z**j for j in range(found.degree + 1)], axis=1)
    fit = asx.fit(asx.Logit(x.shape[1]), x, y)
    matrix = np.asarray(asx.covariance(fit, x, y).matrix)
    at = np.log(found.belt["predicted"] / (1 - found.belt["predicted"]))
    design = np.stack([at**j for j in range(found.degree + 1)], axis=1)
    centre = design @ np.asarray(fit.model.predictor.coef)
    reach = np.sqrt(
        stats.chi2.ppf(0.95, found.degree + 1) * np.einsum("gi,ij,gj->g", design, matrix, design)
    )
    np.testing.assert_allclose(found.belt["lower"], 1 / (1 + np.exp(reach - centre)), rtol=1e-7)
    np.testing.assert_allclose(found.belt["upper"], 1 / (1 + np.exp(-reach - centre)), rtol=1e-7)


def test_belt_finds_predictions_that_are_too_extreme():
    rng = np.random.default_rng(0)
    z = rng.normal(size=4000)
    y = (rng.uniform(size=4000) < 1 / (1 + np.exp(-0.5 * z))).astype(float)
    given = Outcomes(y, 1 / (1 + np.exp(-z)), np.ones(4000), True)
    from asymptotix.diagnostics.calibration import calibration

    found = calibration(given, 10, 0.95, own=False)
    assert found.slope == pytest.approx(0.5, abs=4 * 0.04)
    assert found.degree == 1
    at = found.belt.set_index("predicted")
    assert at["upper"].iloc[-1] < found.belt["predicted"].iloc[-1]


def test_cross_validation_is_a_fit_without_each_fold(mroz, logit):
    number = fold_numbers(logit.rows(), 4, KEY)
    assert np.bincount(number).max() - np.bincount(number).min() <= 1
    p = np.empty(len(mroz))
    for fold in range(4):
        rest = asx.logit(MROZ, mroz[number != fold])
        p[number == fold] = rest.predict(mroz[number == fold])
    y = mroz["inlf"].to_numpy()
    assert float(logit.brier(cv=4, key=KEY)) == pytest.approx(np.mean((y - p) ** 2), rel=1e-9)
    assert float(logit.auc(cv=4, key=KEY)) == pytest.approx(metrics.roc_auc_score(y, p), rel=1e-9)
    assert logit.log_loss(cv=4, key=KEY) == pytest.approx(metrics.log_loss(y, p), rel=1e-9)
    np.testing.assert_array_equal(
        logit.confusion(cv=4, key=KEY).table, metrics.confusion_matrix(y, p >= 0.5)
    )
    assert logit.log_loss(cv=4, key=KEY) > logit.log_loss()


def test_grouped_responses_are_events_one_by_one(mroz):
    table = mroz.groupby("kidslt6", as_index=False).agg(s=("inlf", "sum"), n=("inlf", "size"))
    table = table.astype(float)
    grouped = asx.glm("s ~ kidslt6", table, family=asx.Binomial(), trials="n")
    single = asx.logit("inlf ~ kidslt6", mroz)
    for name in ("brier", "auc"):
        assert float(getattr(grouped, name)()) == pytest.approx(float(getattr(single, name)()))
    assert grouped.auc().std_error == pytest.approx(single.auc().std_error, rel=1e-9)
    assert grouped.log_loss() == pytest.approx(single.log_loss(), rel=1e-10)
    np.testing.assert_allclose(grouped.confusion(0.4).table, single.confusion(0.4).table)


def test_several_levels_have_a_log_loss_and_a_confusion_table(mroz):
    labels = np.array(["a", "b", "c"])[np.arange(200) % 3]
    data = mroz.iloc[:200].assign(y=labels)
    res = asx.glm("y ~ age + educ", data, family=asx.Multinomial())
    p = np.asarray(res.predict())
    assert res.log_loss() == pytest.approx(metrics.log_loss(labels, p), rel=1e-11)
    said = np.array(["a", "b", "c"])[p.argmax(axis=1)]
    np.testing.assert_array_equal(res.confusion().table, metrics.confusion_matrix(labels, said))
    with pytest.raises(asx.InputError, match="none"):
        res.auc()


def test_a_linear_probability_model_is_judged_where_it_can_be(mroz):
    res = asx.lpm(MROZ, mroz)
    p = np.asarray(res.predict())
    assert float(res.brier()) == pytest.approx(np.mean((mroz["inlf"] - p) ** 2), rel=1e-12)
    assert res.calibration().belt is None
    with pytest.raises(asx.InputError, match=r"outside \[0, 1\]"):
        res.log_loss()


def test_what_cannot_be_judged_is_said(mroz, logit):
    with pytest.raises(asx.InputError, match="event"):
        asx.poisson("kidsge6 ~ educ", mroz).brier()
    with pytest.raises(asx.InputError, match="pass key="):
        logit.auc(cv=5)
    with pytest.raises(asx.InputError, match="key="):
        logit.auc(key=KEY)
    with pytest.raises(asx.InputError, match="folds"):
        logit.auc(cv=1, key=KEY)
    with pytest.raises(asx.InputError, match="no JAX random key"):
        logit.auc(cv=5, key=0)
    for verb in (logit.auc, logit.calibration):
        with pytest.raises(asx.InputError, match="between 0 and 1"):
            verb(confidence=95)
    for threshold in ("a", 2, -0.1, float("nan"), None):
        with pytest.raises(asx.InputError, match="from 0 to 1"):
            logit.confusion(threshold)
    with pytest.raises(asx.InputError, match="groups"):
        logit.brier(1)
    rare = pd.DataFrame({"y": [0.0, 0, 0, 1, 0, 0, 0, 1], "x": [1.0, 2, 3, 4, 5, 6, 7, 8]})
    with pytest.raises(asx.FitError, match="fold"):
        asx.logit("y ~ x", rare).auc(cv=8, key=KEY)
