"""Rows that were not trained on: measures of a fit, along a training, and in pictures."""

import jax
import matplotlib
import numpy as np
import optax
import pytest

import asymptotix as asx

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def hill():
    return asx.Hill(400).frame(jax.random.key(0)), asx.Hill(150).frame(jax.random.key(1))


@pytest.fixture(scope="module")
def trained(hill):
    solver = asx.Stochastic(optax.sgd(1.0), epochs=30, progress=False)
    return asx.logit("y ~ x1 + x2", hill[0], solver=solver)


@pytest.fixture(scope="module")
def network(hill):
    return asx.mlp(
        "y ~ x1 + x2", hill[0], (2,), activation=jax.nn.sigmoid, penalty=asx.Ridge(0.1),
        restarts=4, key=jax.random.key(0),
    )  # fmt: skip


def by_hand(probability, y):
    said = probability > 0.5
    return {
        "loss": -np.mean(np.where(y == 1, np.log(probability), np.log1p(-probability))),
        "accuracy": np.mean(said == y),
        "false_positive": np.mean(said & (y == 0)),
        "false_negative": np.mean(~said & (y == 1)),
        "mean_prediction": np.mean(probability),
    }


def test_frames_of_generators_have_the_numbers_of_the_sample():
    generator = asx.Clustered(3, 4, (0.0, 1.0))
    frame = generator.frame(jax.random.key(2))
    assert list(frame) == ["y", "x1", "group"]
    with jax.enable_x64(True):
        sample = generator(jax.random.key(2))
        np.testing.assert_array_equal(frame["x1"], sample.x[:, 1])
        np.testing.assert_array_equal(frame["y"], sample.y)
    assert list(asx.Hill(5).frame(jax.random.key(0))) == ["y", "x1", "x2"]


def test_evaluate_by_hand(hill, trained):
    for data, given in ((hill[0], None), (hill[1], hill[1])):
        found = trained.evaluate(given)
        expected = by_hand(trained.predict(data).to_numpy(), data["y"].to_numpy())
        assert list(found.index) == list(expected)
        np.testing.assert_allclose(found, list(expected.values()), rtol=1e-10)
    own = trained.evaluate()
    assert own["loss"] == pytest.approx(-trained.llf / 400, rel=1e-12)
    assert own["loss"] == pytest.approx(trained.log_loss(), rel=1e-12)
    assert own[["accuracy", "false_positive", "false_negative"]].sum() == pytest.approx(1.0)


def test_evaluate_reads_new_data_as_the_fit_did(mroz):
    data = mroz.assign(work=np.where(mroz["inlf"] == 1, "yes", "no"), kids=mroz["kidslt6"] > 0)
    labels = asx.logit("work ~ scale(age) + C(kids)", data)
    numbers = asx.logit("inlf ~ scale(age) + C(kids)", data)
    some = data.iloc[5:60].reset_index(drop=True)
    np.testing.assert_allclose(labels.evaluate(some), numbers.evaluate(some), rtol=1e-12)
    holes = some.copy()
    holes.loc[3, "age"] = np.nan
    holes.loc[7, "work"] = None
    rest = some.drop([3, 7])
    np.testing.assert_allclose(labels.evaluate(holes), labels.evaluate(rest), rtol=1e-12)
    wage = asx.linear("lwage ~ educ", mroz.dropna())
    assert wage.evaluate()["loss"] == pytest.approx(wage.deviance / 428 / 2)
    with pytest.raises(asx.InputError, match="no column 'work'"):
        labels.evaluate(mroz)
    with pytest.raises(asx.InputError, match="did not have"):
        labels.evaluate(some.assign(work="maybe"))


def test_history_on_follows_the_path(hill, trained):
    own = trained.history_on()
    recorded = trained.history[["loss", "accuracy"]]
    np.testing.assert_allclose(own[["loss", "accuracy"]], recorded, rtol=1e-12)
    new = trained.history_on(hill[1], epochs=[0, 7, 30])
    assert list(new.index) == [0, 7, 30]
    x = np.column_stack([np.ones(150), hill[1][["x1", "x2"]]])
    eta = x @ np.asarray(trained.fit.history.params)[7]
    expected = by_hand(1 / (1 + np.exp(-eta)), hill[1]["y"].to_numpy())
    np.testing.assert_allclose(new.loc[7], list(expected.values()), rtol=1e-9)
    with pytest.raises(asx.InputError, match="history"):
        asx.logit("y ~ x1", hill[0]).history_on()


def test_history_plot_draws_new_rows_and_several_trainings(hill, trained):
    ax = asx.history_plot(trained, "false_negative", new_data=hill[1], label="one")
    asx.history_plot(trained, "false_negative", label="two", ax=ax)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["one, rows trained on", "one, new rows", "two"]
    found = trained.history_on(hill[1])["false_negative"]
    np.testing.assert_allclose(ax.lines[1].get_ydata(), found, rtol=1e-12)
    assert ax.lines[0].get_color() == ax.lines[1].get_color() != ax.lines[2].get_color()
    with pytest.raises(asx.InputError, match="whatever the rows"):
        asx.history_plot(trained, new_data=hill[1])
    with pytest.raises(asx.InputError, match="no 'accuracy'"):
        solver = asx.Stochastic(optax.sgd(0.1), epochs=3, progress=False)
        asx.history_plot(asx.poisson("y ~ x1", hill[0], solver=solver), "accuracy")


def test_surface_plot_shows_classes_errors_and_new_rows(hill, network):
    ax = asx.surface_plot(network, "x1", "x2", points=12, new_data=hill[1])
    drawn = [np.asarray(line.get_xydata()) for line in ax.lines]
    counts = [sum(data["y"] == value) for data in hill for value in (0, 1)]
    assert [len(points) for points in drawn] == counts
    assert len({line.get_marker() for line in ax.lines}) == 2
    error = asx.surface_plot(network, "x1", "x2", points=12, fill="error", show_data=False)
    assert error.figure.axes[1].get_ylabel() == "standard error of P(y)"
    assert not error.lines
    with pytest.raises(asx.InputError, match="fill="):
        asx.surface_plot(network, "x1", "x2", fill="errors")


def test_hidden_unit_plot_draws_the_edges_of_half_planes(hill, network):
    figure = asx.hidden_unit_plot(network, "x1", "x2", points=30)
    panels = figure.axes[:2]
    predictor = network.model.predictor
    for unit, ax in enumerate(panels):
        assert ax.get_title(loc="left").startswith(f"unit {unit + 1}, weight ")
        edge = next(c for c in ax.collections if list(getattr(c, "levels", [])) == [0.0])
        x = edge.get_paths()[0].vertices[0]
        entering, activation = predictor.hidden_units(np.array([1.0, *x]))
        assert float(entering[unit]) == pytest.approx(0.0, abs=1e-9)  # the edge is a straight line
        assert float(activation[unit]) == pytest.approx(0.5, abs=1e-9)
    with pytest.raises(asx.InputError, match="hidden"):
        asx.hidden_unit_plot(asx.logit("y ~ x1 + x2", hill[0]), "x1", "x2")


def test_units_that_a_penalty_switched_off_have_no_panel(hill):
    net = asx.mlp(
        "y ~ x1 + x2", hill[0], (6,), penalty=asx.Ridge(3.0, biases=True), restarts=2,
        key=jax.random.key(3),
    )  # fmt: skip
    assert net.converged  # biases are shrunk too: no direction is flat
    assert np.isfinite(net.bse).all()
    assert np.linalg.eigvalsh(net.fit.information).min() > 0
    weights = np.abs(net.model.predictor.layers[1].weight[0])
    figure = asx.hidden_unit_plot(net, "x1", "x2", points=8)
    drawn = sum(ax.get_title(loc="left") != "" for ax in figure.axes)
    assert drawn == (weights > 1e-6 * weights.max()).sum()


def test_ridge_on_biases_is_the_prior_by_hand(hill):
    data = hill[0]
    plain = asx.logit("y ~ x1 + x2", data, penalty=asx.Ridge(2.0))
    shrunk = asx.logit("y ~ x1 + x2", data, penalty=asx.Ridge(2.0, biases=True))
    x = np.column_stack([np.ones(len(data)), data[["x1", "x2"]]])
    p = shrunk.predict(data).to_numpy()
    score = x.T @ (data["y"].to_numpy() - p)
    np.testing.assert_allclose(score, 2.0 * shrunk.params, atol=1e-8)
    information = (x.T * (p * (1 - p))) @ x + 2.0 * np.eye(3)
    np.testing.assert_allclose(shrunk.cov_params(), np.linalg.inv(information), rtol=1e-8)
    assert abs(shrunk.params["Intercept"]) < abs(plain.params["Intercept"])


def test_networks_on_many_rows_keep_their_activation():
    """Slabs hand out NumPy arrays, and a function is none."""
    data = asx.Hill(66_000).frame(jax.random.key(5))
    brief = asx.Stochastic(optax.sgd(1.0), epochs=2, polish=False, progress=False)
    with pytest.warns(asx.FitWarning):
        net = asx.mlp("y ~ x1 + x2", data, (2,), restarts=1, solver=brief, key=jax.random.key(0))
    assert callable(net.model.predictor.module.activation)
    expected = by_hand(net.predict(data).to_numpy(), data["y"].to_numpy())
    np.testing.assert_allclose(net.evaluate(), list(expected.values()), rtol=1e-9)
