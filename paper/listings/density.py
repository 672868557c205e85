import jax.numpy as jnp
import numpy as np

import asymptotix as asx

data = asx.load_example("mroz")


def weibull(params, x, y):  # the log-density of one duration
    z = jnp.exp(params["log_shape"]) * (jnp.log(y) - x @ params["beta"])
    return params["log_shape"] - jnp.log(y) + z - jnp.exp(z)


model = asx.from_log_prob(weibull, {"beta": np.zeros(2), "log_shape": 0.0})
x = np.column_stack([np.ones(len(data)), data["educ"] - 12])
y = data["exper"].to_numpy(float) + 0.5  # years of work, none of them zero
fit = asx.fit(model, x, y)
for kind in ("observed", "HC0"):
    cov = asx.covariance(fit, x, y, kind)
    shape = asx.delta_method(lambda m: jnp.exp(m.predictor.params["log_shape"]), fit.model, cov)
    print(f"{kind:9s} shape {shape.value:.4f}, standard error {shape.standard_error:.4f}")
