"""`asx.mlp`: a multilayer perceptron by formula."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from asymptotix.api import check_options, from_formula, linear_predictor
from asymptotix.core.errors import InputError
from asymptotix.core.precision import double
from asymptotix.core.typing import Key
from asymptotix.families import AbstractFamily, Bernoulli
from asymptotix.fitting import AbstractSolver, Quasi, Stochastic
from asymptotix.fitting.restarts import fit_restarts
from asymptotix.model import layout
from asymptotix.penalties import AbstractPenalty, Ridge
from asymptotix.predictors.perceptron import Standardised, perceptron
from asymptotix.results.results import Results


def mlp(
    formula: str,
    data: Any,
    hidden: int | Sequence[int] = (64,),
    *,
    key: Key | None = None,
    family: AbstractFamily | None = None,
    activation: Callable = jax.nn.tanh,
    penalty: AbstractPenalty | None = None,
    restarts: int = 16,
    solver: AbstractSolver | None = None,
    validation: float = 0.0,
    patience: int | None = None,
    **options,
) -> Results:
    r"""A multilayer perceptron, $\eta = f_\theta((x - m)/s)$, on the columns of a formula.

    Inputs are centred and scaled by constants of the data. Of several fits from random starting
    weights the best by penalised log-likelihood is kept, and polished by Newton's method; weights
    have standard errors where the (penalised) information is positive definite there.

    Arguments:
        formula, data: as in `asx.logit`; the formula's intercept is the bias of the last layer.
        hidden: units of each hidden layer, or of the only one; with none the model is the GLM.
        key: for starting weights, batches and rows kept apart.
        family: `asx.Bernoulli()` by default.
        activation: between layers; smooth ones have the curvature that inference needs.
        penalty: such as `asx.Ridge(1.0)`, on weights of standardised inputs, not on biases.
        restarts: number of starting points.
        solver: `asx.Quasi()` by default; with `validation`, `asx.Stochastic` with Adam.
        validation: share of rows kept apart; training then stops early, and the best step counts.
        patience: epochs without a better validation loss before training stops.
        options: as in `asx.glm`.

    Returns:
        `Results`; `res.fit.history.restarts` has the value at which each start arrived.

    Raises:
        InputError: no key, or options that do not go together.
    """
    check_options(options)
    if key is None:
        raise InputError(
            "Starting weights are drawn at random: pass key=jax.random.key(0).",
            code="key",
            column="key",
        )
    if restarts < 1:
        raise InputError(f"restarts={restarts!r} must be 1 or more.", code="option")
    family = Bernoulli() if family is None else family
    begin, train = jax.random.split(key)
    route = _route(solver, validation, patience, train)
    if hidden:
        size = (hidden,) if isinstance(hidden, int) else tuple(hidden)
        options = {**options, "penalty": penalty, "solver": route}
        network = _Network(size, activation, begin, restarts)
        title = f"Perceptron, hidden units {', '.join(map(str, size))}: {family.name}"
        return from_formula(
            title, formula, data, family, options, predictor=network.predictor, fit=network.fit
        )
    if isinstance(penalty, Ridge):
        penalty = dataclasses.replace(penalty, standardise=True)
    options = {**options, "penalty": penalty, "solver": solver}
    return from_formula(
        f"Perceptron without hidden units: {family.name}", formula, data, family, options
    )


def _route(solver, validation: float, patience, key) -> AbstractSolver:
    if not validation:
        if patience is not None:
            raise InputError(
                "patience= needs validation=, the share of rows kept apart.", code="option"
            )
        return Quasi() if solver is None else solver
    if solver is None:
        import optax  # needed for training in epochs only

        solver = Stochastic(optimiser=optax.adam(0.01), epochs=2000, key=key)
    if not isinstance(solver, Stochastic):
        raise InputError(
            "Early stopping belongs to training in epochs: with validation=, give "
            "solver=asx.Stochastic(optimiser), or none.",
            code="solver",
        )
    return solver.with_validation(validation, patience, key)


@dataclasses.dataclass(frozen=True)
class _Network:
    """How the network of a formula is made and fitted."""

    hidden: tuple[int, ...]
    activation: Callable
    key: Any
    restarts: int

    def predictor(self, design, response, family) -> Standardised:
        """The network on a design's columns, with the weights of the first start."""
        if isinstance(design.x, dict):
            raise InputError(
                "A network has one formula; its last layer has a unit for each component of "
                "the family's eta.",
                code="formula",
            )
        columns = [j for j, name in enumerate(design.names) if name != "Intercept"]
        x = design.x[:, columns]
        center, scale = x.mean(axis=0), x.std(axis=0)
        linear = linear_predictor(design, response, family)
        out_size = len(linear.names) if linear.has_vector_eta() else None  # pyright: ignore
        module = self._module(len(columns), out_size, jax.random.split(self.key, self.restarts)[0])
        return Standardised(module, center, np.where(scale > 0, scale, 1.0), columns)

    def _module(self, in_size: int, out_size, key):
        return perceptron(
            in_size, self.hidden, out_size=out_size, activation=self.activation, key=key
        )

    def fit(self, model, rows, names, options):
        """The best fit of all starts; its history holds the value of each."""
        del names
        predictor: Any = model.predictor
        with double():
            eta = jax.eval_shape(predictor, rows.x[0])
            size = eta.shape[0] if eta.ndim else None
            where, starts = layout(model), []
            for key in jax.random.split(self.key, self.restarts):
                module = self._module(len(predictor.columns), size, key)
                started = eqx.tree_at(lambda m: m.predictor.module, model, module)
                starts.append(np.asarray(where.flatten(started)))
        fit, found = fit_restarts(
            model, rows, np.stack(starts), options["solver"], options.get("penalty")
        )
        history = fit.history._replace(restarts=found.values)
        return eqx.tree_at(lambda f: f.history, fit, history, is_leaf=lambda v: v is None)
