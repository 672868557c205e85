"""From a solved state to a `Fit`: back to the original coordinates, dispersion, statistics."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.linalg import namespace, triangular_factor
from asymptotix.core.typing import Array, Float
from asymptotix.data.blocks import sum_blocks
from asymptotix.data.rows import Block
from asymptotix.fitting.corrected import reduces_bias
from asymptotix.fitting.fit import Fit
from asymptotix.fitting.implicit import observed_information
from asymptotix.fitting.newton import Newton, NewtonState
from asymptotix.fitting.penalised import penalty_value
from asymptotix.fitting.traced import Setup
from asymptotix.likelihood import (
    Statistics,
    dispersed_log_likelihood,
    outward,
    row_log_likelihoods,
    statistics,
)
from asymptotix.model import Regression, layout


class Scalars(NamedTuple):
    """The single numbers of a fit; `Fit` says what each is."""

    deviance: Float[Array, ""]
    unit_log_likelihood: Float[Array, ""]
    pearson: Float[Array, ""]
    log_likelihood: Float[Array, ""]
    dispersion: Float[Array, ""]
    decrement: Float[Array, ""]
    curvature_ratio: Float[Array, ""]
    steps: Float[Array, ""]
    code: Float[Array, ""]
    n_rows: Float[Array, ""]
    n: Float[Array, ""]
    sum_weights: Float[Array, ""]
    kernel: Float[Array, ""]

    def fit(
        self,
        model,
        params,
        information,
        factor,
        coordinates,
        active,
        weight_kind,
        penalty=None,
        history=None,
    ) -> Fit:
        """The `Fit` of these numbers.

        Dispersion goes into the model here, so that `model` may come without it.
        """
        family = model.family
        if family.dispersion_rule == "moment":
            model = Regression(model.predictor, family.with_dispersion(self.dispersion))
        return Fit(
            model=model,
            log_likelihood=self.log_likelihood,
            statistics=Statistics(self.deviance, self.unit_log_likelihood, self.pearson),
            dispersion=self.dispersion,
            decrement=self.decrement,
            curvature_ratio=self.curvature_ratio,
            steps=self.steps.astype(np.int32, copy=False),
            code=self.code.astype(np.int32, copy=False),
            n_rows=self.n_rows,
            n=self.n,
            sum_weights=self.sum_weights,
            kernel=self.kernel,
            params=params,
            information=information,
            factor=factor,
            coordinates=coordinates,
            active=active,
            weight_kind=weight_kind,
            penalty=penalty,
            history=history,
        )


def counts(rows: Block, weight_kind):
    """`(rows present, observations, sum of weights)`."""
    present = jnp.sum((rows.weight > 0).astype(rows.weight.dtype))
    total = jnp.sum(jnp.where(rows.weight > 0, rows.weight, 0.0))
    return present, (total if weight_kind == "frequency" else present), total


def residual_dof(model: Regression, n, active):
    """Degrees of freedom of a `moment` dispersion: observations less mean parameters."""
    if model.family.dispersion_rule != "moment":
        return namespace(n).zeros_like(n)
    return n - active.sum().astype(n.dtype)


def moment_dispersion(model: Regression, stats: Statistics, dof):
    r"""$\phi$: Pearson chi2 over its degrees of freedom, or 1."""
    if model.family.dispersion_rule != "moment":
        return namespace(stats.pearson).ones_like(stats.pearson)
    return stats.pearson / namespace(dof).where(dof > 0, dof, np.nan)


def plugged_dispersion(stats: Statistics, n):
    """The dispersion in the log-likelihood of a `moment` family: deviance over observations."""
    return stats.deviance / n


def final_information(
    model: Regression, options: Newton, setup: Setup, state: NewtonState, rows: Block
):
    """The observed information at the end and its factor; one more pass after Fisher scoring."""
    if options.curvature == "observed" and not reduces_bias(setup.penalty):
        return state.here.information, state.here.factor
    information = observed_information(model, setup, state.params, rows)
    return information, triangular_factor(information, setup.problem.active)


def traced_scalars(
    model: Regression, rows: Block, setup: Setup, params, state: NewtonState, weight_kind
) -> tuple[Scalars, Regression]:
    """The single numbers of a traced solve, and the model at its estimate.

    One more pass takes the statistics at `params` itself, so that they have derivatives.
    """
    fitted = layout(model).replace(model, outward(setup.coordinates, params))
    smooth = Regression(fitted.predictor, fitted.family.smooth_in_response())
    stats = statistics(smooth, rows)
    return scalars(fitted, rows, setup, stats, state, weight_kind), fitted


def scalars(
    fitted: Regression,
    rows: Block,
    setup: Setup,
    stats: Statistics,
    state,
    weight_kind,
    counted=None,
) -> Scalars:
    """The single numbers of a fit, from its statistics; `counted` are its `counts`, if known."""
    n_rows, n, total = counts(rows, weight_kind) if counted is None else counted
    llf = stats.log_likelihood
    if fitted.family.dispersion_rule == "moment":
        plugged, precision = plugged_dispersion(stats, n), weight_kind == "precision"
        llf = dispersed_log_likelihood(fitted, rows, plugged, precision_weights=precision)
    constant = jax.lax.stop_gradient
    kernel = _kernel(fitted, rows, setup, state)
    return Scalars(
        stats.deviance,
        stats.log_likelihood,
        stats.pearson,
        llf,
        moment_dispersion(fitted, stats, setup.problem.moment_dof),
        constant(state.decrement),
        constant(state.ratio),
        state.steps,
        state.status,
        n_rows,
        n,
        total,
        constant(kernel),
    )


def _kernel(fitted: Regression, rows: Block, setup: Setup, state: NewtonState):
    """The log-likelihood's kernel, without a penalty; after bias reduction by a pass of its own."""
    if reduces_bias(setup.penalty):
        return sum_blocks(lambda b: jnp.sum(row_log_likelihoods(fitted, b)), rows)
    return state.here.value - penalty_value(setup.penalty, setup.coordinates, state.params)
