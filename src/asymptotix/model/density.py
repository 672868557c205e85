"""A model from a bare log-density: a function of parameters, covariates and response."""

import inspect
import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.parameters import Frozen, as_number, parameter, thawed
from asymptotix.core.typing import Array, Eta, Float, Key, PyTree, Response, Scalar
from asymptotix.families.base import AbstractFamily, Dispersion
from asymptotix.model.regression import Regression
from asymptotix.predictors import AbstractPredictor


def from_log_prob(
    fn: Callable[..., Scalar],
    params: PyTree[Any],
    *,
    mean: Callable | None = None,
    variance: Callable | None = None,
    sample: Callable | None = None,
) -> Regression:
    r"""A model of which only $\log f(y \mid x; \theta)$ of one observation is known.

    Fits, covariances, the delta method and penalties take it like any other; the estimates are
    `fit.model.predictor.params`, of the form that `params` has.

    Arguments:
        fn: called as `fn(params, x, y)` with the covariates `x` of shape `(k,)` and the response
            of one observation; returns a number. With a fourth argument named `offset` it is
            given the row's offset, and otherwise rows with an offset have a likelihood of NaN.
        params: a pytree of numbers and arrays, where the solver starts; parts wrapped by
            `asx.freeze` are held fixed and reach `fn` unwrapped.
        mean, variance: called as `mean(params, x)`, for predictions and Pearson's chi2; NaN
            without them.
        sample: called as `sample(params, x, key=key)`, for draws.

    Raises:
        InputError: `fn` does not take three arguments, or there is nothing to estimate.
    """
    _check(fn)
    try:
        predictor = Parameters(jax.tree.map(as_number, params, is_leaf=_is_frozen))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"params must be numbers and arrays of numbers, in dicts, lists or modules: {error}.",
            code="parameters",
        ) from error
    leaves, treedef = jax.tree.flatten(predictor.values())
    if not leaves or all(map(_is_frozen, jax.tree.leaves(params, is_leaf=_is_frozen))):
        raise InputError("params holds nothing to estimate.", code="parameters")
    outline = Outline(treedef, tuple(map(np.shape, leaves)))
    return Regression(predictor, Density(fn, outline, mean, variance, sample))


class Outline(NamedTuple):
    """How the parameters of one density lie in a flat vector."""

    treedef: Any
    shapes: tuple[tuple[int, ...], ...]

    def unravel(self, flat: Float[Array, "p"]) -> tuple[PyTree[Any], Float[Array, "rest"]]:
        """The parameters at the head of a vector, and what follows them."""
        leaves = []
        for shape in self.shapes:
            size = math.prod(shape)
            leaves.append(flat[:size].reshape(shape))
            flat = flat[size:]
        return jax.tree.unflatten(self.treedef, leaves), flat


class Parameters(AbstractPredictor):
    r"""Hands everything on: $\eta = (o, \theta, x)$ with a row's offset $o$.

    Arguments:
        params: the parameters, some of them frozen.
    """

    params: PyTree[Any] = parameter()

    def __call__(self, x: Float[Array, "k"]) -> Eta:
        flat = [jnp.ravel(jnp.asarray(v, x.dtype)) for v in jax.tree.leaves(self.values())]
        return jnp.concatenate([jnp.zeros(1, x.dtype), *flat, x])

    def values(self) -> PyTree[Any]:
        """The parameters as the density is given them, none of them wrapped."""
        return jax.tree.map(thawed, self.params, is_leaf=_is_frozen)

    def has_vector_eta(self) -> bool:
        return True

    def check_input(self, x: PyTree[Array]) -> None:
        if np.ndim(x) != 2:
            raise InputError(
                f"x must be a matrix with one row an observation, not of shape {np.shape(x)}; "
                "for one column use x[:, None].",
                code="shape",
                column="x",
            )


class Density(AbstractFamily):
    """The family of a density given as functions of its parameters; made by `from_log_prob`."""

    fn: Callable[..., Any] = eqx.field(static=True)
    outline: Outline = eqx.field(static=True)
    mean_fn: Callable[..., Any] | None = eqx.field(static=True)
    variance_fn: Callable[..., Any] | None = eqx.field(static=True)
    sample_fn: Callable[..., Any] | None = eqx.field(static=True)

    name: ClassVar[str] = "log-density"
    dispersion_rule: ClassVar[Dispersion] = "fixed"

    def log_prob(self, eta: Eta, y: Response) -> Scalar:
        """The function's value."""
        params, x = self._given(eta)
        if _takes_offset(self.fn):
            return _number(self.fn(params, x, y, eta[0]), eta)
        return jnp.where(eta[0] == 0, _number(self.fn(params, x, y), eta), jnp.nan)

    def mean(self, eta: Eta) -> Scalar:
        return self._or_nan(self.mean_fn, eta)

    def variance(self, eta: Eta) -> Scalar:
        return self._or_nan(self.variance_fn, eta)

    def sample(self, eta: Eta, *, key: Key) -> Response:
        if self.sample_fn is None:
            raise InputError(
                "This model knows its log-density only; give from_log_prob(..., sample=) a "
                "function to draw with.",
                code="no_distribution",
            )
        return self.sample_fn(*self._given(eta), key=key)

    def pearson(self, eta: Eta, y: Response) -> Scalar:
        r"""$(y - \mu)^2/\mathrm{Var}(y)$; NaN unless mean and variance are given."""
        if self.mean_fn is None or self.variance_fn is None:
            return jnp.full((), jnp.nan, eta.dtype)
        return (y - self.mean(eta)) ** 2 / self.variance(eta)

    def _given(self, eta: Eta):
        return self.outline.unravel(eta[1:])

    def _or_nan(self, function, eta: Eta) -> Scalar:
        if function is None:
            return jnp.full((), jnp.nan, eta.dtype)
        return _number(function(*self._given(eta)), eta)


def _is_frozen(value: Any) -> bool:
    return isinstance(value, Frozen)


def _number(value: Any, eta: Eta) -> Scalar:
    value = jnp.asarray(value, eta.dtype)
    if value.shape != ():
        raise InputError(
            f"A function of one observation must return one number, not shape {value.shape}; "
            "sum over the observation's parts, and leave the sum over rows to the fit.",
            code="shape",
        )
    return value


def _takes_offset(fn: Callable[..., Any]) -> bool:
    return len(inspect.signature(fn).parameters) == 4


def _check(fn: Callable[..., Any]) -> None:
    names = list(inspect.signature(fn).parameters)
    if len(names) != 3 and names[3:] != ["offset"]:
        raise InputError(
            f"The log-density takes ({', '.join(names)}); write it as fn(params, x, y), or "
            "fn(params, x, y, offset) where it uses an offset.",
            code="arguments",
        )
