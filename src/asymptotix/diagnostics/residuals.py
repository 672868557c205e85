"""Residuals: what a fit leaves of each response, on the scale that a question calls for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.errors import InputError, close_matches
from asymptotix.core.keys import check_key
from asymptotix.core.precision import double
from asymptotix.core.typing import Key
from asymptotix.covariances.fingerprint import with_working_dispersion
from asymptotix.data.rows import Rows
from asymptotix.diagnostics.rowwise import row_predictors, row_uniforms, row_values
from asymptotix.families import AbstractFamily
from asymptotix.fitting import Fit

KINDS = ("response", "pearson", "deviance", "working", "score", "quantile")


def residuals(fit: Fit, rows: Rows, kind: str, key: Key = None) -> np.ndarray:
    r"""Residuals of one kind, at unit dispersion; a row's precision weight multiplies its square.

    Arguments:
        fit: the fit.
        rows: its own rows.
        kind: `"response"` $y - \mu$; `"pearson"` $(y - \mu)/\sqrt{V}$; `"deviance"`
            $\mathrm{sign}(y - \mu)\sqrt{d}$, $d$ the row's deviance; `"working"`
            $(y - \mu)/\mu'(\eta)$; `"score"` $\partial\log f/\partial\eta$; `"quantile"`
            $\Phi^{-1}(F(y))$, standard normal where the model is right, randomised between
            $F(y-)$ and $F(y)$ for discrete responses (Dunn and Smyth 1996).
        key: a JAX random key, for quantile residuals of discrete responses.

    Returns:
        Shape `(n,)`; `(n, m)` where the mean, or for the score the predictor, is a vector.

    Raises:
        InputError: an unknown kind, one that the family does not have, or a missing key.
    """
    if kind not in KINDS:
        raise InputError(
            f"kind={kind!r} must be one of {', '.join(KINDS)}.{close_matches(kind, KINDS)}",
            code="option",
        )
    if key is not None and kind != "quantile":
        raise InputError(f"key= is for quantile residuals; {kind} ones have none.", code="option")
    eta = row_predictors(fit, rows)
    if kind == "quantile":
        return quantile_residuals(fit.model.family, eta, rows.y, key)
    family = with_working_dispersion(fit).model.family
    _check_shapes(family, kind, eta)
    found = row_values(_FUNCTIONS[kind], family, eta, rows.y)
    return found * _root_weights(rows, kind, found.ndim)


def _root_weights(rows: Rows, kind: str, ndim: int):
    """What a precision weight does: it divides the variance of its row."""
    if rows.weight_kind != "precision" or kind in ("response", "working"):
        return 1.0
    weights = np.asarray(rows.weights, float)
    factor = weights if kind == "score" else np.sqrt(weights)
    return factor.reshape((-1,) + (1,) * (ndim - 1))


def _check_shapes(family: AbstractFamily, kind: str, eta: np.ndarray) -> None:
    with double():
        mean = jax.eval_shape(jax.vmap(family.mean), eta)
    vector_mean, vector_eta = mean.ndim > 1, eta.ndim > 1
    if kind == "deviance" and not has_deviance(family):
        raise InputError(
            f"The family {family.name} has no saturated model, from which a deviance is measured; "
            "use kind='pearson'.",
            code="family",
        )
    if (kind == "deviance" and vector_mean) or (kind == "working" and vector_eta):
        raise InputError(
            f"A {kind} residual is one number a row, and family {family.name} has several "
            "predictors or probabilities; use kind='response', 'pearson' or 'score'.",
            code="family",
        )


def usual_residual(fit: Fit, rows: Rows) -> str:
    """`"deviance"`, or `"pearson"` where there is no deviance or a row has several means."""
    family = fit.model.family
    with double():
        mean = jax.eval_shape(jax.vmap(family.mean), row_predictors(fit, rows))
    return "deviance" if has_deviance(family) and mean.ndim == 1 else "pearson"


def has_deviance(family: AbstractFamily) -> bool:
    """Whether the family declares what its deviance is measured from."""
    own = type(family)
    return (
        own.saturated is not AbstractFamily.saturated or own.deviance is not AbstractFamily.deviance
    )


def _response(family, eta, y):
    mean = family.mean(eta)
    if jnp.ndim(mean) == 0:
        return family.response_mean(y) - mean
    return (jnp.arange(mean.shape[0]) == y) - mean


def _pearson(family, eta, y):
    residual = _response(family, eta, y)
    variance = family.response_variance(eta, y)
    return residual / jnp.sqrt(variance)


def _deviance(family, eta, y):
    # A row that is fitted exactly has deviance 0, give or take a rounding.
    distance = family.deviance(eta, y)
    return jnp.sign(_response(family, eta, y)) * jnp.sqrt(jnp.where(distance < 0, 0.0, distance))


def _working(family, eta, y):
    _, slope = jax.jvp(family.mean, (eta,), (jnp.ones_like(eta),))
    return _response(family, eta, y) / slope


def _score(family, eta, y):
    return jax.grad(family.kernel)(eta, y)


def _log_tails(family, eta, y):
    return jnp.stack([*family.log_tails(eta, y), family.log_prob(eta, y)])


_FUNCTIONS = {
    "response": _response,
    "pearson": _pearson,
    "deviance": _deviance,
    "working": _working,
    "score": _score,
}


def quantile_residuals(family: AbstractFamily, eta: np.ndarray, y: Any, key: Key) -> np.ndarray:
    r"""$\Phi^{-1}(u)$ with $u$ uniform on $(F(y-), F(y))$, from the smaller tail."""
    if type(family).log_tails is AbstractFamily.log_tails:
        raise InputError(
            f"The family {family.name} does not declare its distribution function (log_tails); "
            "use kind='deviance'.",
            code="family",
        )
    from scipy.special import ndtri_exp

    below, above, inside = row_values(_log_tails, family, eta, y).T
    with np.errstate(divide="ignore"):
        # What the tails leave is the probability of y itself; none for continuous responses.
        discrete = np.any(np.abs(np.logaddexp(below, above)) > 1e-9)
        if discrete:
            uniform = _uniform(key, below.size)
            below = np.logaddexp(below, inside + np.log(uniform))
            above = np.logaddexp(above, inside + np.log1p(-uniform))
    return np.where(below < above, ndtri_exp(below), -ndtri_exp(above))


def _uniform(key: Key, n: int) -> np.ndarray:
    if key is None:
        raise InputError(
            "Quantile residuals of a discrete response are randomised; pass key=, such as "
            "jax.random.key(0).",
            code="key",
        )
    check_key(key)
    return row_uniforms(key, n)
