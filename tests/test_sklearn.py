"""The scikit-learn adapters: its own checks, and the numbers of the models behind them."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import asymptotix as asx

NEEDS_VARIABLE = "check_array_api_input"  # skipped unless SCIPY_ARRAY_API is set


@pytest.mark.parametrize("name", asx.sklearn.__all__)
def test_passes_check_estimator(name):
    with warnings.catch_warnings():
        # some checks fit separated or more columns than rows, and only ask for predictions
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = check_estimator(getattr(asx.sklearn, name)(), on_skip=None)
    assert len(found) > 50
    assert {one["check_name"] for one in found if one["status"] != "passed"} <= {NEEDS_VARIABLE}


@pytest.fixture(scope="module")
def arrays(mroz):
    names = ["nwifeinc", "educ", "exper", "age", "kidslt6"]
    return mroz[names].to_numpy(float), mroz["inlf"].to_numpy(), " + ".join(names)


@pytest.mark.parametrize("verb", ["logit", "probit"])
def test_classifiers_are_the_models(verb, arrays, mroz):
    x, y, terms = arrays
    made = getattr(asx.sklearn, f"{verb.capitalize()}Classifier")(cov="HC1")
    labels = np.where(y > 0, "works", "home")
    found = made.fit(x, labels)
    res = getattr(asx, verb)(f"inlf ~ {terms}", mroz, cov="HC1")
    np.testing.assert_allclose(found.coef_[0], res.params[1:], rtol=1e-9)
    np.testing.assert_allclose(found.intercept_, res.params[:1], rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors_, res.bse[1:], rtol=1e-9)
    assert found.intercept_error_ == pytest.approx(res.bse.iloc[0], rel=1e-9)
    np.testing.assert_allclose(found.predict_proba(x)[:, 1], res.predict(), rtol=1e-10)
    assert list(found.classes_) == ["home", "works"]
    assert found.status_ == "converged"


def test_weights_count_rows(arrays, mroz):
    x, _, terms = arrays
    y = mroz["kidsge6"].to_numpy(float)
    w = 1.0 + np.arange(len(y)) % 3
    found = asx.sklearn.PoissonRegressor().fit(x, y, sample_weight=w)
    long = mroz.loc[mroz.index.repeat(w.astype(int))]
    res = asx.poisson(f"kidsge6 ~ {terms}", long)
    np.testing.assert_allclose(found.coef_, res.params[1:], rtol=1e-8)
    np.testing.assert_allclose(found.standard_errors_, res.bse[1:], rtol=1e-8)


def test_penalty_and_no_intercept(arrays):
    from sklearn.linear_model import LogisticRegression

    x, y, _ = arrays
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    found = asx.sklearn.LogitClassifier(penalty=2.0).fit(z, y)
    theirs = LogisticRegression(C=0.5, tol=1e-12, max_iter=10_000).fit(z, y)
    np.testing.assert_allclose(found.coef_, theirs.coef_, rtol=1e-5)
    plain = asx.sklearn.LinearRegressor(fit_intercept=False).fit(x, y)
    np.testing.assert_allclose(plain.coef_, np.linalg.lstsq(x, y, rcond=None)[0], rtol=1e-9)
    assert plain.intercept_ == 0


@pytest.mark.parametrize("penalty", [asx.Ridge(1.0), "l2", -1.0, float("nan")])
def test_a_penalty_is_a_number(arrays, penalty):
    x, y, _ = arrays
    made = asx.sklearn.LogitClassifier(penalty=penalty)  # refused by fit, as is the convention
    with pytest.raises(asx.InputError, match="strength of a ridge penalty"):
        made.fit(x, y)


def test_works_in_a_pipeline(arrays):
    x, y, _ = arrays
    line = make_pipeline(StandardScaler(), asx.sklearn.LogitClassifier())
    scores = cross_val_score(line, x, y, cv=5, scoring="roc_auc")
    assert 0.7 < scores.mean() < 0.85


def test_more_columns_than_rows_are_said():
    x = np.random.default_rng(0).normal(size=(5, 8))
    with pytest.warns(ConvergenceWarning, match="ridge penalty"):
        asx.sklearn.LinearRegressor().fit(x, np.arange(5.0))
