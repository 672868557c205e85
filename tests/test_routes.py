"""Every route ends at the same estimates, and says truly whether it got there."""

import jax
import numpy as np
import optax
import pytest

import asymptotix as asx

MROZ = "inlf ~ nwifeinc + educ + exper + I(exper**2) + age + kidslt6 + kidsge6"


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(600), rng.normal(size=(600, 2))])
    y = (rng.random(600) < 1 / (1 + np.exp(-x @ [0.3, 1.5, -0.8]))).astype(float)
    return asx.Rows(x, y)


@pytest.fixture(scope="module")
def newton(rows):
    return asx.fit(asx.Logit(3), rows)


ROUTES = {
    "bfgs": asx.Quasi(),
    "lbfgs": asx.Quasi(method="lbfgs"),
    "full batch": asx.Stochastic(optimiser=optax.sgd(0.3), epochs=20),
    "mini-batches": asx.Stochastic(
        optimiser=optax.adam(0.03), epochs=5, batch_size=64, key=jax.random.key(0)
    ),
}


@pytest.mark.parametrize("route", ROUTES)
def test_routes_agree_to_the_decrement(rows, newton, route):
    found = asx.fit(asx.Logit(3), rows, solver=ROUTES[route])
    assert found.status_name == "converged"
    assert found.decrement < 1e-8
    np.testing.assert_allclose(
        found.model.predictor.coef, newton.model.predictor.coef, rtol=0, atol=1e-10
    )
    # the information belongs to the point before the last, free step
    np.testing.assert_allclose(found.information, newton.information, rtol=1e-7)


@pytest.mark.parametrize("route", ["bfgs", "full batch"])
def test_routes_work_inside_jit(rows, newton, route):
    with jax.enable_x64(True):
        found = jax.jit(lambda y: asx.fit(asx.Logit(3), rows.x, y, solver=ROUTES[route]).model)(
            rows.y
        )
    np.testing.assert_allclose(found.predictor.coef, newton.model.predictor.coef, atol=1e-10)


def test_an_unpolished_route_is_judged_by_the_decrement(rows, newton):
    short = asx.Stochastic(optimiser=optax.sgd(0.3), epochs=10, polish=False)
    found = asx.fit(asx.Logit(3), rows, solver=short)
    assert found.status_name == "max_steps"
    away = found.model.predictor.coef - newton.model.predictor.coef
    x, y = np.asarray(rows.x), np.asarray(rows.y)
    p = 1 / (1 + np.exp(-x @ found.model.predictor.coef))
    score, information = x.T @ (y - p), (x.T * (p * (1 - p))) @ x
    decrement = np.sqrt(score @ np.linalg.solve(information, score))
    np.testing.assert_allclose(found.decrement, decrement, rtol=1e-8)
    assert np.linalg.norm(away) > 1e-3  # and it has indeed stopped short


def test_an_unpolished_route_that_arrived_has_converged(rows, newton):
    found = asx.fit(newton.model, rows, solver=asx.Quasi(polish=False))
    assert found.decrement < 1e-8
    assert found.status_name == "converged"
    assert found.steps == 0


def test_gradient_descent_repeats_a_recipe(rows):
    """Ten steps of plain gradient descent from zero, written out."""
    x, y = np.asarray(rows.x), np.asarray(rows.y)
    theta, losses = np.zeros(3), []
    for _ in range(10):
        eta = x @ theta
        losses.append(np.mean(np.logaddexp(0, eta) - y * eta))
        theta = theta + 0.3 * x.T @ (y - 1 / (1 + np.exp(-eta))) / len(y)
    solver = asx.Stochastic(optimiser=optax.sgd(0.3), epochs=10, polish=False)
    found = asx.fit(asx.Logit(3), rows, solver=solver)
    np.testing.assert_allclose(found.model.predictor.coef, theta, rtol=1e-12)
    np.testing.assert_allclose(found.history.loss[:10], losses, rtol=1e-12)
    right = np.mean((x @ theta > 0) == (y > 0.5))
    np.testing.assert_allclose(found.history.accuracy[10], right)


def test_mini_batches_use_each_row_once_an_epoch():
    """With a constant-gradient problem an epoch's steps add up to the full-batch step."""
    n = 100  # padded to 128 inside: absent rows must not fill batches
    y = np.arange(n, dtype=float)
    solver = asx.Stochastic(
        optimiser=optax.sgd(1e-6), epochs=1, batch_size=10, key=jax.random.key(1), polish=False
    )
    found = asx.fit(asx.LinearRegression(1), np.ones((n, 1)), y, solver=solver)
    # ten steps, each rate * (batch mean of y - a coefficient near 0)
    np.testing.assert_allclose(found.model.predictor.coef[0], 1e-6 * 10 * y.mean(), rtol=1e-5)


def test_early_stopping_keeps_the_best_step(rows):
    solver = asx.Stochastic(
        optimiser=optax.adam(0.1),
        epochs=60,
        validation=0.25,
        patience=10,
        key=jax.random.key(3),
    )
    found = asx.fit(asx.Logit(3), rows, solver=solver)
    history = found.history
    assert found.status_name == "early_stopped"
    assert not found.converged
    assert history.kept == np.nanargmin(history.validation)
    assert history.steps - history.kept == 10 or history.steps == 60
    np.testing.assert_allclose(found.model.predictor.coef, history.params[history.kept])
    assert np.isnan(asx.covariance(found, rows).matrix).all()


def test_large_rows_take_every_route():
    rng = np.random.default_rng(1)
    n = 70_000
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = rng.poisson(np.exp(x @ [0.2, 0.3, -0.1])).astype(float)
    newton = asx.fit(asx.PoissonRegression(3), x, y)
    for solver in (asx.Quasi(), asx.Stochastic(optimiser=optax.sgd(0.1), epochs=3)):
        found = asx.fit(asx.PoissonRegression(3), x, y, solver=solver)
        assert found.converged
        np.testing.assert_allclose(
            found.model.predictor.coef, newton.model.predictor.coef, atol=1e-10
        )


def test_history_is_a_frame_in_standard_errors(mroz):
    solver = asx.Stochastic(optimiser=optax.adam(0.02), epochs=30)
    res = asx.logit(MROZ, mroz, solver=solver)
    frame = res.history
    assert list(frame.columns) == ["loss", "accuracy", "distance"]
    assert len(frame) == 31
    theta0 = -res.params.to_numpy()
    inverse = np.linalg.inv(res.cov_params().to_numpy())
    np.testing.assert_allclose(frame["distance"][0], np.sqrt(theta0 @ inverse @ theta0), rtol=1e-6)
    with pytest.raises(asx.InputError, match="not trained in epochs"):
        _ = asx.logit("inlf ~ educ", mroz).history


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: asx.Quasi(method="dfp"), "method"),
        (lambda: asx.Quasi(tolerance=0.0), "tolerance"),
        (lambda: asx.Stochastic(optimiser="adam"), "optax"),
        (lambda: asx.Stochastic(optimiser=optax.sgd(1), batch_size=5), "key"),
        (lambda: asx.Stochastic(optimiser=optax.sgd(1), validation=1.5), "share"),
        (lambda: asx.Stochastic(optimiser=optax.sgd(1), patience=5), "validation"),
        (lambda: asx.Stochastic(optimiser=optax.sgd(1), epochs=0), "epochs"),
    ],
)
def test_options_are_checked(make, says):
    with pytest.raises(asx.InputError, match=says):
        make()


def test_an_unknown_solver_or_penalty_is_refused(rows, mroz):
    with pytest.raises(asx.InputError, match="is not a solver"):
        asx.fit(asx.Logit(3), rows, solver="bfgs")  # pyright: ignore[reportArgumentType]
    with pytest.raises(asx.InputError, match="is not a penalty"):
        asx.logit("inlf ~ educ", mroz, penalty=1.0)
