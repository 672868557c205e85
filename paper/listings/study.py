import jax

import asymptotix as asx

study = asx.monte_carlo(
    asx.LinearBoundary(n=200, coef=[-1.0, 0.5], covariates=asx.SkewedCovariates()),
    asx.Estimator(asx.Logit(2), "HC1"),
    n_replications=2_000,
    key=jax.random.key(0),
)
print(study.wide()[["term", "bias", "empirical SE", "model SE", "coverage"]].round(4))
