"""`asx.fit_many`: one model, many data sets, with standard errors where asked for."""

import dataclasses
from typing import Any, NamedTuple, overload

import equinox as eqx
import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.covariances.base import AbstractCovariance, Covariance
from asymptotix.covariances.estimate import estimate
from asymptotix.covariances.kinds import covariance_kind
from asymptotix.data.checks import check_rows
from asymptotix.data.rows import Block, Rows
from asymptotix.fitting import AbstractSolver, Fit, Newton
from asymptotix.fitting.api import check_route
from asymptotix.fitting.bar import Bar
from asymptotix.fitting.batched import Replicates, solve_many
from asymptotix.model import Regression, layout


@overload
def fit_many(
    model: Regression, x, y, *, weights=..., weight_kind=..., offset=..., start=...,
    solver: AbstractSolver | None = ..., cov: None = ...,
) -> Fit: ...  # fmt: skip
@overload
def fit_many(
    model: Regression, x, y, *, weights=..., weight_kind=..., offset=..., start=...,
    solver: AbstractSolver | None = ..., cov: str | AbstractCovariance,
) -> tuple[Fit, Covariance]: ...  # fmt: skip
def fit_many(
    model,
    x,
    y,
    *,
    weights=None,
    weight_kind=None,
    offset=None,
    start=None,
    solver=None,
    cov=None,
):
    r"""Maximum-likelihood estimates of one model on each of `r` data sets of `n` rows.

    Replicate $b$ has $\hat\theta_b = \arg\max_\theta \sum_i w_{bi} \log f(y_{bi} \mid x_{bi})$.
    Any of the arrays may be the same for all replicates: those that differ have the replicates as
    their first axis. The estimates are those of `asx.fit`, on all cores, a chunk at a time. A
    replicate that fails says so in its status and stops no other. A view of `x` whose rows are
    last in memory, such as `z.swapaxes(1, 2)`, is read as quickly as any.

    Arguments:
        model: the model; where its parameters are not all zero they are the starting point.
        x: covariates, shape `(n, k)` for all or `(r, n, k)` for each.
        y: response, shape `(n,)` or `(r, n)`, or a pytree of such.
        weights, weight_kind, offset: as in `asx.Rows`, shape `(n,)` or `(r, n)`.
        start: starting points for each replicate, shape `(r, p)`; the model's parameters if
            not given.
        solver: `asx.Newton()` by default.
        cov: a kind of covariance, found in the same pass: `"observed"`, `"HC1"`, ...

    Returns:
        A `Fit` whose arrays all have the replicates as their first axis, its `code` one status
        for each; with `cov`, that and a `Covariance` of as many matrices.

    Raises:
        InputError: the arrays do not fit together, no array has a replicate axis, or a response
            is outside the family's support.
    """
    route = Newton() if solver is None else solver
    check_route(route, None)
    data = split_replicates(model, x, y, weights, weight_kind, offset, start)
    kind = None if cov is None else covariance_kind(cov)
    return run(model, data, route, weight_kind, kind, "fits")


def run(model: Regression, data: Replicates, solver, weight_kind, kind, label: str):
    """All fits, with covariances if there is a kind, behind a progress bar."""
    after = None if kind is None else _After(_simple(kind))
    with Bar(data.count, label) as bar:
        fits, extra = solve_many(
            in_double(model), data, solver, weight_kind=weight_kind, after=after, tick=bar
        )
    return fits if kind is None else (fits, Covariance(extra[0], extra[1], kind))


def _simple(kind: AbstractCovariance) -> AbstractCovariance:
    if kind.reads_groups or kind.refits:
        raise InputError(
            f"The covariance {kind.label} cannot be had for many fits at once; use one of a "
            "single fit's rows alone, such as 'observed' or 'HC1'.",
            code="covariance",
        )
    return kind


@dataclasses.dataclass(frozen=True)
class _After:
    """The covariance of a replicate, inside the program that fits it."""

    kind: AbstractCovariance

    def __call__(self, fit: Fit, block: Block):
        # Rows that only pad have weight 0; for unweighted data the kind of weight is immaterial.
        rows = Rows(block.x, block.y, block.weight, fit.weight_kind or "frequency", block.offset)
        found = estimate(fit, rows, self.kind)
        return found.matrix, found.code


def in_double(model: Regression) -> Regression:
    """The model with NumPy leaves, floats in float64."""

    def cast(leaf):
        if not eqx.is_array_like(leaf):
            return leaf
        array = np.asarray(leaf)
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    return jax.tree.map(cast, model)


# --- what replicates share -----------------------------------------------------------------------


class _Field(NamedTuple):
    """One of the arguments, and the number of axes that one replicate's has."""

    name: str
    value: Any
    axes: int

    def owns(self) -> bool:
        """Whether each replicate has its own."""
        leaves = jax.tree.leaves(self.value)
        extra = {np.ndim(leaf) - self.axes for leaf in leaves}
        if not leaves or not extra <= {0, 1}:
            shapes = ", ".join(str(np.shape(leaf)) for leaf in leaves)
            raise InputError(
                f"{self.name} must have {self.axes} axes where all replicates share it and "
                f"{self.axes + 1}, the replicates first, where each has its own; not shape "
                f"{shapes}.",
                code="shape",
                column=self.name,
            )
        return 1 in extra


def split_replicates(model, x, y, weights, weight_kind, offset, start) -> Replicates:
    """The arguments of `fit_many` as replicates, checked.

    Raises:
        InputError: as `fit_many` says.
    """
    given = (
        _Field("x", jax.tree.map(np.asarray, x), model.predictor.input_ndim() + 1),
        _Field("y", jax.tree.map(np.asarray, y), 1),
        _Field("weight", weights if weights is None else np.asarray(weights), 1),
        _Field("offset", offset if offset is None else np.asarray(offset), 1),
        _Field("start", start if start is None else np.asarray(start, np.float64), 1),
    )
    fields = [field for field in given if field.value is not None]
    own = [field for field in fields if field.owns()]
    shared = {field.name: field.value for field in fields if field not in own}
    count = _count(own)
    whole = {field.name: _broadcast(field, count) for field in own}
    one = {
        **shared,
        **{n: jax.tree.map(lambda a: np.zeros_like(a[0]), v) for n, v in whole.items()},
    }
    if "weight" in whole:
        one["weight"] = np.ones_like(one["weight"], np.float64)
    n = _check_one(model, one, weight_kind)
    if "y" in shared:
        model.family.check_response(shared["y"], "y")

    def draw(index):
        taken = {name: jax.tree.map(lambda a: a[index], v) for name, v in whole.items()}
        _check_own(model, taken, index)
        return taken

    return Replicates(count, n, shared, draw)


def _count(own: list[_Field]) -> int:
    counts = {
        np.shape(leaf)[0]
        for field in own
        for leaf in jax.tree.leaves(field.value)
        if np.ndim(leaf) > field.axes
    }
    if len(counts) != 1 or 0 in counts:
        found = f"numbers of replicates {sorted(counts)}" if counts else "no replicate axis"
        raise InputError(
            f"The arrays have {found}; give those that differ between replicates one leading axis "
            "of the same length, and use asx.fit for a single fit.",
            code="replicates",
        )
    return counts.pop()


def _broadcast(field: _Field, count: int):
    """The field with the replicate axis on all of its arrays, without copying any."""

    def widened(leaf):
        shape = leaf.shape if leaf.ndim > field.axes else (count, *leaf.shape)
        return np.broadcast_to(leaf, shape)

    return jax.tree.map(widened, field.value)


def _check_one(model: Regression, one: dict, weight_kind) -> int:
    """Check what can be checked on one replicate; its number of rows."""
    rows = Rows(one["x"], one["y"], one.get("weight"), weight_kind, one.get("offset"))
    check_rows(rows)
    model.predictor.check_input(rows.x)
    p = layout(model).size
    if "start" in one and one["start"].shape != (p,):
        raise InputError(
            f"start has {one['start'].shape[-1]} numbers for each replicate, but the model has {p} "
            "parameters; give one for each.",
            code="shape",
            column="start",
        )
    return rows.n


def _check_own(model: Regression, taken: dict, index) -> None:
    """Check replicates' own responses and weights as they are drawn."""
    if "weight" in taken and (np.min(taken["weight"]) < 0):
        raise InputError(
            "weights has negative values; a weight counts or scales an observation and cannot be "
            "below zero.",
            code="negative_weights",
            column="weights",
        )
    if "y" not in taken:
        return
    flat = jax.tree.map(np.ravel, taken["y"])
    try:
        model.family.check_response(flat, "y")
    except InputError as error:
        if error.code == "constant_response":
            return  # a replicate's own misfortune, which its status tells
        raise
