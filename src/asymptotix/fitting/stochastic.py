"""First-order methods, from optax, on all rows or on mini-batches."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import constant
from asymptotix.core.typing import Array, Float, Key
from asymptotix.data.rows import Block
from asymptotix.fitting.measures import mean_loss_at, shares
from asymptotix.fitting.newton import Newton
from asymptotix.fitting.objective import mean_loss
from asymptotix.fitting.penalised import penalty_value
from asymptotix.fitting.progress import tick
from asymptotix.fitting.solver import AbstractSolver, History
from asymptotix.likelihood import inward, outward
from asymptotix.model import layout

RECORDED = 2_000_000
"""Numbers of a path of parameters that are kept at most."""


class Stochastic(AbstractSolver):
    r"""Any optax optimiser, for a number of epochs; then Newton's method from where it arrived.

    It moves the parameters themselves, in the units of the columns, from the model's own values,
    and minimises the mean of $-\log f(y_i \mid x_i)$ (a penalty divided by the sum of weights
    added), so that published recipes and their rates can be repeated. An epoch's history is taken
    on all rows trained on.

    Arguments:
        optimiser: such as `optax.adam(1e-2)`.
        epochs: passes over the rows.
        batch_size: rows of a step, drawn without replacement in each epoch; `None` for all.
        key: for drawing batches and rows kept apart, where there are any.
        validation: share of rows kept apart, on which the epoch to keep is chosen; 0 for none.
        patience: epochs without a better validation loss after which training stops; `None` to
            go on to the end, and keep the best all the same.
        polish: whether Newton's method takes the last steps; never after early stopping.
        progress: whether a progress bar is shown once training has taken two seconds.
        last: the `Newton` that polishes and judges.
    """

    optimiser: Any = eqx.field(static=True)
    epochs: int = eqx.field(static=True, default=100)
    batch_size: int | None = eqx.field(static=True, default=None)
    key: Key | None = constant(default=None)
    validation: float = eqx.field(static=True, default=0.0)
    patience: int | None = eqx.field(static=True, default=None)
    polish: bool = eqx.field(static=True, default=True)
    progress: bool = eqx.field(static=True, default=True)
    last: Newton = Newton()

    @property
    def stops_early(self) -> bool:
        """Whether the parameters kept are those of the best validation loss."""
        return self.validation > 0

    @property
    def newton(self) -> Newton:
        """The `Newton` that polishes and judges."""
        return self.last

    def __check_init__(self):
        if not (hasattr(self.optimiser, "init") and hasattr(self.optimiser, "update")):
            raise InputError(
                f"optimiser={self.optimiser!r} is no optax optimiser; give one such as "
                "optax.adam(1e-2).",
                code="option",
            )
        if self.epochs < 1 or (self.batch_size is not None and self.batch_size < 1):
            raise InputError("epochs and batch_size must be 1 or more.", code="option")
        if not 0 <= self.validation < 1:
            raise InputError(
                f"validation={self.validation!r} must be a share of the rows, such as 0.2.",
                code="option",
            )
        if self.patience is not None and not (self.patience >= 1 and self.validation > 0):
            raise InputError(
                "patience must be 1 or more and needs validation=, the share of rows kept apart.",
                code="option",
            )
        if self.key is None and (self.batch_size is not None or self.validation > 0):
            raise InputError(
                "Batches and rows kept apart are drawn at random: pass key=jax.random.key(0).",
                code="key",
                column="key",
            )

    def with_validation(self, share: float, patience: int | None, key: Key) -> "Stochastic":
        """The same training with a share of the rows kept apart.

        Arguments:
            share: of the rows.
            patience: as in the class.
            key: for drawing them, where this has none of its own.
        """
        return Stochastic(
            optimiser=self.optimiser,
            epochs=self.epochs,
            batch_size=self.batch_size,
            key=key if self.key is None else self.key,
            validation=share,
            patience=patience,
            polish=self.polish,
            progress=self.progress,
            last=self.last,
        )

    def approach(self, model, rows, setup):
        begin = outward(setup.coordinates, setup.start)
        where = layout(model)
        given = jnp.asarray(where.flatten(model), rows.weight.dtype)
        begin = jnp.where(jnp.all(given == 0), jnp.zeros_like(begin), given)
        kept, history = train(self, model, rows, setup, begin)
        return inward(setup.coordinates, kept), history


class Training(eqx.Module):
    """The state of a training: parameters, the optimiser's memory, the best so far."""

    params: Float[Array, "p"]
    memory: Any
    best: Float[Array, "p"]
    best_loss: Float[Array, ""]
    best_epoch: Any
    epoch: Any


def train(options: Stochastic, model, rows: Block, setup, begin):
    """The parameters kept, in the original coordinates, and the `History`."""
    key = jax.random.key(0) if options.key is None else options.key
    split_key, batch_key = jax.random.split(key)
    training, apart = _split(options, rows, split_key)
    batches = _batches(options, training)
    loss = _loss_on(model, setup, training)
    parts = _measures(model, training, apart if options.validation else None)
    epochs = options.epochs
    first = parts(begin)
    record = jax.tree.map(lambda v: jnp.full((epochs + 1, *v.shape), jnp.nan).at[0].set(v), first)
    size = begin.shape[0] if (epochs + 1) * begin.shape[0] <= RECORDED else 0
    path = jnp.full((epochs + 1, size), jnp.nan, begin.dtype).at[0].set(begin[:size])
    state = Training(
        begin,
        options.optimiser.init(begin),
        begin,
        first.get("validation", first["loss"]),
        jnp.int32(0),
        jnp.int32(0),
    )

    def epoch(carry):
        state, record, path = carry
        key = jax.random.fold_in(batch_key, state.epoch)
        params, memory = batches(key, loss, state.params, state.memory)
        found, index = parts(params), state.epoch + 1
        judged = found.get("validation", found["loss"])
        better = judged < state.best_loss
        if options.progress:
            tick(index, epochs)
        state = Training(
            params,
            memory,
            jnp.where(better, params, state.best),
            jnp.where(better, judged, state.best_loss),
            jnp.where(better, index, state.best_epoch),
            index,
        )
        record = jax.tree.map(lambda r, v: r.at[index].set(v), record, found)
        return state, record, path.at[index].set(params[:size])

    def going_on(carry):
        state = carry[0]
        patient = options.patience is None or (
            state.epoch - state.best_epoch < np.int32(options.patience)
        )
        return (state.epoch < np.int32(epochs)) & patient

    state, record, path = lax.while_loop(going_on, epoch, (state, record, path))
    early = options.stops_early
    return (
        state.best if early else state.params,
        History(
            state.epoch,
            record["loss"],
            record.get("accuracy"),
            record.get("validation"),
            path if size else None,
            state.best_epoch if early else state.epoch,
        ),
    )


def _split(options: Stochastic, rows: Block, key):
    """The rows trained on and those kept apart, each with weight zero where it is the other."""
    if options.validation == 0:
        return rows, rows
    present = rows.weight > 0
    rank = jnp.argsort(jnp.argsort(_uniform(key, present, rows.weight.dtype)))
    count = jnp.round(options.validation * jnp.sum(present)).astype(rank.dtype)
    held = present & (rank < count)
    return (
        rows._replace(weight=jnp.where(held, 0.0, rows.weight)),
        rows._replace(weight=jnp.where(held, rows.weight, 0.0)),
    )


def _uniform(key, present, dtype):
    """Uniform numbers where present, 2 elsewhere: sorting them shuffles the rows present."""
    return jnp.where(present, jax.random.uniform(key, present.shape, dtype), 2.0)


def _loss_on(model, setup, training: Block):
    """The loss of some rows, the penalty scaled to their share of all that are trained on."""
    total = jnp.sum(training.weight)

    def loss(rows: Block, params):
        fraction = jnp.sum(rows.weight) / total

        def penalty(theta):
            return fraction * penalty_value(setup.penalty, None, theta)

        return mean_loss(model, None, penalty, rows)(params)

    return loss


def _batches(options: Stochastic, training: Block):
    """One epoch: from parameters and the optimiser's memory to the next."""

    def step(loss, rows, params, memory):
        gradient = jax.grad(lambda p: loss(rows, p))(params)
        update, memory = options.optimiser.update(gradient, memory, params)
        return params + update, memory

    if options.batch_size is None:
        return lambda key, loss, params, memory: step(loss, training, params, memory)
    size = min(options.batch_size, training.weight.shape[0])
    present = training.weight > 0
    count = jnp.sum(present, dtype=jnp.int32)

    def epoch(key, loss, params, memory):
        order = jnp.argsort(_uniform(key, present, training.weight.dtype)).astype(jnp.int32)
        order = jnp.concatenate([order, jnp.zeros(size, jnp.int32)])

        def body(i, carry):
            first = i * np.int32(size)
            index = lax.dynamic_slice_in_dim(order, first, size)
            rows = jax.tree.map(lambda a: a[index], training)
            inside = first + np.arange(size, dtype=np.int32) < count
            rows = rows._replace(weight=jnp.where(inside, rows.weight, 0.0))
            return step(loss, rows, *carry)

        steps = (count + np.int32(size - 1)) // np.int32(size)
        return lax.fori_loop(np.int32(0), steps, body, (params, memory))

    return epoch


def _measures(model, training: Block, apart: Block | None):
    """What an epoch's record holds, as a function of the parameters."""
    where, binary = layout(model), model.family.response_kind == "binary"

    def measures(params):
        at = where.replace(model, params)
        found = {"loss": mean_loss_at(at, training)}
        if binary:
            found["accuracy"] = shares(at, training)["accuracy"]
        if apart is not None:
            found["validation"] = mean_loss_at(at, apart)
        return found

    return measures
