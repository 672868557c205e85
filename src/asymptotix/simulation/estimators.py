"""What a study estimates from each data set."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from asymptotix.core.typing import Array, Float
from asymptotix.covariances import covariance, covariance_kind, fit_many
from asymptotix.fitting import fit
from asymptotix.model import Regression, layout


class Estimates(NamedTuple):
    """What was estimated from one data set, or from many along a leading axis.

    Attributes:
        values: one estimate a term.
        standard_errors: NaN where there is none.
        code: how the fit ended, as in `asx.Fit`; 0 (converged) where nothing can fail.
        dof: degrees of freedom of the t distribution of estimate over error, one for all terms or
            one for each; infinite for normal.
    """

    values: Float[Array, "q"]
    standard_errors: Float[Array, "q"]
    code: Any = 0
    dof: Any = np.inf


class Estimator(eqx.Module):
    """A model fitted by maximum likelihood, with a covariance: studies run it on all cores.

    Arguments:
        model: such as `asx.Logit(5)`.
        cov: a kind of covariance, by name or as an object.
    """

    model: Regression
    cov: Any = eqx.field(static=True, default="observed")

    def __check_init__(self):
        covariance_kind(self.cov)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return layout(self.model).names

    def __call__(self, sample: Any) -> Estimates:
        """The estimates of one sample, inside a transformation or outside."""
        x, y = sample[0], sample[1]
        found = fit(self.model, x, y)
        errors = covariance(found, x, y, self.cov)
        values = jnp.asarray(layout(found.model).flatten(found.model))
        return Estimates(values, errors.standard_errors, errors.code, self.dof(x.shape[0]))

    def many(self, samples: Any) -> Estimates:
        """The estimates of many samples, their arrays with the samples as the first axis."""
        x, y = (np.asarray(a) for a in samples[:2])
        fits, errors = fit_many(self.model, x, y, cov=self.cov)
        leaves = jax.tree.leaves(fits.model)
        chosen = [v for v, e in zip(leaves, layout(self.model).estimated, strict=True) if e]
        values = np.concatenate([np.reshape(v, (len(x), -1)) for v in chosen], axis=1)
        variances = np.diagonal(np.asarray(errors.matrix), axis1=1, axis2=2)
        with np.errstate(invalid="ignore"):
            spread = np.sqrt(variances)
        return Estimates(values, spread, np.asarray(errors.code), self.dof(x.shape[1]))

    def dof(self, n: int) -> float:
        """Those of the residuals where the dispersion is estimated by moments."""
        moment = self.model.family.dispersion_rule == "moment"
        return float(n - layout(self.model).size) if moment else np.inf
