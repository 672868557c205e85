r"""Other choices of the dispersion $\phi$ of families whose own is a moment estimate.

In covariances: Pearson's chi2 over $n - k$ (the default), the deviance over $n - k$, or the
maximum-likelihood estimate. In the log-likelihood: the deviance over $n$ (the default), Pearson's,
or the maximum-likelihood estimate.
"""

import math
from functools import partial
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.core.lazy import LazyModule
from asymptotix.core.precision import double
from asymptotix.core.static import split
from asymptotix.data.blocks import row_jit
from asymptotix.data.rows import Block, Rows
from asymptotix.data.source import source
from asymptotix.data.streamed import StreamedRows
from asymptotix.families import AbstractFamily
from asymptotix.fitting.fit import Fit
from asymptotix.likelihood import dispersed_log_likelihood
from asymptotix.model import Regression

if TYPE_CHECKING:
    from asymptotix.families import quasi
else:
    quasi = LazyModule("asymptotix.families.quasi")

KINDS = ("pearson", "deviance", "ml")
STEPS = 50


def check_dispersions(dispersion: str | None, llf_dispersion: str | None, family=None) -> None:
    """Raise `InputError` unless a family has these choices; of the names alone without a family."""
    for name, kind in (("dispersion", dispersion), ("llf_dispersion", llf_dispersion)):
        if kind is not None and kind not in KINDS:
            raise InputError(
                f"{name}={kind!r} must be 'pearson', 'deviance' or 'ml'.", code="option"
            )
        if kind is not None and family is not None:
            _check_family(name, kind, family)


def _check_family(name: str, kind: str, family: AbstractFamily) -> None:
    if family.dispersion_rule != "moment":
        where = "is 1" if family.dispersion_rule == "fixed" else "is among its parameters"
        raise InputError(
            f"{name}= is for families whose dispersion is estimated from residuals; that of "
            f"{family.name} {where}, so leave it out.",
            code="option",
        )
    of_likelihood = kind == "ml" or name == "llf_dispersion"
    if of_likelihood and isinstance(family, quasi.AbstractQuasi):
        raise InputError(
            f"Family {family.name} has no likelihood, and so neither a maximum-likelihood "
            "dispersion nor one in it; use dispersion='pearson' or 'deviance'.",
            code="option",
        )


def with_dispersions(
    fit: Fit, rows: Rows | StreamedRows, dispersion: str | None, llf_dispersion: str | None
) -> Fit:
    """A fit with its dispersion, and that in its log-likelihood, chosen by name.

    Arguments:
        fit: of a family with a moment dispersion; another one is returned as it is.
        rows: its rows.
        dispersion: in covariances: `"pearson"` (default), `"deviance"` (both over $n - k$) or
            `"ml"`.
        llf_dispersion: in the log-likelihood: `"deviance"` over $n$ (default), `"pearson"` or
            `"ml"`.
    """
    family = fit.model.family
    if family.dispersion_rule != "moment" or not (dispersion or llf_dispersion):
        return fit
    dof = float(fit.n) - float(np.sum(np.asarray(fit.active)))
    found = {
        "pearson": float(fit.statistics.pearson) / dof if dof > 0 else math.nan,
        "deviance": float(fit.statistics.deviance) / dof if dof > 0 else math.nan,
    }
    with double():
        if "ml" in (dispersion, llf_dispersion):
            found["ml"] = _most_likely(fit, rows, float(fit.statistics.deviance / fit.n))
        phi = np.asarray(found[dispersion or "pearson"])
        llf = fit.log_likelihood
        if llf_dispersion not in (None, "deviance"):
            llf = np.asarray(_log_likelihood(fit, rows, math.log(found[llf_dispersion]))[0])
    model = Regression(fit.model.predictor, family.with_dispersion(phi))
    return eqx.tree_at(lambda f: (f.model, f.dispersion, f.log_likelihood), fit, (model, phi, llf))


def dispersion_kind(fit: Fit) -> str:
    """Which of the choices the dispersion of a fit is."""
    dof = float(fit.n) - float(np.sum(np.asarray(fit.active)))
    for kind in ("pearson", "deviance"):
        if np.isclose(fit.dispersion * dof, getattr(fit.statistics, kind), rtol=1e-12, atol=0.0):
            return kind
    return "ml" if np.isfinite(fit.dispersion) else "pearson"


def _most_likely(fit: Fit, rows, begin: float) -> float:
    r"""$\arg\max_\phi \sum_i \log f(y_i; \phi)$, by Newton's method on $\log\phi$."""
    at = math.log(begin) if begin > 0 else math.nan
    for _ in range(STEPS):
        _, slope, curvature = (float(v) for v in _log_likelihood(fit, rows, at))
        if not (math.isfinite(slope) and math.isfinite(curvature)):
            return math.nan
        step = -slope / curvature if curvature < 0 else math.copysign(1.0, slope)
        at += min(max(step, -1.0), 1.0)
        if abs(step) < 1e-12:
            break
    return math.exp(at)


def _log_likelihood(fit: Fit, rows, at: float):
    r"""The log-likelihood at $\log\phi$, and its first two derivatives in it."""
    arrays, static = split(fit.model)
    precision = fit.weight_kind == "precision"
    return source(rows, keep=False).sum(
        partial(_slab_log_likelihood, static, precision, arrays, np.asarray(at))
    )


@partial(row_jit, static_argnums=(0, 1))
def _slab_log_likelihood(static, precision_weights: bool, arrays, at, slab: Block):
    model = static.combine(arrays)

    def value(u):
        return dispersed_log_likelihood(
            model, slab, jax.numpy.exp(u), precision_weights=precision_weights
        )

    slope = jax.grad(value)
    return value(at), *jax.jvp(slope, (at,), (jax.numpy.ones_like(at),))
