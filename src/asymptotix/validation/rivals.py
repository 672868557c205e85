"""What statsmodels says of the same models, solved there to the last digit.

Its default tolerances are too wide for a comparison of digits, and a few covariances are not what
their names say: those are computed here from statsmodels' own scores, Hessians and leverages, and
a note says so.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from asymptotix.core.errors import InputError
from asymptotix.covariances import Cluster
from asymptotix.validation.comparison import Expected
from asymptotix.validation.samples import Sample

HC1_NOTE = "statsmodels returns HC0 under this name; its HC0, the variance times n / (n - k)"
LEVERAGE_NOTE = "statsmodels returns HC0 under this name; made of its scores, Hessian and leverages"
COUNT_NOTE = "statsmodels counts coefficients only; the dispersion is added as a parameter"
SCALE_NOTE = "statsmodels at the dispersion deviance / n; by itself it takes Pearson's"

TRIALS_NOTE = "statsmodels' scale=\"X2\" forgets the trials; its Pearson's chi2 over n - k"

LINKS = {
    "logit": "Logit",
    "probit": "Probit",
    "cauchit": "Cauchy",
    "cloglog": "CLogLog",
    "loglog": "LogLog",
    "log": "Log",
    "identity": "Identity",
    "sqrt": "Sqrt",
    "inverse": "InversePower",
    "inverse_square": "InverseSquared",
}
FAMILIES = {
    "bernoulli": "Binomial",
    "binomial": "Binomial",
    "gamma": "Gamma",
    "gaussian": "Gaussian",
    "inverse gaussian": "InverseGaussian",
    "poisson": "Poisson",
    "quasi-binomial": "Binomial",
    "quasi-poisson": "Poisson",
}
QUASI = ("quasi-binomial", "quasi-poisson")
MOMENT = ("gamma", "gaussian", "inverse gaussian", *QUASI)
"""Families whose dispersion is estimated from Pearson's chi2."""
LIKELIHOODS = ("log-likelihood", "null log-likelihood", "AIC", "BIC")
POWERS = {"HC2": 1, "HC3": 2}
"""Of one less the leverage, by which outer products of scores are divided."""


def require_statsmodels() -> None:
    """Raise `InputError` where statsmodels is not installed."""
    try:
        import statsmodels.api  # noqa: F401
    except ImportError:
        raise InputError(
            "Validation compares with statsmodels, which is not installed; install it with: "
            'pip install "asymptotix[validate]"',
            code="statsmodels",
        ) from None


# --- models -----------------------------------------------------------------------------


def ols(sample: Sample) -> list[Expected]:
    """`OLS`, whose robust covariances are what they are called."""
    import statsmodels.api as sm

    y, x = matrices(sample)
    result, null = sm.OLS(y, x).fit(), sm.OLS(y, np.ones(len(y))).fit()
    errors = {kind: getattr(result, f"{kind}_se") for kind in ("HC0", "HC1", "HC2", "HC3")}
    return [
        *likelihood("OLS", result, result.llf, null.llf, COUNT_NOTE),
        Expected("dispersion", result.scale, "OLS"),
        Expected("deviance", result.ssr, "OLS"),
        Expected("standard errors", result.bse, "OLS", "observed"),
        *(Expected("standard errors", e, "OLS", kind) for kind, e in errors.items()),
        *by_cluster("OLS", result, sample),
    ]


def discrete(name: str, sample: Sample) -> list[Expected]:
    """`Logit`, `Probit`, `Poisson`, `NegativeBinomial` or `MNLogit`."""
    import statsmodels.api as sm

    y, x = matrices(sample)
    build = getattr(sm, name)
    result, null = newton(build(y, x)), newton(build(y, np.ones(len(y))))
    scores = result.model.score_obs(result.params)
    return [
        *likelihood(name, result, result.llf, null.llf),
        Expected("standard errors", column_wise(result.bse), name, "observed"),
        Expected("standard errors", deviations(np.linalg.inv(scores.T @ scores)), name, "opg"),
        *heteroskedastic(name, result, scores.shape),
        *by_cluster(name, result, sample),
    ]


def glm(family: str, link: str, sample: Sample, leveraged=("HC2", "HC3")) -> list[Expected]:
    """`GLM`; what it lacks or misnames is made of its scores, Hessians and leverages.

    Arguments:
        family, link: as `FAMILIES` and `LINKS` have them.
        sample: the data.
        leveraged: which of the covariances that use leverages are wanted.
    """
    y, x = matrices(sample)
    fit, moment = generalised(family, link, sample.options), family in MOMENT
    result, null = fit(y, x), fit(y, np.ones(len(y)))
    scores = result.model.score_obs(result.params, scale=result.scale)
    hessian = result.model.hessian(result.params, scale=result.scale, observed=True)
    scale_note = TRIALS_NOTE if family == "quasi-binomial" else ""
    llf, llnull = (at_deviance(r) if moment else r.llf for r in (result, null))
    found = [
        *likelihood("GLM", result, llf, llnull, COUNT_NOTE if moment else "", moment),
        *([Expected("dispersion", result.scale, "GLM", note=scale_note)] if moment else []),
        Expected("deviance", result.deviance, "GLM"),
        Expected("Pearson chi2", result.pearson_chi2, "GLM"),
        Expected("standard errors", result.bse, "GLM", "expected"),
        Expected("standard errors", deviations(np.linalg.inv(-hessian)), "GLM", "observed"),
        Expected("standard errors", deviations(np.linalg.inv(scores.T @ scores)), "GLM", "opg"),
        *heteroskedastic("GLM", result, scores.shape),
        *by_leverage(result, scores, hessian, leveraged),
        *by_cluster("GLM", result, sample),
    ]
    return [e for e in found if family not in QUASI or e.quantity not in LIKELIHOODS]


# --- fits -------------------------------------------------------------------------------


def matrices(sample: Sample) -> tuple[Any, Any]:
    """Response and design as statsmodels reads the formula."""
    import statsmodels.api as sm

    if sample.endog is None:
        model = sm.OLS.from_formula(sample.formula, sample.frame)
        return model.endog, model.exog
    frame = sample.frame.assign(endog_=0.0)
    _, _, right = sample.formula.partition("~")
    return sample.endog, sm.OLS.from_formula(f"endog_ ~ {right}", frame).exog


def newton(model):
    """The fit of a discrete model, iterated until nothing moves."""
    return model.fit(method="newton", tol=1e-14, maxiter=200, disp=False)


def generalised(family: str, link: str, options) -> Callable[[Any, Any], Any]:
    """From response and design to the fit of a GLM, iterated until nothing moves."""
    import statsmodels.api as sm

    def fit(y, x):
        chosen = getattr(sm.families.links, LINKS[link])()
        model = sm.GLM(y, x, family=getattr(sm.families, FAMILIES[family])(chosen), **options)
        tight = {"tol": 1e-14, "maxiter": 500, "tol_criterion": "params"}
        result = model.fit(**tight)
        if family not in QUASI:
            return result
        return model.fit(**tight, scale=result.pearson_chi2 / result.df_resid)

    return fit


# --- quantities -------------------------------------------------------------------------


def likelihood(name, result, llf, llnull, count_note="", scaled=False) -> list[Expected]:
    """Estimates, log-likelihoods and criteria; notes say that a dispersion is estimated."""
    k = np.size(result.params) + bool(count_note)
    n = getattr(result.model, "wnobs", result.nobs)  # a GLM's nobs are rows, whatever they weigh
    scale_note = SCALE_NOTE if scaled else ""
    return [
        Expected("estimates", column_wise(result.params), name),
        Expected("log-likelihood", llf, name, note=scale_note),
        Expected("null log-likelihood", llnull, name, note=scale_note),
        Expected("AIC", -2 * llf + 2 * k, name, note=count_note),
        Expected("BIC", -2 * llf + k * np.log(n), name, note=count_note),
    ]


def at_deviance(result) -> float:
    """The log-likelihood at the dispersion that maximises it."""
    return result.llf_scaled(result.deviance / result.nobs)


def heteroskedastic(name, result, shape) -> list[Expected]:
    """HC0, and HC1 as its name says."""
    from statsmodels.stats import sandwich_covariance

    n, k = shape
    errors = deviations(sandwich_covariance.cov_white_simple(result, use_correction=False))
    return [
        Expected("standard errors", errors, name, "HC0"),
        Expected("standard errors", errors * np.sqrt(n / (n - k)), name, "HC1", HC1_NOTE),
    ]


def by_leverage(result, scores, hessian, kinds) -> list[Expected]:
    """HC2 and HC3 with the leverages of expected weights."""
    room = 1 - result.get_hat_matrix_diag(observed=False)
    bread = np.linalg.inv(hessian)
    found = []
    for kind in kinds:
        meat = (scores / room[:, None] ** POWERS[kind]).T @ scores
        errors = deviations(bread @ meat @ bread)
        found.append(Expected("standard errors", errors, "GLM", kind, LEVERAGE_NOTE))
    return found


def by_cluster(name, result, sample: Sample) -> list[Expected]:
    """CR1, where the sample has clusters."""
    from statsmodels.stats import sandwich_covariance

    if sample.cluster is None:
        return []
    groups = sample.frame[sample.cluster].to_numpy()
    errors = deviations(sandwich_covariance.cov_cluster(result, groups))
    return [Expected("standard errors", errors, name, Cluster(sample.cluster))]


def deviations(covariance):
    """Square roots of the diagonal."""
    return np.sqrt(np.diag(covariance))


def column_wise(values):
    """Numbers in one dimension; those of several equations one equation after the other."""
    return np.ravel(np.asarray(values), order="F")
