"""Pictures: what is drawn are the numbers of the verbs, on axes that are labelled."""

import io

import jax
import matplotlib
import numpy as np
import optax
import pandas as pd
import pytest

import asymptotix as asx

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from conftest import MROZ

KEY = jax.random.key(1)


@pytest.fixture(scope="module")
def logit(mroz):
    return asx.logit(MROZ + " + C(city)", mroz)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def is_finished(ax):
    """Labelled, and it can be written."""
    assert ax.get_xlabel()
    target = io.BytesIO()
    ax.figure.savefig(target, format="png")
    return target.getvalue().startswith(b"\x89PNG")


def line(ax, i=0):
    return np.asarray(ax.lines[i].get_xydata(), float)


def test_prediction_plot_draws_predictions(logit):
    ax = asx.prediction_plot(logit, "exper", points=7)
    assert is_finished(ax)
    assert ax.get_ylabel() == "P(inlf)"
    x, y = line(ax).T
    grid = asx.datagrid(exper=list(x))
    found = logit.predictions(newdata=grid).frame
    np.testing.assert_allclose(y, found["estimate"], rtol=1e-12)
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(found["conf.low"].min(), rel=1e-9)
    assert band[:, 1].max() == pytest.approx(found["conf.high"].max(), rel=1e-9)


def test_prediction_plot_takes_axes_groups_and_averages(logit):
    _, ax = plt.subplots()
    got = asx.prediction_plot(logit, "educ", by="city", average=True, points=3, ax=ax)
    assert got is ax
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["city = 0", "city = 1"]
    found = logit.avg_predictions(variables={"educ": [float(line(ax)[0, 0])], "city": [1]}).frame
    assert line(ax, 1)[0, 1] == pytest.approx(found["estimate"].iloc[0], rel=1e-10)
    levels = asx.prediction_plot(logit, "city")
    assert [t.get_text() for t in levels.get_xticklabels()] == ["0", "1"]
    assert is_finished(levels)
    with pytest.raises(asx.InputError, match="Did you mean 'educ'"):
        asx.prediction_plot(logit, "edcu")
    with pytest.raises(asx.InputError, match="by_values"):
        asx.prediction_plot(logit, "educ", by="age", by_values=range(30, 40))


def test_slope_plot_draws_average_slopes(logit):
    ax = asx.slope_plot(logit, ["educ", "exper"], by="city")
    assert is_finished(ax)
    found = logit.avg_slopes(variables=["educ", "exper"], by="city").frame
    drawn = np.concatenate([line(ax, i)[:, 0] for i in (1, 2)])
    np.testing.assert_allclose(np.sort(drawn), np.sort(found["estimate"]), rtol=1e-12)
    assert "city, 1 - 0" in [t.get_text() for t in asx.slope_plot(logit).get_yticklabels()]


def test_calibration_and_roc_plots(logit):
    ax = asx.calibration_plot(logit, cv=4, key=KEY)
    assert is_finished(ax)
    found = logit.calibration(cv=4, key=KEY)
    np.testing.assert_allclose(line(ax, 2), found.curve[["predicted", "observed"]], rtol=1e-12)
    assert ax.get_title(loc="left") == "4-fold cross-validated"
    ax = asx.roc_plot(logit, labels=["all"])
    assert is_finished(ax)
    assert ax.get_legend().get_texts()[0].get_text().startswith(f"all: {float(logit.auc()):.3f}")
    np.testing.assert_allclose(
        line(ax, 1), logit.roc()[["false_positive_rate", "sensitivity"]], rtol=1e-12
    )
    with pytest.raises(asx.InputError, match="results"):
        asx.roc_plot()


def test_residual_plots(logit):
    ax = asx.residual_plot(logit)
    assert is_finished(ax)
    np.testing.assert_allclose(line(ax)[:, 1], logit.residuals("pearson"), rtol=1e-12)
    ax = asx.residual_plot(logit, "age", kind="response")
    assert ax.get_xlabel() == "age"
    ax = asx.residual_plot(logit, "normal", kind="quantile", key=KEY)
    assert is_finished(ax)
    ordered = np.sort(logit.residuals("quantile", key=KEY))
    np.testing.assert_allclose(line(ax, 1)[:, 1], ordered, rtol=1e-12)


def test_influence_plot_names_the_largest(logit):
    ax = asx.influence_plot(logit, label=3)
    assert is_finished(ax)
    worst = logit.cooks_distance().nlargest(3).index
    assert {t.get_text() for t in ax.texts} == set(map(str, worst))
    np.testing.assert_allclose(ax.collections[0].get_offsets()[:, 0], logit.leverage(), rtol=1e-12)


def test_surface_plot_draws_the_boundary(logit):
    ax = asx.surface_plot(logit, "exper", "nwifeinc", points=15)
    assert is_finished(ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("exper", "nwifeinc")
    boundary = next(c for c in ax.collections if list(getattr(c, "levels", [])) == [0.5])
    x, y = np.concatenate([p.vertices for p in boundary.get_paths() if len(p.vertices)]).T
    grid = asx.datagrid(exper=float(x[0]), nwifeinc=float(y[0]))
    # linear interpolation between points of the grid
    assert logit.predictions(newdata=grid).frame["estimate"].iloc[0] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(asx.InputError, match="variable"):
        asx.surface_plot(logit, "exper", "experience")


@pytest.fixture(scope="module")
def levels(mroz):
    """A response of three levels, and a category whose order is not that of the alphabet."""
    work = np.select([mroz.hours == 0, mroz.hours < 1000], ["none", "little"], "much")
    order = ["short", "medium", "long"]
    school = np.select([mroz.educ < 12, mroz.educ < 13], order[:2], order[2])
    return mroz.assign(work=work, school=pd.Categorical(school, order))


@pytest.fixture(scope="module")
def multinomial(levels):
    return asx.glm("work ~ age + school", levels, family=asx.Multinomial())


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_response_of_levels_has_a_line_for_each(multinomial):
    known = list(multinomial.levels)
    for average in (False, True):
        ax = asx.prediction_plot(multinomial, "age", points=5, average=average)
        assert is_finished(ax)
        assert (legend(ax), ax.get_ylabel()) == (known, "P(work)")
        total = sum(line(ax, i)[:, 1] for i in range(3))
        np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    ax = asx.prediction_plot(multinomial, "age", points=5, by="school", by_values=["long", "short"])
    assert legend(ax)[:2] == [f"{known[0]}, school = long", f"{known[1]}, school = long"]
    x = line(ax)[:, 0]
    at = pd.DataFrame({"age": x, "school": "short"})
    np.testing.assert_allclose(line(ax, 5)[:, 1], multinomial.predict(at)[known[2]], rtol=1e-12)
    with pytest.raises(asx.InputError, match="9 lines"):
        asx.prediction_plot(multinomial, "age", by="school")


def test_slopes_of_levels_are_told_apart(multinomial):
    ax = asx.slope_plot(multinomial, "age")
    assert is_finished(ax)
    assert legend(ax) == list(multinomial.levels)
    found = multinomial.avg_slopes(variables="age").frame.set_index("component")["estimate"]
    drawn = {mark.get_label(): mark.get_xdata()[0] for mark in ax.lines[1:]}
    assert drawn == dict(found)
    assert len({mark.get_color() for mark in ax.lines[1:]}) == 3
    with pytest.raises(asx.InputError, match="9 levels of the response and groups"):
        asx.slope_plot(multinomial, "age", by="school")


def test_influence_on_a_response_of_levels(multinomial):
    ax = asx.influence_plot(multinomial)
    assert is_finished(ax)
    assert ax.get_ylabel() == "Cook's distance"
    points = np.c_[multinomial.leverage(), multinomial.cooks_distance()]
    np.testing.assert_allclose(ax.collections[0].get_offsets(), points, rtol=1e-12)


def test_a_surface_ends_where_its_spline_does(mroz):
    res = asx.logit("inlf ~ bs(age, df=4) + educ", mroz)
    ax = asx.surface_plot(res, "age", "educ", points=8)
    assert is_finished(ax)
    x = np.concatenate([p.vertices for c in ax.collections for p in c.get_paths()])[:, 0]
    # matplotlib interpolates along edges, to rounding
    np.testing.assert_allclose([x.min(), x.max()], [mroz.age.min(), mroz.age.max()], rtol=1e-14)


def test_a_surface_is_of_one_number(levels):
    res = asx.glm("work ~ age + educ", levels, family=asx.Multinomial())
    with pytest.raises(asx.InputError, match="prediction_plot"):
        asx.surface_plot(res, "age", "educ", points=4)


def test_categories_keep_their_order(levels):
    res = asx.logit("inlf ~ age + school", levels)
    table = list(res.avg_predictions(by="school").frame["school"])
    ax = asx.prediction_plot(res, "age", by="school", points=3)
    assert legend(ax) == [f"school = {level}" for level in table]
    ax = asx.prediction_plot(res, "school")
    assert [t.get_text() for t in ax.get_xticklabels()] == table == ["short", "medium", "long"]
    found = res.predictions(newdata=asx.datagrid(school=table)).frame["estimate"]
    np.testing.assert_allclose(line(ax)[:, 1], found, rtol=1e-12)
    coded = asx.linear("nwifeinc ~ C(kidslt6) + age", levels)
    ax = asx.prediction_plot(coded, "kidslt6")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "1", "2", "3"]


def test_history_plot_shows_the_distance_in_standard_errors(mroz):
    solver = asx.Stochastic(optax.adam(0.05), epochs=30, progress=False)
    res = asx.logit("inlf ~ educ", mroz, solver=solver)
    ax = asx.history_plot(res)
    assert is_finished(ax)
    assert ax.get_yscale() == "log"
    np.testing.assert_allclose(line(ax)[:, 1], res.history["distance"], rtol=1e-12)
    assert is_finished(asx.history_plot(res, "loss"))
    with pytest.raises(asx.InputError, match="show="):
        asx.history_plot(res, "losses")
    with pytest.raises(asx.InputError, match="history"):
        asx.history_plot(asx.logit("inlf ~ educ", mroz))
